"""The ways in which one party is written differently on the other side.

Invariant: a slip changes how a party is written, never who it is; one that does not apply returns the party unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from qb_pipeline.sync.matching import Party
from qb_pipeline_tests.unit.matching.generated_pools import (
    ABBREVIATIONS,
    DIRECTIONS,
    GIVEN,
    JOBS,
    LEGAL,
    MAIL_HOSTS,
    NICKNAMES,
    STREET_TYPES,
    door,
    telephone,
)

JOINTS = (":", " - ", " \u2013 ")
Slip = Callable[[Party, Random], Party]


def _shown(p: Party, name: str) -> Party:
    """Another display name; the company's own name, where it had one, goes with it."""
    return replace(p, name=name, company_name=name if p.company_name else None)


def _only_name(p: Party, name: str) -> Party:
    return replace(p, name=name, company_name=None, first_name=None, last_name=None)


def _last_first(p: Party, random: Random) -> Party:
    return _only_name(p, f"{p.last_name}, {p.first_name}") if p.last_name and p.first_name else p


def _nickname(p: Party, random: Random) -> Party:
    short = NICKNAMES.get(p.first_name or "")
    return replace(p, name=f"{short} {p.last_name}", first_name=short) if short else p


def _initial(p: Party, random: Random) -> Party:
    return _only_name(p, f"{p.first_name[0]}. {p.last_name}") if p.first_name and p.last_name else p


def _spouse(p: Party, random: Random) -> Party:
    if not (p.first_name and p.last_name):
        return p
    return _only_name(p, f"{p.first_name} & {random.choice(GIVEN)} {p.last_name}")


def _middle(p: Party, random: Random) -> Party:
    if not (p.first_name and p.last_name):
        return p
    return _only_name(p, f"{p.first_name} {random.choice('ABCDEFGHJKLMRST')}. {p.last_name}")


def _no_legal_form(p: Party, random: Random) -> Party:
    words = (p.name or "").split()
    return replace(_shown(p, " ".join(words[:-1])), company_name=None) if p.company_name and words[-1] in LEGAL else p


def _long_legal_form(p: Party, random: Random) -> Party:
    long = {"LLC": "L.L.C.", "Inc.": "Incorporated", "Ltd": "Limited", "Corp": "Corporation", "Co.": "Company"}
    words = (p.name or "").split()
    return _shown(p, " ".join([*words[:-1], long[words[-1]]])) if p.company_name and words[-1] in long else p


def _the(p: Party, random: Random) -> Party:
    return _shown(p, f"The {p.name}") if p.company_name else p


def _trading_name(p: Party, random: Random) -> Party:
    owner = f"{random.choice(GIVEN)} {random.choice(('Holdings', 'Enterprises', 'Ventures'))} LLC"
    return replace(p, name=f"{owner} dba {p.name}", company_name=None) if p.company_name else p


def _abbreviated(p: Party, random: Random) -> Party:
    return _shown(p, " ".join(ABBREVIATIONS.get(w, w) for w in (p.name or "").split())) if p.company_name else p


def _loud(p: Party, random: Random) -> Party:
    return _shown(p, (p.name or "").upper())


def _plain_letters(p: Party, random: Random) -> Party:
    def bare(text: str | None) -> str | None:
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() if text else text

    return replace(_shown(p, bare(p.name) or ""), first_name=bare(p.first_name), last_name=bare(p.last_name))


def _with_job(p: Party, random: Random) -> Party:
    return _only_name(p, f"{p.name}{random.choice(JOINTS)}{random.choice(JOBS)}")


def _marked(p: Party, random: Random) -> Party:
    ends = (" (customer)", " 1", " (C)") if (p.name or "")[-1:].isdigit() else (" (customer)", "1", " 1", " (C)")
    return _shown(p, f"{p.name}{random.choice(ends)}")


def _typo(p: Party, random: Random) -> Party:
    words = (p.name or "").split()
    long = [i for i, w in enumerate(words) if len(w) >= 5 and w.isalpha()]
    if not long:
        return p
    at = random.choice(long)
    words[at] = _slipped(words[at], random)
    return _only_name(p, " ".join(words))


def _slipped(word: str, random: Random) -> str:
    at = random.randint(1, len(word) - 2)
    letter = random.choice("aeiorstn")
    return random.choice((
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
    ))  # fmt: skip


