"""A seeded book of parties on two sides with known partners: corrupted spellings, and neighbours made to be confused.

Invariant: the same seed gives the same two lists and the same truth; ids say nothing about the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from qb_pipeline.sync.matching import Party


def _words(text: str) -> list[str]:
    return text.split()


GIVEN = _words(
    "James Mary Robert Patricia John Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph "
    "Jessica Thomas Karen Charles Sarah Daniel Lisa Matthew Nancy Anthony Betty Mark Sandra Donald Ashley Steven "
    "Emily Andrew Kimberly Paul Donna Joshua Carol Kenneth Michelle Kevin Amanda Brian Melissa George Deborah "
    "Timothy Stephanie"
)
SURNAMES = _words(
    "Smith Johnson Brown Garcia Miller Davis Lopez Wilson Anderson Moore Kowalczyk Vanderbilt Okafor Lindqvist "
    "Brannigan Castellano Dubois Eastwood Fairweather Galbraith Hathaway Ingersoll Jankowski Kensington Lombardi "
    "Montgomery Northcott Oppenheim Prendergast Quackenbush Rutherford Satterfield Throckmorton Underhill "
    "Villanueva Whitaker Yarborough Zimmerman M\u00fcller Sch\u00e4fer Gonz\u00e1lez O'Brien Pe\u00f1a Bj\u00f6rk "
    "McAllister Abernathy"
)
TRADES = _words("Roofing Plumbing Electric Landscaping Painting Construction Flooring Masonry Fencing Remodeling")
STREETS = _words(
    "Main Oak Maple Cedar Elm Washington Lakeview Hillcrest Juniper Sycamore Magnolia Chestnut Willow Prairie "
    "Ridgewood Birchwood Meadowbrook Stonegate Fairview Highland"
)
STREET_TYPES = {"Street": "St", "Avenue": "Ave", "Drive": "Dr", "Lane": "Ln", "Court": "Ct", "Boulevard": "Blvd"}
PLACES = [(f"{name}ville", "TX", f"78{n:03d}") for n, name in enumerate(SURNAMES[10:40] * 3, start=100)]
NICKNAMES = {"Robert": "Bob", "William": "Bill", "Michael": "Mike", "Elizabeth": "Liz", "Thomas": "Tom", "James": "Jim"}
LEGAL = ("LLC", "Inc.", "Ltd", "Corp")


@dataclass(frozen=True)
class Book:
    """Both sides and the true links."""

    left: list[Party]
    right: list[Party]
    links: frozenset[tuple[str, str]]


def make_book(size: int, *, seed: int, overlap: float = 0.6) -> Book:
    """`size` parties a side, of which `overlap` are on both, the right side spelt differently."""
    random = Random(seed)
    left: list[Party] = []
    right: list[Party] = []
    links: set[tuple[str, str]] = set()
    parties = [party for _ in range(size) for party in _family(random)][:size]
    for party in parties:
        left_id, right_id = f"L{random.getrandbits(48):012x}", f"R{random.getrandbits(48):012x}"
        left.append(replace(party, id=left_id))
        if random.random() < overlap:
            right.append(replace(_corrupt(party, random), id=right_id))
            links.add((left_id, right_id))
    strangers = [party for _ in range(size) for party in _family(random)][: size - len(right)]
    right += [replace(_corrupt(p, random), id=f"R{random.getrandbits(48):012x}") for p in strangers]
    random.shuffle(left)
    random.shuffle(right)
    return Book(left, right, frozenset(links))


def _family(random: Random) -> list[Party]:
    """One party, or several that share what a careless matcher would link them by."""
    base = _person(random) if random.random() < 0.6 else _company(random)
    hard = random.random()
    if hard < 0.06 and base.last_name:
        return _relatives(base, random)
    if hard < 0.10 and base.company_name:
        return _sisters(base, random)
    if hard < 0.14 and base.company_name:
        return [_elsewhere(base, random) for _ in range(random.randint(2, 6))]
    return [base]


def _person(random: Random) -> Party:
    first, last = random.choice(GIVEN), random.choice(SURNAMES)
    mail = f"{first}.{last}{random.randint(1, 9999)}@example.com".lower().replace("'", "")
    party = Party("", f"{first} {last}", None, first, last, mail, _phone(random))
    return _elsewhere(party, random)


def _company(random: Random) -> Party:
    middle = random.choice(("", "& Sons ", f"{random.choice(STREETS)} "))
    core = f"{random.choice(SURNAMES)} {middle}{random.choice(TRADES)}"
    name = f"{core} {random.choice(LEGAL)}"
    domain = core.lower().replace(" ", "").replace("&", "").replace("'", "")
    party = Party("", name, name, None, None, f"office@{domain}{random.randint(1, 999)}.example", _phone(random))
    return _elsewhere(party, random)


def _phone(random: Random) -> str:
    return f"512{random.randint(200, 999)}{random.randint(0, 9999):04d}"


def _elsewhere(party: Party, random: Random) -> Party:
    city, state, postcode = random.choice(PLACES)
    street = f"{random.randint(1, 9900)} {random.choice(STREETS)} {random.choice(list(STREET_TYPES))}"
    return replace(party, line1=street, city=city, state=state, postal_code=postcode)


def _relatives(party: Party, random: Random) -> list[Party]:
    firsts = random.sample([g for g in GIVEN if g != party.first_name], random.randint(1, 2))
    return [party, *(replace(party, name=f"{f} {party.last_name}", first_name=f) for f in firsts)]


def _sisters(party: Party, random: Random) -> list[Party]:
    head = (party.name or "").split()[0]
    trades = random.sample(TRADES, 2)
    return [replace(party, name=f"{head} {t} LLC", company_name=f"{head} {t} LLC") for t in trades]


def _corrupt(party: Party, random: Random) -> Party:
    for slip in random.sample(SLIPS, random.choice((0, 1, 1, 2, 3))):
        party = slip(party, random)
    return party


def _last_first(p: Party, random: Random) -> Party:
    return replace(p, name=f"{p.last_name}, {p.first_name}", first_name=None, last_name=None) if p.last_name else p


def _nickname(p: Party, random: Random) -> Party:
    short = NICKNAMES.get(p.first_name or "")
    return replace(p, name=f"{short} {p.last_name}", first_name=short) if short else p


def _no_legal_form(p: Party, random: Random) -> Party:
    return replace(p, name=(p.name or "").rsplit(" ", 1)[0], company_name=None) if p.company_name else p


def _typo(p: Party, random: Random) -> Party:
    name = p.name or ""
    at = random.randint(1, max(1, len(name) - 2))
    swapped = name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]
    return replace(p, name=swapped, company_name=None, first_name=None, last_name=None)


def _short_street(p: Party, random: Random) -> Party:
    words = [STREET_TYPES.get(w, w) for w in (p.line1 or "").split()]
    return replace(p, line1=" ".join(words).upper())


def _unit(p: Party, random: Random) -> Party:
    return replace(p, line2=f"Suite {random.randint(1, 40)}0")


def _zip_plus_four(p: Party, random: Random) -> Party:
    return replace(p, postal_code=f"{p.postal_code}-{random.randint(1000, 9999)}") if p.postal_code else p


def _phone_format(p: Party, random: Random) -> Party:
    n = p.phone or ""
    return replace(p, phone=random.choice((f"({n[:3]}) {n[3:6]}-{n[6:]}", f"+1 {n}", f"{n} x12"))) if n else p


def _new_phone(p: Party, random: Random) -> Party:
    return replace(p, phone=_phone(random))


def _loud_email(p: Party, random: Random) -> Party:
    return replace(p, email=(p.email or "").upper())


def _lose(*fields: str) -> Callable[[Party, Random], Party]:
    nothing: dict[str, Any] = dict.fromkeys(fields)

    def lose(p: Party, random: Random) -> Party:
        return replace(p, **nothing)

    return lose


SLIPS: list[Callable[[Party, Random], Party]] = [
    _last_first, _nickname, _no_legal_form, _typo, _short_street, _unit, _zip_plus_four, _phone_format, _new_phone,
    _loud_email, _elsewhere, _lose("phone"), _lose("email"), _lose("line1", "city", "state", "postal_code"),
]  # fmt: skip
