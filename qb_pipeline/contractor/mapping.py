"""The field language of a system file: which platform path holds which canonical field, and how it is translated.

Invariant: a mapping is data that can be checked when loaded and inverted for writing; every canonical field it names
exists, its translation fits the field's kind, and what a new record needs is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qb_pipeline.contractor.conditions import Because, Condition
from qb_pipeline.contractor.transforms import Transform
from qb_pipeline.entities.spec import Entity, Field, Kind

_TEXTS = (Kind.TEXT, Kind.EMAIL, Kind.PHONE)


@dataclass(frozen=True)
class ValueMap:
    """One canonical field at one path. `enum` maps the platform's words to ours; of several words for one of ours the
    first is written. Where the platform has no value, `otherwise` is read, then `default` (canonical) stands.
    """

    spec: Field
    at: str
    transform: Transform
    reads: bool = True
    writes: bool = True
    create_only: bool = False
    enum: Mapping[str, str] | None = None
    default: Any = None
    otherwise: str | None = None


@dataclass(frozen=True)
class Choice:
    """A derived word: `then` where `when` holds (None: always); `clear` names fields that then are at their default."""

    then: str
    when: Condition | None = None
    clear: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DerivedWord:
    """A text field the platform has no place for, told from its other values by the first choice that holds."""

    spec: Field
    choices: tuple[Choice, ...]

    def choose(self, raw: Mapping[str, Any]) -> Choice | None:
        return next((c for c in self.choices if c.when is None or c.when.holds(raw)), None)


@dataclass(frozen=True)
class Remainder:
    """A computed amount: the field `of` less the sum of `amount` over the lines `less`."""

    spec: Field
    of: str
    less: str
    amount: str


@dataclass(frozen=True)
class LinesMap:
    """A list of lines at one path; `line_id` is the path of a line's native id, None where lines have none."""

    spec: Field
    at: str
    values: tuple[ValueMap, ...]
    words: tuple[DerivedWord, ...] = ()
    line_id: str | None = None
    reads: bool = True
    writes: bool = True


@dataclass(frozen=True)
class EntityMap:
    """Everything the codec of one entity needs. `on_create` and `on_update` are constants by path."""

    entity: Entity
    values: tuple[ValueMap, ...]
    lines: tuple[LinesMap, ...] = ()
    remainders: tuple[Remainder, ...] = ()
    on_create: Mapping[str, Any] = field(default_factory=dict)
    on_update: Mapping[str, Any] = field(default_factory=dict)
    deleted: Condition | None = None
    voided: Condition | None = None
    skip: tuple[Because, ...] = ()
    frozen: tuple[Because, ...] = ()
    id_at: str = "id"
    json_numbers: bool = False

    @property
    def stored(self) -> tuple[ValueMap | LinesMap, ...]:
        """The fields that have a place of their own on the platform."""
        return (*self.values, *self.lines)

    def readable(self) -> frozenset[str]:
        """Canonical fields this platform shows."""
        return frozenset({m.spec.name for m in self.stored if m.reads} | {r.spec.name for r in self.remainders})

    def writable_on_create(self) -> frozenset[str]:
        return frozenset(m.spec.name for m in self.stored if m.writes)

    def writable_on_update(self) -> frozenset[str]:
        return self.writable_on_create() - {m.spec.name for m in self.values if m.create_only}

    def texts(self) -> frozenset[str]:
        """Canonical text fields this platform shows: a record can be looked up by one of them."""
        return frozenset(m.spec.name for m in self.values if m.reads and m.spec.kind in _TEXTS)
