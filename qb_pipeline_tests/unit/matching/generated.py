"""A seeded book of parties on two sides with known partners: corrupted spellings, and neighbours made to be confused.

Invariant: the same seed gives the same two lists and the same truth; ids say nothing about the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

from qb_pipeline.sync.matching import Party
from qb_pipeline_tests.unit.matching.generated_pools import (
    GIVEN,
    HEADS,
    LEGAL,
    MAIL_HOSTS,
    TRADES,
    door,
    surname,
    telephone,
)
from qb_pipeline_tests.unit.matching.generated_slips import LOSSES, SLIPS

Pair = tuple[str, str]


@dataclass(frozen=True)
class Book:
    """Both sides, the true links with the slips made in each, and the pairs made to be confused with what they are."""

    left: list[Party]
    right: list[Party]
    links: frozenset[Pair]
    slips: dict[Pair, tuple[str, ...]] = field(default_factory=dict)
    traps: dict[Pair, str] = field(default_factory=dict)


def make_book(size: int, *, seed: int, overlap: float = 0.6) -> Book:
    """About `size` parties a side, of which `overlap` are on both, the right side spelt differently."""
    random = Random(seed)
    both, left_only = overlap / (2 - overlap), (1 - overlap) / (2 - overlap)
    left: list[Party] = []
    right: list[Party] = []
    slips: dict[Pair, tuple[str, ...]] = {}
    traps: dict[Pair, str] = {}
    while len(left) < size:
        kind, members = _family(random)
        ids: list[tuple[str, str]] = []
        for party in members:
            fate = random.random()
            left_id = f"L{random.getrandbits(48):012x}" if fate < both + left_only else ""
            right_id = f"R{random.getrandbits(48):012x}" if fate < both or fate >= both + left_only else ""
            ids.append((left_id, right_id))
            if left_id:
                left.append(replace(_sparse(party, random), id=left_id))
            if right_id:
                spelt, made = _corrupt(party, random)
                right.append(replace(_sparse(spelt, random), id=right_id))
                if left_id:
                    slips[left_id, right_id] = made
        traps |= {(a, d): kind for (a, b), (c, d) in product(ids, ids) if a and d and (a, b) != (c, d)}
    random.shuffle(left)
    random.shuffle(right)
    return Book(left, right, frozenset(slips), slips, traps)


def _family(random: Random) -> tuple[str, list[Party]]:
    """One party, or several that share what a careless matcher would link them by, and the name of that trap."""
    share = random.random()
    for kind, weight, make in TRAPS:
        if share < weight:
            return kind, make(random)
        share -= weight
    return "", [_person(random) if random.random() < 0.55 else _company(random)]


def _person(random: Random) -> Party:
    return _named(random, random.choice(GIVEN), surname(random))


def _named(random: Random, first: str, last: str) -> Party:
    host = random.choice(MAIL_HOSTS)
    mail = f"{first}.{last}{random.randint(1, 999)}@{host}".lower().replace("'", "")
    party = Party("", f"{first} {last}", None, first, last, mail.encode("ascii", "ignore").decode(), telephone(random))
    return _elsewhere(party, random)


def _company(random: Random, head: str | None = None) -> Party:
    own = random.choice(HEADS) if random.random() < 0.4 else surname(random) + random.choice(("", "", " & Sons"))
    core = f"{head or own} {random.choice(TRADES)}"
    name = f"{core} {random.choice(LEGAL)}".strip()
    domain = "".join(c for c in core.lower() if c.isascii() and c.isalpha())
    party = Party("", name, name, None, None, f"office@{domain}{random.randint(1, 99)}.example", telephone(random))
    return _elsewhere(party, random)


def _elsewhere(party: Party, random: Random) -> Party:
    at = door(random)
    return replace(party, line1=at.line1, city=at.city, state=at.state, postal_code=at.postal_code, line2=None)


def _renamed(party: Party, name: str) -> Party:
    return replace(party, name=name, company_name=name)


def _relatives(random: Random) -> list[Party]:
    """Father and son, or spouses: one address and phone, at times one mailbox."""
    base = _person(random)
    firsts = random.sample([g for g in GIVEN if g != base.first_name], random.randint(1, 2))
    mail = base.email if random.random() < 0.3 else None
    others = [
        replace(base, name=f"{f} {base.last_name}", first_name=f,
                email=mail or f"{f}{random.randint(1, 99)}@{random.choice(MAIL_HOSTS)}".lower()) for f in firsts
    ]  # fmt: skip
    return [base, *others]


def _generations(random: Random) -> list[Party]:
    base = _person(random)
    senior = replace(base, name=f"{base.name} Sr", last_name=f"{base.last_name} Sr")
    junior = replace(base, name=f"{base.name} Jr.", last_name=f"{base.last_name} Jr.", email=None)
    return [senior, junior]


def _housemates(random: Random) -> list[Party]:
    base = _person(random)
    other = _person(random)
    return [base, replace(other, line1=base.line1, city=base.city, state=base.state, postal_code=base.postal_code)]


def _sisters(random: Random) -> list[Party]:
    """Companies of one owner: one phone and mailbox, at times one door."""
    base = _company(random)
    head = (base.name or "").split()[0]
    made = []
    for trade in random.sample(TRADES, random.randint(2, 3)):
        sister = _renamed(base, f"{head} {trade} LLC")
        made.append(sister if random.random() < 0.5 else _elsewhere(sister, random))
    return made


def _branches(random: Random) -> list[Party]:
    """One name in several towns, numbered or not, each with its phone, at times with the head office's mailbox."""
    base, numbered, one_mailbox = _company(random), random.random() < 0.4, random.random() < 0.5
    made = []
    for n in range(random.randint(2, 5)):
        branch = _renamed(base, f"{base.name} #{100 + 7 * n}") if numbered else base
        mail = base.email if one_mailbox else f"branch{n}{random.randint(10, 99)}@{(base.email or '').split('@')[1]}"
        made.append(_elsewhere(replace(branch, phone=telephone(random), email=mail), random))
    return made


