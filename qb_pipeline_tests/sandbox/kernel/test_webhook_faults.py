"""Webhooks that get lost, come twice, late or out of order on order; gathering; and receivers given up."""

import time
from pathlib import Path
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.kernel.running import Client, Receiver, contractor


@pytest.fixture
def subscribed(client: Client, receiver: Receiver) -> Client:
    for old in client.control("subscribe")["subscriptions"]:
        client.control("subscribe", {"url": old["url"]}, method="DELETE")
    client.control("webhooks", {"aggregate_seconds": 0, "disable_after_seconds": 604_800})
    client.control("subscribe", {"url": receiver.url})
    return client


def make(client: Client, count: int, collection: str = "divisions") -> list[str]:
    return [client.made(collection, {"name": f"Record {number}"})["id"] for number in range(count)]


def counts(client: Client) -> dict[str, int]:
    return dict(client.control("state")["webhooks"])


def grown(client: Client, before: dict[str, int]) -> dict[str, int]:
    """What has been counted since `before`."""
    return {name: value - before[name] for name, value in counts(client).items()}


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["record_id"] for event in events]


def until(client: Client, name: str, value: int) -> dict[str, int]:
    """The counts once `name` has come to `value`."""
    deadline = time.monotonic() + 5
    while counts(client)[name] != value and time.monotonic() < deadline:
        time.sleep(0.02)
    return counts(client)


def lost_with(client: Client, receiver: Receiver, seed: int) -> list[int]:
    """The positions of 20 events that did not arrive."""
    client.control("faults", method="DELETE")
    client.control("faults", [{"action": "webhook_lost", "probability": 0.4, "seed": seed}])
    before, seen = counts(client), len(receiver.seen)
    made = make(client, 20)
    lost = grown(client, before)["lost"]
    arrived = ids(receiver.wait_for(seen + 20 - lost))
    assert len(arrived) >= 20 - lost
    return [position for position, one in enumerate(made) if one not in arrived]


def test_the_same_seed_loses_the_same_events_and_counts_them(subscribed: Client, receiver: Receiver) -> None:
    before = counts(subscribed)
    first = lost_with(subscribed, receiver, 3)
    assert 0 < len(first) < 20
    assert lost_with(subscribed, receiver, 3) == first
    assert lost_with(subscribed, receiver, 4) != first
    assert grown(subscribed, before)["lost"] >= 2 * len(first)
    (rule,) = subscribed.control("faults")["rules"]
    assert rule["fired"] > 0


def test_doubled_events_come_twice_and_are_counted(subscribed: Client, receiver: Receiver) -> None:
    before = counts(subscribed)
    subscribed.control("faults", [{"action": "webhook_doubled", "times": 2}])
    first, second, third = make(subscribed, 3)
    events = receiver.wait_for(5)
    assert sorted(ids(events)) == sorted([first, first, second, second, third])
    assert len({event["id"] for event in events}) == 3
    assert grown(subscribed, before)["doubled"] == 2


def test_what_a_mode_loses_doubles_and_shuffles_is_counted_too(subscribed: Client, receiver: Receiver) -> None:
    before = counts(subscribed)
    for number, mode in enumerate(("drop", "duplicate", "shuffle")):
        subscribed.control("webhooks", {"deliver": mode})
        make(subscribed, 1)
        until(subscribed, "delivered", before["delivered"] + number)
    told = grown(subscribed, before)
    assert (told["dropped"], told["doubled"], told["shuffled"]) == (1, 1, 1)
    assert len(receiver.seen) == 3


