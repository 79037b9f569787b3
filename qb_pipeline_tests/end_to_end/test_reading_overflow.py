"""Exactly at, below and above what one answer can carry: every change is read, and nothing but the changes.

Invariant: both servers hold objects with times of their own choosing; everything is staged, then made to look outdated,
so that what a reading from a moment on refreshes is compared with what changed from that moment on.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.quickbooks.queries import MAX_PAGE
from qb_pipeline.settings import settings
from qb_pipeline.store import cursors, staging
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.objects import objects
from qb_pipeline.sync.reading.positions import Position
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, Instance, Sandbox

NOW = datetime.now(UTC).replace(microsecond=0)
ENTITY = {"Customer": "customer", "Item": "item", "Invoice": "invoice"}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


@dataclass(frozen=True)
class Block:
    """So many objects of a kind, changed at one moment."""

    name: str
    count: int
    at: datetime


SEEDED = 2  # objects that the server adds to what it loads, changed just now
# From the newest to the oldest, so that a reading from a block's moment on holds all blocks above it.
BLOCKS = (
    Block("Customer", 999 - SEEDED, ago(hours=1)),
    Block("Customer", 1, ago(hours=2)),
    Block("Customer", 1, ago(hours=3)),
    Block("Item", 400, ago(hours=4)),
    Block("Invoice", 600, ago(hours=4)),
    Block("Invoice", 1_500, ago(hours=5)),
    Block("Customer", 1_000, ago(days=28)),
    Block("Customer", 5_000, ago(days=31)),
    Block("Customer", 7, ago(days=90)),
)


def shop_rows() -> Iterator[Mapping[str, Any]]:
    """Customers of the contractor: more than ten pages of them changed in one and the same moment."""
    for n in range(5_600):
        at = ago(days=31) if n < 5_200 else ago(days=40)
        yield {"id": f"cus_{n:06d}", "name": f"Client {n}", "active": True, "version": "1", "deleted_at": None,
               "created_at": _iso(at), "updated_at": _iso(at)}  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def books_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of every block; ids are running numbers of each kind."""
    last: Counter[str] = Counter()
    yield "Account", {**_head(BLOCKS[-1].at), **_ACCOUNT}
    for block in BLOCKS:
        for _ in range(block.count):
            last[block.name] += 1
            yield block.name, {**_head(block.at), "Id": str(last[block.name]), **_MADE[block.name](last[block.name])}


def _head(at: datetime) -> dict[str, Any]:
    stamp = {"CreateTime": BLOCKS[-1].at.isoformat(), "LastUpdatedTime": at.isoformat()}
    return {"domain": "QBO", "sparse": False, "SyncToken": "1", "MetaData": stamp}


_ACCOUNT = {
    "Id": "1", "Name": "Services", "FullyQualifiedName": "Services", "SubAccount": False, "Active": True,
    "Classification": "Revenue", "AccountType": "Income", "AccountSubType": "ServiceFeeIncome", "CurrentBalance": 0,
    "CurrentBalanceWithSubAccounts": 0,
}  # fmt: skip


def _customer(n: int) -> dict[str, Any]:
    return {"DisplayName": f"Customer {n}", "FullyQualifiedName": f"Customer {n}", "Active": True, "Job": False,
            "Balance": 0, "BalanceWithJobs": 0}  # fmt: skip


def _item(n: int) -> dict[str, Any]:
    return {"Name": f"Work {n}", "FullyQualifiedName": f"Work {n}", "Active": True, "Type": "Service", "UnitPrice": 25,
            "IncomeAccountRef": {"value": "1", "name": "Services"}}  # fmt: skip


def _invoice(n: int) -> dict[str, Any]:
    detail = {"ItemRef": {"value": "1", "name": "Work 1"}, "Qty": 1, "UnitPrice": 25, "TaxCodeRef": {"value": "NON"}}
    line = {"Id": "1", "LineNum": 1, "Amount": 25, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    return {"DocNumber": f"N{n}", "TxnDate": "2026-03-01", "DueDate": "2026-03-31", "Line": [line], "TotalAmt": 25,
            "Balance": 25, "TxnTaxDetail": {"TotalTax": 0}, "CustomerRef": {"value": "1", "name": "Customer 1"},
            "LinkedTxn": []}  # fmt: skip


_MADE = {"Customer": _customer, "Item": _item, "Invoice": _invoice}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, template_url: str) -> Iterator[Instance]:
    """A company between two servers that were loaded with these objects."""
    folder, url = tmp_path_factory.mktemp("overflow"), make_url(template_url)
    own = url.set(database=f"overflow_{os.getpid()}")
    administer(template_url, "CREATE DATABASE {} TEMPLATE {}", str(own.database), str(url.database))
    write(folder / "quickbooks", books_rows())
    write(folder / "contractor", (("customers", row) for row in shop_rows()))
    boxes = [Sandbox(kind, folder / f"{kind}.sqlite") for kind in ("contractor", "quickbooks")]
    (folder / "home").mkdir()
    try:
        for box in boxes:
            box.start("--data", str(folder / box.kind))
        instance = Instance(folder / "home", own.render_as_string(hide_password=False), *boxes)
        instance.connect()
        yield instance
    finally:
        for box in boxes:
            box.stop()
        administer(template_url, "DROP DATABASE {} WITH (FORCE)", str(own.database))