def _sites(random: Random) -> list[Party]:
    """A property manager: one name, phone and mailbox, many addresses."""
    base = _renamed(_company(random), f"{surname(random)} Property Management")
    return [_elsewhere(base, random) for _ in range(random.randint(3, 7))]


def _one_bookkeeper(random: Random) -> list[Party]:
    """Unrelated companies whose mail and phone go to one bookkeeper."""
    base = _company(random)
    others = [replace(_company(random), email=base.email, phone=base.phone) for _ in range(random.randint(1, 3))]
    return [base, *others]


def _namesakes(random: Random) -> list[Party]:
    base = _person(random)
    return [base, _named(random, base.first_name or "", base.last_name or "")]


TRAPS: list[tuple[str, float, Callable[[Random], list[Party]]]] = [
    ("father and son, spouses", 0.03, _relatives),
    ("senior and junior", 0.01, _generations),
    ("two at one address", 0.02, _housemates),
    ("sister companies", 0.02, _sisters),
    ("branches of a chain", 0.015, _branches),
    ("a manager's sites", 0.01, _sites),
    ("one bookkeeper", 0.015, _one_bookkeeper),
    ("namesakes", 0.01, _namesakes),
]


def _corrupt(party: Party, random: Random) -> tuple[Party, tuple[str, ...]]:
    """The party as the other side wrote it, with the names of the slips that changed anything."""
    made: list[str] = []
    for name, slip in random.sample(SLIPS, random.choice((0, 1, 1, 2, 2, 3))):
        spelt = slip(party, random)
        if spelt != party:
            made.append(name)
        party = spelt
    return party, tuple(sorted(made))


def _sparse(party: Party, random: Random) -> Party:
    """What an office never asked for: at most two of phone, e-mail and address."""
    lost = [name for name, share in (("phone", 0.06), ("e-mail", 0.15), ("address", 0.06)) if random.random() < share]
    for name in lost[:2]:
        party = LOSSES[name](party, random)
    return party
