"""Processes of their own that need not import anything: importing takes longer than a small sync.

Invariant: each is forked from a process that did nothing but import, so it begins as a new one does, and shares nothing
with the tests but what it was given.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([
    "qb_pipeline.cli", "qb_pipeline.commands.sync", "qb_pipeline.quickbooks.codecs", "qb_pipeline.sync.reading.hints",
    "qb_pipeline.sandbox.cli", "qb_pipeline.sandbox.quickbooks.server", "qb_pipeline.sandbox.contractor.server",
    "qb_pipeline_tests.faults.boundaries", "qb_pipeline_tests.faults.post",
])  # fmt: skip


class Served:
    """A sandbox server as its command starts it."""

    def __init__(self, *words: str) -> None:
        self._heard, said = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_serve, args=(words, said), daemon=True)
        self._process.start()
        said.close()

    def first_line(self) -> dict[str, Any]:
        """What the server says as soon as it listens."""
        heard = b""
        while b"\n" not in heard:
            part = os.read(self._heard.fileno(), 65_536)
            assert part, "the sandbox ended before it listened"
            heard += part
        return dict(json.loads(heard.splitlines()[0]))

    def stop(self) -> None:
        """As a service manager does."""
        self._process.terminate()
        self._gone()

    def kill(self) -> None:
        """Without warning, which is quicker; what it stored is durable."""
        self._process.kill()
        self._gone()

    def _gone(self) -> None:
        self._process.join(10)
        assert self._process.exitcode is not None, "the sandbox did not end"
        self._heard.close()


def _serve(words: tuple[str, ...], said: Connection) -> None:
    from qb_pipeline.sandbox.cli import sandbox  # imported by the fork server

    os.dup2(said.fileno(), 1)
    sandbox(list(words), prog_name="sandbox")


def command(environment: Mapping[str, str], home: str, words: tuple[str, ...], before: str = "") -> None:
    """What such a process does for a command; its output goes to `command.log` of the home. `before`: a program that
    prepares a mishap."""
    from qb_pipeline.cli import run  # imported by the fork server, long before the first command

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    log = os.open("command.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    exec(before, {})
    sys.exit(run(list(words)))
