"""The whole play in one process: both servers, the product, the clock; a schedule in a fraction of the time.

Invariant: the code is the product's and the servers' own, over real SQL and whole HTTP messages. Left out are sockets,
processes, threads and waiting. A power cut ends the work at an edge for good: whatever still wants to run on its way
out can neither commit nor send anything.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
import structlog
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from qb_pipeline.errors import PipelineError
from qb_pipeline.sandbox.contractor import server as contractor_server
from qb_pipeline.sandbox.kernel.control import Kernel
from qb_pipeline.sandbox.quickbooks import server as quickbooks_server
from qb_pipeline.settings import Settings
from qb_pipeline.store.engine import make_engine
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.connecting import Connecting, Wanted
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, Instance, Raw, Sandbox, is_write
from qb_pipeline_tests.faults.haste import OVERLAP, nobody_waits
from qb_pipeline_tests.faults.mains import Mains, PowerCut, supplied_by
from qb_pipeline_tests.faults.post import look
from qb_pipeline_tests.faults.stage import KINDS, Run, runs_until_quiet
from qb_pipeline_tests.faults.wire import Wire, wired
from qb_pipeline_tests.unit.console.running import settings_for

_PORTS = {"contractor": 2, "quickbooks": 3}  # nobody listens there
_TO_COME = 10**9  # above the number of any request


@dataclass
class IndoorSandbox(Sandbox):
    """One server as an application of this process."""

    wire: Wire | None = None
    kernel: Kernel | None = None

    def start(self, *_options: str) -> IndoorSandbox:
        assert self.wire is not None
        self.port = _PORTS[self.kind]
        made = _MAKE[self.kind](self.state)
        self.kernel, app, info = made
        self.wire.serve(self.port, app)
        base = f"http://127.0.0.1:{self.port}"
        self.info = {"base_url": base} | {k: v.replace("{base_url}", base) for k, v in info.items()}
        return self

    def stop(self) -> None:
        if self.kernel is not None:
            self.kernel.conn.close()

    def deliver(self) -> None:
        """What waits in the queue of webhooks leaves, as far as it is due."""
        assert self.kernel is not None
        asyncio.run(self.kernel.webhooks.deliver_due())


@dataclass
class IndoorInstance(Instance):
    """Asks over one connection for as long as its database stands."""

    asked: psycopg.Connection[Raw] | None = None

    def rows(self, statement: str) -> list[Raw]:
        self.asked = self.asked or self.asking()
        return list(self.asked.execute(statement.encode()).fetchall())

    def hang_up(self) -> None:
        """The database is about to go, or to be copied."""
        if self.asked is not None:
            self.asked.close()
            self.asked = None


def _quickbooks(state: Path) -> tuple[Kernel, Any, dict[str, str]]:
    made = quickbooks_server.create_app(state, empty=True)
    return made.kernel, made.app, {**made.control.info(), "discovery_url": quickbooks_server.DISCOVERY}


def _contractor(state: Path) -> tuple[Kernel, Any, dict[str, str]]:
    made = contractor_server.create_app(state, empty=True)
    return made.kernel, made.app, made.credentials


_MAKE: dict[str, Callable[[Path], tuple[Kernel, Any, dict[str, str]]]] = {
    "contractor": _contractor, "quickbooks": _quickbooks,
}  # fmt: skip


@dataclass
class IndoorStage:
    """What `stage.Stage` is, without its processes."""

    instance: IndoorInstance
    boxes: tuple[IndoorSandbox, IndoorSandbox]
    folder: Path
    admin: str
    database: str
    mains: Mains
    settings: Settings
    moments: list[str] = field(default_factory=list)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = make_engine(self.instance.database_url)
        # Nobody restarts this server, and no connection of this engine outlives its database.
        self.engine.dialect.do_ping = _there  # type: ignore[method-assign]  # for this engine alone

    def remember(self, moment: str) -> None:
        """Keep everything as it is now."""
        kept = self.folder / moment
        kept.mkdir()
        for box in self.boxes:
            with sqlite3.connect(box.state) as state, sqlite3.connect(kept / box.kind) as copy:
                state.backup(copy)
        self._hang_up()
        self._admin("CREATE DATABASE {} TEMPLATE {}", f"{self.database}_{moment}", self.database)
        self.moments.append(moment)
        self.let_age()

    def let_age(self) -> None:
        """What there is leaves the overlap of two readings."""
        time.sleep(OVERLAP.total_seconds() + 1)

    def back_to(self, moment: str) -> None:
        """Everything as it was remembered."""
        for box in self.boxes:
            box.stop()
            for old in self.folder.glob(f"{box.kind}.sqlite*"):
                old.unlink()
            shutil.copy(self.folder / moment / box.kind, box.state)
            box.start()
        self._hang_up()
        self._admin("DROP DATABASE {} WITH (FORCE)", self.database)
        self._admin("CREATE DATABASE {} TEMPLATE {}", self.database, f"{self.database}_{moment}")

    def close(self) -> None:
        for box in self.boxes:
            box.stop()
        self._hang_up()
        for name in (self.database, *(f"{self.database}_{m}" for m in self.moments)):
            self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _hang_up(self) -> None:
        self.engine.dispose()
        self.instance.hang_up()

    def _admin(self, command: str, *names: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))

    def run(self, *, stop: int | None = None, webhooks: bool = False) -> Run:
        """A sync (or a look at the webhooks), ended at the edge `stop`."""
        marks = [box.requests_since(_TO_COME)[1] for box in self.boxes]
        self.mains.run(stop)
        try:
            code, log = self._work(webhooks)
        finally:
            self.mains.on = False
        asked = [r for box, mark in zip(self.boxes, marks, strict=True) for r in box.requests_since(mark)[0]]
        return Run(code, self.mains.edges, log, [r for r in asked if is_write(r)])

    def _work(self, webhooks: bool) -> tuple[int, str]:
        try:
            if webhooks:
                look(self.engine, self.settings)
            else:
                sync(self.engine, self.settings)
        except PowerCut:
            return -9, ""
        except PipelineError as foreseen:
            return 1, f"error: {foreseen}"
        except Exception:  # noqa: BLE001  # judged by whoever asked for the run: it says Traceback
            return 70, traceback.format_exc()
        return 0, ""

    def until_quiet(self, attempts: int = 5) -> list[Run]:
        """See `runs_until_quiet`."""
        return runs_until_quiet(self.run, attempts)

    def delivered(self) -> None:
        """No event is on its way any more; the servers' clocks move on where something is to come later."""
        for box in self.boxes:
            for _ in range(50):
                box.deliver()
                if not box.control("webhooks")["pending"]:
                    break
                box.control("clock", {"advance_seconds": 0.2})
            else:
                raise AssertionError(f"webhooks stay behind: {box.control('webhooks')}")


