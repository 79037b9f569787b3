"""Exceptions: one unresolved row per cause, backoff, rest, and what wakes them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from sqlalchemy import Connection, Engine, insert
from sqlalchemy.exc import IntegrityError

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.store import exceptions, tables
from qb_pipeline.store.attempts import next_wait
from qb_pipeline.store.exceptions import ExceptionState, Problem
from qb_pipeline_tests.unit.store.builders import NOON

QBO = Side.QUICKBOOKS
PASSING = Problem(
    entity="invoice", side=QBO, record_id="7", record_label="Invoice 1001", code="busy", title="QuickBooks is busy",
    cause="QuickBooks answered 503.", fix="It is retried by itself.", who="nobody", retry_safe=True, fingerprint="a",
)  # fmt: skip
LASTING = replace(PASSING, code="6240", title="Duplicate name", retry_safe=False, who="accountant")


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def report(conn: Connection, problem: Problem, hours: float = 0) -> exceptions.Reported:
    [row] = exceptions.report(conn, "acme", [problem], NOON + timedelta(hours=hours))
    stored = exceptions.get(conn, "acme", row)
    assert stored is not None
    return stored


def test_the_same_failure_stays_one_row_and_counts_its_attempts(conn: Connection) -> None:
    first = report(conn, PASSING)
    again = report(conn, replace(PASSING, cause="QuickBooks answered 504.", record_label=None), hours=1)
    assert (again.id, again.attempts, again.cause) == (first.id, 2, "QuickBooks answered 504.")
    assert again.record_label == "Invoice 1001"
    assert (again.first_seen, again.last_seen) == (NOON, NOON + timedelta(hours=1))


def test_a_process_that_lives_long_goes_on_reporting(conn: Connection) -> None:
    """After some executions the server plans a statement once for all parameters."""
    reported = [report(conn, LASTING, hours) for hours in range(20)]
    assert {r.id for r in reported} == {reported[0].id}
    assert reported[-1].attempts == 20


def test_the_database_itself_refuses_a_second_unresolved_row(conn: Connection) -> None:
    report(conn, LASTING)
    copy = {"company": "acme", "entity": "invoice", "side": "quickbooks", "record_id": "7", "code": "6240",
            "title": "t", "cause": "c", "fix": "f", "who": "nobody", "retry_safe": False}  # fmt: skip
    with pytest.raises(IntegrityError, match="uq_exception_unresolved"):
        conn.execute(insert(tables.exception).values(copy))


def test_another_code_side_or_company_is_another_row(conn: Connection) -> None:
    report(conn, PASSING)
    report(conn, LASTING)
    report(conn, replace(PASSING, side=Side.CONTRACTOR))
    exceptions.report(conn, "zenith", [PASSING])
    assert len(exceptions.listing(conn, "acme")) == 3


def test_a_passing_fault_is_retried_with_backoff_and_rests_after_five_attempts(conn: Connection) -> None:
    waits = []
    for _ in range(4):
        stored = report(conn, PASSING)
        assert stored.state is ExceptionState.RETRYING
        assert stored.next_attempt_at is not None
        waits.append(stored.next_attempt_at - NOON)
    assert waits == sorted(waits)
    dead = report(conn, PASSING)
    assert (dead.state, dead.attempts, dead.next_attempt_at) == (ExceptionState.DEAD, 5, None)
    assert report(conn, PASSING).state is ExceptionState.DEAD


@pytest.mark.parametrize(
    ("attempts", "shortest", "longest"), [(1, 30, 60), (2, 120, 240), (4, 1920, 3840), (9, 7200, 14400)]
)
def test_waits_grow_exponentially_up_to_four_hours(attempts: int, shortest: int, longest: int) -> None:
    assert next_wait(attempts, 0.0) == timedelta(seconds=shortest)
    assert next_wait(attempts, 1.0) == timedelta(seconds=longest)


@given(attempts=integers(1, 10**6), chance=floats(0, 1, exclude_max=True))
def test_a_wait_never_fails_nor_shrinks_nor_passes_four_hours_however_many_attempts(
    attempts: int, chance: float
) -> None:
    wait = next_wait(attempts, chance)
    assert timedelta(seconds=30) <= wait <= timedelta(hours=4)
    assert wait <= next_wait(attempts + 1, chance)


def test_a_lasting_failure_waits_for_a_person(conn: Connection) -> None:
    stored = report(conn, LASTING)
    assert (stored.state, stored.next_attempt_at) == (ExceptionState.OPEN, None)
    assert exceptions.due(conn, "acme", NOON + timedelta(days=99)) == []


def test_changed_inputs_start_the_count_anew_and_wake_the_ignored(conn: Connection) -> None:
    for _ in range(5):
        report(conn, PASSING)
    assert report(conn, replace(PASSING, fingerprint="b")).state is ExceptionState.RETRYING
    lasting = report(conn, LASTING)
    exceptions.ignore(conn, "acme", [lasting.id])
    assert report(conn, LASTING).state is ExceptionState.IGNORED
    assert report(conn, replace(LASTING, fingerprint="b")).state is ExceptionState.OPEN


def test_due_names_only_what_is_due(conn: Connection) -> None:
    row = report(conn, PASSING)
    assert exceptions.due(conn, "acme", NOON) == []
    assert [e.id for e in exceptions.due(conn, "acme", NOON + timedelta(minutes=2))] == [row.id]


def test_retry_makes_even_a_dead_or_lasting_one_due_at_once(conn: Connection) -> None:
    for _ in range(5):
        dead = report(conn, PASSING)
    lasting = report(conn, LASTING)
    assert exceptions.retry(conn, "acme", [dead.id, lasting.id], NOON) == 2
    again = {e.id: (e.state, e.attempts, e.fingerprint) for e in exceptions.due(conn, "acme", NOON)}
    assert again == {dead.id: (ExceptionState.RETRYING, 0, None), lasting.id: (ExceptionState.OPEN, 0, None)}
    assert exceptions.retry(conn, "acme", now=NOON) == 2


def test_what_agrees_again_is_resolved_and_may_fail_anew_later(conn: Connection) -> None:
    first = report(conn, PASSING)
    report(conn, LASTING)
    assert exceptions.resolve(conn, "acme", "invoice", QBO, ["7"], codes=["busy"]) == 1
    assert [e.code for e in exceptions.listing(conn, "acme")] == ["6240"]
    assert exceptions.resolve(conn, "acme", "invoice", QBO, ["7"]) == 1
    assert exceptions.resolve(conn, "acme", "invoice", QBO, []) == 0
    anew = report(conn, PASSING)
    assert (anew.id != first.id, anew.attempts) == (True, 1)


def test_an_error_becomes_a_problem_with_its_words(conn: Connection) -> None:
    error = FixTheData("The name is taken.", code="6240", fix="Rename one.", who="accountant")
    problem = Problem.from_error(error, entity="customer", side=QBO, record_id="9", title="Duplicate name",
                                 blocks=[{"entity": "invoice", "label": "1001"}])  # fmt: skip
    stored = report(conn, problem)
    assert (stored.cause, stored.fix, stored.who, stored.retry_safe) == (
        "The name is taken.", "Rename one.", "accountant", False)  # fmt: skip
    assert stored.blocks == [{"entity": "invoice", "label": "1001"}]


def test_exceptions_are_found_by_record_and_counted_by_state(conn: Connection) -> None:
    report(conn, PASSING)
    report(conn, LASTING)
    found = exceptions.of_records(conn, "acme", "invoice", QBO, ["7", "8"])
    assert [e.code for e in found["7"]] == ["busy", "6240"]
    assert exceptions.counts(conn, "acme") == {ExceptionState.RETRYING: 1, ExceptionState.OPEN: 1}


def test_thousands_are_reported_in_order_and_at_once(conn: Connection) -> None:
    problems = [replace(PASSING, record_id=str(n)) for n in (*range(2000), 0)]
    ids = exceptions.report(conn, "acme", problems, NOON)
    assert ids[-1] == ids[0]
    assert len(set(ids)) == 2000
    assert exceptions.report(conn, "acme", problems, NOON) == ids
    assert {e.attempts for e in exceptions.listing(conn, "acme")} == {2}
    assert exceptions.report(conn, "acme", []) == []
