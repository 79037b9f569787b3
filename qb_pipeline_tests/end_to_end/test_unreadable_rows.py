"""Rows that QuickBooks can't give: each is told under its id, or with the ids between which it lies, and all else goes
on as if it were not there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from qb_pipeline.entities.spec import Side
from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.store import cursors, staging
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import quickbooks, rows
from qb_pipeline.sync.reading.positions import Debt, Position
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, QuickBooksDesk
from qb_pipeline_tests.faults.indoors import IndoorStage, indoor_stage

FAR = 7_000  # ids between neighbours; up to twenty thousand are looked through
TOO_FAR = 10_000_000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, template_url: str) -> Iterator[IndoorStage]:
    with indoor_stage(tmp_path_factory.mktemp("unreadable") / "stage", template_url, "unreadable_rows") as on:
        yield on


@pytest.fixture(autouse=True)
def _healed(office: IndoorStage) -> Iterator[None]:
    yield
    office.instance.quickbooks.control("faults", method="DELETE")
    with run(office) as ctx:
        quickbooks.read_object(ctx, "Customer")
    office.until_quiet()
    assert exceptions(office) == []


@contextmanager
def run(office: IndoorStage) -> Iterator[Context]:
    with session(office.engine, office.settings, COMPANY, "test") as ctx:
        steps.prepare(ctx)
        yield ctx


def customer(office: IndoorStage, name: str, *, ids_before: int = 0) -> str:
    """A customer made in QuickBooks, so many ids after the last one."""
    kernel = office.boxes[1].kernel
    assert kernel is not None
    with transaction(kernel.conn):
        kernel.conn.execute("UPDATE sequences SET last = last + ?", (ids_before,))
    return str(QuickBooksDesk(office.instance.quickbooks).create("Customer", {"DisplayName": name})["Id"])


def vanish(office: IndoorStage, record_id: str) -> None:
    """It is gone without a trace."""
    kernel = office.boxes[1].kernel
    assert kernel is not None
    with transaction(kernel.conn):
        kernel.conn.execute("DELETE FROM objects WHERE entity = 'Customer' AND id = ?", (record_id,))


def poison(office: IndoorStage, *ids: str) -> None:
    office.instance.quickbooks.control(
        "faults", [{"match": {"entity": "Customer"}, "action": "poison", "ids": list(ids)}]
    )


def exceptions(office: IndoorStage) -> list[tuple[str, str, str]]:
    found = office.instance.rows("select code, record_id, cause from exception where state <> 'resolved' order by 2")
    return [(row["code"], row["record_id"], row["cause"]) for row in found]


def synced(office: IndoorStage) -> set[str]:
    rows = office.instance.rows(
        "select quickbooks_id from link where entity = 'customer' and contractor_id is not null"
    )
    return {row["quickbooks_id"] for row in rows}


def staged(office: IndoorStage) -> set[str]:
    with office.engine.connect() as conn:
        return set(staging.live_ids(conn, COMPANY, Side.QUICKBOOKS, "customer"))


def read_all(office: IndoorStage) -> None:
    with run(office) as ctx:
        quickbooks.read_object(ctx, "Customer")


def test_a_row_never_read_is_told_under_its_id_however_far_its_neighbours_are(office: IndoorStage) -> None:
    first = customer(office, "First")
    bad, last = (customer(office, name, ids_before=FAR) for name in ("Bad", "Last"))
    poison(office, bad)
    assert office.run().code == 0
    [(code, record_id, cause)] = exceptions(office)
    assert (code, record_id) == ("qbo_4002", bad)
    assert "could not be found out" not in cause
    assert {first, last} <= synced(office)


def test_a_row_that_is_the_only_news_is_told_under_its_id(office: IndoorStage) -> None:
    office.let_age()
    bad = customer(office, "Alone", ids_before=FAR)
    poison(office, bad)
    assert office.run().code == 0
    assert [found[:2] for found in exceptions(office)] == [("qbo_4002", bad)]


def test_a_row_out_of_reach_is_told_with_its_neighbours_and_others_absences_are_still_found(
    office: IndoorStage,
) -> None:
    before, gone, kept = (customer(office, name) for name in ("Before", "Gone", "Kept"))
    read_all(office)
    bad, after = (customer(office, name, ids_before=TOO_FAR) for name in ("Hidden", "After"))
    vanish(office, gone)
    poison(office, bad, kept)
    read_all(office)
    found = exceptions(office)
    assert [(code, record_id) for code, record_id, _ in found] == [("qbo_4002", kept), ("qbo_4002", "?")]
    assert f"it lies between the ids {before} and {after}." in found[1][2]
    assert {before, kept, after} <= staged(office)
    assert gone not in staged(office)
    office.until_quiet()
    read_all(office)
    assert exceptions(office) == found
    assert kept in staged(office)


def test_a_row_that_could_never_be_read_and_is_gone_leaves_no_exception(office: IndoorStage) -> None:
    bad = customer(office, "Never read")
    poison(office, bad)
    assert office.run().code == 0
    assert [found[:2] for found in exceptions(office)] == [("qbo_4002", bad)]
    vanish(office, bad)
    read_all(office)
    assert exceptions(office) == []


def test_a_row_that_cannot_be_read_does_not_stop_a_window_owed(office: IndoorStage) -> None:
    bad, beside = customer(office, "Owed and bad"), customer(office, "Owed")
    poison(office, bad)
    now = datetime.now(UTC)
    owed = Position(now + timedelta(seconds=1), now, (Debt(now - timedelta(hours=1), now + timedelta(seconds=1)),))
    with run(office) as ctx:
        with ctx.begin() as conn:
            cursors.put(conn, COMPANY, Side.QUICKBOOKS, quickbooks.STREAM, owed.to_json())
        while owing(ctx):
            quickbooks.extract(ctx)
    assert [found[:2] for found in exceptions(office)] == [("qbo_4002", bad)]
    assert beside in staged(office)


def test_a_row_changed_between_two_pages_of_a_window_owed_hides_no_other(
    office: IndoorStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (quickbooks, rows):
        monkeypatch.setattr(module, "MAX_PAGE", 2)
    monkeypatch.setattr(quickbooks, "PAGES_PER_RUN", 1)
    books = QuickBooksDesk(office.instance.quickbooks)
    made = [customer(office, f"Owed {n}") for n in range(4)]
    with run(office) as ctx:
        quickbooks.read_object(ctx, "Customer")
        for record_id in made:
            time.sleep(1)  # a second of its own for each
            books.edit("Customer", record_id, {"CompanyName": "Edited"})
        until = datetime.now(UTC)
        behind = until + timedelta(seconds=1)
        owed = Position(behind, behind, (Debt(until - timedelta(seconds=30), until, "Customer"),))
        with ctx.begin() as conn:
            cursors.put(conn, COMPANY, Side.QUICKBOOKS, quickbooks.STREAM, owed.to_json())
        time.sleep(1.1)  # past the window's last second
        quickbooks.extract(ctx)
        for record_id in made[:2]:
            books.edit("Customer", record_id, {"CompanyName": "Edited again"})
        monkeypatch.setattr(quickbooks, "PAGES_PER_RUN", 100)
        quickbooks.extract(ctx)
        assert not owing(ctx)
        with ctx.begin() as conn:
            kept = staging.fetch(conn, COMPANY, Side.QUICKBOOKS, "customer", made[2:])
    assert [one.record.values["company_name"] for one in kept.values()] == ["Edited", "Edited"]


def owing(ctx: Context) -> bool:
    with ctx.begin() as conn:
        return bool(Position.from_json(cursors.get(conn, COMPANY, Side.QUICKBOOKS, quickbooks.STREAM)).debts)
