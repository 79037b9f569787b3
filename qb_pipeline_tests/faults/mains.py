"""Power that can fail at any edge of the work, in this process.

Invariant: after the cut nothing of the work is stored or sent any more, whatever still runs on its way out: no commit,
no request, no statement that changes a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Engine, event

from qb_pipeline_tests.faults import boundaries


class PowerCut(BaseException):
    """The process ends here."""


@dataclass
class Mains:
    """Counts the edges of a run and ends it at one of them, like `boundaries.Watch`, which kills."""

    edges: list[str] = field(default_factory=list)
    stop: int | None = None
    on: bool = False
    dead: bool = False

    def run(self, stop: int | None) -> None:
        self.edges, self.stop, self.on, self.dead = [], stop, True, False

    def reached(self, what: str) -> None:
        if not self.on:
            return
        self.edges.append(what)
        self.dead = self.dead or len(self.edges) == self.stop
        if self.dead:
            raise PowerCut

    def writing(self, _conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """Without a transaction around it a statement is stored at once, unless there is nobody left to send it."""
        if self.on and self.dead and boundaries.changes(statement):
            raise PowerCut


_MAINS: list[Mains] = []


@contextmanager
def supplied_by(mains: Mains) -> Iterator[None]:
    """The edges of this process are reached on these mains."""
    _attach()
    _MAINS.append(mains)
    try:
        yield
    finally:
        _MAINS.remove(mains)


class _Lines:
    """Leads to the mains of the moment."""

    def reached(self, what: str) -> None:
        for mains in _MAINS:
            mains.reached(what)

    def writing(self, *said: Any) -> None:
        for mains in _MAINS:
            mains.writing(*said)


@cache
def _attach() -> None:
    """Once in a process: what listens to it can't be let go of again."""
    lines = _Lines()
    boundaries.attach(lines)
    event.listen(Engine, "before_cursor_execute", lines.writing)
