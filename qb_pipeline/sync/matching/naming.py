"""Reading a display name: a person, a couple or a company, with what the offices hang onto it.

Invariant: decoration (legal form, title, "(deleted)", job, branch, trailing 1) is kept apart from the name's core, so
that it can contradict a match but never makes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from qb_pipeline.sync.matching.normalise import fold
from qb_pipeline.sync.matching.words import (
    ABBREVIATIONS,
    COMPANY_WORDS,
    GENERATIONS,
    GIVEN_NAMES,
    LEGAL_FORMS,
    PARTICLES,
    TITLES,
)


class Kind(StrEnum):
    """What bears the name; UNKNOWN is two or three words that could be either."""

    PERSON = "person"
    COMPANY = "company"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Name:
    """One reading of a name. `family` is set where it can be a person's; `core` holds every word that counts."""

    raw: str
    kind: Kind
    core: tuple[str, ...]
    given: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    family: str = ""
    generation: str = ""
    legal: str = ""
    numbers: frozenset[str] = frozenset()
    qualifier: str = ""
    deleted: bool = False

    @property
    def key(self) -> str:
        return " ".join(self.core)

    @property
    def partial(self) -> bool:
        """A single word: a person's given or family name alone, or a short company name."""
        return self.kind is not Kind.COMPANY and not (self.given and self.family) and len(self.core) == 1


_NO_NUMBERS: frozenset[str] = frozenset()
_NEVER_PERSONAL = frozenset(("the", "of", "at", "on", "in", "for"))
_FOLDS = {True: (False,), False: (False, True)}  # plain letters have no umlaut to read twice
_DELETED = re.compile(r"\s*\(deleted(?:\s*\d+)?\)", re.IGNORECASE)
_ROLE = re.compile(r"\s*\((?:customer|cust|client|vendor|supplier|c|v)\)", re.IGNORECASE)
_ALIAS = re.compile(r"\s+(?:d\.?/?b\.?/?a\.?|doing business as|trading as|t/a|a\.?k\.?a\.?|f\.?k\.?a\.?)\s+", re.I)
_CARE_OF = re.compile(r"\s*\b(?:c/o|attn:?|attention:?)\s.*$", re.IGNORECASE)
_TAIL = re.compile(r"\s*:\s*|\s+[-\u2013\u2014]\s+|\s*\(")
_STUCK_ONE = re.compile(r"(?<=[^\W\d_])1$")


def read_names(raw: str | None, *, person: bool = False) -> tuple[Name, ...]:
    """Every name a text carries: "John Smith dba Smith Roofing" is a person and a company; ü is read as u and as ue."""
    if not raw:
        return ()
    parts = _ALIAS.split(raw.strip())
    read = [_read(part, german, person) for part in parts for german in _FOLDS[part.isascii()]]
    return tuple({(n.core, n.given, n.family, n.qualifier): n for n in reversed(read) if n.core}.values())


def read_person(first: str | None, last: str | None) -> tuple[Name, ...]:
    """The person named by two fields, of which one may be empty; nothing when both are."""
    if not (fold(first) or fold(last)):
        return ()
    read = [_from_fields(first or "", last or "", german) for german in _FOLDS[f"{first}{last}".isascii()]]
    return tuple({(n.given, n.family): n for n in reversed(read)}.values())


def _from_fields(first: str, last: str, german: bool) -> Name:
    givens, middle = _givens(fold(first, german=german).split())
    family, generation = _without_generation(fold(last, german=german).split())
    core = (*givens, *family)
    return Name(f"{first} {last}".strip(), Kind.PERSON, core, givens, middle, " ".join(family), generation)


def _read(raw: str, german: bool, person: bool) -> Name:
    noted = "(" in raw
    deleted = noted and bool(_DELETED.search(raw))
    text = _CARE_OF.sub("", _ROLE.sub("", _DELETED.sub("", raw)) if noted else raw).strip()
    head, *tail = _TAIL.split(text, maxsplit=1)
    plain = _STUCK_ONE.sub(" 1", head.strip())
    ordered = _first_name_first(plain)
    words = fold(ordered, german=german).split()
    words, numbers = _without_trailing_one(_without_lead(words))
    words, legal = _without_legal_form(words)
    words, generation = _without_generation(words)
    words = [ABBREVIATIONS.get(w, w) for w in words]
    if not person and ordered is plain and "," in plain and "and" in words:
        name = Name(raw.strip(), Kind.COMPANY, tuple(w for w in words if w != "and"))  # "Bailey, Baker and Jones"
    elif not person and len(words) > 1 and not re.search(r"\s", plain):
        name = Name(raw.strip(), Kind.UNKNOWN, tuple(words))  # "Gordon-Mitchell" is no Gordon
    else:
        name = _classify(raw.strip(), words, legal=legal, person=person)
    if not (generation or legal or numbers or tail or deleted):
        return name
    return Name(
        name.raw, name.kind, name.core, name.given, name.middle, name.family, generation, legal or "",
        numbers, fold(tail[0] if tail else "", german=german), deleted,
    )  # fmt: skip


