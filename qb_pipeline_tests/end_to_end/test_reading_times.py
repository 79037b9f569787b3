"""What is read wins over what was read wrongly: lists that came back empty, times that went back or lay in the future,
a clock of ours that runs ahead. Nothing is removed, nothing missed, and no exception stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from qb_pipeline.entities.spec import Side
from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline.store import cursors, staging
from qb_pipeline.store.engine import make_engine, utcnow
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import quickbooks, sweep
from qb_pipeline.sync.reading.positions import Position
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY
from qb_pipeline_tests.end_to_end.hostile import Rule, changed
from qb_pipeline_tests.end_to_end.hostile_office import Office, hostile_office
from qb_pipeline_tests.unit.console.running import settings_for

FAR = "2099-01-01T00:00:00.000000Z"


@pytest.fixture(scope="module")
def company(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with hostile_office(tmp_path_factory.mktemp("times"), template_url, "times") as office:
        yield office


@pytest.fixture
def office(company: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: None)
    yield company
    company.heal()
    company.judged()


@pytest.fixture
def store(office: Office) -> Iterator[Engine]:
    engine = make_engine(office.made.database_url)
    yield engine
    engine.dispose()


@contextmanager
def run(office: Office, store: Engine, ahead: timedelta = timedelta(0)) -> Iterator[Context]:
    """A run whose clock, which is ours, may be ahead of everybody else's."""
    chosen = settings_for(office.made.home, database_url=office.made.database_url, rate_scale=0)
    with session(store, chosen, COMPANY, "test", allow_mass_change=True) as ctx:
        ctx.now = lambda: utcnow() + ahead
        yield ctx


def night(office: Office, store: Engine) -> list[sweep.Difference]:
    """A deep sweep with all that follows; what it found. The changes, whose overlap would show what is as young as
    these tests, are not read."""
    found: list[sweep.Difference] = []

    def reading(ctx: Context) -> None:
        found.extend(d for d in sweep.sweep(ctx) if d.found)

    with run(office, store) as ctx:
        steps.sync(ctx, reading=reading)
    return found


def alive(office: Office) -> set[str]:
    return {c["id"] for c in office.own.all("customers") if c["deleted_at"] is None and c["active"]}


def active(office: Office) -> set[str]:
    return {c["Id"] for c in office.books.all("Customer") if c["Active"]}


def notes(office: Office, name: str) -> str | None:
    [found] = office.named(name)
    return found.get("Notes")


def shown(record_id: str, **as_: str) -> Rule:
    """The contractor's system shows this customer otherwise than it is, in lists and by its id."""

    def otherwise(document: Any) -> Any:
        for row in document.get("data", [document]):
            if row.get("id") == record_id:
                row.update(as_)
        return document

    return Rule("GET .*/customers", changed(otherwise))


def no_customers(document: Any) -> Any:
    empty = {"QueryResponse": {}, "time": document.get("time")}
    return empty if "Customer" in document.get("QueryResponse", {}) else document


def read_to(store: Engine, side: Side, stream: str) -> datetime:
    with store.connect() as conn:
        return Position.from_json(cursors.get(conn, COMPANY, side, stream)).read_to


def test_a_night_of_empty_lists_removes_nothing_and_stops_no_edit(office: Office, store: Engine) -> None:
    made = office.customers(14)
    office.heal()
    before = alive(office), active(office)
    with office.between.spoiling(Rule("(GET|POST) .*/query.*Customer", changed(no_customers))):
        assert night(office, store) == []
    assert office.open_exceptions() == []
    office.own.edit("customers", made[3]["id"], {"notes": "after the night"})
    office.sync().success()
    assert notes(office, made[3]["name"]) == "after the night"
    assert (alive(office), active(office)) == before


