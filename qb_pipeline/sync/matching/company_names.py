"""Comparing names of companies by the words of their core: telling words, trades, fillers.

Invariant: another telling word or another trade on both sides is another company, however much the rest agrees.
"""

from __future__ import annotations

from rapidfuzz.distance import Prefix

from qb_pipeline.sync.matching.evidence import Frequencies, Grade, Level, typo
from qb_pipeline.sync.matching.naming import Name
from qb_pipeline.sync.matching.words import COMPANY_WORDS, FILLERS, PREMISES

_KIN = frozenset(("sons", "bros", "brothers", "daughters"))  # many firms of one surname have them


def core_bits(name: Name, seen: Frequencies) -> float:
    """What agreeing on a company's whole core is worth: little for trade words only, more for two telling words."""
    telling = len(_telling(set(name.core)) - _KIN) or bool(_telling(set(name.core)))
    if not telling:
        return 6.0
    return (5.0 if telling == 1 else 7.0) + max(1.0, 9.0 - seen.discount(("core", name.key)))


def compare_companies(a: Name, b: Name, seen: Frequencies) -> Grade:
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
    stem = int(Prefix.similarity(a, b))
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
