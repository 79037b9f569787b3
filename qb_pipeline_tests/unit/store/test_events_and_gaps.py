"""Inbox, aliases, gaps and notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import aliases, gaps, inbox, inbox_counts, notices, runs
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.inbox import Event, InboxState
from qb_pipeline.store.locks import company_lock
from qb_pipeline_tests.unit.store.builders import NOON

QBO = Side.QUICKBOOKS


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def event(key: str, record: str = "7", company: str | None = "acme", **more: object) -> Event:
    return Event("quickbooks", "Customer", record, "updated", key, company=company, **more)  # type: ignore[arg-type]  # test data


def test_an_event_delivered_twice_is_stored_once(conn: Connection) -> None:
    assert inbox.store(conn, [event("a"), event("b"), event("a")]) == 2
    assert inbox.store(conn, [event("b"), event("c")]) == 1
    assert inbox.waiting(conn)["acme"].count == 3


def test_two_processes_given_the_same_events_in_different_orders_keep_them_once_and_in_order(engine: Engine) -> None:
    events = [event(f"k{number}", record=str(number)) for number in range(1000)]
    errors: list[Exception] = []

    def keep(given: list[Event]) -> None:
        try:
            with engine.begin() as conn:
                inbox.store(conn, given)
        except DBAPIError as error:
            errors.append(error)

    both = [threading.Thread(target=keep, args=(given,)) for given in (events, events[::-1])]
    for each in both:
        each.start()
    for each in both:
        each.join()
    with engine.begin() as conn:
        kept = [e.record_id for e in inbox.take(conn, "acme", 1, 10_000, "run-1")]
    assert errors == []
    assert kept in ([e.record_id for e in events], [e.record_id for e in events[::-1]])


def test_a_run_takes_a_range_once_and_what_it_never_finished_waits_again(conn: Connection) -> None:
    inbox.store(conn, [event("a"), event("b", company="zenith"), event("c")])
    mine = inbox.waiting(conn)["acme"]
    taken = inbox.take(conn, "acme", mine.first, mine.last, "run-1")
    assert [e.dedupe_key for e in taken] == ["a", "c"]
    assert inbox.take(conn, "acme", mine.first, mine.last, "run-2") == []
    assert inbox.release_abandoned(conn, "acme", alive="run-1") == 0
    assert inbox.release_abandoned(conn, "acme", alive="run-2") == 2
    assert len(inbox.take(conn, "acme", mine.first, mine.last, "run-2")) == 2
    assert inbox.done(conn, "acme", "run-2") == 2
    assert set(inbox.waiting(conn)) == {"zenith"}
    assert inbox.counts(conn)["quickbooks", "done"] == 2


def test_a_run_that_fails_gives_its_events_back(conn: Connection) -> None:
    inbox.store(conn, [event("a")])
    inbox.take(conn, "acme", 0, 10**9, "run-1")
    assert inbox.release(conn, "acme", "run-1") == 1
    assert inbox.waiting(conn)["acme"].count == 1


def test_a_step_that_is_tried_again_is_given_what_its_run_took_before(conn: Connection) -> None:
    inbox.store(conn, [event("a"), event("b"), event("c")])
    mine = inbox.waiting(conn)["acme"]
    inbox.take(conn, "acme", mine.first, mine.last - 1, "run-1")
    again = inbox.take(conn, "acme", mine.last + 1, mine.last + 1, "run-1")
    assert [e.dedupe_key for e in again] == ["a", "b"], "whatever its range was"
    assert [e.dedupe_key for e in inbox.take(conn, "acme", mine.first, mine.last, "run-2")] == ["c"]
    assert inbox.done(conn, "acme", "run-1") == 2


def test_what_a_run_took_waits_again_once_the_run_is_not_alive(engine: Engine) -> None:
    with company_lock(engine, "acme"), engine.begin() as conn:
        inbox.store(conn, [event("a")])
        runs.start(conn, "acme", "webhook_changes", "run-1")
        inbox.take(conn, "acme", 0, 10**9, "run-1")
        assert inbox.release_dead(conn) == 0
        assert inbox.waiting(conn) == {}
    with engine.begin() as conn:
        assert inbox.release_dead(conn) == 1, "a killed run leaves its row open, but not its lock held"
        assert inbox.waiting(conn)["acme"].count == 1
        assert inbox.release_dead(conn) == 0


def test_what_a_killed_run_took_waits_again_while_another_run_holds_the_company(engine: Engine) -> None:
    with engine.begin() as conn:
        inbox.store(conn, [event("a")])
        runs.start(conn, "acme", "webhook_changes", "killed")
        inbox.take(conn, "acme", 0, 10**9, "killed")
    with company_lock(engine, "acme"), engine.begin() as conn:
        runs.start(conn, "acme", "cdc_sweep", "another")
        assert inbox.release_dead(conn) == 1


def test_events_that_were_noted_as_at_rest_hide_nothing_that_a_dead_run_holds(conn: Connection) -> None:
    inbox.store(conn, [event("a"), event("b"), event("c")])
    first = inbox.waiting(conn)["acme"].first
    inbox.take(conn, "acme", first, first, "looked")
    inbox.done(conn, "acme", "looked")
    inbox.take(conn, "acme", first + 1, first + 1, "killed")
    assert inbox_counts.note(conn, utcnow() + timedelta(hours=2)) == first
    assert inbox.release_dead(conn) == 1


def test_events_of_an_unknown_realm_are_kept_and_wait_once_it_is_connected(conn: Connection) -> None:
    inbox.store(conn, [event("a", company=None, realm_id="99", state=InboxState.UNKNOWN)])
    assert inbox.waiting(conn) == {}
    assert inbox.adopt(conn, "acme", "99") == 1
    assert inbox.waiting(conn)["acme"].count == 1


def test_an_alias_of_an_alias_ends_at_the_last_survivor(conn: Connection) -> None:
    aliases.add(conn, "acme", "customer", QBO, "1", "2", "webhook")
    aliases.add(conn, "acme", "customer", QBO, "2", "3", "sweep")
    aliases.add(conn, "acme", "customer", QBO, "4", "1", "sweep")
    assert aliases.everything(conn, "acme", "customer", QBO) == {"1": "3", "2": "3", "4": "3"}
    assert aliases.resolve(conn, "acme", "customer", QBO, ["1", "3", "9"]) == {"1": "3"}
    assert aliases.everything(conn, "zenith", "customer", QBO) == {}


def test_of_two_merges_in_a_circle_the_later_one_stands(conn: Connection) -> None:
    aliases.add(conn, "acme", "customer", QBO, "1", "2", "webhook")
    aliases.add(conn, "acme", "customer", QBO, "2", "3", "webhook")
    aliases.add(conn, "acme", "customer", QBO, "3", "1", "sweep")
    assert aliases.everything(conn, "acme", "customer", QBO) == {"2": "1", "3": "1"}
    aliases.add(conn, "acme", "customer", QBO, "3", "1", "sweep")
    assert aliases.everything(conn, "acme", "customer", QBO) == {"2": "1", "3": "1"}


def test_a_record_is_not_its_own_survivor(conn: Connection) -> None:
    with pytest.raises(ValueError, match="its own survivor"):
        aliases.add(conn, "acme", "customer", QBO, "1", "1", "webhook")


def test_a_gap_begins_once_ends_once_and_is_owed_until_it_is_filled(conn: Connection) -> None:
    assert gaps.begin(conn, "acme", NOON, "revoked")
    assert not gaps.begin(conn, "acme", NOON + timedelta(hours=1), "refused")
    assert gaps.owed(conn, "acme") == []
    ended = gaps.end(conn, "acme", NOON + timedelta(days=2))
    assert ended is not None
    assert (ended.began_at, ended.reason) == (NOON, "revoked")
    assert gaps.end(conn, "acme") is None
    assert gaps.owed(conn, "acme") == [ended]
    assert gaps.filled(conn, "acme", ended.id, "run-1")
    assert not gaps.filled(conn, "acme", ended.id, "run-2")
    assert gaps.owed(conn, "acme") == []
    assert gaps.begin(conn, "acme", NOON + timedelta(days=3), "lapsed")


def test_one_topic_is_told_once_until_it_is_cleared(conn: Connection) -> None:
    assert notices.raise_(conn, "acme", "alarm", "connection", "broken", "…")
    assert not notices.raise_(conn, "acme", "alarm", "connection", "broken", "…")
    [told] = notices.unsent(conn)
    assert notices.sent(conn, [told.id]) == 1
    assert notices.unsent(conn) == []
    assert [n.topic for n in notices.open_(conn, "acme")] == ["connection"]
    assert notices.clear(conn, "acme", "alarm", "connection")
    assert not notices.clear(conn, "acme", "alarm", "connection")
    assert notices.raise_(conn, "acme", "alarm", "connection", "broken again", "…")
