"""Cursors, runs, the sync log, match candidates, and JSON with Decimals."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, text

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import candidates, cursors, measures, runs, sync_log
from qb_pipeline.store.candidates import Decision, Proposal
from qb_pipeline.store.engine import dumps
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.store.sync_log import Entry
from qb_pipeline_tests.unit.store.builders import NOON

QBO = Side.QUICKBOOKS


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def test_a_cursor_is_replaced_and_kept_apart_by_company_side_and_stream(conn: Connection) -> None:
    assert cursors.get(conn, "acme", QBO, "cdc") is None
    cursors.put(conn, "acme", QBO, "cdc", {"since": "a"})
    cursors.put(conn, "acme", QBO, "cdc", {"since": "b"})
    cursors.put(conn, "zenith", QBO, "cdc", {"since": "z"})
    cursors.put(conn, "acme", Side.CONTRACTOR, "customers", [1])
    assert cursors.everything(conn, "acme") == {(QBO, "cdc"): {"since": "b"}, (Side.CONTRACTOR, "customers"): [1]}
    cursors.clear(conn, "acme")
    assert cursors.everything(conn, "acme") == {}
    assert cursors.get(conn, "zenith", QBO, "cdc") == {"since": "z"}


def test_a_run_that_never_ends_tells_the_calls_it_put_down(conn: Connection) -> None:
    first, other = runs.start(conn, "acme", "sync", now=NOON), runs.start(conn, "acme", "sync", now=NOON)
    runs.note_calls(conn, "acme", first, {"quickbooks": {"query": 2}})
    runs.note_calls(conn, "acme", first, {"quickbooks": {"query": 5, "cdc": 1}})
    runs.finish(conn, "acme", other, RunStatus.SUCCEEDED, api_calls={"quickbooks": {"query": 1}}, now=NOON)
    found = runs.get(conn, "acme", first)
    assert found is not None
    assert (found.status, found.ended_at) == (RunStatus.RUNNING, None)
    assert measures.calls(conn, ["acme"], NOON) == {"query": 6, "cdc": 1}


def test_a_run_is_running_until_it_is_finished(conn: Connection) -> None:
    first = runs.start(conn, "acme", "schedule", now=NOON)
    second = runs.start(conn, "acme", "person", run_id="r2", now=NOON + timedelta(hours=1))
    runs.finish(conn, "acme", first, RunStatus.FAILED, counts={"created": 3}, error="QuickBooks is down.", now=NOON)
    assert [r.id for r in runs.recent(conn, "acme")] == [second, first]
    ended = runs.get(conn, "acme", first)
    assert ended is not None
    assert (ended.status, ended.counts, ended.error, ended.ended_at) == (
        RunStatus.FAILED, {"created": 3}, "QuickBooks is down.", NOON)  # fmt: skip
    assert runs.get(conn, "zenith", first) is None


def test_the_log_is_read_newest_first_and_narrowed(conn: Connection) -> None:
    entries = [Entry("invoice", QBO, "created", record_id=str(n), run_id="r1") for n in range(3)]
    sync_log.append(conn, "acme", [*entries, Entry("customer", QBO, "updated", detail={"total": Decimal("1.10")})])
    assert [e.action for e in sync_log.recent(conn, "acme", limit=2)] == ["updated", "created"]
    assert [e.record_id for e in sync_log.recent(conn, "acme", run_id="r1", record_id="1")] == ["1"]
    assert sync_log.recent(conn, "acme", entity="customer")[0].detail == {"total": Decimal("1.10")}
    assert sync_log.recent(conn, "zenith") == []


def propose(conn: Connection, score: str, quickbooks_id: str = "1") -> int:
    proposal = Proposal("customer", "c1", quickbooks_id, "strong", Decimal(score), {"name": "same"})
    return candidates.propose(conn, "acme", [proposal])


def test_candidates_are_listed_best_first_and_rescored_while_open(conn: Connection) -> None:
    assert propose(conn, "0.7") == 1
    propose(conn, "0.8", "2")
    propose(conn, "0.9")
    assert [(c.quickbooks_id, c.score) for c in candidates.listing(conn, "acme")] == [
        ("1", Decimal("0.9")), ("2", Decimal("0.8"))]  # fmt: skip


def test_a_rejected_pair_is_never_reopened_by_the_matcher(conn: Connection) -> None:
    propose(conn, "0.7")
    [pair] = candidates.listing(conn, "acme")
    assert candidates.decide(conn, "acme", pair.id, Decision.REJECTED)
    assert not candidates.decide(conn, "acme", pair.id, Decision.LINKED)
    assert propose(conn, "0.99") == 0
    assert candidates.listing(conn, "acme") == []
    assert candidates.rejected_pairs(conn, "acme", "customer") == {("c1", "1")}


def test_jsonb_keeps_decimals_exact_and_times_are_read_in_utc(conn: Connection) -> None:
    cursors.put(conn, "acme", QBO, "money", {"total": Decimal("0.10")})
    assert str(cursors.get(conn, "acme", QBO, "money")["total"]) == "0.10"
    assert conn.scalar(text("SHOW timezone")) == "UTC"


def test_a_number_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"x": float("nan")})