def _short_street(p: Party, random: Random) -> Party:
    short = STREET_TYPES | DIRECTIONS
    return replace(p, line1=" ".join(short.get(w, w) for w in (p.line1 or "").split())) if p.line1 else p


def _bare_street(p: Party, random: Random) -> Party:
    words = (p.line1 or "").split()
    return replace(p, line1=" ".join(words[:-1])) if words and words[-1] in STREET_TYPES else p


def _street_typo(p: Party, random: Random) -> Party:
    slip = re.compile(r"[A-Za-z]{5,}")
    return replace(p, line1=slip.sub(lambda m: _slipped(m.group(), random), p.line1, count=1)) if p.line1 else p


def _unit(p: Party, random: Random) -> Party:
    if not p.line1:
        return p
    unit = f"{random.choice(('Suite', 'Unit', 'Apt', '#'))} {random.randint(1, 40)}"
    return replace(p, line2=unit) if random.random() < 0.5 else replace(p, line1=f"{p.line1} {unit}")


def _zip_plus_four(p: Party, random: Random) -> Party:
    return replace(p, postal_code=f"{p.postal_code}-{random.randint(1000, 9999)}") if p.postal_code else p


def _wrong_zip(p: Party, random: Random) -> Party:
    code = p.postal_code or ""
    return replace(p, postal_code=code[:3] + code[4] + code[3]) if len(code) == 5 else p


def _moved(p: Party, random: Random) -> Party:
    at = door(random)
    return replace(p, line1=at.line1, city=at.city, state=at.state, postal_code=at.postal_code) if p.line1 else p


def _phone_format(p: Party, random: Random) -> Party:
    n = p.phone or ""
    shapes = (f"({n[:3]}) {n[3:6]}-{n[6:]}", f"+1 {n}", f"{n} x12", f"{n[:3]}.{n[3:6]}.{n[6:]} ext. 4", f"1-{n}")
    return replace(p, phone=random.choice(shapes)) if n else p


def _new_phone(p: Party, random: Random) -> Party:
    return replace(p, phone=telephone(random)) if p.phone else p


def _loud_email(p: Party, random: Random) -> Party:
    return replace(p, email=p.email.upper()) if p.email else p


def _alias_email(p: Party, random: Random) -> Party:
    return replace(p, email=p.email.replace("@", "+billing@")) if p.email else p


def _new_email(p: Party, random: Random) -> Party:
    if not p.email:
        return p
    return replace(p, email=f"new{random.randint(1000, 999999)}@{random.choice(MAIL_HOSTS)}")


def _lose(*fields: str) -> Slip:
    nothing: dict[str, Any] = dict.fromkeys(fields)

    def lose(p: Party, random: Random) -> Party:
        return replace(p, **nothing)

    return lose


LOSSES = {
    "phone": _lose("phone"),
    "e-mail": _lose("email"),
    "address": _lose("line1", "line2", "city", "state", "postal_code"),
}

SLIPS: list[tuple[str, Slip]] = [
    ("last name first", _last_first),
    ("nickname", _nickname),
    ("initial", _initial),
    ("spouse added", _spouse),
    ("middle initial", _middle),
    ("legal form left out", _no_legal_form),
    ("legal form written out", _long_legal_form),
    ("the added", _the),
    ("trading name", _trading_name),
    ("word abbreviated", _abbreviated),
    ("capitals", _loud),
    ("accents lost", _plain_letters),
    ("job in the name", _with_job),
    ("marked as customer", _marked),
    ("typo in the name", _typo),
    ("street abbreviated", _short_street),
    ("street type left out", _bare_street),
    ("typo in the street", _street_typo),
    ("unit added", _unit),
    ("zip+4", _zip_plus_four),
    ("digits swapped in the zip", _wrong_zip),
    ("moved house", _moved),
    ("phone format", _phone_format),
    ("new phone", _new_phone),
    ("e-mail in capitals", _loud_email),
    ("e-mail alias", _alias_email),
    ("new e-mail", _new_email),
    ("phone lost", LOSSES["phone"]),
    ("e-mail lost", LOSSES["e-mail"]),
    ("address lost", LOSSES["address"]),
]
