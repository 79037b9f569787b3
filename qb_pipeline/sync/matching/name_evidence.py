"""Comparing names: persons by given and family name, companies by the words of their core.

Invariant: what names two different beings (another given name, core word, branch number or legal form) is never
outweighed by a likeness elsewhere in the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os.path import commonprefix

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from qb_pipeline.sync.matching.evidence import MISSING, Frequencies, Grade, Level, typo
from qb_pipeline.sync.matching.naming import Kind, Name
from qb_pipeline.sync.matching.words import (
    COMMON_SURNAMES,
    COMPANY_WORDS,
    FILLERS,
    GIVEN_NAMES,
    NICKNAMES,
    PREMISES,
)


MOST_BITS = 16.0  # what a name can be worth at most


def compare_names(left: Sequence[Name], right: Sequence[Name], seen: Frequencies) -> Grade:
    """The best agreement among all names of both sides, with what forbids a link in `veto`."""
    if not left or not right:
        return MISSING
    one_sided = _business_of_one_side(left, right)
    grade = _as_contact if one_sided else _grade
    grades = [(grade(a, b, seen), a, b) for a in left for b in right]
    best, a, b = max(grades, key=lambda g: (g[0].level, g[0].bits, not g[0].veto, g[0].part))
    veto = best.veto if best.level < Level.CLOSE else ""
    if _companies_apart(grades):
        veto = "different companies"
    return Grade(best.level, best.bits, veto, a.raw, b.raw, best.part)


def _as_contact(a: Name, b: Name, seen: Frequencies) -> Grade:
    """A person who is a company's contact on one side only is close at most to the person alone."""
    grade = _grade(a, b, seen)
    if grade.level is Level.EXACT and Kind.COMPANY not in (a.kind, b.kind):
        return Grade(Level.CLOSE, grade.bits, grade.veto)
    return grade


def _companies_apart(grades: Sequence[tuple[Grade, Name, Name]]) -> bool:
    """Both sides name a company for certain, and no two of them agree."""
    firms = [grade for grade, a, b in grades if a.kind is b.kind is Kind.COMPANY]
    return bool(firms) and all(g.level is Level.DIFFERS for g in firms)


def _business_of_one_side(left: Sequence[Name], right: Sequence[Name]) -> bool:
    return any(n.kind is Kind.COMPANY for n in left) != any(n.kind is Kind.COMPANY for n in right)


def _rank(grade: Grade) -> tuple[Level, float, bool, str]:
    return grade.level, grade.bits, not grade.veto, grade.veto


def _grade(a: Name, b: Name, seen: Frequencies) -> Grade:
    if (a.partial or b.partial) and Kind.COMPANY not in (a.kind, b.kind):
        by_part = _compare_part(a, b, seen)
        if Kind.PERSON not in (a.kind, b.kind):
            by_word = _compare_cores(a, b, seen)
            if by_word.part and by_word.level is by_part.level:
                by_word = replace(by_word, bits=min(by_word.bits, by_part.bits))
            by_part = max(by_part, by_word, key=lambda g: (g.level, g.part, *_rank(g)))
        return _limited(by_part, a, b)
    by_words = _limited(_compare_cores(a, b, seen), a, b)
    if not (a.family and b.family):
        return by_words
    by_person = _limited(_compare_persons(a, b, seen), a, b)
    if Kind.PERSON in (a.kind, b.kind):
        return by_person
    return max(by_words, by_person, key=_rank)


def _compare_part(a: Name, b: Name, seen: Frequencies) -> Grade:
    """A single word against a person's name, or another single word: it may stand for either part."""
    readings = [_by_parts(x, y, seen) for x in _parts(a) for y in _parts(b)]
    return max(readings, key=_rank)


def _parts(name: Name) -> tuple[Name, ...]:
    if not name.partial or name.kind is Kind.PERSON:
        return (name,)
    word = " ".join(name.core)
    return replace(name, given=(), family=word), replace(name, given=(word,), family="")


def _limited(grade: Grade, a: Name, b: Name) -> Grade:
    """What the decoration of the names allows at most."""
    contradiction = _contradiction(a, b)
    if contradiction and grade.level > Level.DIFFERS:
        return Grade(Level.WEAK, grade.bits - 6.0, contradiction)
    if grade.level is Level.EXACT and not _same_decoration(a, b):
        return replace(grade, level=Level.CLOSE, bits=grade.bits - 1.0)
    return grade


def _contradiction(a: Name, b: Name) -> str:
    if a.generation and b.generation and a.generation != b.generation:
        return "different generations"
    if a.numbers and b.numbers and a.numbers != b.numbers:
        return "different numbers in the name"
    if a.qualifier and b.qualifier and ratio(a.qualifier, b.qualifier) < 90:
        return "different branches or jobs"
    if a.legal and b.legal and a.legal != b.legal:
        return "different legal forms"
    if {a.kind, b.kind} == {Kind.PERSON, Kind.COMPANY}:
        return "a person and a company"
    return ""


def _same_decoration(a: Name, b: Name) -> bool:
    if a.generation != b.generation or (a.qualifier != b.qualifier and a.core == b.core):
        return False
    return a.numbers == b.numbers or not (a.numbers ^ b.numbers) - {"1"}


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


