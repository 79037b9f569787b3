"""Matching customers and vendors: names, phone, e-mail, address.

Invariant: a link is automatic only when the name agrees and a second, independent field does too, and never across a
contradiction (another first name, company, branch, generation or legal form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sync.matching.address_evidence import compare_address, compare_own_address
from qb_pipeline.sync.matching.assign import assign
from qb_pipeline.sync.matching.blocks import pairs, party_keys
from qb_pipeline.sync.matching.evidence import (
    Grade,
    Level,
    compare_email,
    compare_phone,
    in_words,
)
from qb_pipeline.sync.matching.model import Candidate, MatchClass, Party, Scored
from qb_pipeline.sync.matching.name_evidence import compare_names
from qb_pipeline.sync.matching.naming import Kind
from qb_pipeline.sync.matching.profile import Profile, Seen, read_party

PRIOR_BITS = -12.0  # one in 4,096: the odds that two parties picked blindly are one
STRONG_BITS = 6.0
WEAK_BITS = -2.0
VETO_BITS = 15.0
CROWD = 10  # more than this many with one name and one contact are a crowd
DELETED_BITS = 4.0  # a live record goes before one QuickBooks marks "(deleted)"
# Another name at an address of one's own is a new name or a slip; jobs, branches and legal forms stay contradictions.
LIFTED = ("different first names", "different names", "different middle names", "different companies")
SIDES = ("contractor", "QuickBooks")


@dataclass(frozen=True)
class Comparison:
    """The graded fields of one pair."""

    name: Grade
    phone: Grade
    email: Grade
    address: Grade
    deleted: bool
    bearers: int  # parties of one side with this name
    sharers: int  # parties of one side with the phone or e-mail both have
    neighbours: int  # parties of one side at this address
    company: bool
    own_door: bool  # an address belongs to one party in these tables

    @property
    def veto(self) -> str:
        return "" if self.own_door and self.name.veto in LIFTED else self.name.veto

    @property
    def bits(self) -> float:
        fields = self.name.bits + self.phone.bits + self.email.bits + self.address.bits
        return PRIOR_BITS + fields - VETO_BITS * bool(self.veto) - DELETED_BITS * self.deleted

    @property
    def others(self) -> tuple[Grade, Grade, Grade]:
        return self.phone, self.email, self.address


def match_parties(left: Sequence[Party], right: Sequence[Party], sides: tuple[str, str] = SIDES) -> list[Candidate]:
    """Links and weak candidates between two lists of parties; `sides` names the lists in the evidence."""
    lefts, rights = _in_order(left), _in_order(right)
    seen = Seen(lefts, rights)
    worth = pairs([party_keys(p) for p in lefts], [party_keys(p) for p in rights])
    scored = (_score(lefts[i], rights[j], seen, sides) for i, j in worth)
    return assign([s for s in scored if s is not None])


def _in_order(parties: Sequence[Party]) -> list[Profile]:
    return [read_party(p) for p in sorted(parties, key=lambda p: p.id)]


def _score(left: Profile, right: Profile, seen: Seen, sides: tuple[str, str]) -> Scored | None:
    found = compare(left, right, seen)
    verdict = classify(found)
    if verdict is MatchClass.NONE:
        return None
    words = explain(left, right, found, sides)
    return Scored(left.party.id, right.party.id, verdict, found.bits, probability(found.bits), words)


def compare(left: Profile, right: Profile, seen: Seen) -> Comparison:
    """Grade every field of a pair."""
    names = (*left.names, *right.names)
    doors = (left.address, right.address)
    own_door = seen.own_doors and not any((left.phone, left.email, right.phone, right.email))
    address = compare_own_address(*doors, seen.parts) if own_door else compare_address(*doors, seen.doors)
    return Comparison(
        name=compare_names(left.names, right.names, seen.names),
        phone=compare_phone(left.phone, right.phone, seen.phones),
        email=compare_email(left.email, right.email, seen.emails),
        address=address,
        deleted=left.deleted != right.deleted,
        bearers=max(seen.bearers(left), seen.bearers(right)),
        sharers=max(
            seen.phones[left.phone] if left.phone == right.phone else 1,
            seen.emails[left.email] if left.email == right.email else 1,
        ),
        neighbours=max(seen.doors[left.address.key], seen.doors[right.address.key]),
        company=any(n.kind is Kind.COMPANY for n in names),
        own_door=own_door,
    )


def classify(found: Comparison) -> MatchClass:
    """The class of a pair on its own, before rivals are looked at."""
    agreeing = sum(g.level is Level.EXACT for g in found.others)
    contradicted = any(g.level is Level.DIFFERS for g in found.others)
    if found.veto:
        # A spouse or a branch may share everything else: worth a person's look, never a link.
        unclear = agreeing >= 2 and not contradicted and found.name.level is Level.WEAK
        return MatchClass.WEAK if unclear else MatchClass.NONE
    if found.bits < WEAK_BITS or (found.name.level is Level.DIFFERS and not found.own_door):
        return MatchClass.NONE
    if found.bits >= STRONG_BITS and _may_link(found):
        exact = found.name.level is Level.EXACT and agreeing >= 2 and not contradicted
        return MatchClass.EXACT if exact else MatchClass.STRONG
    return MatchClass.NONE if _is_another_site(found) else MatchClass.WEAK


def _may_link(found: Comparison) -> bool:
    """The name agrees, something independent of it agrees too, and it is not merely another site of the same owner."""
    if found.own_door:
        return True
    if found.name.part and found.name.level is Level.WEAK:
        return _longer_name_of_one_door(found)
    if found.name.level < Level.CLOSE or not (any(g.level >= Level.CLOSE for g in found.others) or _near_home(found)):
        return False
    if found.company and found.address.level < Level.WEAK and _could_be_a_sister_site(found):
        return False
    # Of a crowd not every pair is compared, so a missing rival proves nothing: only the address tells them apart.
    one_of_many = min(found.bearers, found.sharers) > CROWD and found.address.level < Level.CLOSE
    return not one_of_many and not _may_be_another_site(found)


def _could_be_a_sister_site(found: Comparison) -> bool:
    """Without an address: one of several with this name and contact, or a contact that speaks against the other."""
    contacts = (found.phone.level, found.email.level)
    return min(found.bearers, found.sharers) > 1 or Level.DIFFERS in contacts


def _longer_name_of_one_door(found: Comparison) -> bool:
    """ "Fenix" and "Fenix at the Argyle": one business where nobody else has the address and nothing differs."""
    alone = found.neighbours == found.bearers == 1
    return alone and found.address.level >= Level.CLOSE and not any(g.level is Level.DIFFERS for g in found.others)


def _near_home(found: Comparison) -> bool:
    """An unshared full name in the same street: a slip in the number is likelier than a namesake next door."""
    return found.bearers == 1 and found.address.level is Level.WEAK and found.address.part


def _may_be_another_site(found: Comparison) -> bool:
    """Another address: who alone bears a name has moved; a company, only within its town or with nothing shared."""
    if found.address.level is not Level.DIFFERS:
        return False
    if found.bearers > 1 or not found.company:
        return found.bearers > 1
    same_contact = Level.EXACT in (found.phone.level, found.email.level)
    if found.sharers > 1 or found.name.level < Level.CLOSE or not same_contact:
        return True
    return not (found.address.part or found.phone.level is found.email.level is found.name.level is Level.EXACT)


def _is_another_site(found: Comparison) -> bool:
    """One of several with this name and contact, at an address of its own: nothing a person could tell either."""
    return found.address.level is Level.DIFFERS and min(found.bearers, found.sharers) > 2


def probability(bits: float) -> Decimal:
    """Log2 odds as a probability with four places."""
    return Decimal(f"{1 / (1 + 2.0**-bits):.4f}")


def explain(left: Profile, right: Profile, found: Comparison, sides: tuple[str, str]) -> tuple[str, ...]:
    """The evidence in words, the name first, what forbids a link before everything."""
    a, b = left.party, right.party
    shown = (found.name.left or left.label, found.name.right or right.label)
    words = [
        in_words("name", found.name, *shown, sides),
        in_words("phone", found.phone, a.phone or "", b.phone or "", sides),
        in_words("e-mail", found.email, a.email or "", b.email or "", sides),
        in_words("address", found.address, _one_line(a), _one_line(b), sides),
    ]
    veto = [found.veto] if found.veto else []
    deleted = ["one of the two is marked deleted"] if found.deleted else []
    return tuple(veto + [w for w in words if w] + deleted)


def _one_line(party: Party) -> str:
    parts = (party.line1, party.line2, party.city, party.state, party.postal_code)
    return ", ".join(p.strip().replace("\n", ", ") for p in parts if p and p.strip())
