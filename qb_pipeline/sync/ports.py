"""What the engine asks of a side, whichever system it is.

Invariant: the engine writes through `send` and, after a crash, `resend` alone, with bodies and keys that the journal
already holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qb_pipeline.entities.codec import Codec
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.sync.plan import Verb


@dataclass(frozen=True)
class Sendable:
    """A journalled write, ready to leave. Items of one batch share `batch_key` and have their own `bid`; a write that
    travels alone, or whose turn to leave has not come yet, has neither."""

    journal_id: int
    entity: str
    verb: Verb
    target_id: str | None
    version: str | None
    key: str
    body: bytes
    batch_key: str | None = None
    bid: str | None = None


@dataclass(frozen=True)
class Answered:
    """What became of one write: its record as it is now (None when it was deleted), or the error.

    `raw` beside an error means that it was written, but the answer can't be read.
    """

    item: Sendable
    record: Record | None = None
    raw: bytes | None = None
    gone: bool = False
    error: PipelineError | None = None


class Listener(Protocol):
    """The journal's side of sending: `leaving` (with how each item travels) is committed before the request, `answered`
    right after it. `may_leave` is asked right before each request, as those that left together wait for one another and
    for the limits: it raises where nothing may be written any more."""

    def leaving(self, items: Sequence[Sendable]) -> None: ...

    def may_leave(self) -> None: ...

    def answered(self, answers: Sequence[Answered]) -> None: ...


class Port(Protocol):
    """One connected side of one company."""

    @property
    def side(self) -> Side: ...

    def offers(self, entity: Entity) -> bool:
        """Whether this side has such records at all."""
        ...

    def unsupported(self, entity: Entity) -> frozenset[str]:
        """Fields ("memo" or "lines.division") this side can't show, so their absence says nothing."""
        ...

    def codec(self, entity: Entity) -> Codec: ...

    def decode(self, entity: Entity, raw: Mapping[str, Any]) -> Record:
        """A raw object as a record; raises `FixTheData`."""
        ...

    def read(self, entity: Entity, record_id: str) -> Record:
        """The record now; raises `NotFound`."""
        ...

    def find_duplicate(self, entity: Entity, values: Mapping[str, Any], existing_id: str | None) -> Record | None:
        """The record that holds the natural key of `values`, after the side refused a second one; None if unclear."""
        ...

    def removal_body(self, entity: Entity, verb: Verb, record_id: str, version: str | None) -> dict[str, Any]: ...

    def send(self, items: Sequence[Sendable], listener: Listener) -> None:
        """Send every item, together or alone as the side likes best; raises only what makes all further sending
        pointless (`Reconnect`, repeated silence)."""
        ...

    def resend(self, items: Sequence[Sendable], listener: Listener) -> None:
        """Send items again that left before, each as it travelled then: batches whole, the others alone."""
        ...

    def parse(self, item: Sendable, raw: bytes) -> Answered:
        """Read a stored answer again, after a crash; one that can't be read comes back with the error."""
        ...

    def calls(self) -> Mapping[str, int]:
        """Requests sent so far, by kind."""
        ...


Progress = Callable[[str, int], None]
"""Told (what, how many) while work goes on."""
