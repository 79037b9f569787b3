"""One pair of parties field by field.

Invariant: what is weighed is the same from either side, and a pair that no name could save is not read to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from qb_pipeline.sync.matching.address_evidence import compare_address, compare_own_address
from qb_pipeline.sync.matching.evidence import Grade, Level, compare_email, compare_phone, compare_tax_id
from qb_pipeline.sync.matching.name_evidence import MOST_BITS, MOST_PERSON_BITS, compare_names
from qb_pipeline.sync.matching.naming import Kind
from qb_pipeline.sync.matching.profile import Profile, Seen

PRIOR_BITS = -12.0  # one in 4,096: the odds that two parties picked blindly are one
WEAK_BITS = -2.0  # one in five: below it a person's time is wasted
VETO_BITS = 15.0
DELETED_BITS = 4.0  # a live record goes before one QuickBooks marks "(deleted)"
# Another name at an address of one's own is a new name or a slip; jobs, branches and legal forms stay contradictions.
LIFTED = ("different first names", "different names", "different middle names", "different companies")


@dataclass(frozen=True)
class Comparison:
    """The graded fields of one pair."""

    name: Grade
    phone: Grade
    email: Grade
    address: Grade
    tax_id: Grade
    deleted: bool
    bearers: int  # live parties of one side with this name
    sharers: int  # live parties of one side with the phone or e-mail both have
    neighbours: int  # live parties of one side at this address
    person: bool  # both sides name a person for certain
    mail_of_name: bool  # the e-mail's domain is made of the name, so it says little more
    mailless: bool  # neither side knows an e-mail
    own_door: bool  # an address belongs to one party in these tables
    own_sites: bool  # some owners in these tables have several sites

    @property
    def veto(self) -> str:
        return "" if self.own_door and self.name.veto in LIFTED else self.name.veto

    @property
    def bits(self) -> float:
        """Log2 of the odds that both are one party."""
        fields = self.name.bits + sum(g.bits for g in self.others)
        return PRIOR_BITS + fields - VETO_BITS * bool(self.veto) - DELETED_BITS * self.deleted

    @property
    def others(self) -> tuple[Grade, Grade, Grade, Grade]:
        return self.phone, self.email, self.address, self.tax_id


def compare(left: Profile, right: Profile, seen: Seen) -> Comparison | None:
    """Every field of a pair graded; None where it can be neither a link nor a question."""
    phone = compare_phone(left.phone, right.phone, seen.phones)
    email = compare_email(left.email, right.email, seen.emails)
    own_door = seen.own_doors and not (left.phone or left.email or right.phone or right.email)
    if own_door:
        address = compare_own_address(left.address, right.address, seen.parts)
    else:
        address = compare_address(left.address, right.address, seen.doors)
    tax_id = compare_tax_id(left.tax_id, right.tax_id)
    others = PRIOR_BITS + phone.bits + email.bits + address.bits + tax_id.bits
    if others + (MOST_BITS if left.may_be_company and right.may_be_company else MOST_PERSON_BITS) < WEAK_BITS:
        return None
    name = compare_names(left.names, right.names, seen.names)
    if not own_door and (name.level is Level.DIFFERS or (others + name.bits < WEAK_BITS and not name.veto)):
        return None
    return Comparison(
        name, phone, email, address, tax_id,
        deleted=left.deleted != right.deleted,
        bearers=max(seen.bearers(left), seen.bearers(right)),
        sharers=max(
            seen.phones[left.phone] if left.phone == right.phone else 1,
            seen.emails[left.email] if left.email == right.email else 1,
        ),
        neighbours=max(seen.doors[left.address.key], seen.doors[right.address.key]),
        person=_person(left) and _person(right),
        mail_of_name=left.email == right.email and (_made_of_name(left) or _made_of_name(right)),
        mailless=not (left.email or right.email),
        own_door=own_door,
        own_sites=seen.own_sites,
    )  # fmt: skip


def _person(profile: Profile) -> bool:
    kinds = {n.kind for n in profile.names}
    return Kind.PERSON in kinds and Kind.COMPANY not in kinds


def _made_of_name(profile: Profile) -> bool:
    domain = profile.email.partition("@")[2]
    return any(len(w) >= 3 and w in domain for n in profile.names for w in n.core)
