"""What all QBO codecs have in common: they know the company, and they write field by field.

Invariant: an update names exactly the changed fields that can be written; everything else in the object is left alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, ClassVar, NoReturn

from qb_pipeline.entities.records import Decoded, Values
from qb_pipeline.entities.spec import Entity
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.fields import Body, Raw, Writer
from qb_pipeline.quickbooks.facts import Facts

_CLOSED = "the books are closed through"


class QuickBooksCodec(ABC):
    """The frame of a codec; a subclass names its entity and reads and writes it."""

    entity: ClassVar[Entity]

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @staticmethod
    def wants(raw: Raw) -> bool:  # noqa: ARG004 - an object shared by two entities is told apart by its content
        """Whether this QBO object belongs to the entity at all (customers and jobs share one object)."""
        return True

    def elsewhere(self) -> tuple[str, Collection[str]] | None:
        """A field whose value stands in other objects and comes with the facts, and the ids of the objects that have
        one; None where the object says everything itself."""
        return None

    @abstractmethod
    def decode(self, raw: Raw) -> Decoded:
        """Read an object as QBO answers it, numbers parsed as `Decimal`; raises `FixTheData` when it can't be read."""

    @abstractmethod
    def encode_create(self, values: Values) -> Body:
        """The body of a create; raises `FixTheData` for what QBO can't hold."""

    @abstractmethod
    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        """The sparse body that makes the `changed` fields of `current` equal the complete `values`."""


class FieldwiseCodec(QuickBooksCodec):
    """A codec whose fields are independent of each other, each with its own writer."""

    writers: ClassVar[Mapping[str, Writer]]
    names_without_signs: ClassVar[tuple[str, ...]] = ()

    def encode_create(self, values: Values) -> Body:
        self.check(values, frozenset(field.name for field in self.entity.fields))
        return fields.without_blanks(fields.written(self.writers, self.writers, values))

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        self.check(values, changed)
        return fields.sparse(current, fields.written(self.writers, changed, values))

    def check(self, values: Values, names: frozenset[str]) -> None:
        """Raise `FixTheData` for what QBO would refuse in the named fields."""
        limits.check_name_characters(self.entity, values, [n for n in self.names_without_signs if n in names])
        limits.check(self.entity, values, names)


class KeptInQuickBooks(QuickBooksCodec):
    """A codec of a list that only QuickBooks' users may change."""

    def encode_create(self, values: Values) -> Body:
        self._decline(values, "created")

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:  # noqa: ARG002 - Codec
        self._decline(values, "changed")

    def _decline(self, values: Values, done: str) -> NoReturn:
        kind = self.entity.plural.replace("_", " ")
        raise limits.refuse(situations.KEPT_IN_QUICKBOOKS, self.entity, values, None, done=done, kind=kind)


def closed_books(dated: date | None, facts: Facts) -> str | None:
    """Why a document of this date may not be changed any more, or None while it may."""
    closed = facts.book_close_date
    return f"{_CLOSED} {closed}" if dated and closed and dated <= closed else None


def frozen_by_closing(reason: str) -> bool:
    """Whether a document may not be changed because of its date alone, which holds for others too."""
    return reason.startswith(_CLOSED)


def foreign_currency(raw: Raw, facts: Facts) -> str | None:
    """Why a document is left out: its amounts are not in the currency that the contractor's amounts are in."""
    currency: Any = fields.read_ref(raw, "CurrencyRef")
    if currency in (None, facts.home_currency):
        return None
    return f"it is in {currency}; only documents in {facts.home_currency} are synchronised"


def is_voided(raw: Raw) -> bool:
    """QBO has no status for it: a voided document is worth nothing and says so at the start of its private note."""
    return fields.read_money(raw, "TotalAmt") == 0 and (fields.read_text(raw, "PrivateNote") or "").startswith("Voided")
