"""Processes that live as long as a command does.

Invariant: whatever was started is stopped by its own id when the command ends, however it ends short of SIGKILL; one
that ends by itself ends them all.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qb_pipeline.errors import Misconfigured

_STOP_SECONDS = 20.0


@dataclass
class Children:
    """Named processes, each the head of a process group, each with a log file in `logs`."""

    logs: Path
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one that says nothing we wait for."""
        self._start(name, command, stdout=None)

    def start_and_read(self, name: str, command: Sequence[str]) -> dict[str, Any]:
        """Start one whose first line is a JSON object, and return it."""
        child = self._start(name, command, stdout=subprocess.PIPE)
        line = child.stdout.readline() if child.stdout else ""
        try:
            return dict(json.loads(line))
        except ValueError:  # it says nothing, or begins to say why it fails
            child.wait()
            raise self._ended(name) from None

    def wait(self) -> None:
        """Until somebody stops us; `Misconfigured` when a child ends by itself."""
        while not self._stop.wait(0.5):
            self._check()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Until `ready`, or we are stopped; `Misconfigured` when a child ends, or it takes longer than `seconds`."""
        until = time.monotonic() + seconds
        while not ready() and not self._stop.wait(0.1):
            self._check()
            if time.monotonic() > until:
                raise Misconfigured(
                    f"What was started does not answer within {seconds:.0f} s.",
                    code="not_answering",
                    fix=f"The logs are in {self.logs}; start it again.",
                )

    def stop(self) -> None:
        """Ask all groups to end, the latest started first, then make them."""
        for child in reversed(self._running.values()):
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        for child in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, until - time.monotonic()))
            _signal(child, signal.SIGKILL)  # the rest of the group, where the head left some behind
            child.wait()

    def ask_to_stop(self, *_: object) -> None:
        """For signal handlers."""
        self._stop.set()

    def _check(self) -> None:
        for name, child in self._running.items():
            if child.poll() is not None:
                raise self._ended(name)

    def _start(self, name: str, command: Sequence[str], stdout: int | None) -> subprocess.Popen[str]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("a") as log:
            child = subprocess.Popen(  # noqa: S603  # our own programs, no shell
                list(command), stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log, text=True,
                start_new_session=True,
            )  # fmt: skip
        self._running[name] = child
        return child

    def _ended(self, name: str) -> Misconfigured:
        log = self.logs / f"{name}.log"
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        last = f": {lines[-1].strip()}" if lines else ""
        return Misconfigured(f"{name} ended by itself{last}.", code="child_ended", fix=f"Its log is {log}.")


@contextmanager
def children(logs: Path) -> Iterator[Children]:
    """Children that SIGINT and SIGTERM, or the end of the block, stop."""
    family = Children(logs)
    before = {s: signal.signal(s, family.ask_to_stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield family
    finally:
        family.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(child.pid, number)