def _there(dbapi_connection: object) -> bool:  # called by this name
    return True


def sync(engine: Engine, settings: Settings) -> None:
    """What the command `sync` does with one company."""
    with session(engine, settings, COMPANY, "command line", allow_mass_change=True) as ctx:
        ctx.retry_now = True
        steps.sync(ctx)


@contextmanager
def indoor_stage(folder: Path, template_url: str, name: str) -> Iterator[IndoorStage]:
    """A connected instance between empty servers, synchronised once."""
    home = folder / "home"
    home.mkdir(parents=True)
    mains = Mains()
    wire = Wire(mains)
    url = make_url(template_url)
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    own = url.set(database=name).render_as_string(hide_password=False)
    with wired(wire), nobody_waits(), supplied_by(mains), _quiet_log():
        contractor, quickbooks = (IndoorSandbox(k, folder / f"{k}.sqlite", wire=wire).start() for k in KINDS)
        instance = IndoorInstance(home, own, contractor, quickbooks)
        settings = settings_for(home, database_url=own, rate_scale=0)
        made = IndoorStage(instance, (contractor, quickbooks), folder, admin, name, mains, settings)
        try:
            made._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            made._admin("CREATE DATABASE {} TEMPLATE {}", name, str(url.database))
            _connect(made)
            made.until_quiet()
            yield made
        finally:
            made.close()


def _connect(on: IndoorStage) -> None:
    """What `connect` does, the person's consent included."""
    own, books = (box.info for box in on.boxes)
    wanted = Wanted(
        "reference", own["base_url"], own["api_key"], books["base_url"], books["discovery_url"],
        books["client_id"], books["client_secret"],
    )  # fmt: skip
    connecting = Connecting(on.engine, on.settings, COMPANY, wanted)
    connecting.check_contractor()
    oauth = connecting.oauth("http://localhost:4/callback")
    page = oauth.authorize_url("state") + "&sandbox_consent=auto"
    answer = requests.get(page, allow_redirects=False, timeout=10)
    connecting.complete(oauth, oauth.exchange(answer.headers["location"], state="state"))


@contextmanager
def _quiet_log() -> Iterator[None]:
    """What the product logs is of no interest where each failure is judged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
