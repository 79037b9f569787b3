"""Every situation that a contractor system may bring about is produced at the reference server, or at one that breaks
the rules in a way the reference server never would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests
import simplejson

from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.situations import SITUATIONS
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.errors import PipelineError
from qb_pipeline.situations import Situation
from qb_pipeline_tests.end_to_end.cli_running import Server, sandbox
from qb_pipeline_tests.unit.contractor.servers import Reply, scripted


@dataclass
class Office:
    """The reference server and a connector of its own for each story."""

    server: Server

    def connector(self, url: str | None = None, key: str | None = None, **connection: Any) -> RestConnector:
        system = load_system("reference")
        system = replace(system, connection=replace(system.connection, attempts=1, **connection))
        address = url or self.server.info["base_url"]
        return RestConnector(system, address, key or self.server.info["api_key"], sleep=lambda _seconds: None)

    def create(self, entity: str, key: str, **fields: Any) -> Any:
        return self.connector().create(entity, simplejson.dumps(fields).encode(), idempotency_key=key)

    def faulty(self, **rule: Any) -> RestConnector:
        self.server.control("faults", [{"match": {"path": "/api/v1/customers"}, **rule}])
        return self.connector()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with sandbox("contractor", "--port", "0", "--empty") as server:
        yield server


@pytest.fixture
def office(running: Server) -> Iterator[Office]:
    yield Office(running)
    requests.delete(f"{running.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


def answered(office: Office, status: int) -> object:
    return office.faulty(action="status", status=status, body="empty").get("customer", "c1")


def scripted_with(office: Office, reply: Reply) -> object:
    with scripted() as script:
        script.replies = [reply]
        return office.connector(script.url).get("customer", "c1")


def not_allowed(office: Office) -> object:
    refusing = office.faulty(action="status", status=403, body="empty")
    return refusing.create("customer", b'{"name": "Ann"}', idempotency_key="k7")


def duplicate_number(office: Office) -> object:
    payer = office.create("customer", "k1", name="Ann")
    fields = {"number": "7", "customer_id": payer.id, "issue_date": "2026-02-10", "lines": []}
    office.create("invoice", "k2", **fields)
    return office.create("invoice", "k3", **fields)


def stale_version(office: Office) -> object:
    ann = office.create("customer", "k4", name="Ann")
    body = b'{"name": "Anne"}'
    office.connector().update("customer", ann.id, body, expected_version=ann.version, idempotency_key="k5")
    return office.connector().update("customer", ann.id, body, expected_version=ann.version, idempotency_key="k6")


def no_answer(office: Office) -> object:
    return office.faulty(action="drop_before").get("customer", "c1")


def unsupported(office: Office) -> object:
    return office.connector().void("customer", "c1", expected_version="1", idempotency_key="k")


def no_collection(office: Office) -> object:
    return office.connector(office.server.info["base_url"] + "/elsewhere").changes("customer", None, None)


STORIES: dict[str, Callable[[Office], object]] = {
    "http_401": lambda office: answered(office, 401),
    "http_403": not_allowed,
    "http_404": lambda office: scripted_with(office, Reply(404, body=b'{"error": {"code": "not_found"}}')),
    "not_its_own_words": lambda office: answered(office, 404),
    "duplicate_number": duplicate_number,
    "http_412": lambda office: answered(office, 412),
    "http_422": lambda office: answered(office, 422),
    "http_503": lambda office: answered(office, 503),
    "no_answer": no_answer,
    "unreachable": lambda office: office.connector("http://127.0.0.1:9").get("customer", "c1"),
    "not_json": lambda office: scripted_with(office, Reply(body=b"<html>Welcome</html>")),
    "malformed_answer": lambda office: scripted_with(office, Reply(body=b'{"name": "no id"}')),
    "stale_version": stale_version,
    "unsupported": unsupported,
    "no_collection": no_collection,
    "redirected": lambda office: scripted_with(office, Reply(302, headers={"Location": "http://other.example"})),
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.code)
def test_the_contractor_system_brings_it_about(office: Office, situation: Situation) -> None:
    story = STORIES.get(situation.code)
    assert story is not None, f"no story leads to {situation.code}"
    with pytest.raises(PipelineError) as raised:
        story(office)
    assert raised.value.code == situation.code, str(raised.value)
    assert isinstance(raised.value, situation.recovery)
    assert raised.value.retry_safe == situation.retry_safe
    assert "{" not in raised.value.fix
