"""A party read once: names, phone, e-mail and address in the form in which they are compared.

Invariant: a profile depends on its own record only; what the lists as a whole say stands in `Seen`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from qb_pipeline.sync.matching.address_evidence import address_parts
from qb_pipeline.sync.matching.addresses import Address, read_address
from qb_pipeline.sync.matching.evidence import Frequencies
from qb_pipeline.sync.matching.model import Party
from qb_pipeline.sync.matching.naming import Kind, Name, read_names, read_person
from qb_pipeline.sync.matching.normalise import email, phone, tax_id
from qb_pipeline.sync.matching.words import COMPANY_WORDS

OWN_DOORS = 0.005  # the share of records with a neighbour at their own address, up to which addresses identify


OWN_SITES = 0.005  # the share of records that share name and contact, from which on a table knows owners of many sites
REACHED = 0.1  # the share of records with phone or e-mail up to which addresses are all the tables know


@dataclass(frozen=True)
class Profile:
    """One party as the comparison sees it."""

    party: Party
    names: tuple[Name, ...]
    phone: str
    email: str
    address: Address
    deleted: bool
    tax_id: str
    may_be_company: bool

    @property
    def label(self) -> str:
        p = self.party
        return p.name or p.company_name or " ".join(filter(None, (p.first_name, p.last_name))) or p.id


def read_party(party: Party) -> Profile:
    """Read a party's fields; unreadable ones count as missing."""
    place = read_address(party.line1, party.line2, party.city, party.state, party.postal_code)
    names = _names(party, place.city.split())
    deleted = any(n.deleted for n in names)
    firm = any(n.kind is not Kind.PERSON for n in names)
    return Profile(party, names, phone(party.phone), email(party.email), place, deleted, tax_id(party.tax_id), firm)


def _names(party: Party, city: list[str]) -> tuple[Name, ...]:
    known = party.name or party.company_name
    persons = (
        read_person(party.first_name, party.last_name) if not known or (party.first_name and party.last_name) else ()
    )
    cores = {frozenset(p.core) for p in persons}
    plain = bool(persons) and party.name == f"{party.first_name} {party.last_name}"
    display = () if plain else read_names(party.name)
    if any(frozenset(n.core) == core for n in display for core in cores):
        display = read_names(party.name, person=True)  # the fields say that the display name is this person
    firm = None if party.company_name == party.name else party.company_name
    company = [n for n in read_names(firm) if frozenset(n.core) not in cores]
    found = [*display, *company, *(p for p in persons if not _among(p, display))]
    found += [own for n in found if (own := _without_city(n, city)) is not n]
    return tuple({(n.core, n.kind, n.legal, n.qualifier): n for n in reversed(found)}.values())


def _without_city(name: Name, city: list[str]) -> Name:
    """A company's name without the town it is in, where something telling is left ("Ritz-Carlton Atlanta")."""
    if name.kind is not Kind.COMPANY or not city:
        return name
    qualifier = "" if name.qualifier.split() == city else name.qualifier
    rest = tuple(w for w in name.core if w not in city)
    if len(name.core) - len(rest) != len(city) or not any(w not in COMPANY_WORDS for w in rest):
        rest = name.core
    return name if (rest, qualifier) == (name.core, name.qualifier) else replace(name, core=rest, qualifier=qualifier)


def _among(person: Name, names: Sequence[Name]) -> bool:
    return any(n.kind is Kind.PERSON and (n.given, n.family) == (person.given, person.family) for n in names)


class Seen:
    """How many live parties share each name, phone, e-mail and door.

    `own_doors`: addresses are all the tables know beside names, and hardly two records of one table share any, so that
    an address belongs to one party there. `own_sites`: one owner may be there several times, with as many addresses.
    """

    def __init__(self, left: Sequence[Profile], right: Sequence[Profile] | None) -> None:
        """With `right` None the left table is compared with itself."""
        self.names = _counted(left, right, _name_keys)
        self.phones = _counted(left, right, lambda p: (p.phone,) if p.phone else ())
        self.emails = _counted(left, right, lambda p: (p.email,) if p.email else ())
        self.doors = _counted(left, right, lambda p: (p.address.key,))
        self.own_doors = right is not None and (_reached_by_address(left, right) and _sharing(left, right) <= OWN_DOORS)
        self.own_sites = _several_sites(left, right) > OWN_SITES
        self.parts = _counted(left if self.own_doors else (), right, lambda p: address_parts(p.address))

    def bearers(self, profile: Profile) -> int:
        """How many parties of one side bear the most shared name of this one."""
        return max((self.names["core", n.key] for n in profile.names), default=1)


def _several_sites(left: Sequence[Profile], right: Sequence[Profile] | None) -> float:
    """The share of records with a phone or e-mail whose name and contact another of their table has, at most."""
    shared = reached = 0
    for side in (left, right or ()):
        known = [p for p in side if (p.phone or p.email) and not p.deleted]
        counts = Counter(key for p in known for key in _reached_as(p))
        shared += sum(any(counts[key] > 1 for key in _reached_as(p)) for p in known)
        reached += len(known)
    return (shared + 3) / reached if reached else 1.0


def _reached_as(profile: Profile) -> set[tuple[str, str]]:
    contacts = [c for c in (profile.phone, profile.email) if c]
    return {(n.key, contact) for n in profile.names for contact in contacts}


def _reached_by_address(left: Sequence[Profile], right: Sequence[Profile]) -> bool:
    """Hardly any record has a phone or an e-mail."""
    reached = sum(bool(p.phone or p.email) for side in (left, right) for p in side)
    return reached <= REACHED * (len(left) + len(right))


def _sharing(left: Sequence[Profile], right: Sequence[Profile]) -> float:
    """The share of records whose address another record of their own table has, at most (rule of three)."""
    sides = [Counter(p.address.key for p in side if p.address.complete) for side in (left, right)]
    shared = sum(n for side in sides for n in side.values() if n > 1)
    complete = sum(sum(side.values()) for side in sides)
    return (shared + 3) / complete if complete else 1.0


def _counted(
    left: Sequence[Profile], right: Sequence[Profile] | None, keys: Callable[[Profile], Iterable[Hashable]]
) -> Frequencies:
    """How many live records of a side bear each key."""
    sides = [(k for p in side if not p.deleted for k in keys(p)) for side in (left, right) if side is not None]
    return Frequencies(sides[0], sides[1] if right is not None else None)


def _name_keys(profile: Profile) -> frozenset[Hashable]:
    keys: set[Hashable] = set()
    for n in profile.names:
        keys.add(("core", n.key))
        if n.family:
            keys.add(("person", n.given, n.family))
            keys.add(("family", n.family))
        keys.update(("given", g) for g in n.given)
    return frozenset(keys)
