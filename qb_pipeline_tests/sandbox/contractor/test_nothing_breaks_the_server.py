"""Whatever is sent, the answer is JSON with a status below 500, and a killed server loses nothing it answered."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qb_pipeline.sandbox.contractor.fields import DECLARED
from qb_pipeline_tests.sandbox.kernel.running import Client, contractor

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COLLECTIONS = tuple(one.name for one in DECLARED)
NAMES = sorted({field.name for one in DECLARED for field in one.fields} | {"id", "version", "deleted_at"})
INNER = sorted({inner.name for one in DECLARED for field in one.fields for inner in field.fields} | {"line1"})
texts = st.one_of(
    st.text(max_size=8), st.sampled_from(("12.30", "2026-03-31", "cus_000001", "0", "-1", "\ud800", "\0", "9" * 400))
)
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
entries = st.lists(st.dictionaries(st.sampled_from(INNER), plain, max_size=4), max_size=3)
values = st.one_of(plain, entries, st.dictionaries(st.sampled_from(INNER), plain, max_size=3))
bodies = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)


def sound(answer: requests.Response) -> None:
    """JSON, and no failure of the server's own."""
    assert answer.status_code < 500, answer.text
    error = answer.json().get("error")
    assert answer.status_code < 400 or (error["code"] and error["message"])


@FUZZ
@given(collection=st.sampled_from(COLLECTIONS), body=bodies)
def test_no_body_breaks_a_create_or_an_update(client: Client, collection: str, body: dict[str, Any]) -> None:
    text = json.dumps(body)
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(hash(text))}
    made = client.call("POST", f"/api/v1/{collection}", data=text, headers=headers)
    sound(made)
    if made.status_code == 201:
        change = {"Content-Type": "application/json", "If-Match": '"1"'}
        sound(client.call("PATCH", f"/api/v1/{collection}/{made.json()['id']}", data=text, headers=change))


@FUZZ
@given(
    method=st.sampled_from(("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")),
    parts=st.lists(st.one_of(st.sampled_from((*COLLECTIONS, "void", "cus_000001")), st.text(max_size=5)), max_size=4),
    query=st.dictionaries(
        st.sampled_from(("limit", "cursor", "updated_since", "include_deleted", "x")), texts, max_size=3
    ),
    match=st.one_of(st.none(), st.text(alphabet='"*0129ab', max_size=5)),
)
def test_no_address_breaks_the_server(
    client: Client, method: str, parts: list[str], query: dict[str, str], match: str | None
) -> None:
    path = "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in parts)
    readable = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    headers = {} if match is None else {"If-Match": match}
    sound(client.call(method, f"/api/v1/{path}", params=readable, headers=headers))


@FUZZ
@given(
    name=st.sampled_from(("faults", "limits", "clock", "subscribe", "webhooks", "ui", "token")),
    body=st.one_of(
        values,
        st.lists(
            st.dictionaries(
                st.sampled_from(("match", "action", "status", "seconds", "times", "ids", "when", "seed", "page")),
                st.one_of(values, st.sampled_from(("poison", "row_change", "status", "webhook_lost"))),
                max_size=5,
            ),
            max_size=2,
        ),
        st.dictionaries(
            st.sampled_from(("enforce", "time_scale", "advance_seconds", "url", "deliver", "release", "act", "from")),
            plain,
            max_size=4,
        ),
    ),
)
def test_no_control_call_breaks_the_server(name: str, body: Any, control_server: Client) -> None:
    answer = control_server.call("POST", f"/_sandbox/{name}", data=json.dumps(body))
    sound(answer)
    control_server.control("faults", method="DELETE")
    control_server.control("limits", {"enforce": False, "time_scale": 1, "latency_seconds": 0})


@pytest.fixture(scope="module")
def control_server() -> Any:
    """A server whose clock and settings may become anything."""
    with contractor("--empty") as client:
        yield client


def test_a_server_killed_in_mid_stream_comes_back_with_books_that_agree(tmp_path: Path) -> None:
    """A payment, its invoice and their versions are one change: after the kill there is all of it or nothing."""
    state = tmp_path / "state.db"
    paid: list[dict[str, Any]] = []
    with contractor("--state", state, "--empty") as first:
        customer = first.made("customers", {"name": "Ann"})["id"]
        document = {"customer_id": customer, "issue_date": "2026-03-01", "lines": [{"amount": "1000.00"}]}
        invoice = first.made("invoices", document)["id"]
        threading.Timer(0.4, first.process.kill).start()
        body = {"customer_id": customer, "date": "2026-03-02", "amount": "0.01"}
        allocations = [{"invoice_id": invoice, "amount": "0.01"}]
        with pytest.raises(requests.ConnectionError):
            while True:
                paid.append(first.post("payments", body | {"allocations": allocations}, key=f"pay-{len(paid)}").json())
    assert paid
    with contractor("--state", state) as second:
        assert [second.one(f"payments/{one['id']}") for one in paid] == paid
        count = second.control("state")["collections"]["payments"]["count"]
        assert len(paid) <= count <= len(paid) + 1
        after = second.one(f"invoices/{invoice}")
        assert Decimal(after["balance"]) == Decimal("1000.00") - count * Decimal("0.01")
        assert int(after["version"]) == 1 + count
        again = second.post("payments", body | {"allocations": allocations}, key="pay-0")
        assert again.json() == paid[0]
