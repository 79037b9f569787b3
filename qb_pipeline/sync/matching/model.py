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
    """A customer or vendor as one side shows it; None or empty text means the side does not know."""

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


@dataclass(frozen=True)
class Named:
    """A list entry (account, item, term, job …). Two are compared only when their `scope` is equal."""

    id: str
    name: str | None
    code: str | None = None
    scope: Hashable = None


@dataclass(frozen=True)
class Document:
    """An invoice, payment or credit memo; `party` is an id both sides share, None where it is not linked yet."""

    id: str
    number: str | None
    party: Hashable
    total: Decimal | None
    date: date | None
    reference: str | None = None


@dataclass(frozen=True)
class Scored:
    """A compared pair before assignment; `bits` is the log2 of the odds that both are one record."""

    left_id: str
    right_id: str
    match_class: MatchClass
    bits: float
    score: Decimal
    evidence: tuple[str, ...] = ()
