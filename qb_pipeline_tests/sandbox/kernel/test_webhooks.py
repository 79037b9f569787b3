"""Webhook delivery to a real receiver: modes, signature, retries, restart."""

import hashlib
import hmac
import time
from pathlib import Path

import pytest

from qb_pipeline_tests.sandbox.kernel.running import Client, Receiver, contractor


@pytest.fixture
def subscribed(client: Client, receiver: Receiver) -> Client:
    for old in client.control("subscribe")["subscriptions"]:
        client.control("subscribe", {"url": old["url"]}, method="DELETE")
    client.control("subscribe", {"url": receiver.url})
    return client


def make(client: Client, count: int) -> list[str]:
    return [client.made("divisions", {"name": f"Division {number}"})["id"] for number in range(count)]


def test_a_change_arrives_signed_with_the_webhook_secret(subscribed: Client, receiver: Receiver) -> None:
    record = subscribed.made("divisions", {"name": "Signed"})
    (event,) = receiver.wait_for(1)
    assert (event["type"], event["record_id"]) == ("division.created", record["id"])
    assert set(event) == {"id", "type", "record_id", "occurred_at"}
    body, headers = receiver.seen[0]
    secret = subscribed.first_line["webhook_secret"].encode()
    assert headers["x-signature"] == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def test_events_arrive_in_order(subscribed: Client, receiver: Receiver) -> None:
    ids = make(subscribed, 12)
    assert [event["record_id"] for event in receiver.wait_for(12)] == ids


def test_a_payment_also_announces_the_invoice_it_pays(subscribed: Client, receiver: Receiver) -> None:
    body = {"customer_id": "cus_000001", "issue_date": "2026-01-02", "lines": [{"amount": "50.00"}]}
    invoice = subscribed.made("invoices", body)
    payment = {"customer_id": "cus_000001", "date": "2026-01-03", "amount": "50.00"}
    subscribed.made("payments", {**payment, "allocations": [{"invoice_id": invoice["id"], "amount": "50.00"}]})
    types = [event["type"] for event in receiver.wait_for(3)]
    assert types == ["invoice.created", "payment.created", "invoice.updated"]


def test_held_events_wait_for_their_release(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("webhooks", {"deliver": "hold"})
    ids = make(subscribed, 3)
    assert receiver.wait_for(1, seconds=0.3) == []
    assert subscribed.control("webhooks", {"release": True})["deliver"] == "hold"
    assert [event["record_id"] for event in receiver.wait_for(3)] == ids
    make(subscribed, 1)
    assert len(receiver.wait_for(4, seconds=0.3)) == 3


def test_dropped_events_never_arrive(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("webhooks", {"deliver": "drop"})
    make(subscribed, 2)
    subscribed.control("webhooks", {"deliver": "normal"})
    (kept,) = make(subscribed, 1)
    assert [event["record_id"] for event in receiver.wait_for(1)] == [kept]


def test_duplicates_carry_the_same_event_id(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("webhooks", {"deliver": "duplicate"})
    make(subscribed, 2)
    ids = [event["id"] for event in receiver.wait_for(4)]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def test_shuffled_events_arrive_complete_but_out_of_order(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("webhooks", {"deliver": "hold"})
    ids = make(subscribed, 10)
    subscribed.control("webhooks", {"deliver": "shuffle"})
    arrived = [event["record_id"] for event in receiver.wait_for(10)]
    assert sorted(arrived) == sorted(ids)
    assert arrived != ids


def test_a_refused_event_comes_again_after_the_scaled_delay(subscribed: Client, receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    subscribed.control("limits", {"time_scale": 100})
    make(subscribed, 1)
    started = time.monotonic()
    ids = [event["id"] for event in receiver.wait_for(3)]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert 0.25 <= time.monotonic() - started < 3


def test_advancing_the_clock_brings_a_retry_forward(subscribed: Client, receiver: Receiver) -> None:
    receiver.statuses = [500]
    before = subscribed.control("webhooks")["refused"]
    make(subscribed, 1)
    receiver.wait_for(1)
    deadline = time.monotonic() + 5
    while subscribed.control("webhooks")["refused"] == before and time.monotonic() < deadline:
        time.sleep(0.02)
    subscribed.control("clock", {"advance_seconds": 11})
    assert len(receiver.wait_for(2)) == 2


def test_an_event_survives_the_death_of_the_server(tmp_path: Path, receiver: Receiver) -> None:
    state = tmp_path / "state.db"
    with contractor("--state", state, "--empty") as first:
        first.control("subscribe", {"url": receiver.url})
        first.control("webhooks", {"deliver": "hold"})
        (made,) = make(first, 1)
        first.kill()
    with contractor("--state", state) as second:
        assert second.control("webhooks")["pending"] == 1
        second.control("webhooks", {"deliver": "normal"})
        assert [event["record_id"] for event in receiver.wait_for(1)] == [made]


def test_an_unknown_subscription_cannot_be_removed(client: Client) -> None:
    answer = client.call("DELETE", "/_sandbox/subscribe", json={"url": "http://127.0.0.1:1/nobody"})
    assert answer.status_code == 404
