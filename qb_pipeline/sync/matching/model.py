"""What the matchers take and give.

Invariant: a candidate says why; no link is ever proposed without words a person can check.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class MatchClass(StrEnum):
    """How sure a match is: EXACT and STRONG link by themselves, WEAK asks a person, NONE is no match."""

    EXACT = "exact"
    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"

    @property
    def automatic(self) -> bool:
        return self in (MatchClass.EXACT, MatchClass.STRONG)


SIDES = ("contractor", "QuickBooks")
OWN_SIDES = ("the first", "the second")
Pair = tuple[str, str]
"""The ids of a left and a right record."""


@dataclass(frozen=True)
class Candidate:
    """Two records that may be one. `score` is 0..1 with four places."""

    left_id: str
    right_id: str
    match_class: MatchClass
    score: Decimal
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Party:
    """A customer or vendor as one side shows it; None or empty text means the side does not know.

    `tax_id` may be the whole number or what QuickBooks shows of it: its last four digits are compared.
    """

    id: str
    name: str | None = None
    company_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    tax_id: str | None = None


@dataclass(frozen=True)
class Named:
    """A list entry (account, item, term, job …). Two are compared only when their `scope` is equal.

    `facts` are named values that entries of one name must share (an account's kind, a term's days), None where unknown.
    """

    id: str
    name: str | None
    code: str | None = None
    scope: Hashable = None
    facts: tuple[tuple[str, Hashable], ...] = ()


@dataclass(frozen=True)
class Document:
    """An invoice, bill, payment or credit memo; `party` is an id both sides share, None where it is not linked yet.

    `lines` holds each line's item (an id both sides share, or None) and amount, in any order; empty: not known.
    """

    id: str
    number: str | None
    party: Hashable
    total: Decimal | None
    date: date | None
    reference: str | None = None
    lines: tuple[tuple[Hashable, Decimal | None], ...] = ()


@dataclass(frozen=True)
class Scored:
    """A compared pair before assignment; `bits` is the log2 of the odds that both are one record."""

    left_id: str
    right_id: str
    match_class: MatchClass
    bits: float
    score: Decimal
    evidence: tuple[str, ...] = ()
