"""Passing faults: backoff kept across runs, five attempts, then rest until a person asks; owed all the while."""

from __future__ import annotations

from datetime import timedelta

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import RetryLater
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.store.journal import Phase
from qb_pipeline_tests.sync.world import COMPANY, World, customer

QUICKBOOKS = Side.QUICKBOOKS
SCHEDULED = {"retry_now": False}


def sent(world: World) -> int:
    return len(world.quickbooks.requests)


def only(world: World) -> Reported:
    [found] = world.open_exceptions()
    return found


def throttled() -> RetryLater:
    return RetryLater("Too many requests.", code="throttled")


def test_a_scheduled_run_leaves_a_passing_fault_alone_until_it_is_due(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [throttled()]
    world.run(**SCHEDULED)
    world.run(**SCHEDULED)
    assert sent(world) == 1
    world.ahead += timedelta(minutes=2)
    world.run(**SCHEDULED)
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert world.codes() == []


def test_a_person_who_starts_a_run_does_not_wait_for_the_backoff(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [throttled()]
    world.run(**SCHEDULED)
    world.run(retry_now=True)
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]


def test_waits_grow_from_run_to_run_and_the_fifth_attempt_is_the_last(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: throttled()
    waits = []
    for attempt in range(1, 5):
        world.run(**SCHEDULED)
        found = only(world)
        assert (found.state, found.attempts) == (ExceptionState.RETRYING, attempt)
        assert found.next_attempt_at is not None
        waits.append(found.next_attempt_at - world.now())
        world.ahead += waits[-1]
    assert waits == sorted(waits)
    for _ in range(3):
        world.run(**SCHEDULED)
        world.ahead += timedelta(days=1)
    assert (only(world).state, sent(world)) == (ExceptionState.DEAD, 5)


def test_a_fault_that_changes_its_name_is_still_tried_five_times_in_all(world: World) -> None:
    world.contractor.add("customer", **customer())
    names = iter(["down", "slow"] * 10)
    world.quickbooks.refuses = lambda _item: RetryLater("Not now.", code=next(names))
    for _ in range(9):
        world.run()
    assert (only(world).state, sent(world)) == (ExceptionState.DEAD, 5)


def test_an_edit_does_not_wait_for_the_backoff_of_an_older_one(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.quickbooks.script = [throttled()]
    world.run(**SCHEDULED)
    world.contractor.edit("customer", record, notes="gate 12")
    world.run(**SCHEDULED)
    assert [row["notes"] for row in world.quickbooks.live("customer").values()] == ["gate 12"]
    assert world.codes() == []


def test_an_unanswered_write_is_asked_for_again_with_backoff_five_times_and_then_rests_still_owed(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = ["lost before it arrived"] * 20
    world.run(**SCHEDULED)
    world.run(**SCHEDULED)
    assert sent(world) == 1  # not due yet
    for _ in range(8):
        world.ahead += timedelta(hours=5)
        world.run(**SCHEDULED)
    assert sent(world) == 5
    assert (only(world).state, only(world).attempts) == (ExceptionState.DEAD, 5)
    assert [r.phase for r in world.journal()] == [Phase.SENT]
    assert len({r.key for r in world.quickbooks.requests}) == 1


def test_retry_releases_an_unanswered_write_that_rests_and_makes_no_second_copy(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = ["lost after it was done"] * 5
    for _ in range(6):
        world.run()
    assert only(world).state is ExceptionState.DEAD
    assert world.links() == {}
    with world.engine.begin() as conn:
        exceptions.retry(conn, COMPANY, codes=["timeout"], now=world.now())
    world.run(**SCHEDULED)
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert len(world.links()) == 1
    assert world.codes() == []


def test_retry_by_code_leaves_the_others_where_they_are(world: World) -> None:
    world.contractor.add("customer", **customer("Slow"))
    world.contractor.add("customer", **customer("Down"))
    world.quickbooks.refuses = lambda item: RetryLater("Not now.", code="slow" if b"Slow" in item.body else "down")
    for _ in range(5):
        world.run()
    with world.engine.begin() as conn:
        assert exceptions.retry(conn, COMPANY, codes=["slow"], now=world.now()) == 1
    assert {e.code: e.state for e in world.open_exceptions()} == {
        "slow": ExceptionState.RETRYING, "down": ExceptionState.DEAD,
    }  # fmt: skip


def test_what_a_crash_cut_off_is_asked_for_at_once_by_a_scheduled_run(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.batch = 30
    world.quickbooks.script = ["lost after it was done"]
    world.run(**SCHEDULED)
    with world.engine.begin() as conn:
        exceptions.resolve(conn, COMPANY, "customer", Side.CONTRACTOR, ["c1"])  # as if nobody had lived to report it
    world.run(**SCHEDULED)
    assert len(world.links()) == 1
    assert world.codes() == []
