"""Intuit's two notification formats, read by an unmodified client's verification and by their documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from quickbooks import QuickBooks

from qb_pipeline_tests.sandbox.kernel.running import Receiver
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running


@pytest.fixture(scope="module")
def own() -> Iterator[Body]:
    """A server of its own: every subscription hears of every company."""
    with running() as info:
        yield info


@pytest.fixture
def receiver(own: Body) -> Iterator[Receiver]:
    """A receiver that nobody else has; it is unsubscribed in the end."""
    one = Receiver()
    yield one
    post(own, "webhooks", {"deliver": "normal", "aggregate_seconds": 0})
    for old in requests.get(f"{own['base_url']}/_sandbox/subscribe", timeout=10).json()["subscriptions"]:
        requests.delete(f"{own['base_url']}/_sandbox/subscribe", json={"url": old["url"]}, timeout=10)
    one.close()


def post(info: Body, name: str, body: Body) -> Body:
    answer = requests.post(f"{info['base_url']}/_sandbox/{name}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def told_of_a_merge(info: Body, receiver: Receiver, wanted: str, realm: str) -> tuple[Books, Body, Body]:
    """A company in which two customers were made and merged, all told in one request."""
    post(info, "webhooks", {"deliver": "hold"})
    post(info, "subscribe", {"url": receiver.url, "format": wanted})
    books = open_books(info, realm)
    kept, lost = books.customer("Jane Cole"), books.customer("Cole, Jane")
    books.ui(act="merge", entity="Customer", **{"from": lost["Id"]}, into=kept["Id"])
    post(info, "webhooks", {"deliver": "normal"})
    receiver.wait_for(1)
    return books, kept, lost


def test_a_legacy_notification_verifies_and_tells_creates_and_merges(own: Body, receiver: Receiver) -> None:
    books, kept, lost = told_of_a_merge(own, receiver, "legacy", "8101")
    raw, headers = receiver.seen[0]
    client = QuickBooks.__new__(QuickBooks)
    assert client.validate_webhook_signature(raw.decode(), headers["intuit-signature"], own["verifier_token"])
    assert not client.validate_webhook_signature(raw.decode() + " ", headers["intuit-signature"], own["verifier_token"])
    (notice,) = json.loads(raw)["eventNotifications"]
    assert notice["realmId"] == books.realm
    entities = notice["dataChangeEvent"]["entities"]
    assert [(one["operation"], one["id"]) for one in entities][:2] == [("Create", kept["Id"]), ("Create", lost["Id"])]
    merged = next(one for one in entities if one["operation"] == "Merge")
    assert (merged["name"], merged["id"], merged["deletedId"]) == ("Customer", kept["Id"], lost["Id"])
    assert all(one["lastUpdated"].endswith("Z") for one in entities)


def test_a_cloud_event_carries_documented_attributes_and_its_deleted_id(own: Body, receiver: Receiver) -> None:
    books, kept, lost = told_of_a_merge(own, receiver, "cloudevents", "8102")
    raw, headers = receiver.seen[0]
    assert headers["content-type"] == "application/cloudevents+json"
    client = QuickBooks.__new__(QuickBooks)
    assert client.validate_webhook_signature(raw.decode(), headers["intuit-signature"], own["verifier_token"])
    events = json.loads(raw)
    assert {event["specversion"] for event in events} == {"1.0"}
    assert {event["intuitaccountid"] for event in events} == {books.realm}
    assert len({event["id"] for event in events}) == len(events)
    assert all(event["source"].startswith("intuit.") for event in events)
    merged = next(event for event in events if event["type"] == "qbo.customer.merged.v1")
    assert (merged["intuitentityid"], merged["data"]) == (kept["Id"], {"deletedid": lost["Id"]})


def test_companies_are_grouped_in_a_legacy_notification(own: Body, receiver: Receiver) -> None:
    post(own, "webhooks", {"deliver": "hold"})
    post(own, "subscribe", {"url": receiver.url})
    for name, realm in (("Ann", "8103"), ("Ben", "8104"), ("Cy", "8103")):
        open_books(own, realm).customer(name)
    post(own, "webhooks", {"deliver": "normal"})
    (body,) = receiver.wait_for(1)
    told = {note["realmId"]: len(note["dataChangeEvent"]["entities"]) for note in body["eventNotifications"]}
    assert told == {"8103": 2, "8104": 1}


def test_at_most_a_hundred_events_travel_together(own: Body, receiver: Receiver) -> None:
    post(own, "webhooks", {"deliver": "hold"})
    post(own, "subscribe", {"url": receiver.url, "format": "cloudevents"})
    books = open_books(own, "8105")
    names = [{"bId": str(n), "Customer": {"DisplayName": f"Customer {n}"}} for n in range(120)]
    for start in range(0, 120, 30):
        books.post("batch", {"BatchItemRequest": names[start : start + 30]})
    post(own, "webhooks", {"deliver": "normal"})
    bodies: list[Any] = receiver.wait_for(2)
    assert [len(events) for events in bodies] == [100, 20]


def test_webhook_faults_match_the_entity_and_the_operation(own: Body, receiver: Receiver) -> None:
    post(own, "subscribe", {"url": receiver.url})
    books = open_books(own, "8106")
    customer = books.customer()
    receiver.wait_for(1)
    rule = {"match": {"entity": "Customer", "operation": "Update"}, "action": "webhook_lost", "times": 1}
    requests.post(f"{own['base_url']}/_sandbox/faults", json=[rule], timeout=10).raise_for_status()
    before = requests.get(f"{own['base_url']}/_sandbox/state", timeout=10).json()["webhooks"]["lost"]
    customer = books.change("Customer", customer, Notes="never told")
    books.change("Customer", customer, Notes="told")
    receiver.wait_for(2)
    told = [one for body, _ in receiver.seen for one in json.loads(body)["eventNotifications"]]
    operations = [one["operation"] for note in told for one in note["dataChangeEvent"]["entities"]]
    assert operations == ["Create", "Update"]
    assert requests.get(f"{own['base_url']}/_sandbox/state", timeout=10).json()["webhooks"]["lost"] == before + 1
