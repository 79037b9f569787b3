"""Matching customers and vendors: names, phone, e-mail, address.

Invariant: every pair that becomes a link or a question is told in words, and no two lists' order changes the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qb_pipeline.sync.matching.assign import assign, duplicates
from qb_pipeline.sync.matching.blocks import pairs, party_keys
from qb_pipeline.sync.matching.comparison import Comparison, compare
from qb_pipeline.sync.matching.evidence import in_words
from qb_pipeline.sync.matching.model import OWN_SIDES, SIDES, Candidate, MatchClass, Pair, Party, Scored
from qb_pipeline.sync.matching.profile import Profile, Seen, read_party
from qb_pipeline.sync.matching.rules import classify, score


def match_parties(
    left: Sequence[Party],
    right: Sequence[Party],
    sides: tuple[str, str] = SIDES,
    *,
    rejected: Collection[Pair] = frozenset(),
) -> list[Candidate]:
    """Links and weak candidates between two lists of parties; `sides` names the lists in the evidence.

    Pairs in `rejected` are never returned, and both records are free for their next best partner.
    """
    lefts, rights = _in_order(left), _in_order(right)
    seen = Seen(lefts, rights)
    worth = pairs([party_keys(p) for p in lefts], [party_keys(p) for p in rights])
    scored = (_score(lefts[i], rights[j], seen, sides) for i, j in worth)
    return assign((s for s in scored if s is not None), rejected)


def duplicate_parties(parties: Sequence[Party], *, rejected: Collection[Pair] = frozenset()) -> list[Candidate]:
    """Pairs of one list that may be one party, the lower id left; a record may have several duplicates."""
    profiles = _in_order(parties)
    seen = Seen(profiles, None)
    keys = [party_keys(p) for p in profiles]
    worth = ((i, j) for i, j in pairs(keys, keys) if i < j)
    scored = (_score(profiles[i], profiles[j], seen, OWN_SIDES) for i, j in worth)
    return duplicates((s for s in scored if s is not None), rejected)


def _in_order(parties: Sequence[Party]) -> list[Profile]:
    return [read_party(p) for p in sorted(parties, key=lambda p: p.id)]


def _score(left: Profile, right: Profile, seen: Seen, sides: tuple[str, str]) -> Scored | None:
    found = compare(left, right, seen)
    if found is None:
        return None
    verdict, note = classify(found)
    if verdict is MatchClass.NONE:
        return None
    words = explain(left, right, found, sides) + ((note,) if note else ())
    return Scored(left.party.id, right.party.id, verdict, found.bits, score(found, verdict, note), words)


def explain(left: Profile, right: Profile, found: Comparison, sides: tuple[str, str]) -> tuple[str, ...]:
    """The evidence in words, the name first, what forbids a link before everything."""
    a, b = left.party, right.party
    shown = (found.name.left or left.label, found.name.right or right.label)
    words = [
        in_words("name", found.name, *shown, sides),
        in_words("phone", found.phone, a.phone or "", b.phone or "", sides),
        in_words("e-mail", found.email, a.email or "", b.email or "", sides),
        in_words("tax id", found.tax_id, left.tax_id, right.tax_id, sides) if left.tax_id or right.tax_id else "",
        in_words("address", found.address, _one_line(a), _one_line(b), sides),
    ]
    veto = [found.veto] if found.veto else []
    deleted = ["one of the two is marked deleted"] if found.deleted else []
    return tuple(veto + [w for w in words if w] + deleted)


def _one_line(party: Party) -> str:
    parts = (party.line1, party.line2, party.city, party.state, party.postal_code)
    return ", ".join(p.strip().replace("\n", ", ") for p in parts if p and p.strip())
