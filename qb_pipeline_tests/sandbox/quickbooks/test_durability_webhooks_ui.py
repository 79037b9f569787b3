"""What survives SIGKILL, what subscribers are told, and what a person does in the product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books, running

Delivery = tuple[dict[str, str], bytes]


def test_what_was_answered_survives_sigkill_with_tokens_replays_and_sequences(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with running(state) as first:
        books = open_books(first)
        customer = books.make("Customer", {"DisplayName": "Ridge Farm"}, requestid="k")
        invoice = books.invoice(customer, books.item())
        switches = f"{first['base_url']}/_sandbox/switches"
        requests.post(switches, json={"ast": "recompute"}, timeout=10).raise_for_status()
        first["process"].kill()
        first["process"].wait()
    with running(state) as second:
        assert {key: second[key] for key in ("client_id", "client_secret", "verifier_token", "realm_id")} == {
            key: first[key] for key in ("client_id", "client_secret", "verifier_token", "realm_id")
        }
        books.base = second["base_url"]
        assert books.again("Invoice", invoice) == invoice
        kept = requests.get(f"{second['base_url']}/_sandbox/switches", timeout=10).json()
        assert kept["ast"] == "recompute"
        assert books.make("Customer", {"DisplayName": "Other"}, requestid="k") == customer
        assert books.query("select count(*) from Customer") == {"totalCount": 1}
        assert int(books.invoice(customer, {"Id": "1"})["Id"]) == int(invoice["Id"]) + 1


def test_writes_answered_before_a_sigkill_in_mid_stream_are_all_there(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    answered: list[str] = []
    with running(state) as first:
        books = open_books(first)
        threading.Timer(0.4, first["process"].kill).start()
        try:
            while True:
                answered += [books.customer(f"Customer {len(answered)}")["Id"]]
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            assert answered
    with running(state) as second:
        books = open_books(second)
        total = books.query("select count(*) from Customer")["totalCount"]
        assert len(answered) <= total <= len(answered) + 1
        assert books.read("Customer", answered[-1])["DisplayName"] == f"Customer {len(answered) - 1}"


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Delivery]]]:
    """An address that keeps what it is sent."""
    seen: list[Delivery] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append(({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            return

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/hook", seen
    finally:
        httpd.shutdown()
        httpd.server_close()


def wait_for(seen: list[Delivery], events: int, count: Any) -> None:
    end = time.monotonic() + 10
    while sum(count(json.loads(body)) for _, body in seen) < events:
        assert time.monotonic() < end, seen
        time.sleep(0.02)


def signed(info: Body, headers: dict[str, str], body: bytes) -> bool:
    digest = hmac.new(info["verifier_token"].encode(), body, hashlib.sha256).digest()
    return headers["intuit-signature"] == base64.b64encode(digest).decode()


def entities_of(payload: Any) -> list[Body]:
    return [one for note in payload["eventNotifications"] for one in note["dataChangeEvent"]["entities"]]


def test_every_write_is_announced_in_the_legacy_format_and_signed(receiver: tuple[str, list[Delivery]]) -> None:
    url, seen = receiver
    with running() as info:
        subscribe = {"url": url, "format": "legacy"}
        requests.post(f"{info['base_url']}/_sandbox/subscribe", json=subscribe, timeout=10).raise_for_status()
        books = open_books(info)
        customer = books.customer()
        invoice = books.invoice(customer, books.item())
        books.payment(customer, 100, (invoice, 100))
        books.post("invoice", {"Id": invoice["Id"], "SyncToken": "1"}, operation="void")
        wait_for(seen, 7, lambda payload: len(entities_of(payload)))
    told = [(one["name"], one["id"], one["operation"]) for _, body in seen for one in entities_of(json.loads(body))]
    assert told == [
        ("Customer", "1", "Create"),
        ("Item", "1", "Create"),
        ("Invoice", "1", "Create"),
        ("Payment", "2", "Create"),
        ("Invoice", "1", "Update"),
        ("Invoice", "1", "Void"),
        ("Payment", "2", "Update"),
    ]
    assert all(signed(info, headers, body) for headers, body in seen)
    assert all(json.loads(body)["eventNotifications"][0]["realmId"] == info["realm_id"] for _, body in seen)


def test_cloud_events_are_an_array_with_unique_ids(receiver: tuple[str, list[Delivery]]) -> None:
    url, seen = receiver
    with running() as info:
        subscribe = {"url": url, "format": "cloudevents"}
        requests.post(f"{info['base_url']}/_sandbox/subscribe", json=subscribe, timeout=10).raise_for_status()
        books = open_books(info)
        first, second = books.customer("Jane Cole"), books.customer("Cole, Jane")
        books.ui(act="merge", entity="Customer", **{"from": second["Id"]}, into=first["Id"])
        wait_for(seen, 3, len)
    events = [event for _, body in seen for event in json.loads(body)]
    assert [event["type"] for event in events] == ["qbo.customer.created.v1"] * 2 + ["qbo.customer.merged.v1"]
    assert (events[2]["intuitentityid"], events[2]["data"]) == (first["Id"], {"deletedid": second["Id"]})
    assert len({event["id"] for event in events}) == 3
    assert all(signed(info, headers, body) for headers, body in seen)
    assert all(headers["content-type"] == "application/cloudevents+json" for headers, _ in seen)


def test_a_merge_repoints_everything_and_leaves_a_tombstone(books: Books) -> None:
    loser, winner, item = books.customer("Jane Cole (2)"), books.customer("Jane Cole"), books.item()
    invoice = books.invoice(loser, item, 100)
    payment = books.payment(loser, 130, (invoice, 100))
    books.invoice(winner, item, 50)
    books.ui(act="merge", entity="Customer", **{"from": loser["Id"]}, into=winner["Id"])
    assert books.get(f"customer/{loser['Id']}")[1]["Fault"]["Error"][0]["code"] == "610"
    for entity, obj in (("Invoice", invoice), ("Payment", payment)):
        assert books.again(entity, obj)["CustomerRef"] == {"value": winner["Id"], "name": "Jane Cole"}
    assert books.again("Customer", winner)["Balance"] == 20
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    (block,) = books.get("cdc", entities="Customer", changedSince=since)[1]["CDCResponse"][0]["QueryResponse"]
    assert block["Customer"][-1]["status"] == "Deleted"


def test_a_merge_takes_over_jobs_with_their_paths(books: Books) -> None:
    loser, winner = books.customer("Cole"), books.customer("Cole LLC")
    job = books.customer("Barn", Job=True, ParentRef={"value": loser["Id"]})
    books.invoice(job, books.item(), 40)
    books.ui(act="merge", entity="Customer", **{"from": loser["Id"]}, into=winner["Id"])
    assert books.again("Customer", job)["FullyQualifiedName"] == "Cole LLC:Barn"
    assert books.again("Customer", winner)["BalanceWithJobs"] == 40


def test_a_switch_that_is_not_understood_changes_nothing(books: Books) -> None:
    url = f"{books.base}/_sandbox/switches"
    before = requests.get(url, timeout=10).json()
    for sent in ({"ast": "sometimes"}, {"mood": 1}, {"refresh_rotation_seconds": "1"}):
        assert requests.post(url, json=sent, timeout=10).status_code == 400
    assert requests.get(url, timeout=10).json() == before


def test_a_person_edits_and_deletes_without_a_token(books: Books) -> None:
    customer, item = books.customer(), books.item()
    books.ui(act="edit", entity="Customer", id=customer["Id"], fields={"Notes": "by hand"})
    assert books.again("Customer", customer)["Notes"] == "by hand"
    assert books.again("Customer", customer)["SyncToken"] == "1"
    invoice = books.invoice(customer, item)
    books.ui(act="delete", entity="Invoice", id=invoice["Id"])
    assert books.query("select * from Invoice") == {}
    books.ui(act="delete", entity="Customer", id=customer["Id"])
    assert books.again("Customer", customer)["Active"] is False


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ({"act": "dance"}, 400),
        ({"act": "edit", "entity": "Customer", "id": "99", "fields": {}}, 404),
        ({"act": "edit", "entity": "Spaceship", "id": "1", "fields": {}}, 400),
        ({"act": "close_books", "date": "soon"}, 400),
        ({"act": "deposit", "payments": []}, 400),
        ({"act": "deposit", "payments": ["99"]}, 409),
        ({"act": "merge", "entity": "Invoice", "from": "1", "into": "2"}, 400),
    ],
)
def test_an_act_that_makes_no_sense_is_refused_with_its_reason(books: Books, act: Body, status: int) -> None:
    url = f"{books.base}/_sandbox/ui"
    answer = requests.post(url, json={**act, "realm_id": books.realm}, timeout=10)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_the_state_counts_and_sums_each_entity(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item, 100, Line=[line(item, 100)])
    books.payment(customer, 70, (invoice, 60))
    found = requests.get(f"{books.base}/_sandbox/state", timeout=10).json()["realms"][books.realm]
    assert found["entities"]["Invoice"] == {"count": 1, "active": 1, "TotalAmt": "100", "Balance": "40"}
    assert found["open_receivables"] == "30"


def test_a_new_company_without_empty_has_a_little_of_everything() -> None:
    with running(empty=False) as info:
        books = open_books(info)
        for entity in ("Customer", "Vendor", "Employee", "Item", "Invoice", "Payment", "Account", "Term"):
            assert books.query(f"select count(*) from {entity}")["totalCount"] > 0, entity
        assert set(info) >= {"base_url", "client_id", "client_secret", "realm_id", "verifier_token", "discovery_url"}
