"""The class of a pair by its evidence: the thresholds, and what no number of bits may override.

Invariant: a link is automatic only when the name agrees and a second, independent field does too, and never across a
contradiction (another first name, company, branch, generation or legal form). The one exception is told in words: lists
that know nothing but addresses, and in which no two records share one.
"""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline.sync.matching.comparison import WEAK_BITS, Comparison
from qb_pipeline.sync.matching.evidence import Level
from qb_pipeline.sync.matching.model import MatchClass

STRONG_BITS = 6.0  # 64 to 1
SITE = "it may be another site or branch"
INITIAL = "the initial may stand for somebody else of that address"
ALONE = "nothing beside the name agrees"
# What share of the questions asked for a doubt turned out to be one party, on generated books: no score is above it.
CEILINGS = {
    SITE: Decimal("0.5500"), ALONE: Decimal("0.7500"), "different first names": Decimal("0.0500"),
    "different generations": Decimal("0.0500"), "different middle names": Decimal("0.0500"),
    "different numbers in the name": Decimal("0.3000"), "different branches or jobs": Decimal("0.3000"),
    "different legal forms": Decimal("0.3000"), "another tax id": Decimal("0.3000"),
}  # fmt: skip
WEAK_CEILING = Decimal("0.9500")  # what a person has to look at is never shown as certain
NO_MATCH = (MatchClass.NONE, "")
SITES = 2  # more than this many with one name and one contact are the sites of one owner
ONE_WORD = 15.0  # bits that only a name of two telling words can reach
CROWD = 10  # more than this many with one name and one contact are a crowd


def classify(found: Comparison) -> tuple[MatchClass, str]:
    """The class of a pair on its own, before rivals are looked at, and in words what the fields do not say themselves.

    The words are the doubt that keeps a weak pair from being linked, or what a link rests on beside its fields.
    """
    agreeing = sum(g.level is Level.EXACT for g in found.others)
    contradicted = any(g.level is Level.DIFFERS for g in found.others)
    if found.veto:
        # A spouse or a branch that shares everything else is worth a person's look, never a link.
        everything = agreeing >= 2 and not contradicted and (found.mailless or found.email.level is Level.EXACT)
        unclear = everything and found.name.level is Level.WEAK
        return (MatchClass.WEAK, "") if unclear else NO_MATCH
    if found.bits < WEAK_BITS:
        return NO_MATCH
    doubt = _doubt(found) or ("too little agrees" if found.bits < STRONG_BITS else "")
    if doubt:
        return NO_MATCH if _is_another_site(found) else (MatchClass.WEAK, doubt)
    exact = found.name.level is Level.EXACT and agreeing >= 2 and not contradicted
    return (MatchClass.EXACT, "") if exact else (MatchClass.STRONG, _footing(found))


def score(found: Comparison, verdict: MatchClass, doubt: str) -> Decimal:
    """The probability that both are one party, with four places; for a weak pair no more than its doubt leaves."""
    chance = Decimal(f"{1 / (1 + 2.0**-found.bits):.4f}")
    if verdict.automatic:
        return chance
    return min(chance, CEILINGS.get(found.veto or doubt, WEAK_CEILING))


def _footing(found: Comparison) -> str:
    if found.name.level >= Level.CLOSE:
        return ""
    return "no two records of a list share an address" if found.own_door else "nobody else has this name or address"


def _doubt(found: Comparison) -> str:
    """What speaks against a link, the gravest first; "" where the name and something independent agree."""
    if found.tax_id.level is Level.DIFFERS:
        return "another tax id"
    if found.own_door:
        return ""
    if found.name.level < Level.CLOSE:
        return "" if found.name.part and _longer_name_of_one_door(found) else "the name agrees in part only"
    if not (any(g.level >= Level.CLOSE for g in found.others) or _near_home(found)):
        return ALONE
    return _may_be_another(found)


def _may_be_another(found: Comparison) -> str:
    """Who shares the name and a contact, and yet may be another: a namesake, one of a crowd, another site."""
    if found.name.part and _another_contact(found):
        return INITIAL
    if not found.person and found.address.level < Level.WEAK and _could_be_a_sister_site(found):
        return SITE
    # Of a crowd not every pair is compared, so a missing rival proves nothing: only the address tells them apart.
    if min(found.bearers, found.sharers) > CROWD and found.address.level < Level.CLOSE:
        return "many share this name and contact"
    return SITE if _may_be_another_site(found) else ""


def _could_be_a_sister_site(found: Comparison) -> bool:
    """Without an address: one of several with this name and contact, or a contact that says too little.

    That is one that another contact speaks against, or a mailbox made of the name where the name is one word.
    """
    if min(found.bearers, found.sharers) > 1 or _another_contact(found):
        return True
    return found.mail_of_name and found.phone.level is not Level.EXACT and found.name.bits < ONE_WORD


def _another_contact(found: Comparison) -> bool:
    return Level.DIFFERS in (found.phone.level, found.email.level)


def _longer_name_of_one_door(found: Comparison) -> bool:
    """ "Fenix" and "Fenix at the Argyle": one business where nobody else has the address and nothing differs."""
    alone = found.neighbours == found.bearers == 1
    return alone and found.address.level >= Level.CLOSE and not any(g.level is Level.DIFFERS for g in found.others)


def _near_home(found: Comparison) -> bool:
    """An unshared full name in the same street: a slip in the number is likelier than a namesake next door."""
    return found.bearers == 1 and found.address.level is Level.WEAK and found.address.part


def _may_be_another_site(found: Comparison) -> bool:
    """Another address: a person who alone bears a name has moved, anybody else only within a town.

    And that only where no owner is known to have several sites.
    """
    if found.address.level is not Level.DIFFERS:
        return False
    if found.bearers > 1 or found.person:
        return found.bearers > 1
    same_contact = Level.EXACT in (found.phone.level, found.email.level)
    return found.own_sites or found.sharers > 1 or not (same_contact and found.address.part)


def _is_another_site(found: Comparison) -> bool:
    """One of several with this name and contact, at an address of its own: nothing a person could tell either."""
    return found.address.level is Level.DIFFERS and min(found.bearers, found.sharers) > SITES
