"""What the store forgets in time, what it never forgets, and that counting what it keeps stays cheap and right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, Engine, event, text

from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import settings
from qb_pipeline.store import inbox, inbox_counts, journal, notices, retention, runs, sync_log
from qb_pipeline.store.inbox import Event, InboxState
from qb_pipeline.store.journal import Operation, Phase, PlannedWrite
from qb_pipeline.store.retention import Keep
from qb_pipeline.store.runs import RunStatus
from qb_pipeline_tests.unit.store.builders import NOON

KEEP = Keep(timedelta(days=30), timedelta(days=180), timedelta(days=400))
QBO = Side.QUICKBOOKS


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 7)


def put(
    conn: Connection, key: str, days: float, state: InboxState = InboxState.NEW, company: str | None = "acme"
) -> None:
    at = NOON - timedelta(days=days)
    told = Event("quickbooks", "Customer", "7", "updated", key, company=company, realm_id="99", state=state)
    assert inbox.store(conn, [told], at) == 1


def handled(conn: Connection, run_id: str, days: float) -> None:
    inbox.take(conn, "acme", 0, 10**9, run_id)
    inbox.done(conn, "acme", run_id, NOON - timedelta(days=days))


def keys(engine: Engine) -> set[str]:
    with engine.connect() as conn:
        return set(conn.scalars(text("select dedupe_key from qb.inbox")))


def test_handled_events_go_after_their_time_and_no_other_does(engine: Engine) -> None:
    with engine.begin() as conn:
        put(conn, "unknown, half a year", 181, InboxState.UNKNOWN, None)
        put(conn, "unknown, months", 100, InboxState.UNKNOWN, None)
        for n in range(20):
            put(conn, f"handled {n}", 60)
        handled(conn, "run-1", 59)
        put(conn, "came long ago, handled late", 50)
        handled(conn, "run-2", 29)
        put(conn, "ignored", 40, InboxState.IGNORED)
        put(conn, "taken", 50)
        inbox.take(conn, "acme", 0, 10**9, "run-3")
        put(conn, "never handled", 500)
        put(conn, "ignored lately", 3, InboxState.IGNORED)
    gone = retention.tidy(engine, KEEP, NOON)
    assert gone["events"] == 22
    assert keys(engine) == {
        "unknown, months", "came long ago, handled late", "taken", "never handled", "ignored lately",
    }  # fmt: skip


def test_it_is_done_once_a_day_whoever_asks(engine: Engine) -> None:
    assert retention.tidy(engine, KEEP, NOON)["events"] == 0
    with engine.begin() as conn:
        put(conn, "old", 60, InboxState.IGNORED)
    assert retention.tidy(engine, KEEP, NOON + timedelta(hours=19)) == {}
    assert keys(engine) == {"old"}
    assert retention.tidy(engine, KEEP, NOON + timedelta(hours=24))["events"] == 1


def plan(conn: Connection, run_id: str, key: str) -> int:
    row = PlannedWrite(
        company="acme", side=QBO, entity="customer", operation=Operation.CREATE, request_key=key, body=b"{}",
        run_id=run_id, source_id=key,
    )  # fmt: skip
    [planned] = journal.insert_planned(conn, [row], NOON - timedelta(days=500))
    return planned


def test_of_old_runs_the_deeds_stay_and_what_was_only_read_goes(engine: Engine) -> None:
    long_ago = NOON - timedelta(days=500)
    with engine.begin() as conn:
        for name in ("idle", "wrote", "hangs", "young"):
            runs.start(conn, "acme", "sync", name, long_ago)
        for name, at in (("idle", long_ago), ("wrote", long_ago), ("young", NOON)):
            runs.finish(conn, "acme", name, RunStatus.SUCCEEDED, now=at)
        bound, open_ = plan(conn, "wrote", "a"), plan(conn, "wrote", "b")
        journal.store_answer(conn, "acme", bound, b"answer", long_ago)
        journal.mark(conn, "acme", [bound], Phase.BOUND, long_ago)
        journal.store_answer(conn, "acme", open_, b"answer", long_ago)
        lines = [sync_log.Entry("customer", QBO, action, "7") for action in ("seen", "created", "skipped", "linked")]
        sync_log.append(conn, "acme", lines, long_ago)
        sync_log.append(conn, "acme", lines, NOON)
        for topic in ("settled", "open"):
            notices.raise_(conn, "acme", "alarm", topic, "t", "b", long_ago)
        notices.sent(conn, [n.id for n in notices.unsent(conn)], long_ago)
        notices.clear(conn, "acme", "alarm", "settled", long_ago)
    gone = retention.tidy(engine, KEEP, NOON)
    assert gone == {"events": 0, "log_lines": 2, "runs": 1, "notices": 1, "answers": 1}
    with engine.connect() as conn:
        assert {r.id for r in runs.recent(conn, "acme")} == {"wrote", "hangs", "young"}
        rows = journal.get_many(conn, "acme", [bound, open_])
        assert (rows[bound].answer, rows[open_].answer) == (None, b"answer"), "what is not settled is kept whole"
        assert journal.last_generations(conn, "acme", QBO, "customer", ["a", "b"]) == {"a": 0, "b": 0}
        assert Counter(line.action for line in sync_log.recent(conn, "acme"))["created"] == 2
        assert [n.topic for n in notices.open_(conn, "acme")] == ["open"]


def test_the_settings_say_how_long(tmp_path: Path) -> None:
    chosen = settings(home=tmp_path, keep_events_days=10, keep_history_days=90, _env_file=None)
    assert Keep.chosen(chosen) == Keep(timedelta(days=10), timedelta(days=60), timedelta(days=90))


@pytest.mark.parametrize("seed", range(5))
def test_counts_equal_a_count_of_every_row_whatever_happens_between_two_notes(engine: Engine, seed: int) -> None:
    chance = Random(seed)
    for step in range(40):
        with engine.begin() as conn:
            happen(conn, chance, step)
        if chance.random() < 0.1:
            retention.tidy(engine, KEEP, NOON + timedelta(days=2 * step))
        with engine.connect() as conn:
            every = conn.execute(text("select source, state, count(*) from qb.inbox group by 1, 2"))
            assert inbox.counts(conn) == {(source, state): count for source, state, count in every}


def happen(conn: Connection, chance: Random, step: int) -> None:
    """Something that happens to an inbox."""
    deed = chance.choice(["come", "come", "take", "finish", "release", "adopt", "note"])
    run_id = f"run-{chance.randrange(3)}"
    if deed == "come":
        state = chance.choice([InboxState.NEW, InboxState.NEW, InboxState.UNKNOWN, InboxState.IGNORED])
        for n in range(chance.randrange(9)):
            put(conn, f"{step} {n}", chance.uniform(0, 60), state, None if state is InboxState.UNKNOWN else "acme")
    elif deed == "take":
        inbox.take(conn, "acme", 0, chance.randrange(1, 200), run_id)
    elif deed == "finish":
        inbox.done(conn, "acme", run_id, NOON - timedelta(days=chance.uniform(0, 60)))
    elif deed == "release":
        inbox.release_abandoned(conn, "acme", alive=run_id)
    elif deed == "adopt":
        inbox.adopt(conn, "acme", "99")
    else:
        inbox_counts.note(conn, NOON)


@pytest.fixture
def scanned(engine: Engine) -> Iterator[list[int]]:
    """How many rows the statements of this test would count, by their own plans."""
    rows: list[int] = []

    def look(conn: Connection, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.startswith("SELECT qb.inbox.source"):
            plan = conn.exec_driver_sql(f"explain (analyze, format json) {statement}", parameters).scalar_one()  # type: ignore[arg-type]  # as psycopg gave them
            rows.append(deepest(plan[0]["Plan"]))

    event.listen(engine, "before_cursor_execute", look)
    yield rows
    event.remove(engine, "before_cursor_execute", look)


def deepest(plan: dict[str, object]) -> int:
    """Rows that the lowest node of a plan read."""
    below = plan.get("Plans")
    if isinstance(below, list) and below:
        return deepest(below[0])
    return int(str(plan["Actual Rows"]).split(".")[0]) + int(str(plan.get("Rows Removed by Filter", 0)).split(".")[0])


def test_counting_a_large_inbox_reads_only_what_came_since_the_night(engine: Engine, scanned: list[int]) -> None:
    with engine.begin() as conn:
        conn.execute(
            text(
                "insert into qb.inbox (source, company, subject, record_id, operation, dedupe_key, received_at, state,"
                " done_at) select 'quickbooks', 'acme', 'Customer', n::text, 'updated', n::text, :at, 'done', :at"
                " from generate_series(1, 20000) n"
            ),
            {"at": NOON - timedelta(days=1)},
        )
    retention.tidy(engine, KEEP, NOON)
    with engine.begin() as conn:
        conn.execute(text("analyze qb.inbox"))
        put(conn, "one more", 0)
    scanned.clear()
    with engine.connect() as conn:
        assert inbox.counts(conn) == {("quickbooks", "done"): 20_000, ("quickbooks", "new"): 1}
    assert scanned == [1]
