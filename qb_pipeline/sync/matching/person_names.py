"""Comparing names of persons: given and family name each by itself, straight or in each other's place.

Invariant: a part that is missing says nothing; one that differs is named as a contradiction, whatever the other says.
"""

from __future__ import annotations

from dataclasses import replace

from rapidfuzz.distance import OSA

from qb_pipeline.sync.matching.evidence import Frequencies, Grade, Level, typo
from qb_pipeline.sync.matching.naming import Kind, Name
from qb_pipeline.sync.matching.words import COMMON_SURNAMES, GIVEN_NAMES, NICKNAMES

_SURNAME_BITS = {Level.CLOSE: 5.5, Level.WEAK: 3.0, Level.MISSING: 0.0, Level.DIFFERS: -4.0}


def rank(grade: Grade) -> tuple[Level, float, bool, str]:
    """The order in which the best of several readings is chosen, the same from either side."""
    return grade.level, grade.bits, not grade.veto, grade.veto


def compare_part(a: Name, b: Name, seen: Frequencies) -> Grade:
    """A single word against a person's name, or another single word: it may stand for either part."""
    readings = [_by_parts(x, y, seen) for x in _parts(a) for y in _parts(b)]
    return max(readings, key=rank)


def _parts(name: Name) -> tuple[Name, ...]:
    if not name.partial or name.kind is Kind.PERSON:
        return (name,)
    word = " ".join(name.core)
    return replace(name, given=(), family=word), replace(name, given=(word,), family="")


def surname_bits(family: str, seen: Frequencies) -> float:
    """What agreeing on a surname is worth: 9 bits up to eight bearers, then less, 3 at least."""
    worth = 12.0 - seen.discount(("family", family))
    return max(3.0, min(worth, 5.0 if family in COMMON_SURNAMES else 9.0))


def full_name_bits(name: Name, seen: Frequencies) -> float:
    """What agreeing on given and family name is worth: how many bear both says more than how many bear either."""
    shared = seen.discount(("person", name.given, name.family))
    return max(8.0, 14.0 - max(shared, 3.5 if name.family in COMMON_SURNAMES else 0.0))


def given_bits(given: str, seen: Frequencies) -> float:
    """What agreeing on a given name is worth: 7 bits for a rare one, 3 at least."""
    return max(3.0, min(12.0 - seen.discount(("given", given)), 7.0))


def compare_persons(a: Name, b: Name, seen: Frequencies) -> Grade:
    straight = _by_parts(a, b, seen)
    if straight.level >= Level.CLOSE or not _may_be_swapped(a, b):
        return straight
    readings = _by_parts(a, _turned(b), seen), _by_parts(_turned(a), b, seen)
    swapped = max(readings, key=rank)
    if swapped.level is Level.EXACT:
        return Grade(Level.CLOSE, swapped.bits - 2.0)
    if swapped.level > straight.level:
        return Grade(swapped.level, swapped.bits - 2.0, swapped.veto)
    return straight


def _may_be_swapped(a: Name, b: Name) -> bool:
    if not (a.family and b.family and a.given and b.given):
        return False
    return a.family[0] == b.given[0][0] or b.family[0] == a.given[0][0]


def _turned(name: Name) -> Name:
    """The same person with given and family name in each other's place."""
    return replace(name, given=(name.family,), middle=(), family=" ".join((*name.given[:1], *name.middle)))


def _by_parts(a: Name, b: Name, seen: Frequencies) -> Grade:
    family, (given, bits) = _word_level(a.family, b.family), compare_given(a, b, seen)
    if family is Level.EXACT:
        bits += surname_bits(a.family, seen)
    else:
        bits += _SURNAME_BITS[family]
    if Level.DIFFERS in (family, given):
        return _partly_different(family, given, bits, a, b)
    if _middles_differ(a, b):
        return Grade(Level.WEAK, 2.0, "different middle names")
    if family is given is Level.EXACT:
        return Grade(Level.EXACT, full_name_bits(a, seen))
    level = Level.WEAK if min(family, given) <= Level.WEAK else Level.CLOSE
    return Grade(level, bits, part=level is Level.CLOSE and (_initials(a) or _initials(b)))


def _initials(name: Name) -> bool:
    return all(len(g) == 1 for g in name.given)


def _partly_different(family: Level, given: Level, bits: float, a: Name, b: Name) -> Grade:
    """One part agrees and the other contradicts it, or nothing agrees."""
    if family is Level.DIFFERS and {a.family, b.family} & ({*a.middle} | {*b.middle}) and given >= Level.CLOSE:
        return Grade(Level.WEAK, 3.0)  # Mary Smith, Mary Smith Jones
    if max(family, given) <= Level.MISSING:
        return Grade(Level.DIFFERS, -8.0 if family is given else -4.0, "different names")
    return Grade(Level.WEAK, bits, "different first names" if given is Level.DIFFERS else "different names")


def _middles_differ(a: Name, b: Name) -> bool:
    if not a.middle or not b.middle:
        return False
    first, second = a.middle[0], b.middle[0]
    initials = min(len(first), len(second)) == 1
    return first[0] != second[0] if initials else not (first == second or typo(first, second))


def _word_level(a: str, b: str) -> Level:
    if not a or not b:
        return Level.MISSING
    if a == b:
        return Level.EXACT
    if typo(a, b) or a.replace(" ", "") == b.replace(" ", ""):
        return Level.CLOSE
    return Level.WEAK if _two_slips(a, b) else Level.DIFFERS


def _two_slips(a: str, b: str) -> bool:
    """Likelier one name mistyped twice than two names, but not certain."""
    return min(len(a), len(b)) >= 5 and OSA.distance(a, b, score_cutoff=2) <= 2


def compare_given(a: Name, b: Name, seen: Frequencies) -> tuple[Level, float]:
    """Given names, couples included: the best pair decides, and a spouse on one side only makes it close."""
    if not a.given or not b.given:
        return Level.MISSING, 0.0
    level, bits = max(_one_given(x, y, seen) for x in a.given for y in b.given)
    if len(a.given) != len(b.given) and level is Level.EXACT:
        return Level.CLOSE, bits - 1.0
    if level is Level.DIFFERS and (a.middle or b.middle):
        joined_a, joined_b = "".join((*a.given, *a.middle)), "".join((*b.given, *b.middle))
        if joined_a == joined_b or typo(joined_a, joined_b):
            return Level.CLOSE, 4.0  # "Ja yde": a space slipped in
    return level, bits


def _one_given(a: str, b: str, seen: Frequencies) -> tuple[Level, float]:
    if a == b:
        return (Level.EXACT, given_bits(a, seen)) if len(a) > 1 else (Level.CLOSE, 2.0)
    if NICKNAMES.get(a, frozenset({a})) & NICKNAMES.get(b, frozenset({b})):
        return Level.CLOSE, 4.0
    if min(len(a), len(b)) == 1:
        return (Level.CLOSE, 2.0) if a[0] == b[0] else (Level.DIFFERS, -4.0)
    if a in GIVEN_NAMES and b in GIVEN_NAMES:  # Mark and Mary differ by a letter and are two people
        return Level.DIFFERS, -4.0
    shorter, longer = sorted((a, b), key=len)
    if typo(a, b) or (len(shorter) >= 3 and longer.startswith(shorter)):
        return Level.CLOSE, 3.5
    return (Level.WEAK, 2.0) if _two_slips(a, b) else (Level.DIFFERS, -4.0)
