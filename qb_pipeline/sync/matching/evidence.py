"""Graded evidence for one field: how alike, how much that weighs, and the words for it.

Invariant: a missing value weighs nothing, and what many records share (a common surname, an office phone) weighs less.
Weights are in bits: log2 of how much likelier the observation is for one and the same party than for two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from math import log2

from rapidfuzz.distance import OSA

from qb_pipeline.sync.matching.words import FREE_MAIL


class Level(IntEnum):
    """Grades of agreement, in ascending order."""

    DIFFERS = 0
    MISSING = 1
    WEAK = 2
    CLOSE = 3
    EXACT = 4


@dataclass(frozen=True)
class Grade:
    """One field's evidence. `veto` says in words what forbids a link, "" where nothing does.

    `part`: what agrees is telling by itself although the rest does not agree (a name held whole in a longer one, the
    same street with another number, another street of the same town).
    """

    level: Level
    bits: float
    veto: str = ""
    left: str = ""
    right: str = ""
    part: bool = False


class Frequencies:
    """How often each key occurs on the side that has more of it.

    Absolute counts, not shares: rows that do not carry a key never change its weight. With `right` None one table is
    compared with itself, and a key's second bearer is the duplicate looked for.
    """

    def __init__(self, left: Iterable[Hashable], right: Iterable[Hashable] | None) -> None:
        self._counts = Counter(left) if right is None else Counter(left) | Counter(right)
        self._own = right is None

    def __getitem__(self, key: Hashable) -> int:
        found = self._counts.get(key, 1) - self._own
        return found if found > 1 else 1

    def discount(self, key: Hashable) -> float:
        """Bits that an agreement on this key loses for being shared."""
        return log2(self[key])


_DIGIT = re.compile(r"\d")
MISSING = Grade(Level.MISSING, 0.0)
_SHARED = 3.0  # what an agreement keeps at least, however many share the value


def typo(a: str, b: str) -> bool:
    """One slip of the fingers in a word of at least four letters, two in one of at least nine; digits never slip."""
    shorter = min(len(a), len(b))
    if shorter < 4 or abs(len(a) - len(b)) > 2 or _DIGIT.search(a) or _DIGIT.search(b):
        return False
    allowed = 2 if shorter >= 9 else 1
    return OSA.distance(a, b, score_cutoff=allowed) <= allowed


def compare_phone(a: str, b: str, seen: Frequencies) -> Grade:
    """National numbers: equal, one slip (a digit wrong or two swapped), or different."""
    if not a or not b:
        return MISSING
    if a == b:
        return Grade(Level.EXACT, max(_SHARED, 11.0 - seen.discount(a)))
    if len(a) == len(b) == 10 and OSA.distance(a, b, score_cutoff=1) <= 1:
        return Grade(Level.WEAK, 3.0)
    return Grade(Level.DIFFERS, -1.5)


def compare_tax_id(a: str, b: str) -> Grade:
    """Last four digits: one in ten thousand agrees by chance; others belong to another taxpayer."""
    if not a or not b:
        return MISSING
    return Grade(Level.EXACT, 10.0) if a == b else Grade(Level.DIFFERS, -6.0)


def compare_email(a: str, b: str, seen: Frequencies) -> Grade:
    """Addresses: equal, a typo, same mailbox or same company domain, or different."""
    if not a or not b:
        return MISSING
    if a == b:
        return Grade(Level.EXACT, max(_SHARED, 12.0 - seen.discount(a)))
    (local_a, _, domain_a), (local_b, _, domain_b) = a.partition("@"), b.partition("@")
    if (local_a == local_b and typo(domain_a, domain_b)) or (domain_a == domain_b and typo(local_a, local_b)):
        return Grade(Level.CLOSE, 5.0)
    if domain_a == domain_b and domain_a not in FREE_MAIL:
        return Grade(Level.WEAK, 2.0)
    if local_a == local_b and len(local_a) >= 6 and "." in local_a:
        return Grade(Level.WEAK, 2.0)
    return Grade(Level.DIFFERS, -1.0)


_PHRASES = {
    Level.EXACT: "same {field}",
    Level.CLOSE: "{field} close: '{left}' / '{right}'",
    Level.WEAK: "{field} partly alike: '{left}' / '{right}'",
    Level.DIFFERS: "{field} differs: '{left}' / '{right}'",
}


def in_words(field: str, grade: Grade, left: str, right: str, sides: tuple[str, str]) -> str:
    """One piece of evidence as a person reads it; "" when neither side has the field."""
    if grade.level is Level.MISSING:
        lacking = [side for side, value in zip(sides, (left, right), strict=True) if not value]
        if len(lacking) == 2:
            return ""
        return f"{field} missing in {lacking[0]}" if lacking else f"{field} incomplete: '{left}' / '{right}'"
    if grade.level is Level.EXACT and field == "name" and left != right:
        return f"same name: '{left}' / '{right}'"
    return _PHRASES[grade.level].format(field=field, left=left, right=right)
