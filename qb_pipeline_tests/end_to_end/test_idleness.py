"""After an eventful day that both sides agree on, whatever runs next writes nothing, anywhere, and costs the same.

Invariant: writes are looked for in both servers' own logs and in the row versions of every table that holds what is
known (staging, links with their bases, journal, log, exceptions): a row written again with its own values shows too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine, create_engine, text

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import settings
from qb_pipeline.store import inbox, staging
from qb_pipeline.store.inbox import Event
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync import merging
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import hints, sweep, window
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, is_write
from qb_pipeline_tests.faults.stage import Stage, stage
from qb_pipeline_tests.faults.story import days_work, settled_office

TIMES = 10
# What runs keep of themselves, and events that are put in here.
BOOKKEEPING = {"run", "cursor", "token", "inbox", "company", "alembic_version"}
_number = count()


@pytest.fixture(scope="module")
def quiet(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The end of a day with every kind of write in both directions."""
    with stage(tmp_path_factory.mktemp("idle") / "stage", template_url, f"idle_{os.getpid()}") as made:
        settled_office(made)
        days_work(made)
        made.until_quiet()
        yield made


@pytest.fixture(scope="module")
def store(quiet: Stage) -> Iterator[Engine]:
    own = create_engine(quiet.instance.database_url)
    yield own
    own.dispose()


def sync(ctx: Context) -> int:
    return steps.sync(ctx).writes


def read_and_agree(reading: Callable[[Context], object]) -> Callable[[Context], int]:
    def job(ctx: Context) -> int:
        return steps.sync(ctx, reading=reading).writes

    return job


def look_at_webhooks(ctx: Context) -> None:
    """Every record both systems hold is named by an event of its own."""
    with ctx.begin() as conn:
        told = [
            Event(side.value, subject, record_id, "updated", f"idle {next(_number)}", company=ctx.company)
            for side in Side
            for entity in ENTITIES.values()
            for record_id in staging.live_ids(conn, ctx.company, side, entity.name)
            for subject in [entity.quickbooks_object if side is Side.QUICKBOOKS else entity.name]
        ]
        inbox.store(conn, told)
        waiting = inbox.waiting(conn)[ctx.company]
        events = inbox.take(conn, ctx.company, waiting.first, waiting.last, ctx.run_id)
    assert len(events) == len(told) > 50
    merging.note_merges(ctx, events)
    hints.read(ctx, hints.hints_of(events))
    with ctx.begin() as conn:
        assert inbox.done(conn, ctx.company, ctx.run_id, ctx.now()) == len(told)


def deep_sweep(ctx: Context) -> None:
    steps.extract(ctx)
    assert [found for found in sweep.sweep(ctx) if found.found] == []


def backfill_of_the_day(ctx: Context) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert window.read_between(ctx, day, day + timedelta(days=1)) > 50


KINDS: dict[str, Callable[[Context], int]] = {
    "sync": sync,
    "cdc_sweep": read_and_agree(steps.extract),
    "webhook_changes": read_and_agree(look_at_webhooks),
    "nightly_reconciliation": read_and_agree(deep_sweep),
    "backfill": read_and_agree(backfill_of_the_day),
}


def known(store: Engine) -> dict[str, str]:
    """A hash of every table that holds what is known, over each row's values and its version in the database."""
    tables = text(
        "select table_schema || '.' || quote_ident(table_name), table_name from information_schema.tables"
        " where table_schema = 'qb' or table_schema like 'staging%'"
    )
    with store.connect() as conn:
        named = [name for name, alone in conn.execute(tables).tuples() if alone not in BOOKKEEPING]
        # The names come from the database's own catalogue.
        rows = "select md5(coalesce(string_agg(t.xmin::text || t::text, '|' order by t::text), '')) from {} t"
        return {name: str(conn.scalar(text(rows.format(name)))) for name in named}


def run(quiet: Stage, store: Engine, name: str) -> tuple[int, list[str], Counter[str]]:
    """One run in this process: the writes it speaks of, those the servers saw, and the reads they saw."""
    chosen = settings(home=quiet.instance.home, database_url=quiet.instance.database_url, rate_scale=0, _env_file=None)
    marks = [box.requests_since(0)[1] for box in quiet.boxes]
    with session(store, chosen, COMPANY, name) as ctx:
        told = KINDS[name](ctx)
    asked = [r for box, mark in zip(quiet.boxes, marks, strict=True) for r in box.requests_since(mark)[0]]
    business = [r for r in asked if "/_sandbox/" not in r["path"]]
    writes = [f"{r['method']} {r['path']}" for r in business if is_write(r)]
    return told, writes, Counter(r["path"].split("?")[0] for r in business if not is_write(r))


@pytest.mark.parametrize("name", KINDS)
def test_ten_runs_after_an_eventful_day_write_nothing_and_read_the_same_each_time(
    quiet: Stage, store: Engine, name: str
) -> None:
    before = known(store)
    assert {"qb.link", "qb.journal", "qb.sync_log", "staging_quickbooks.invoice"} <= set(before)
    runs = [run(quiet, store, name) for _ in range(TIMES)]
    assert [(told, writes) for told, writes, _ in runs] == [(0, [])] * TIMES
    reads = [read for _, _, read in runs]
    assert reads[0].total() > 0
    assert reads == [reads[0]] * TIMES, "the cost of a run that finds nothing does not grow"
    after = known(store)
    assert {table for table in before if before[table] != after[table]} == set()


def test_a_run_removes_once_a_day_what_was_handled_long_ago(quiet: Stage, store: Engine) -> None:
    now = datetime.now(UTC)
    with store.begin() as conn:
        conn.execute(text("delete from qb.cursor where stream = 'tidied'"))
        for key, days in (("long ago", 60), ("lately", 10)):
            inbox.store(conn, [Event("quickbooks", "Customer", "1", "updated", key, company=COMPANY)], now)
            inbox.take(conn, COMPANY, 0, 10**9, key)
            inbox.done(conn, COMPANY, key, now - timedelta(days=days))
        conn.execute(text("update qb.inbox set received_at = received_at - interval '60 days'"))
    run(quiet, store, "cdc_sweep")
    with store.connect() as conn:
        left = set(conn.scalars(text("select run_id from qb.inbox where run_id in ('long ago', 'lately')")))
    assert left == {"lately"}


def test_what_the_comparison_rests_on_sees_a_row_written_again_and_an_edit(quiet: Stage, store: Engine) -> None:
    before = known(store)
    with store.begin() as conn:
        conn.execute(text("update qb.link set base = base where id = (select min(id) from qb.link)"))
    assert {table for table, seen in known(store).items() if before[table] != seen} == {"qb.link"}
