"""Reading an address: number, street, unit, place.

Invariant: two ways of writing one address read the same, whichever line holds the unit; another number or unit never
does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qb_pipeline.sync.matching.normalise import fold
from qb_pipeline.sync.matching.words import DIRECTIONS, STATES, STREET_TYPES, STREET_WORDS, UNIT_WORDS


@dataclass(frozen=True)
class Address:
    """The parts of an address, each "" (or empty) when not given; `name` is the street without type and direction.

    `lines` holds both lines without number and unit, run together: what survives lost spaces.
    """

    number: str = ""
    street: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    unit: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    lines: tuple[str, str] = field(default=("", ""), compare=False)

    @property
    def complete(self) -> bool:
        return bool(self.number and self.street)

    @property
    def key(self) -> tuple[str, ...]:
        """What is counted to see how many parties share a house."""
        return (self.number, *self.name, self.postcode or self.city)


_HASH = re.compile(r"#\s*(?=\w)")
_PO_BOX = re.compile(r"\bp\s?o\s?box\b|\bpost office box\b")
_CROSSING = re.compile(
    r"(?<=\w[\s.,])[\s.,(]*(?:between|near|off|at|corner of|behind|opposite|across from)\s.*$", re.IGNORECASE
)


def read_address(
    line1: str | None, line2: str | None, city: str | None, state: str | None, postal_code: str | None
) -> Address:
    """Both lines are read as one, so that a unit may stand in either; a crossing street is left out."""
    first, second = _words(line1), _words(line2)
    words, unit = _take_unit([*first, *second])
    number, street = _take_number([STREET_WORDS.get(w, w) for w in words])
    region = fold(state)
    return Address(
        number, street, _bare(street) or street, unit, fold(city), STATES.get(region, region), _postcode(postal_code),
        (_run_together(first, number), _run_together(second, number)),
    )  # fmt: skip


def _words(line: str | None) -> list[str]:
    if not line:
        return []
    text = _HASH.sub(" unit ", line)
    if len(text.split()) > 3:
        text = _CROSSING.sub("", text)
    return _PO_BOX.sub("0 pobox", fold(text)).split()


def _bare(street: Iterable[str]) -> tuple[str, ...]:
    return tuple(w for w in street if w not in STREET_TYPES and w not in DIRECTIONS)


def _run_together(words: list[str], number: str) -> str:
    own, _ = _take_unit(["", *words])
    types = ((w, STREET_WORDS.get(w, w)) for w in own if w.lstrip("0") != number)
    return "".join(short if short in STREET_TYPES else word for word, short in types)


def _take_unit(words: list[str]) -> tuple[list[str], str]:
    """Cut out "apt 4" or "suite 200 b"; a unit word without a value is part of the street's name."""
    for i, word in enumerate(words[1:], start=1):
        if word in UNIT_WORDS and i + 1 < len(words):
            at = i + 2 if words[i + 1] in UNIT_WORDS and i + 2 < len(words) else i + 1
            value = words[at]
            if any(c.isdigit() for c in value) or len(value) <= 2:
                return words[:i] + words[at + 1 :], value.lstrip("0") or value
    return words, ""


def _take_number(words: list[str]) -> tuple[str, tuple[str, ...]]:
    """The house number and what follows; a name before the number ("Oak House 12 Elm St") is left out."""
    if words[:1] == ["0"] and words[1:2] == ["pobox"] and len(words) > 2:
        return words[2], ("pobox",)
    for i, word in enumerate(words[:-1]):
        if word[0].isdigit() and not word.endswith(("st", "nd", "rd", "th")):
            return word.lstrip("0") or word, tuple(words[i + 1 :])
    return "", tuple(words)


def _postcode(value: str | None) -> str:
    """The five digits of a US ZIP or ZIP+4 (lost leading zeros restored), any other code without spaces."""
    bare = fold(value).replace(" ", "")
    digits = re.fullmatch(r"(\d{3,5})|(\d{5})\d{4}", bare)
    return (digits[1] or digits[2]).zfill(5) if digits else bare
