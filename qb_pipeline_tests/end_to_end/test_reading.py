"""Reading from the real servers: full change feeds, long silences, unreadable rows, hints, what left no trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import settings
from qb_pipeline.store import cursors, exceptions, staging
from qb_pipeline.store.inbox import Stored
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import hints, pages, quickbooks, sweep
from qb_pipeline.sync.reading.positions import Position
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, Instance, QuickBooksDesk

QBO, CONTRACTOR = Side.QUICKBOOKS, Side.CONTRACTOR


@pytest.fixture
def store(made: Instance) -> Iterator[Engine]:
    own = create_engine(made.database_url)
    yield own
    own.dispose()


@contextmanager
def run(made: Instance, store: Engine) -> Iterator[Context]:
    """A run of the company that has read its preferences."""
    chosen = settings(home=made.home, database_url=made.database_url, rate_scale=0)
    with session(store, chosen, COMPANY, "test") as ctx:
        steps.prepare(ctx)
        yield ctx


def extract(made: Instance, store: Engine) -> dict[str, int]:
    """One reading of QuickBooks; the calls it took by kind."""
    with run(made, store) as ctx:
        before = Counter(ctx.quickbooks.calls())
        quickbooks.extract(ctx)
        return dict(Counter(ctx.quickbooks.calls()) - before)


def staged(store: Engine, entity: str = "customer", side: Side = QBO) -> set[str]:
    with store.connect() as conn:
        return set(staging.live_ids(conn, COMPANY, side, entity))


def customers(desk: QuickBooksDesk, count: int, prefix: str) -> list[str]:
    """Customers made thirty at a time."""
    return batch(desk, "create", "Customer", [{"DisplayName": f"{prefix} {n}"} for n in range(count)])


def batch(desk: QuickBooksDesk, operation: str, name: str, bodies: list[dict[str, Any]]) -> list[str]:
    """Writes thirty at a time; the ids of the objects."""
    ids: list[str] = []
    for start in range(0, len(bodies), 30):
        items = [{"bId": str(n), "operation": operation, name: b} for n, b in enumerate(bodies[start : start + 30])]
        answer = desk._call("POST", "batch", {"BatchItemRequest": items})
        ids += [item[name]["Id"] for item in answer["BatchItemResponse"]]
    return ids


def move_position_back(store: Engine, days: int) -> None:
    with store.begin() as conn:
        stored: Any = cursors.get(conn, COMPANY, QBO, quickbooks.STREAM)
        conn.execute(
            text(
                "update qb.cursor set value = jsonb_set(value, '{read_to}', to_jsonb(:at ::text)) "
                "where stream = 'changes'"
            ),
            {"at": (Position.from_json(stored).read_to - timedelta(days=days)).isoformat()},
        )


def test_more_changes_than_a_feed_carries_are_all_found_deletions_too(made: Instance, store: Engine) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    item = desk.create("Item", {"Name": "Labor", "Type": "Service", "IncomeAccountRef": {"value": "1"}})
    first = customers(desk, 1, "Early")
    line = {
        "DetailType": "SalesItemLineDetail",
        "Amount": 10,
        "SalesItemLineDetail": {"ItemRef": {"value": item["Id"]}},
    }
    doomed = desk.create("Invoice", {"CustomerRef": {"value": first[0]}, "Line": [line]})["Id"]
    extract(made, store)
    assert doomed in staged(store, "invoice")
    desk.delete("Invoice", doomed)
    new = customers(desk, 1_500, "Late")
    calls = extract(made, store)
    assert set(new) <= staged(store)
    assert staged(store, "invoice") == set()
    assert calls["query"] <= 12, calls
    assert extract(made, store).get("query", 0) <= 12


def test_a_full_feed_of_a_server_whose_clock_is_ahead_of_ours_is_read_at_once(made: Instance, store: Engine) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    extract(made, store)
    made.quickbooks.control("clock", {"advance_seconds": 600})
    there = datetime.now(UTC) + timedelta(seconds=599)
    with store.begin() as conn:
        cursors.put(conn, COMPANY, QBO, quickbooks.STREAM, Position(there, floor=there).to_json())
    assert set(customers(desk, 1_000, "Ahead")) <= (extract(made, store), staged(store))[1]


def test_hundreds_of_deletions_are_confirmed_by_a_few_queries_and_what_is_there_after_all_stays(
    made: Instance, store: Engine
) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    [payer] = customers(desk, 1, "Customer")
    payments = [{"CustomerRef": {"value": payer}, "TotalAmt": n} for n in range(1, 211)]
    ids = batch(desk, "create", "Payment", payments)
    extract(made, store)
    batch(desk, "delete", "Payment", [{"Id": i, "SyncToken": "0"} for i in ids[:-5]])
    assert set(ids) <= staged(store, "payment")
    with run(made, store) as ctx:
        before, counts = Counter(ctx.quickbooks.calls()), Counter[str]()
        pages.confirm_gone(ctx, "Payment", ids, counts)
        assert Counter(ctx.quickbooks.calls()) - before == Counter(query=3, read=11), "some are read as well"
    assert staged(store, "payment") == set(ids[-5:]), "they were said to be gone, and are not"
    assert counts["payment"] == 5
    assert "read" not in extract(made, store), "the feed's deletions are known by now"


def test_a_silence_longer_than_the_feed_looks_back_loses_nothing(made: Instance, store: Engine) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    [old] = customers(desk, 1, "Old")
    extract(made, store)
    move_position_back(store, 31)
    [new] = customers(desk, 1, "New")
    desk.edit("Customer", old, {"CompanyName": "Old & Sons"})
    calls = extract(made, store)
    assert {old, new} <= staged(store)
    assert "cdc" not in calls, "the feed would refuse so long a time"
    with store.connect() as conn:
        [row] = staging.fetch(conn, COMPANY, QBO, "customer", [old]).values()
    assert row.record.values["company_name"] == "Old & Sons"


def test_a_row_quickbooks_cannot_give_is_named_and_stops_nothing(made: Instance, store: Engine) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    extract(made, store)
    ids = customers(desk, 9, "Customer")
    bad = ids[4]
    made.quickbooks.control("faults", [{"match": {"entity": "Customer"}, "action": "poison", "ids": [bad]}])
    extract(made, store)
    assert set(ids) - {bad} <= staged(store)
    with store.connect() as conn:
        [reported] = [e for e in exceptions.listing(conn, COMPANY) if e.code == "qbo_4002"]
    assert reported.record_id == bad
    assert "can't read back" in reported.cause
    made.quickbooks.control("faults", method="DELETE")
    assert made.sync()["entities"]["customer"]["created_contractor"] == len(ids)
    with store.connect() as conn:
        assert [e for e in exceptions.listing(conn, COMPANY) if e.code == "qbo_4002"] == []


def event(source: str, subject: str, record_id: str, **detail: str) -> Stored:
    return Stored(source, subject, record_id, "updated", "key", detail=detail)


def test_a_hint_has_one_record_read_and_a_gone_one_noticed(made: Instance, store: Engine) -> None:
    desk, own = QuickBooksDesk(made.quickbooks), ContractorDesk(made.contractor)
    changed, untouched = customers(desk, 2, "Customer")
    here = own.create("customers", {"name": "Mine"})["id"]
    with run(made, store) as ctx:
        steps.extract(ctx)
    desk.edit("Customer", changed, {"CompanyName": "Changed"})
    desk.edit("Customer", untouched, {"CompanyName": "Changed too"})
    own.delete("customers", here)
    told = [
        event("quickbooks", "Customer", changed),
        event("quickbooks", "Customer", changed),
        event("quickbooks", "Vendor", "1"),
        event("contractor", "customer", here),
    ]
    with run(made, store) as ctx:
        before = Counter(ctx.quickbooks.calls())
        assert hints.read(ctx, hints.hints_of(told)) == 2
        assert dict(Counter(ctx.quickbooks.calls()) - before) == {"query": 1}
    with store.connect() as conn:
        rows = staging.fetch(conn, COMPANY, QBO, "customer", [changed, untouched])
        [gone] = staging.fetch(conn, COMPANY, CONTRACTOR, "customer", [here]).values()
    assert rows[changed].record.values["company_name"] == "Changed"
    assert rows[untouched].record.values["company_name"] != "Changed too", "a hint is read, and nothing else"
    assert gone.record.state is State.DELETED


def test_a_hint_about_a_deleted_document_is_confirmed_by_a_read(made: Instance, store: Engine) -> None:
    desk = QuickBooksDesk(made.quickbooks)
    [payer] = customers(desk, 1, "Customer")
    payment = desk.create("Payment", {"CustomerRef": {"value": payer}, "TotalAmt": 10})["Id"]
    with run(made, store) as ctx:
        quickbooks.extract(ctx)
    desk.delete("Payment", payment)
    with run(made, store) as ctx:
        hints.read(ctx, hints.hints_of([event("quickbooks", "Payment", payment)]))
    assert payment not in staged(store, "payment")


def test_the_sweep_finds_what_changed_and_what_vanished_without_a_trace(made: Instance, store: Engine) -> None:
    desk, own = QuickBooksDesk(made.quickbooks), ContractorDesk(made.contractor)
    [there] = customers(desk, 1, "Customer")
    here = own.create("customers", {"name": "Mine"})["id"]
    with run(made, store) as ctx:
        steps.extract(ctx)
    with store.begin() as conn:
        # As if both had changed, and a third been removed, in ways no feed ever told.
        for schema, record in (("quickbooks", there), ("contractor", here)):
            conn.execute(
                text(
                    f"update staging_{schema}.customer set name = 'Before', content_hash = 'old', raw = '{{}}'"
                    " where id = :id"
                ),
                {"id": record},
            )
        conn.execute(text("insert into staging_quickbooks.customer select (r).* from (select jsonb_populate_record(c, "
                          "'{\"id\": \"4711\"}') r from staging_quickbooks.customer c where id = :id) x"),
                     {"id": there})  # fmt: skip
    with run(made, store) as ctx:  # the feeds' overlap would show what is as young as this test
        found = {(d.entity, d.side): d for d in sweep.sweep(ctx) if d.found}
    assert found["customer", QBO].changed == (there,)
    assert found["customer", QBO].vanished == ("4711",)
    assert found["customer", CONTRACTOR].changed == (here,)
    assert set(found) == {("customer", QBO), ("customer", CONTRACTOR)}
    with run(made, store) as ctx:
        assert [d for d in sweep.sweep(ctx) if d.found] == []
