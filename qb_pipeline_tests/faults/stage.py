"""Two servers and a database that can be put back to a remembered moment within a fraction of a second.

Invariant: servers, database and product are real processes on real sockets; going back replaces all three stores, and
nothing of what happened since survives, so that one piece of work can be done again and again from the same start.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from qb_pipeline.errors import PipelineError
from qb_pipeline_tests.end_to_end.forks import FORKS
from qb_pipeline_tests.end_to_end.harness import Instance, Raw, Sandbox, is_write
from qb_pipeline_tests.faults.boundaries import watch

KINDS = ("contractor", "quickbooks")


@dataclass
class Stage:
    """One instance and the moments it can go back to."""

    instance: Instance
    boxes: tuple[Sandbox, Sandbox]
    folder: Path
    admin: str
    database: str
    moments: list[str] = field(default_factory=list)
    runs: int = 0

    def remember(self, moment: str) -> None:
        """Keep everything as it is now; the servers must be at rest."""
        self._halt()
        kept = self.folder / moment
        kept.mkdir()
        for kind in KINDS:
            with sqlite3.connect(self.folder / f"{kind}.sqlite") as state, sqlite3.connect(kept / kind) as copy:
                state.backup(copy)
        self._admin("DROP DATABASE IF EXISTS {}", self._kept(moment))
        self._admin("CREATE DATABASE {} TEMPLATE {}", self._kept(moment), self.database)
        self.moments.append(moment)
        self._start()

    def back_to(self, moment: str) -> None:
        """Everything as it was remembered."""
        self._halt()
        for kind in KINDS:
            for old in self.folder.glob(f"{kind}.sqlite*"):
                old.unlink()
            shutil.copy(self.folder / moment / kind, self.folder / f"{kind}.sqlite")
        self._admin("DROP DATABASE {} WITH (FORCE)", self.database)
        self._admin("CREATE DATABASE {} TEMPLATE {}", self.database, self._kept(moment))
        self._start()

    def close(self) -> None:
        self._halt()
        for name in (self.database, *map(self._kept, self.moments)):
            self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _kept(self, moment: str) -> str:
        return f"{self.database}_{moment}"

    def _admin(self, command: str, *names: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))

    def _halt(self) -> None:
        for box in self.boxes:
            box.stop()

    def _start(self) -> None:
        for box in self.boxes:
            box.launch("--empty")
        for box in self.boxes:
            box.ready()

    # What the product does.

    def run(self, *, stop: str | int | None = None, webhooks: bool = False) -> Run:
        """A sync (or a look at the webhooks) in a process of its own, ended at the edge `stop`."""
        self.runs += 1
        files = [self.instance.home / f"{self.runs}.{what}" for what in ("trace", "log")]
        marks = [box.requests_since(0)[1] for box in self.boxes]
        process = FORKS.Process(
            target=_work, args=(self.instance.environment(), str(self.instance.home), *map(str, files), stop, webhooks)
        )
        process.start()
        process.join(180)
        assert process.exitcode is not None, "a run did not end within three minutes"
        asked = [r for box, mark in zip(self.boxes, marks, strict=True) for r in box.requests_since(mark)[0]]
        trace, log = (file.read_text() if file.exists() else "" for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        return Run(process.exitcode, trace.splitlines(), log, [r for r in asked if is_write(r)])

    def delivered(self) -> None:
        """Wait until no event is on its way any more."""
        deadline = time.monotonic() + 30
        for box in self.boxes:
            while box.control("webhooks")["pending"]:
                assert time.monotonic() < deadline, f"webhooks stay behind: {box.control('webhooks')}"
                time.sleep(0.02)

    def until_quiet(self, attempts: int = 5) -> list[Run]:
        """See `runs_until_quiet`."""
        return runs_until_quiet(self.run, attempts)


@dataclass(frozen=True)
class Run:
    """What a process of the product did: exit code, its edges in order, what it said, the writes both servers saw."""

    code: int
    edges: list[str]
    log: str
    writes: list[Raw]

    @property
    def killed(self) -> bool:
        return self.code == -9

    def told(self) -> str:
        asked = [f"{w['method']} {w['path']} {w['status']}" for w in self.writes]
        return f"exit {self.code}, {asked}"


def runs_until_quiet(run: Callable[[], Run], attempts: int) -> list[Run]:
    """Runs until one succeeds without a write, as the servers' own logs have it."""
    runs: list[Run] = []
    while not runs or runs[-1].writes or runs[-1].code:
        assert len(runs) < attempts, f"no rest after {attempts} runs: {[r.told() for r in runs]}\n{runs[-1].log}"
        runs.append(run())
    return runs


def _work(
    environment: dict[str, str],
    home: str,
    trace: str,
    log: str,
    stop: str | int | None,
    webhooks: bool,
) -> None:
    from qb_pipeline.cli import run  # imported by the fork server
    from qb_pipeline_tests.faults.post import look_at_webhooks  # as above

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    watch(Path(trace), stop)
    if not webhooks:
        sys.exit(run(["sync", "--json", "--allow-mass-change"]))
    try:
        sys.exit(look_at_webhooks())
    except PipelineError as foreseen:
        sys.exit(f"error: {foreseen}")


@contextmanager
def stage(folder: Path, template_url: str, name: str) -> Iterator[Stage]:
    """A connected instance between empty servers, synchronised once."""
    home = folder / "home"
    home.mkdir(parents=True)
    url = make_url(template_url)
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    contractor, quickbooks = (Sandbox(kind, folder / f"{kind}.sqlite").start("--empty") for kind in KINDS)
    own = url.set(database=name).render_as_string(hide_password=False)
    made = Stage(Instance(home, own, contractor, quickbooks), (contractor, quickbooks), folder, admin, name)
    try:
        made._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        made._admin("CREATE DATABASE {} TEMPLATE {}", name, str(url.database))
        made.instance.connect()
        made.until_quiet()
        yield made
    finally:
        made.close()


def codes(stage_: Stage) -> list[tuple[Any, ...]]:
    """Open exceptions as (code, entity, what it is called)."""
    found = stage_.instance.rows("select code, entity, record_label from exception where state <> 'resolved'")
    return sorted((r["code"], r["entity"], r["record_label"] or "") for r in found)