@pytest.mark.parametrize("side", Side)
def test_a_wrong_deletion_is_undone_by_the_next_night_and_its_exceptions_close(
    office: Office, store: Engine, side: Side
) -> None:
    made = office.customers(12)
    office.heal()
    [link] = {r["contractor_id"]: r for r in office.links(made[0]["id"])}.values()
    ids = [
        row["contractor_id" if side is Side.CONTRACTOR else "quickbooks_id"]
        for c in made
        for row in office.links(c["id"])
    ]
    assert link["quickbooks_id"] in active(office)
    before = alive(office), active(office)
    with store.begin() as conn:
        assert staging.mark_deleted(conn, COMPANY, side, "customer", ids, utcnow()) == 12
    found = night(office, store)
    assert [len(d.appeared) for d in found] == [12]
    assert office.open_exceptions() == []
    assert (alive(office), active(office)) == before


def test_exceptions_about_what_was_wrongly_gone_close_when_it_is_found(office: Office, store: Engine) -> None:
    made = office.customers(12)
    office.heal()
    ids = [row["quickbooks_id"] for c in made for row in office.links(c["id"])]
    with store.begin() as conn:
        staging.mark_deleted(conn, COMPANY, Side.QUICKBOOKS, "customer", ids, utcnow())
    with run(office, store) as ctx:
        steps.sync(ctx, reading=lambda _ctx: None)
    assert {e["code"] for e in office.open_exceptions()} == {"name_gone"}
    night(office, store)
    assert office.open_exceptions() == []


def test_a_record_whose_time_of_change_went_back_is_carried_by_the_night(office: Office, store: Engine) -> None:
    [one] = office.customers(1)
    office.heal()
    with office.before_own.spoiling(shown(one["id"], notes="restored", updated_at="2026-01-01T00:00:00.000000Z")):
        [found] = night(office, store)
        assert (found.side, found.changed) == (Side.CONTRACTOR, (one["id"],))
        assert [d for d in night(office, store) if d.side is Side.CONTRACTOR and d.changed] == []
        assert notes(office, one["name"]) == "restored"
    night(office, store)


def test_a_time_in_the_future_hides_no_later_edit_and_no_neighbours(office: Office, store: Engine) -> None:
    one, neighbour = office.customers(2)
    office.heal()
    office.own.edit("customers", one["id"], {"notes": "first"})
    with office.before_own.spoiling(shown(one["id"], updated_at=FAR)):
        office.sync().success()
    assert read_to(store, Side.CONTRACTOR, "customer") < datetime.now(UTC)
    assert notes(office, one["name"]) == "first"
    office.own.edit("customers", one["id"], {"notes": "second"})
    office.own.edit("customers", neighbour["id"], {"notes": "beside it"})
    [new] = office.customers(1)
    office.sync().success()
    assert notes(office, one["name"]) == "second"
    assert notes(office, neighbour["name"]) == "beside it"
    assert notes(office, new["name"]) is None


def test_a_position_that_an_earlier_release_put_into_the_future_loses_nothing(office: Office, store: Engine) -> None:
    [one] = office.customers(1)
    office.heal()
    ahead = datetime.now(UTC) + timedelta(days=700)
    with store.begin() as conn:
        cursors.put(conn, COMPANY, Side.CONTRACTOR, "customer", Position(ahead).to_json())
        cursors.put(conn, COMPANY, Side.QUICKBOOKS, quickbooks.STREAM, Position(ahead).to_json())
    office.own.edit("customers", one["id"], {"notes": "meanwhile"})
    new = office.bookkeepers_customer()
    office.sync().success()
    assert notes(office, one["name"]) == "meanwhile"
    assert new["DisplayName"] in {c["name"] for c in office.own.all("customers")}
    assert read_to(store, Side.CONTRACTOR, "customer") < datetime.now(UTC)


def test_a_clock_of_ours_that_runs_ahead_misses_nothing_nor_does_its_correction(office: Office, store: Engine) -> None:
    fast = timedelta(minutes=7)
    with run(office, store, fast) as ctx:
        steps.sync(ctx)
    first = office.bookkeepers_customer()
    with run(office, store, fast) as ctx:
        steps.sync(ctx)
    assert first["DisplayName"] in {c["name"] for c in office.own.all("customers")}
    assert read_to(store, Side.QUICKBOOKS, quickbooks.STREAM) < datetime.now(UTC)
    second = office.bookkeepers_customer()
    office.sync().success()
    assert second["DisplayName"] in {c["name"] for c in office.own.all("customers")}
