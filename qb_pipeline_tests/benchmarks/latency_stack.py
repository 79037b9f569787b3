"""Everything `qb-pipeline dev` starts, on its own ports and in its own home, and where wanted a broker beside it.

Invariant: what was started here is ended here by its own id, also when the benchmark fails.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qb_pipeline.store import embedded
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk, Sandbox

COMPANY = "Latency Builders"
START_SECONDS = 120
NO_BROKER = "The benchmark of warm workers needs a broker: apt-get install redis-server"


@dataclass(frozen=True)
class Stack:
    """One running installation."""

    home: Path
    environment: Mapping[str, str]
    contractor: ContractorDesk
    quickbooks: QuickBooksDesk

    def sync(self) -> None:
        """One sync of everything in a process of its own, so that both sides agree before anything is measured."""
        command = [sys.executable, "-m", "qb_pipeline.cli", "sync", "--company", COMPANY, "--json"]
        done = subprocess.run(
            command, env=dict(self.environment), cwd=self.home, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise SystemExit(f"The first sync failed: {done.stderr}{done.stdout}")


@contextmanager
def stack(launcher: str) -> Iterator[Stack]:
    """Dagster's daemon, code server and pages, the console, both sandboxes, and for `celery` a broker and workers."""
    home = Path(tempfile.mkdtemp(prefix="qb-latency-"))
    home.chmod(0o755)  # as root, the embedded server runs under another account
    try:
        with _broker(home) if launcher == "celery" else _nothing() as broker:
            environment = _environment(home, launcher, broker)
            with _dev(home, environment) as document:
                contractor, quickbooks = (_sandbox(document, kind) for kind in ("contractor", "quickbooks"))
                yield Stack(home, environment, ContractorDesk(contractor), QuickBooksDesk(quickbooks))
    finally:
        embedded.stop(home)  # it would go on for this process, which has looked into its tables
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path, launcher: str, broker: str | None) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("QB_", "DAGSTER_"))}
    given = {"QB_HOME": str(home), "QB_RUN_LAUNCHER": launcher, "QB_CONSOLE_PORT": "0"}
    return inherited | given | ({"QB_CELERY_BROKER": broker} if broker else {})


@contextmanager
def _dev(home: Path, environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    ports = ["--port", str(_free_port()), "--quickbooks-port", "0", "--contractor-port", "0", "--console-port", "0"]
    command = [sys.executable, "-m", "qb_pipeline.cli", "dev", *ports, "--company", COMPANY, "--json"]
    with (home / "dev.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(environment), cwd=home,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield _document(process, home)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=90)


def _document(process: subprocess.Popen[str], home: Path) -> dict[str, Any]:
    """What `dev --json` says once everything was started."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith("}"):
            found = dict(json.loads(text))
            if "error" not in found:
                return found
            break
    raise SystemExit(f"The stack did not start: {text}{(home / 'dev.log').read_text()}")


def _sandbox(document: Mapping[str, Any], kind: str) -> Sandbox:
    return Sandbox(kind, Path(document["home"]), info=dict(document[kind]))


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


@contextmanager
def _broker(home: Path) -> Iterator[str]:
    """A Redis of our own that keeps nothing on disk."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit(NO_BROKER)
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home), "--loglevel", "warning"]
    with (home / "redis.log").open("w") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"Nobody listens on port {port}.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
