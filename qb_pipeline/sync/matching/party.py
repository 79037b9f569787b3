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
WEAK_BITS = -3.0
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
    sharers: int  # parties of one side with this phone or e-mail
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
    address = compare_own_address(*doors, seen.parts) if seen.own_doors else compare_address(*doors, seen.doors)
    return Comparison(
        name=compare_names(left.names, right.names, seen.names),
        phone=compare_phone(left.phone, right.phone, seen.phones),
        email=compare_email(left.email, right.email, seen.emails),
        address=address,
        deleted=left.deleted != right.deleted,
        bearers=max(seen.bearers(left), seen.bearers(right)),
        sharers=max(seen.phones[left.phone], seen.emails[left.email]),
        company=any(n.kind is Kind.COMPANY for n in names),
        own_door=seen.own_doors,
    )


def classify(found: Comparison) -> MatchClass:
    """The class of a pair on its own, before rivals are looked at."""
    agreeing = sum(g.level is Level.EXACT for g in found.others)
    if found.veto:
        # A spouse or a sister company may share everything else: worth a person's look, never a link.
        return MatchClass.WEAK if agreeing >= 2 else MatchClass.NONE
    if found.bits < WEAK_BITS:
        return MatchClass.NONE
    if found.bits < STRONG_BITS or not _may_link(found):
        return MatchClass.WEAK
    contradicted = any(g.level is Level.DIFFERS for g in found.others)
    exact = found.name.level is Level.EXACT and agreeing >= 2 and not contradicted
    return MatchClass.EXACT if exact else MatchClass.STRONG


def _may_link(found: Comparison) -> bool:
    """The name agrees, something independent of it agrees too, and it is not merely another site of the same owner."""
    if found.own_door:
        return True
    if found.name.level < Level.CLOSE or not any(g.level >= Level.CLOSE for g in found.others):
        return False
    # Of a crowd not every pair is compared, so a missing rival proves nothing: only the address tells them apart.
    one_of_many = min(found.bearers, found.sharers) > CROWD and found.address.level < Level.CLOSE
    return not one_of_many and not _may_be_another_site(found)


def _may_be_another_site(found: Comparison) -> bool:
    """Another address: a person known by an unshared name has moved; a company, only if nothing at all is shared."""
    if found.address.level is not Level.DIFFERS:
        return False
    if found.bearers > 1 or not found.company:
        return found.bearers > 1
    same_contact = found.phone.level is found.email.level is found.name.level is Level.EXACT
    return found.sharers > 1 or not same_contact


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