def write(folder: Path, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    folder.mkdir()
    kept: dict[str, list[str]] = {}
    for name, row in rows:
        kept.setdefault(name, []).append(json.dumps(row) + "\n")
    for name, lines in kept.items():
        (folder / f"{name}.jsonl").write_text("".join(lines))


def administer(url: str, command: str, *names: str) -> None:
    plain = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="module")
def store(made: Instance) -> Iterator[Engine]:
    """The store after everything was read once."""
    own = create_engine(made.database_url)
    read(made, own, since=None)
    with own.connect() as conn:
        staged = {name: len(staging.live_ids(conn, COMPANY, Side.QUICKBOOKS, name)) for name in ENTITY.values()}
        here = len(staging.live_ids(conn, COMPANY, Side.CONTRACTOR, "customer"))
    wanted: Counter[str] = Counter()
    for block in BLOCKS:
        wanted[ENTITY[block.name]] += block.count
    assert (staged, here) == (dict(wanted), 5_600)
    with own.connect() as conn:
        seeded = [
            staging.changed_since(conn, COMPANY, Side.QUICKBOOKS, e.name, NOW)[0] for e in ENTITIES.values() if e.in_cdc
        ]
    assert sum(seeded) == SEEDED
    yield own
    own.dispose()


def read(made: Instance, store: Engine, since: datetime | None) -> Counter[str]:
    """One reading of both sides from a moment on; the calls to QuickBooks by kind."""
    chosen = settings(home=made.home, database_url=made.database_url, rate_scale=0, _env_file=None)
    with session(store, chosen, COMPANY, "test") as ctx:
        steps.prepare(ctx)
        if since is not None:
            position = Position(since, floor=since).to_json()
            with ctx.begin() as conn:
                cursors.put(conn, COMPANY, Side.QUICKBOOKS, quickbooks.STREAM, position)
                cursors.put(conn, COMPANY, Side.QUICKBOOKS, "objects", objects())
                cursors.put(conn, COMPANY, Side.CONTRACTOR, "customer", position)
        before = Counter(ctx.quickbooks.calls())
        quickbooks.extract(ctx)
        contractor.extract(ctx)
        return Counter(ctx.quickbooks.calls()) - before


def refreshed(store: Engine, side: Side, entity: str) -> set[str]:
    """Ids of what was read since everything was made to look outdated."""
    schema = f"staging_{side.value}"
    with store.connect() as conn:
        rows = conn.execute(text(f"select id from {schema}.{entity} where content_hash <> 'outdated'"))
        return {record_id for (record_id,) in rows}


def outdate(store: Engine) -> None:
    with store.begin() as conn:
        for side, entity in [(Side.QUICKBOOKS, e) for e in ENTITY.values()] + [(Side.CONTRACTOR, "customer")]:
            conn.execute(
                text(
                    f"update staging_{side.value}.{entity} set content_hash = 'outdated', version = '0',"
                    " updated_at = '2000-01-01'"
                )
            )


def changed_from(since: datetime) -> dict[str, set[str]]:
    """What the server was loaded with that changed at the moment or later, by entity."""
    found: dict[str, set[str]] = {name: set() for name in ENTITY.values()}
    for name, row in books_rows():
        if name in ENTITY and datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"]) >= since:
            found[ENTITY[name]].add(row["Id"])
    return found


@pytest.mark.parametrize(
    ("since", "count", "calls"),
    [
        pytest.param(ago(hours=1), 999, {"cdc": 1, "query": 2}, id="999 of one kind, all of one second"),
        pytest.param(ago(hours=2), 1_000, None, id="1,000 of one kind"),
        pytest.param(ago(hours=3), 1_001, None, id="1,001 of one kind"),
        pytest.param(ago(hours=4), 2_001, None, id="over 1,000 of several kinds, none over 1,000 but one"),
        pytest.param(ago(hours=5), 3_501, None, id="1,500 of one kind within one second"),
        pytest.param(ago(days=28), 4_501, None, id="as far as the feed looks back"),
        pytest.param(ago(days=31), 9_501, None, id="beyond what the feed looks back, 5,000 within one second"),
    ],
)
def test_every_change_and_nothing_else_is_read(
    made: Instance, store: Engine, since: datetime, count: int, calls: dict[str, int] | None
) -> None:
    wanted = changed_from(since)
    assert sum(map(len, wanted.values())) + SEEDED == count
    outdate(store)
    used = read(made, store, since)
    assert {entity: refreshed(store, Side.QUICKBOOKS, entity) for entity in ENTITY.values()} == wanted
    # At the contractor's the thousands of one moment fill many pages.
    assert len(refreshed(store, Side.CONTRACTOR, "customer")) == (5_200 if since <= ago(days=31) else 0)
    assert calls is None or dict(used) == calls
    # A feed that is full has each object asked for by itself; what lies before the window that fits comes by query.
    assert used.total() <= 40 + 2 * count // MAX_PAGE, used
