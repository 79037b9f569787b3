"""Every code that QuickBooks may answer is produced at the sandbox: by really doing what it refuses where that is
simple, otherwise by an item of a batch that is told to fail with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from qb_pipeline.errors import PipelineError
from qb_pipeline.quickbooks.batches import BatchItem, batch_body, encode
from qb_pipeline.quickbooks.catalogue import CATALOGUE, SITUATIONS
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource
from qb_pipeline.situations import Situation
from qb_pipeline_tests.end_to_end.test_quickbooks_client_sandbox import Running, create, invoice, sandbox, version
from qb_pipeline_tests.unit.contractor.servers import Reply, scripted

__all__ = ["sandbox"]  # the fixture
Story = Callable[[Running, QuickBooksClient], object]


@pytest.fixture
def client(sandbox: Running) -> Iterator[QuickBooksClient]:
    yield sandbox.company()
    requests.delete(f"{sandbox.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


def fresh() -> str:
    return uuid.uuid4().hex[:16]


def post(client: QuickBooksClient, name: str, body: bytes, **more: Any) -> object:
    return client.post(name, body, request_id=fresh(), **more)


# --- really done ---


def taken_name(_: Running, client: QuickBooksClient) -> object:
    name = fresh()
    create(client, "Customer", DisplayName=name)
    return create(client, "Customer", DisplayName=name, Notes="another")


def stale(_: Running, client: QuickBooksClient) -> object:
    found = create(client, "Customer", DisplayName=fresh())
    post(client, "Customer", version(found, Notes="one"))
    return post(client, "Customer", version(found, Notes="two"))


def unknown_reference(_: Running, client: QuickBooksClient) -> object:
    found = invoice(client, fresh())
    return post(client, "Invoice", version(found, CustomerRef={"value": "999999"}))


def gone(_: Running, client: QuickBooksClient) -> object:
    found = invoice(client, fresh())
    post(client, "Invoice", encode({"Id": found["Id"], "SyncToken": found["SyncToken"]}), operation="delete")
    return post(client, "Invoice", version(found, PrivateNote="x"))


def incomplete(_: Running, client: QuickBooksClient) -> object:
    return post(client, "Invoice", encode({"PrivateNote": "nobody's"}))


def long_name(_: Running, client: QuickBooksClient) -> object:
    return post(client, "Customer", encode({"DisplayName": "x" * 600}))


def unknown_property(_: Running, client: QuickBooksClient) -> object:
    return post(client, "Customer", encode({"DisplayName": fresh(), "Colour": "red"}))


def wrong_amount(_: Running, client: QuickBooksClient) -> object:
    found = invoice(client, fresh())
    [line, *_more] = [x for x in found["Line"] if x["DetailType"] == "SalesItemLineDetail"]
    return post(client, "Invoice", version(found, Line=[{**line, "Amount": Decimal("1.00")}]))


def bad_query(_: Running, client: QuickBooksClient) -> object:
    return client.count("Customer", where="Colour = 'red'")


# --- on the way ---


def ordered(running: Running, client: QuickBooksClient, **rule: Any) -> object:
    running.control("faults", [{"match": {"path": "/customer"}, **rule}])
    return post(client, "Customer", encode({"DisplayName": fresh()}))


def impatient(running: Running, client: QuickBooksClient) -> object:
    source = TokenSource(InMemoryTokenStore(running.grant.tokens), running.app)
    address, realm = running.info["base_url"], running.info["realm_id"]
    quick = QuickBooksClient(realm, address, source, Throttle(Limits.unlimited()), timeout=(2, 0.2))
    return ordered(running, quick, action="delay", seconds=1)


def nobody_there(running: Running, _: QuickBooksClient) -> object:
    source = TokenSource(InMemoryTokenStore(running.grant.tokens), running.app)
    away = QuickBooksClient(
        running.info["realm_id"], "http://127.0.0.1:9", source, Throttle(Limits.unlimited()), timeout=(1, 1)
    )
    return away.count("Customer")


def refused_refresh(running: Running, _: QuickBooksClient) -> object:
    return running.app.refresh("a token that was never given out")


def declined(running: Running, _: QuickBooksClient) -> object:
    return running.app.exchange("http://localhost:8000/callback?error=access_denied&state=s", state="s")


def elsewhere(running: Running, body: bytes, content_type: str, **more: Any) -> object:
    """A write to a server that is not QuickBooks, or is not itself."""
    source = TokenSource(InMemoryTokenStore(running.grant.tokens), running.app)
    with scripted() as script:
        script.replies = [Reply(body=body, headers={"Content-Type": content_type})]
        other = QuickBooksClient(running.info["realm_id"], script.url, source, Throttle(Limits.unlimited()))
        return post(other, "Invoice", b"{}", **more)


def a_proxys_page(running: Running, _: QuickBooksClient) -> object:
    return elsewhere(running, b"<html>Welcome to the hotel</html>", "text/html")


def not_done(running: Running, _: QuickBooksClient) -> object:
    """A void that is answered like a batch of nothing, as was seen of QuickBooks."""
    body = b'{"BatchItemResponse": [], "time": "2026-03-04T17:05:12-08:00"}'
    return elsewhere(running, body, "application/json", operation="void")


DONE: dict[str, Story] = {
    "qbo_6240": taken_name,
    "qbo_5010": stale,
    "qbo_2500": unknown_reference,
    "qbo_610": gone,
    "qbo_2020": incomplete,
    "qbo_2050": long_name,
    "qbo_2010": unknown_property,
    "qbo_6070": wrong_amount,
    "qbo_4001": bad_query,
    "qbo_invalid_grant": refused_refresh,
    "qbo_access_denied": declined,
    "qbo_unreachable": nobody_there,
    "qbo_timeout": impatient,
    "qbo_connection_lost": lambda running, client: ordered(running, client, action="drop_before"),
    "unexpected_answer": a_proxys_page,
    "qbo_http_503": lambda running, client: ordered(running, client, action="status", status=503, body="empty"),
    "not_done": not_done,
}


def told_to_fail(running: Running, client: QuickBooksClient, code: str) -> object:
    """A customer in a batch whose only item fails with the code."""
    running.control("faults", [{"action": "batch_item", "position": 0, "code": int(code), "match": {}}])
    body = batch_body([BatchItem("1", "create", "Customer", {"DisplayName": fresh()})])
    error = client.batch(body, request_id=fresh()).outcomes["1"].error
    assert error is not None
    raise error


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.code)
def test_quickbooks_brings_it_about(sandbox: Running, client: QuickBooksClient, situation: Situation) -> None:
    story = DONE.get(situation.code)
    own = situation.code.removeprefix("qbo_")
    assert story is not None or own in (*CATALOGUE, "10000"), f"no story leads to {situation.code}"
    with pytest.raises(PipelineError) as raised:
        story(sandbox, client) if story is not None else told_to_fail(sandbox, client, own)
    assert raised.value.code == situation.code, str(raised.value)
    assert isinstance(raised.value, situation.recovery)
    assert raised.value.retry_safe == situation.retry_safe
    entry = CATALOGUE.get(own)
    assert raised.value.fix == (entry.fix_of(raised.value.field) if entry else situation.fix)