def _first_name_first(text: str) -> str:
    """ "Smith, John" as John Smith; a company's comma stays where it is."""
    before, comma, after = text.partition(",")
    if not comma:
        return text
    left, right = fold(before).split(), fold(after).split()
    if not 1 <= len(left) <= 2 or not 1 <= len(right) <= 4 or "," in after:
        return text
    if right[-1] in LEGAL_FORMS or right[0] in GENERATIONS or COMPANY_WORDS & {*left, *right} or "and" in left:
        return text
    if "and" in right and not all(len(w) == 1 or w in GIVEN_NAMES for w in right if w != "and"):
        return text  # "Smith, Hollis and Brown" is a firm
    return f"{after.strip()} {before.strip()}"


def _without_lead(words: list[str]) -> list[str]:
    while len(words) > 1 and (words[0] in TITLES or words[0] in ("the", "and")):
        words = words[1:]
    return words[:-1] if len(words) > 1 and words[-1] == "the" else words


def _without_legal_form(words: list[str]) -> tuple[list[str], str | None]:
    """The words before the legal form, and its group ("" is too vague to contradict, None is none at all)."""
    legal: str | None = None
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        legal = legal or LEGAL_FORMS[words[-1]]
        words = words[:-1]
    return words, legal


def _without_trailing_one(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """QuickBooks allows a display name once, so offices append a 1; other numbers tell branches apart."""
    if words and words[-1].isalpha() and not any(w.isdigit() for w in words):
        return words, _NO_NUMBERS
    numbers = frozenset(w.lstrip("0") or "0" for w in words if w.isdigit())
    return (words[:-1] if len(words) > 1 and words[-1] == "1" else words), numbers


def _without_generation(words: list[str]) -> tuple[list[str], str]:
    if GENERATIONS.keys().isdisjoint(words):
        return words, ""
    found = [GENERATIONS[w] for w in words if w in GENERATIONS]
    rest = [w for w in words if w not in GENERATIONS]
    return (rest, found[0]) if found and rest else (words, "")


def _classify(raw: str, words: list[str], *, legal: str | None, person: bool) -> Name:
    core = tuple(w for w in words if w != "and") or tuple(words)
    if not person and (legal is not None or _sounds_like_company(words)):
        return Name(raw, Kind.COMPANY, core)
    couple = "and" in words
    last = _family_start(words)
    givens, middle = _givens(words[:last])
    if len(core) < 2 or (len(core) > 4 and not couple) or (couple and not GIVEN_NAMES & set(givens)):
        return Name(raw, Kind.COMPANY if couple or len(core) > 4 else Kind.UNKNOWN, core)
    certain = person or bool(GIVEN_NAMES & set(givens))
    family = " ".join(words[last:])
    return Name(raw, Kind.PERSON if certain else Kind.UNKNOWN, core, givens, middle, family)


def _sounds_like_company(words: list[str]) -> bool:
    if words[-2:] == ["and", "sons"]:
        return True
    return any(w in COMPANY_WORDS or w in _NEVER_PERSONAL or any(c.isdigit() for c in w) for w in words)


def _family_start(words: list[str]) -> int:
    """Where the family name begins: the last word, or the first particle ("van der Berg")."""
    particles = (i for i, w in enumerate(words[1:-1], start=1) if w in PARTICLES)
    return next(particles, len(words) - 1)


def _givens(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The given names ("john and mary" are two), and the middle names of a single person."""
    if "and" not in words:
        return tuple(words[:1]), tuple(words[1:])
    at = words.index("and")
    pair = [part[0] for part in (words[:at], words[at + 1 :]) if part]
    return tuple(p for p in pair if p not in TITLES), ()
