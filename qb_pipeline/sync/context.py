"""What one run of one company carries around: the store, both ports, the rules, the clock and the tally.

Invariant: everything a run does is counted here under the entity it was done to, and belongs to one company.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.shown import label
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import runs, sync_log
from qb_pipeline.store.journal import Word
from qb_pipeline.sync.contractor_port import ContractorPort
from qb_pipeline.sync.ports import Port
from qb_pipeline.sync.quickbooks_port import QuickBooksPort
from qb_pipeline.sync.rules import Rules

__all__ = ["Context", "Tally", "label"]


class Tally:
    """Counts per entity: read_quickbooks, linked, created_contractor, parked, exceptions …; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, entity: str, what: str, count: int = 1) -> None:
        if count:
            with self._lock:
                self._counts[entity][what] += count

    def put(self, entity: str, what: str, count: int) -> None:
        """Replace a count that describes a state rather than a deed (parked, exceptions)."""
        with self._lock:
            self._counts[entity][what] = count

    def of(self, entity: str) -> dict[str, int]:
        with self._lock:
            return {k: v for k, v in self._counts[entity].items() if v}

    def all(self) -> dict[str, dict[str, int]]:
        return {name: self.of(name) for name in ENTITIES if self.of(name)}


@dataclass
class Context:
    """One run. `rules` change once the QuickBooks facts are known; `dry` forbids every write to either system."""

    engine: Engine
    company: str
    run_id: str
    rules: Rules
    contractor: ContractorPort
    quickbooks: QuickBooksPort
    defaults: Mapping[str, str] = field(default_factory=dict)
    preferences: Mapping[str, Any] = field(default_factory=dict)
    dry: bool = False
    allow_mass_change: bool = False
    ordered: bool = False  # a person ordered each of its writes, as in an undo: no brake holds or counts them
    retry_now: bool = False  # a person started it: passing faults are tried again before their time
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tally: Tally = field(default_factory=Tally)
    progress: Callable[[str], None] = lambda _line: None
    holding: Callable[[], None] = lambda: None  # raises once the company is not ours any more
    may_write: Callable[[], None] = lambda: None  # raises then, too, and once it is disconnected
    causes: dict[str, dict[Any, Any]] = field(default_factory=dict)  # what blocks many records, see sync/causes.py
    bound: set[tuple[str, str | None, str]] = field(default_factory=set)  # (entity, source id, fingerprint)
    let_through: defaultdict[tuple[str, Side, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    allowed: dict[tuple[str, Side, str], Word] = field(default_factory=dict)  # removals on a word, see sync/brake.py

    def port(self, side: Side) -> Port:
        return self.quickbooks if side is Side.QUICKBOOKS else self.contractor

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A short transaction; never held across an HTTP call. It is committed only while the company is ours, so that
        nothing is marked as leaving, and nothing leaves, after another run may have begun."""
        with self.engine.begin() as conn:
            yield conn
            self.holding()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A short transaction that reads only, which the server sees to. It does not ask whether the company is still
        ours: what comes of the reading is written in a transaction that does."""
        with self.engine.connect().execution_options(postgresql_readonly=True) as conn, conn.begin():
            yield conn

    @contextmanager
    def begin_leaving(self) -> Iterator[Connection]:
        """As `begin`, for what marks writes as leaving: none does once the company is disconnected, while what has left
        before is still answered for."""
        with self.engine.begin() as conn:
            yield conn
            self.may_write()

    def calls(self) -> dict[str, dict[str, int]]:
        """Requests sent so far, by side and kind."""
        return {side.value: dict(self.port(side).calls()) for side in Side}

    def note_calls(self, conn: Connection) -> None:
        """Put down the calls so far, last of all in a transaction: whoever else does so waits for its end. Where that
        is done depends on no other thread, so that a run's commits are the same ones each time."""
        runs.note_calls(conn, self.company, self.run_id, self.calls())

    def log(self, conn: Connection, entity: Entity, side: Side, action: str, **named: Any) -> None:
        detail = named.pop("detail", {})
        entry = sync_log.Entry(entity.name, side, action, run_id=self.run_id, detail=detail, **named)
        sync_log.append(conn, self.company, [entry])

    def two_sided(self) -> list[Entity]:
        """The entities both systems have, in the order in which they must be written."""
        return [e for e in ENTITIES.values() if self.contractor.offers(e) and e.quickbooks_object]