def test_only_events_that_match_are_struck(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("faults", [{"match": {"entity": "terms", "operation": "created"}, "action": "webhook_lost"}])
    make(subscribed, 1, "terms")
    (kept,) = make(subscribed, 1)
    assert ids(receiver.wait_for(1)) == [kept]


def test_a_delayed_event_waits_for_its_time_while_others_pass(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("faults", [{"action": "webhook_delayed", "seconds": 3600, "times": 1}])
    late, prompt = make(subscribed, 2)
    assert ids(receiver.wait_for(2, seconds=0.4)) == [prompt]
    subscribed.control("clock", {"advance_seconds": 3601})
    assert ids(receiver.wait_for(2)) == [prompt, late]


def test_shuffled_events_all_arrive_in_another_order(subscribed: Client, receiver: Receiver) -> None:
    before = counts(subscribed)
    subscribed.control("faults", [{"action": "webhook_shuffled", "seconds": 0.5, "probability": 0.5, "seed": 1}])
    made = make(subscribed, 20)
    arrived = ids(receiver.wait_for(20))
    assert sorted(arrived) == sorted(made)
    assert arrived != made
    assert 0 < grown(subscribed, before)["shuffled"] < 20


def test_gathered_events_leave_together_after_the_scaled_time(subscribed: Client, receiver: Receiver) -> None:
    subscribed.control("limits", {"time_scale": 600})
    subscribed.control("webhooks", {"aggregate_seconds": 300})
    started = time.monotonic()
    made = make(subscribed, 3)
    assert ids(receiver.wait_for(3)) == made
    assert 0.4 <= time.monotonic() - started < 3


def test_a_dead_receiver_is_tried_for_days_and_then_disabled(subscribed: Client, receiver: Receiver) -> None:
    receiver.statuses = [500] * 1000
    before = counts(subscribed)
    make(subscribed, 1)
    receiver.wait_for(1)
    for tried, hours in enumerate((0.01, 0.01, 0.01, 0.1, 0.4, 2, 4, 6, 6, 6), 2):
        # Put off before the clock moves, else the next attempt counts from the moved clock.
        until(subscribed, "refused", before["refused"] + tried - 1)
        subscribed.control("clock", {"advance_seconds": hours * 3600 + 1})
        assert len(receiver.wait_for(tried)) == tried
    subscribed.control("webhooks", {"disable_after_seconds": 86_400})
    subscribed.control("clock", {"advance_seconds": 86_400})
    assert until(subscribed, "failed", before["failed"] + 1)["pending"] == 0
    (subscription,) = subscribed.control("subscribe")["subscriptions"]
    assert subscription == {"url": receiver.url, "format": "legacy", "disabled": True}
    make(subscribed, 1)
    assert counts(subscribed)["pending"] == 0
    receiver.statuses = []
    seen = len(receiver.seen)
    subscribed.control("subscribe", {"url": receiver.url})
    (told,) = make(subscribed, 1)
    assert ids(receiver.wait_for(seen + 1))[-1] == told


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"aggregate_seconds": -1}, "aggregate_seconds"),
        ({"aggregate_seconds": "5"}, "aggregate_seconds"),
        ({"disable_after_seconds": 0}, "disable_after_seconds"),
        ({"disable_after_seconds": True}, "disable_after_seconds"),
        ({"deliver": "hold", "aggregate_seconds": None}, "aggregate_seconds"),
    ],
)
def test_a_setting_that_is_not_understood_changes_nothing(client: Client, body: Any, field: str) -> None:
    before = client.control("webhooks")
    answer = client.call("POST", "/_sandbox/webhooks", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert client.control("webhooks") == before


def test_settings_delays_and_disabled_receivers_survive_the_death_of_the_server(
    tmp_path: Path, receiver: Receiver
) -> None:
    state = tmp_path / "state.db"
    dead = "http://127.0.0.1:9/nobody"
    with contractor("--state", state, "--empty") as first:
        first.control("subscribe", {"url": dead})
        first.control("webhooks", {"aggregate_seconds": 0, "disable_after_seconds": 1e-9})
        make(first, 1)
        until(first, "refused", 1)
        first.control("clock", {"advance_seconds": 11})
        assert until(first, "failed", 1)["pending"] == 0
        first.control("subscribe", {"url": receiver.url})
        first.control("webhooks", {"aggregate_seconds": 250})
        first.control("faults", [{"action": "webhook_delayed", "seconds": 3600}])
        (late,) = make(first, 1)
        kept = {name: first.control("webhooks")[name] for name in ("aggregate_seconds", "disable_after_seconds")}
        first.kill()
    with contractor("--state", state) as second:
        now = second.control("webhooks")
        assert {name: now[name] for name in kept} == kept
        assert [one.get("disabled", False) for one in now["subscriptions"]] == [True, False]
        assert now["pending"] == 1
        second.control("clock", {"advance_seconds": 3600 + 251})
        assert ids(receiver.wait_for(1)) == [late]
