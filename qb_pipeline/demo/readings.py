"""The plain form into which both servers are read, without any code of the pipeline's own codecs.

Invariant: what is compared was read from the servers after the sync, never from the pipeline's store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal("0.00")
_CENT = Decimal("0.01")
LOOSE = {"payment": "unapplied", "credit_memo": "balance"}  # the field that says what no document uses yet
HIDDEN = "(a charge QuickBooks shows no line for)"


@dataclass(frozen=True)
class Ref:
    """A reference to another record of the same side, resolved through links when two sides are compared."""

    entity: str
    id: str


@dataclass(frozen=True)
class Reading:
    """One record of one side. `open` is what is still owed on it, `loose` money on it that no document uses.

    `state` is live, void, draft or deleted. `dated` is the day it is dated.
    """

    entity: str
    id: str
    label: str
    values: Mapping[str, Any]
    state: str = "live"
    open: Decimal = ZERO
    loose: Decimal = ZERO
    key: tuple[Any, ...] = ()


@dataclass
class Side:
    """Everything of one system, by entity and id."""

    records: dict[str, dict[str, Reading]] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        self.records.setdefault(reading.entity, {})[reading.id] = reading

    def of(self, entity: str) -> dict[str, Reading]:
        return self.records.get(entity, {})

    def names(self) -> dict[tuple[str, str], str]:
        """What each record is called, by entity and native id."""
        return {(r.entity, r.id): r.label for of in self.records.values() for r in of.values()}

    def live(self, entity: str) -> list[Reading]:
        return [r for r in self.of(entity).values() if r.state == "live"]


def cents(value: Any) -> Decimal:
    """An amount to the cent; nothing is zero."""
    return Decimal(value if value not in (None, "") else 0).quantize(_CENT, ROUND_HALF_UP)


def number(value: Any) -> Decimal:
    """A quantity or price; nothing is zero, as QuickBooks makes no difference."""
    return Decimal(value if value not in (None, "") else 0)


def words(value: Any) -> str:
    """Text as an accountant compares it: outer blanks and kinds of line feed do not count."""
    return "\n".join(str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip().split("\n"))


def phone(value: Any) -> str:
    digits = "".join(c for c in str(value or "") if c.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits or words(value)


def ref(entity: str, native: Any) -> Ref | None:
    return Ref(entity, str(native)) if native not in (None, "") else None


def label(entity: str, values: Mapping[str, Any]) -> str:
    name = values.get("number") or values.get("name") or values.get("reference") or values.get("date") or "?"
    return f"{entity.replace('_', ' ')} {name}"


def natural_key(entity: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """What would be the same on two copies of one record."""
    if entity in ("invoice", "credit_memo"):
        return values["number"], values["date"], values["total"], values["customer"]
    if entity == "payment":
        return values["customer"], values["date"], values["amount"], values["reference"]
    if entity == "job":
        return values["name"], values["customer"]
    return (str(values["name"]).casefold(),)
