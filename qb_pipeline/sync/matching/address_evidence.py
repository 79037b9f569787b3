"""Comparing addresses part by part: house number, street, second line, place, unit.

Invariant: another house, unit or town is never called close, however alike the rest is, where people may share a door.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio, token_set_ratio

from qb_pipeline.sync.matching.addresses import Address
from qb_pipeline.sync.matching.evidence import MISSING, Frequencies, Grade, Level, typo

_NUMBER_BITS = {Level.EXACT: 4.0, Level.MISSING: 0.0, Level.WEAK: -1.0, Level.DIFFERS: -4.0}
_STREET_BITS = {Level.EXACT: 4.0, Level.CLOSE: 3.0, Level.WEAK: 0.0, Level.MISSING: 0.0, Level.DIFFERS: -4.0}
_PLACE_BITS = {Level.EXACT: 2.5, Level.CLOSE: 1.5, Level.MISSING: 0.0, Level.WEAK: -1.0, Level.DIFFERS: -3.0}
_LOWEST = -4.0  # people move: one other address says less than three other parts of it would
_SHARED_DOOR = 4.0
# Where no two records of a table share an address, its parts are weighed one by one.
_OWN_NUMBER = {Level.EXACT: 6.0, Level.MISSING: 0.0, Level.WEAK: 1.0, Level.DIFFERS: -3.0}
_OWN_DIFFERS = {"line": -3.0, "code": -3.0, "city": -3.0}
_OWN_CLOSE, _OWN_WEAK = 10.0, 3.0
_DIGIT = re.compile(r"\d")


def compare_address(a: Address, b: Address, seen: Frequencies) -> Grade:
    """The same door, the same door with a slip, the same neighbourhood only, or different."""
    if not (a.street and b.street):
        same_place = bool(a.postcode) and a.postcode == b.postcode
        return Grade(Level.WEAK, 1.0) if same_place else MISSING
    number, street, place = _number(a.number, b.number), _street(a, b), _place(a, b)
    bits = _NUMBER_BITS[number] + _STREET_BITS[street] + _PLACE_BITS[place]
    bits += number is Level.EXACT and len(a.number) >= 3
    level = _overall(number, street, place, a, b)
    if level is Level.DIFFERS:
        same_street = street >= Level.CLOSE and place is Level.EXACT
        return Grade(level, max(_LOWEST, min(bits, 0.0)) + 2.0 * same_street, part=place >= Level.CLOSE)
    if level is Level.WEAK:
        telling = not _other_unit(a, b) and street >= Level.CLOSE and place >= Level.CLOSE
        return Grade(level, max(-1.0, min(bits, 5.0)), part=telling)
    crowd = max(seen.discount(a.key), seen.discount(b.key))
    return Grade(level, max(_SHARED_DOOR, bits - crowd))


def compare_own_address(a: Address, b: Address, parts: Frequencies) -> Grade:
    """As `compare_address`, for tables in which an address belongs to one record: each part adds what it says."""
    number, lines = _number(a.number, b.number), _lines(a.lines, b.lines, parts)
    code, city = _code(a.postcode, b.postcode, parts), _town(a.city, b.city, parts)
    graded = (*lines, code, city)
    if number is Level.MISSING and all(part.level is Level.MISSING for part in graded):
        return MISSING
    place = code.bits + city.bits
    if code.bits > 0 < city.bits:  # a town's records share its postcodes: both say little more than the pair is rare
        place = min(place, max(code.bits, city.bits, _rarity(parts, ("place", a.postcode, a.city))))
    bits = _OWN_NUMBER[number] + sum(part.bits for part in lines) + place
    exact = number is Level.EXACT and all(p.level in (Level.EXACT, Level.MISSING) for p in graded) and a.unit == b.unit
    if exact and lines[0].level is Level.EXACT:
        return Grade(Level.EXACT, bits)
    return Grade(Level.CLOSE if bits >= _OWN_CLOSE else Level.WEAK if bits >= _OWN_WEAK else Level.DIFFERS, bits)


def address_parts(a: Address) -> list[Hashable]:
    """What is counted to see how rare each part of an address is."""
    lines = [("line", line) for line in a.lines if line]
    return [*lines, ("code", a.postcode), ("city", a.city), ("place", a.postcode, a.city)]


def _rarity(parts: Frequencies, key: Hashable) -> float:
    return max(3.0, 12.0 - parts.discount(key))


def _overall(number: Level, street: Level, place: Level, a: Address, b: Address) -> Level:
    if Level.DIFFERS in (number, street, place):
        return Level.DIFFERS
    if Level.WEAK in (number, street) or _other_unit(a, b):
        return Level.WEAK
    if place is Level.WEAK:  # the next town's name or a quarter's: a long number hardly recurs in a street of the name
        long = number is Level.EXACT and (len(a.number) >= 3 or street is Level.EXACT)
        return Level.CLOSE if long else Level.WEAK
    if number is Level.MISSING and place is not Level.EXACT:
        return Level.WEAK
    return Level.EXACT if number is street is place is Level.EXACT and a.unit == b.unit else Level.CLOSE


def _other_unit(a: Address, b: Address) -> bool:
    return bool(a.unit and b.unit and a.unit != b.unit)


def _number(a: str, b: str) -> Level:
    """One slip in a house number is as likely a neighbour, so it is weak."""
    if not a or not b:
        return Level.MISSING
    if a == b:
        return Level.EXACT
    return Level.WEAK if OSA.distance(a, b, score_cutoff=1) <= 1 else Level.DIFFERS


def _street(a: Address, b: Address) -> Level:
    if a.street == b.street:
        return Level.EXACT
    joined_a, joined_b = "".join(a.name), "".join(b.name)
    if joined_a == joined_b:
        # Main St is not Main Ave: a type or direction may be left out, but not another one put in its place.
        only_a, only_b = set(a.street) - set(b.street), set(b.street) - set(a.street)
        return Level.WEAK if only_a and only_b and "".join(a.street) != "".join(b.street) else Level.CLOSE
    if _ordinals(a) != _ordinals(b):
        return Level.DIFFERS  # 21st is not 22nd, County Road 12 not County Road 14
    shared = token_set_ratio(" ".join(a.name), " ".join(b.name))
    slip = typo(joined_a, joined_b) or ratio(joined_a, joined_b) >= 80
    if slip or shared >= 90 or _alike_lines(a.lines, b.lines):
        return Level.CLOSE
    return Level.WEAK if shared >= 70 else Level.DIFFERS


def _alike_lines(a: tuple[str, str], b: tuple[str, str]) -> bool:
    """Some line of one side is some line of the other but for a slip or a lost space."""
    return any(x and y and (x == y or (len(x) >= 6 and ratio(x, y) >= 84)) for x in a for y in b)


def _ordinals(address: Address) -> frozenset[str]:
    return frozenset(w for w in address.name if _DIGIT.search(w))


def _place(a: Address, b: Address) -> Level:
    """Postcode first; city and state where a postcode is missing or mistyped."""
    if a.postcode and a.postcode == b.postcode:
        return Level.EXACT
    codes, city = bool(a.postcode and b.postcode), _city(a.city, b.city)
    if city >= Level.CLOSE:
        return Level.CLOSE if codes or city is Level.CLOSE else Level.EXACT
    if codes:
        slip = city is Level.MISSING and OSA.distance(a.postcode, b.postcode, score_cutoff=1) <= 1
        return Level.CLOSE if slip else Level.DIFFERS
    if a.state and b.state and a.state != b.state:
        return Level.DIFFERS
    return Level.WEAK if city is Level.DIFFERS else Level.MISSING


def _city(a: str, b: str) -> Level:
    if not a or not b:
        return Level.MISSING
    if a == b:
        return Level.EXACT
    return Level.CLOSE if typo(a, b) or ratio(a, b) >= 80 or token_set_ratio(a, b) == 100 else Level.DIFFERS


def _code(a: str, b: str, parts: Frequencies) -> Grade:
    if not a or not b:
        return MISSING
    if a == b:
        return Grade(Level.EXACT, min(9.0, _rarity(parts, ("code", a))))
    if OSA.distance(a, b, score_cutoff=1) <= 1:
        return Grade(Level.CLOSE, 4.0)
    return Grade(Level.DIFFERS, _OWN_DIFFERS["code"])


def _town(a: str, b: str, parts: Frequencies) -> Grade:
    level = _city(a, b)
    if level is Level.DIFFERS:
        return Grade(level, _OWN_DIFFERS["city"])
    if level is Level.MISSING:
        return MISSING
    worth = min(9.0, _rarity(parts, ("city", a)), _rarity(parts, ("city", b)))
    return Grade(level, worth if level is Level.EXACT else max(3.0, worth - 2.0))


def _lines(a: tuple[str, str], b: tuple[str, str], parts: Frequencies) -> tuple[Grade, Grade]:
    """How street and second line agree, in the order of the lines or crosswise, whichever agrees better."""
    straight = _line(a[0], b[0], parts), _line(a[1], b[1], parts)
    if min(straight[0].level, straight[1].level) > Level.MISSING:
        return straight
    cross = _line(a[0], b[1], parts), _line(a[1], b[0], parts)
    return max(straight, cross, key=lambda found: found[0].bits + found[1].bits)


def _line(a: str, b: str, parts: Frequencies) -> Grade:
    if not a or not b:
        return MISSING
    worth = min(_rarity(parts, ("line", a)), _rarity(parts, ("line", b)), 11.0)
    if a == b:
        return Grade(Level.EXACT, worth)
    alike = ratio(a, b)
    if alike < 72:
        return Grade(Level.DIFFERS, _OWN_DIFFERS["line"])
    return Grade(Level.CLOSE, max(2.0, min(worth, 9.0) - (0.5 if alike >= 90 else 1.5 if alike >= 80 else 3.0)))
