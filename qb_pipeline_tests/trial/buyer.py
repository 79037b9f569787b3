"""A buyer who tries the product for four weeks: works in both systems, reads both, and lets time pass.

Invariant: the buyer never starts a sync. What arrives, arrives because the product's own schedules and sensors asked
for it; what is judged is what both servers hold and what they were asked, beside what the product says of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from dagster import DagsterRun

from qb_pipeline import cli
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.store import close_stores
from qb_pipeline.settings import settings
from qb_pipeline_tests.end_to_end.cli_running import Ended
from qb_pipeline_tests.end_to_end.harness import (
    COLLECTION_OF,
    COMPANY,
    JUDGED,
    OBJECT_OF,
    ContractorDesk,
    Instance,
    QuickBooksDesk,
    Raw,
    instance,
    is_write,
)
from qb_pipeline_tests.end_to_end.harness_judge import Judge, Verdict, copies
from qb_pipeline_tests.trial.moving_clock import Clock
from qb_pipeline_tests.trial.timetable import Timetable, timetable

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
Requests = dict[str, list[Raw]]


@dataclass
class Buyer:
    """One installation for four weeks. `entered` holds what a person made, by side."""

    installed: Instance
    clock: Clock
    timetable: Timetable
    own: ContractorDesk
    books: QuickBooksDesk
    entered: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    runs: list[DagsterRun] = field(default_factory=list)

    # Working in both systems.

    def enters(self, entity: str, **body: Any) -> Raw:
        """Somebody makes a record in the contractor's software."""
        made = self.own.create(COLLECTION_OF[entity], body)
        self.entered["contractor"].add((entity, str(made["id"])))
        return made

    def has(self, entity: str, name: str) -> Raw:
        """The contractor's record of that name; entered now where an earlier week did not."""
        known = [row for row in self.contractors(entity) if row["name"] == name]
        return known[0] if known else self.enters(entity, name=name)

    def books_enter(self, entity: str, **body: Any) -> Raw:
        """Somebody makes a record in QuickBooks."""
        made = self.books.create(OBJECT_OF[entity], body)
        self.entered["quickbooks"].add((entity, str(made["Id"])))
        return made

    # Letting time pass.

    def wait(self, by: timedelta = QUARTER, step: timedelta = QUARTER) -> list[DagsterRun]:
        """Time passes; the daemon looks every `step`. The runs that came of it, all of which must have ended well."""
        until, ran = self.clock.now() + by, []
        while self.clock.now() < until:
            ran += self._passes(min(step, until - self.clock.now()))
        return ran

    def look(self) -> list[DagsterRun]:
        """The daemon looks once, at the present time."""
        ran = self.timetable.look(self.clock.now())
        failed = [f"{r.job_name}: {self._said(r)}" for r in ran if not r.is_success]
        assert not failed, failed
        self.runs += ran
        return ran

    def _said(self, run: DagsterRun) -> str:
        """Why a run failed, from the product's row of it or from Dagster's events."""
        rows = self.installed.rows(f"select error from run where id = '{run.run_id}'")
        events = [e.user_message for e in self.timetable.instance.all_logs(run.run_id) if int(e.level) >= logging.ERROR]
        return f"{rows} {events}"

    def until(self, moment: datetime) -> list[DagsterRun]:
        """As if the machine had been switched off until `moment`: the daemon looks once then."""
        return self._passes(moment - self.clock.now())

    def _passes(self, by: timedelta) -> list[DagsterRun]:
        self.clock.advance(by)
        self.books = QuickBooksDesk(self.installed.quickbooks)  # a person's session lasts an hour at most
        return self.look()

    # What the servers hold and were asked.

    def contractors(self, entity: str) -> list[Raw]:
        return self.own.all(COLLECTION_OF[entity], deleted=False)

    def quickbooks(self, entity: str) -> list[Raw]:
        return self.books.all(OBJECT_OF[entity])

    def marks(self) -> dict[str, int]:
        """Where the servers' request logs stand."""
        return {box.kind: box.requests_since(0)[1] for box in (self.installed.contractor, self.installed.quickbooks)}

    def asked(self, since: dict[str, int]) -> Requests:
        """What the servers were asked since then, but for what the tests asked of `/_sandbox`."""
        boxes = (self.installed.contractor, self.installed.quickbooks)
        logs = {box.kind: box.requests_since(since[box.kind])[0] for box in boxes}
        return {kind: [r for r in log if "/_sandbox" not in r["path"]] for kind, log in logs.items()}

    def written(self, since: dict[str, int]) -> dict[str, int]:
        """Writes either server was asked for since then."""
        return {kind: sum(map(is_write, log)) for kind, log in self.asked(since).items()}

    def verdict(self) -> Verdict:
        """The judge's; a copy of anything is a fault."""
        judge = Judge(self.installed)
        found = judge.judge()
        found.wrong += copies(judge, self.entered)
        return found

    # What the product says.

    def types(self, *words: str) -> Ended:
        """A command, in this process, at the trial's time."""
        out, err = io.StringIO(), io.StringIO()
        structlog.reset_defaults()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(list(words))
        return Ended(code, out.getvalue(), err.getvalue())

    def errors(self) -> list[Raw]:
        return list(self.types("errors", "list", "--json").success().document["errors"])

    def status(self) -> Raw:
        return dict(self.types("status", "--json").success().document["companies"][0])

    def health(self) -> tuple[int, Raw]:
        ended = self.types("health", "--json")
        return ended.code, json.loads(ended.out)


@contextmanager
def trial(folder: Path, database_url: str) -> Iterator[Buyer]:
    """Both servers, empty, and an installation connected to them by the product's own command."""
    before = dict(os.environ)
    with ExitStack() as stack:
        stack.callback(_restore, before)
        installed = stack.enter_context(instance(folder, database_url))
        os.environ.clear()
        os.environ.update(installed.environment())
        installed.connect()
        home = prepare(settings())
        clock = Clock(installed.contractor, installed.quickbooks)
        stack.enter_context(clock.everywhere())
        board = stack.enter_context(timetable(home))
        buyer = Buyer(
            installed, clock, board, ContractorDesk(installed.contractor), QuickBooksDesk(installed.quickbooks)
        )
        _as_it_stands(buyer)
        assert buyer.look() == [], "nothing is due in the minute it is switched on"
        yield buyer


def _as_it_stands(buyer: Buyer) -> None:
    """What a new company holds by itself was entered by nobody else."""
    for entity in JUDGED:
        buyer.entered["contractor"] |= {(entity, str(r["id"])) for r in buyer.contractors(entity)}
        buyer.entered["quickbooks"] |= {(entity, str(r["Id"])) for r in buyer.quickbooks(entity)}


def _restore(environment: dict[str, str]) -> None:
    close_stores()
    os.environ.clear()
    os.environ.update(environment)


__all__ = ["COMPANY", "HOUR", "QUARTER", "Buyer", "trial"]
