"""A company between two fake sides and a real Postgres; `run` is one sync of some entities, from recovery on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Engine, select

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions, journal, links, tables
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.store.journal import Write
from qb_pipeline.sync import blockers, causes, first_contact, problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.load import load
from qb_pipeline.sync.reading import observing
from qb_pipeline.sync.recovery import recover
from qb_pipeline.sync.rules import Rules
from qb_pipeline.sync.trees import Owed
from qb_pipeline.sync.undoing import asking
from qb_pipeline_tests.sync.fakes import FakePort

COMPANY = "acme"


@dataclass
class World:
    engine: Engine
    entities: tuple[str, ...] = ("customer",)
    rules: Rules = field(default_factory=Rules)
    contractor: FakePort = field(default_factory=lambda: FakePort(Side.CONTRACTOR))
    quickbooks: FakePort = field(default_factory=lambda: FakePort(Side.QUICKBOOKS))
    ahead: timedelta = timedelta(0)
    runs: int = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def port(self, side: Side) -> FakePort:
        return self.contractor if side is Side.CONTRACTOR else self.quickbooks

    def context(self, **more: Any) -> Context:
        self.runs += 1
        more.setdefault("retry_now", True)  # as somebody at the command line, who does not wait for the backoff
        left, right = cast(Any, self.contractor), cast(Any, self.quickbooks)  # they have the Port's methods
        return Context(self.engine, COMPANY, f"run-{self.runs}", self.rules, left, right, now=self.now, **more)

    def run(self, **more: Any) -> Context:
        """One sync: recover, read both sides, match and load in order, remove last, name what is missing."""
        ctx = self.context(**more)
        names = [n for n in ENTITIES if n in self.entities]
        recover(ctx)
        for name in names:
            with ctx.begin() as conn:
                for side in Side:
                    observing.take(ctx, conn, ENTITIES[name], side, self.port(side).records(name))
        parked: list[Owed] = []
        removing: list[str] = []
        for name in names:
            first_contact.match(ctx, ENTITIES[name])
            loaded = load(ctx, ENTITIES[name])
            parked += loaded.parked
            removing += [name] if loaded.removals else []
        for name in reversed(removing):
            load(ctx, ENTITIES[name], removing=True)
        with ctx.begin() as conn:
            causes.report(ctx, conn, complete=True)
            problems.close_obsolete(ctx, conn)
            asking.ask_again(ctx, conn)
            blockers.report_waiting(ctx, conn, parked)
        return ctx

    def run_only_reading(self) -> None:
        """Stage both sides and do nothing else."""
        ctx = self.context()
        with ctx.begin() as conn:
            for name in self.entities:
                for side in Side:
                    observing.take(ctx, conn, ENTITIES[name], side, self.port(side).records(name))

    def writes(self) -> int:
        """How many writes have reached either side so far."""
        return len(self.contractor.requests) + len(self.quickbooks.requests)

    def journal(self) -> list[Write]:
        with self.engine.connect() as conn:
            ids = conn.scalars(select(tables.journal.c.id).order_by(tables.journal.c.id)).all()
            found = journal.get_many(conn, COMPANY, ids)
        return [found[i] for i in ids]

    def open_exceptions(self) -> list[Reported]:
        with self.engine.connect() as conn:
            return exceptions.listing(conn, COMPANY)

    def codes(self) -> list[str]:
        return sorted(e.code for e in self.open_exceptions())

    def links(self, entity: str = "customer") -> dict[str | None, str | None]:
        """contractor id -> QuickBooks id."""
        with self.engine.connect() as conn:
            return {x.contractor_id: x.quickbooks_id for x in links.everything(conn, COMPANY, entity)}

    def names(self, side: Side, entity: str = "customer") -> list[str]:
        """The names of the live records of a side, so that a second copy shows."""
        rows: Mapping[str, Mapping[str, Any]] = self.port(side).live(entity)
        return sorted(str(row.get("name", row.get("number"))) for row in rows.values())


def customer(name: str = "Hazel Roofing", **values: Any) -> dict[str, Any]:
    return {"name": name, "active": True, **values}