def _compare_persons(a: Name, b: Name, seen: Frequencies) -> Grade:
    straight = _by_parts(a, b, seen)
    if straight.level >= Level.CLOSE or not _may_be_swapped(a, b):
        return straight
    readings = _by_parts(a, _turned(b), seen), _by_parts(_turned(a), b, seen)
    swapped = max(readings, key=_rank)
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
    level = Level.CLOSE if min(family, given) is not Level.MISSING and Level.WEAK not in (family, given) else Level.WEAK
    return Grade(level, bits)


_SURNAME_BITS = {Level.CLOSE: 5.5, Level.WEAK: 3.0, Level.MISSING: 0.0, Level.DIFFERS: -4.0}


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


def core_bits(name: Name, seen: Frequencies) -> float:
    """What agreeing on a company's whole core is worth: little for trade words only, more for two telling words."""
    telling = len(_telling(set(name.core)))
    if not telling:
        return 6.0
    return (5.0 if telling == 1 else 7.0) + max(1.0, 9.0 - seen.discount(("core", name.key)))


def _compare_cores(a: Name, b: Name, seen: Frequencies) -> Grade:
    if _same_words(a, b):
        return Grade(Level.EXACT, min(core_bits(a, seen), core_bits(b, seen)))
    only_a, only_b = _unpaired(a.core, b.core)
    own_a, own_b = _telling(only_a), _telling(only_b)
    trade_a, trade_b = only_a - FILLERS - own_a, only_b - FILLERS - own_b
    if own_a or own_b:
        return _with_own_words(a, b, (own_a, own_b), (trade_a, trade_b), seen)
    if trade_a and trade_b:
        return Grade(Level.DIFFERS, -4.0, "different companies")
    shared = min(core_bits(a, seen), core_bits(b, seen))
    if not _telling(set(a.core)):
        return Grade(Level.WEAK, 2.0)
    if trade_a | trade_b <= PREMISES:
        return Grade(Level.CLOSE, shared - (3.0 if trade_a or trade_b else 2.0))
    return Grade(Level.WEAK, 3.0)


def _same_words(a: Name, b: Name) -> bool:
    """The same words in any order, run together or with a qualifier of one side among the other's own words."""
    if a.core == b.core or "".join(a.core) == "".join(b.core) or sorted(a.core) == sorted(b.core):
        return True
    if bool(a.qualifier) == bool(b.qualifier):
        return False
    return sorted([*a.core, *a.qualifier.split()]) == sorted([*b.core, *b.qualifier.split()])


def _telling(words: set[str]) -> set[str]:
    return {w for w in words if w not in COMPANY_WORDS and w not in FILLERS}


def _with_own_words(
    a: Name, b: Name, own: tuple[set[str], set[str]], trades: tuple[set[str], set[str]], seen: Frequencies
) -> Grade:
    """At least one side has a telling word the other lacks."""
    shared = _telling(set(a.core)) & _telling(set(b.core))
    longer, shorter = (0, 1) if own[0] else (1, 0)
    if shared and not own[shorter] and not trades[shorter]:
        held = trades[longer] <= PREMISES
        bits = core_bits((a, b)[shorter], seen) - (5.0 if len(shared) == 1 else 4.0)
        return Grade(Level.WEAK, max(3.0, bits) if held else 3.0, part=held)
    if set(a.core) <= PREMISES & set(b.core) or set(b.core) <= PREMISES & set(a.core):
        return Grade(Level.WEAK, 2.0, part=True)  # "The Grill" and "Grill on the Alley"
    if _is_acronym(a.core, b.core) or _is_acronym(b.core, a.core):
        return Grade(Level.WEAK, 2.0)
    return Grade(Level.DIFFERS, -8.0 if not shared else -4.0, "different companies")


def _is_acronym(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    return len(short[0]) >= 3 and len(long) >= 3 and short[0] == "".join(w[0] for w in long)


def _unpaired(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """The words of each side that have no equal, mistyped or abbreviated partner on the other."""
    only_a, only_b = set(a) - set(b), set(b) - set(a)
    if not (only_a and only_b):
        return only_a, only_b
    slips = [(x, y) for x in only_a for y in only_b if _same_word(x, y)]
    # Ordered without regard to sides, so that both directions pair the same words.
    for x, y in sorted(slips, key=lambda pair: (min(pair), max(pair))):
        if x in only_a and y in only_b:
            only_a, only_b = only_a - {x}, only_b - {y}
    return only_a, only_b


def _same_word(a: str, b: str) -> bool:
    if a in COMPANY_WORDS and b in COMPANY_WORDS:
        return _one_trade(a, b)
    return typo(a, b) or ((a in COMPANY_WORDS or b in COMPANY_WORDS) and _abbreviates(a, b))


def _one_trade(a: str, b: str) -> bool:
    """Landscape and Landscaping, Roof and Roofing: two forms of one stem."""
    stem = len(commonprefix([a, b]))
    endings = len(a) - stem, len(b) - stem
    return max(endings) <= 4 and (stem >= 5 or (stem == 4 and min(endings) == 0))


def _abbreviates(a: str, b: str) -> bool:
    """Constr for Construction, Mgmt for Management: the letters of the short form stand in the long one in order."""
    short, long = sorted((a, b), key=len)
    if len(short) < 3 or len(long) < len(short) + 2 or short[0] != long[0]:
        return False
    if long.startswith(short[:-1]):
        return short[-1] in long[len(short) - 1 :]
    letters = iter(long)
    return "." not in short and not set(short[1:]) & set("aeiou") and all(c in letters for c in short)
