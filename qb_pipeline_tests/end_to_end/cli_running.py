"""The command as its user meets it, and both sandboxes it talks to.

Invariant: what is asserted is what a user sees: exit code, standard output, standard error and the systems' own state.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import requests
import structlog

from qb_pipeline import cli
from qb_pipeline_tests.end_to_end.forks import Served

COMPANY = "Acme Builders"


@dataclass
class Server:
    """One running sandbox and its first line."""

    info: dict[str, Any]

    def control(self, name: str, body: Any = None, **params: Any) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        answer = requests.request(
            method, f"{self.info['base_url']}/_sandbox/{name}", json=body, params=params, timeout=10
        )
        answer.raise_for_status()
        return dict(answer.json())

    def writes_since(self, number: int) -> list[dict[str, Any]]:
        """What other than reads and token calls was asked since request `number`."""
        found = self.control("requests", since=number)["requests"]
        return [r for r in found if r["method"] != "GET" and not _reads(r["path"])]

    @property
    def seen(self) -> int:
        return int(self.control("requests", since=0)["next"])


def _reads(path: str) -> bool:
    return path.endswith("/query") or "/oauth2/" in path or "/_sandbox/" in path


@contextmanager
def sandbox(kind: str, *options: str) -> Iterator[Server]:
    served = Served(kind, *(options or ("--port", "0")))
    try:
        yield Server(served.first_line())
    finally:
        served.stop()


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    def failure(self) -> str:
        """The one line of a failure; fails the test when there is none, several, or a traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert self.code != 0, f"it ended well:\n{self.out}"
        assert "Traceback" not in self.err + self.out, self.err
        assert len(lines) == 1, self.err
        return lines[0]

    def success(self) -> Ended:
        assert self.code == 0, f"exit {self.code}\n{self.err}\n{self.out}"
        return self


def typed(home: Path, own: Mapping[str, str], words: Sequence[str]) -> Ended:
    """A command in this process, which spares the seconds of its imports; `own` is what its environment has of QB_."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
    out, err = io.StringIO(), io.StringIO()
    structlog.reset_defaults()  # whatever an earlier test of this process decided about logs
    with (
        mock.patch.dict(os.environ, {**kept, **own}, clear=True),
        contextlib.chdir(home),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = cli.run(list(words))
    return Ended(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Instance:
    """One QB_HOME with its database, and the two sandboxes."""

    home: Path
    quickbooks: Server
    contractor: Server
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> Ended:
        """As `here`, but in a process of its own, where that is what is shown."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
        environment = inherited | self.own()
        done = subprocess.run(
            [sys.executable, "-m", "qb_pipeline.cli", *words],
            capture_output=True, text=True, env=environment, cwd=self.home, timeout=120, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def prepare(self, *words: str) -> Ended:
        """As `here`, for what only prepares or confirms: it must end well."""
        return self.here(*words).success()

    def here(self, *words: str) -> Ended:
        """The command as a user types it, in this process."""
        return typed(self.home, self.own(), words)

    def own(self) -> dict[str, str]:
        """What a command's environment has of this installation."""
        return {"QB_HOME": str(self.home), "QB_RATE_SCALE": "0", **self.environment}

    def connected(self) -> Instance:
        self.prepare(*self.connecting())
        return self

    def connect(self, **changed: str | None) -> Ended:
        """`connect` to both sandboxes; `changed` replaces options (None leaves one out)."""
        return self.here(*self.connecting(**changed))

    def connecting(self, **changed: str | None) -> list[str]:
        options: dict[str, str | None] = {
            "company": COMPANY,
            "contractor_system": "reference",
            "contractor_url": self.contractor.info["base_url"],
            "contractor_key": self.contractor.info["api_key"],
            "quickbooks_discovery": self.quickbooks.info["discovery_url"],
            "quickbooks_api": self.quickbooks.info["base_url"],
            "client_id": self.quickbooks.info["client_id"],
            "client_secret": self.quickbooks.info["client_secret"],
            "authorize": "auto",
            **changed,
        }
        words = [w for k, v in options.items() if v is not None for w in (f"--{k.replace('_', '-')}", v)]
        return ["connect", *words, "--json"]

    def sync(self, *words: str) -> dict[str, Any]:
        """A sync that must end well; the document of its one company."""
        return dict(self.prepare("sync", "--json", *words).document["companies"][0])
