"""What an entity is: its fields, where each may travel, who wins, how it is removed and what identifies it.

Invariant: staging tables, matching, diff, documentation and generic tests are derived from these declarations;
no other module lists an entity's fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Side(StrEnum):
    CONTRACTOR = "contractor"
    QUICKBOOKS = "quickbooks"

    @property
    def other(self) -> Side:
        return Side.QUICKBOOKS if self is Side.CONTRACTOR else Side.CONTRACTOR


class Kind(StrEnum):
    """A field's type: it decides the column type, the comparison and the JSON form of a base."""

    TEXT = "text"
    EMAIL = "email"  # compared without case
    PHONE = "phone"  # compared by its digits
    MONEY = "money"  # Decimal, two places
    NUMBER = "number"  # Decimal, up to six places: quantities, unit prices, percents
    INTEGER = "integer"
    DATE = "date"
    BOOLEAN = "boolean"
    REF = "ref"  # the native id of another entity's record on the same side
    LINES = "lines"  # a tuple of mappings with their own fields


class Direction(StrEnum):
    """Which way a value may be written."""

    BOTH = "both"
    TO_QUICKBOOKS = "to_quickbooks"
    TO_CONTRACTOR = "to_contractor"
    NONE = "none"  # observed only

    def allows(self, target: Side) -> bool:
        if self is Direction.BOTH:
            return True
        return self is (Direction.TO_QUICKBOOKS if target is Side.QUICKBOOKS else Direction.TO_CONTRACTOR)


class Policy(StrEnum):
    """Who wins when both sides changed a field differently since the base."""

    LATEST_EDIT = "latest_edit"
    CONTRACTOR = "contractor"
    QUICKBOOKS = "quickbooks"
    ASK = "ask"


class Removal(StrEnum):
    """How QBO lets go of a record of this entity."""

    INACTIVATE = "inactivate"
    VOID = "void"
    DELETE = "delete"
    NEVER = "never"


class MatchBy(StrEnum):
    """The evidence that links records on first contact."""

    PARTY = "party"  # names, phone, e-mail, address
    NAME = "name"  # a unique name (accounts, items, terms …), code or SKU
    DOCUMENT = "document"  # number, party, total, date


@dataclass(frozen=True)
class Field:
    """One canonical field. `refers_to` names the entity of a REF; `lines` the fields of LINES.

    `group` joins fields that QBO replaces as one object (an address); `derived` marks a figure the systems compute
    from other fields (tax), which is written only while a single side changed what it derives from.
    `line_key` is the line field that identifies a line on one side ("id", or "invoice" for allocations).
    `line_kinds` names the kinds of line on which a line field means something; empty: all of them.
    """

    name: str
    kind: Kind = Kind.TEXT
    title: str = ""
    refers_to: str | None = None
    direction: Direction = Direction.BOTH
    policy: Policy = Policy.LATEST_EDIT
    required: bool = False
    create_only: bool = False
    derived: bool = False
    group: str | None = None
    max_length: int | None = None
    lines: tuple[Field, ...] = ()
    line_key: str = "id"
    line_kinds: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        return self.title or self.name.replace("_", " ")


@dataclass(frozen=True)
class Entity:
    """One kind of record that exists on both sides.

    `quickbooks_object` is the API name (several entities may share one object: customers and jobs are both `Customer`);
    `label_fields` are tried in order to name a record to a person; `depends_on` adds to the references an entity needs
    written before it.
    """

    name: str
    title: str
    plural: str
    quickbooks_object: str
    fields: tuple[Field, ...]
    match_by: MatchBy
    removal: Removal
    direction: Direction = Direction.BOTH
    label_fields: tuple[str, ...] = ("name",)
    unique_by: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    in_cdc: bool = True
    total_field: str | None = None
    _by_name: dict[str, Field] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {f.name: f for f in self.fields})

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def references(self) -> frozenset[str]:
        """Entities this one points at, through its own fields and its lines."""
        own = {f.refers_to for f in self.fields if f.refers_to}
        nested = {line.refers_to for f in self.fields for line in f.lines if line.refers_to}
        return frozenset((own | nested | set(self.depends_on)) - {self.name})


def address(prefix: str, title: str) -> tuple[Field, ...]:
    """The six flattened fields of an address; line2 joins further lines with a line feed."""
    parts = ("line1", "line2", "city", "state", "postal_code", "country")
    return tuple(Field(f"{prefix}_{p}", title=f"{title} {p.replace('_', ' ')}", group=prefix) for p in parts)
