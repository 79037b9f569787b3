"""One partner each: which of the scored pairs become links, and which are left for a person.

Invariant: no record is in two automatic links, and a link is automatic only where nobody else comes near.
The result depends neither on the order of the rows nor on which list is called left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal

from qb_pipeline.sync.matching.model import Candidate, MatchClass, Pair, Scored

MARGIN_BITS = 3.0
WEAK_PER_RECORD = 3
WEAK_CEILING = Decimal("0.9500")  # what a person has to look at is never shown as certain
_RIVAL = "another record is nearly as close"


def assign(scored: Iterable[Scored], rejected: Collection[Pair] = frozenset()) -> list[Candidate]:
    """The links (one to one), then at most three weak candidates for each record that stayed alone.

    A pair in `rejected` (a person said no) is as if it had never been compared: both its records are free for others.
    """
    open_pairs = [s for s in scored if (s.left_id, s.right_id) not in rejected]
    links, rest = _links([s for s in open_pairs if s.match_class is not MatchClass.NONE])
    weak = _shortlist([_demoted(s) for s in rest])
    return in_order([*links, *weak])


def duplicates(scored: Iterable[Scored], rejected: Collection[Pair] = frozenset()) -> list[Candidate]:
    """Every sure pair of one table with itself, and of the rest the best three for each record."""
    found = [s for s in scored if s.match_class is not MatchClass.NONE and (s.left_id, s.right_id) not in rejected]
    sure = [s for s in found if s.match_class.automatic]
    return in_order([*sure, *_shortlist([s for s in found if not s.match_class.automatic])])


def in_order(scored: Iterable[Scored]) -> list[Candidate]:
    """Candidates, the surest first."""
    ordered = sorted(scored, key=lambda s: (not s.match_class.automatic, -s.bits, s.left_id, s.right_id))
    return [Candidate(s.left_id, s.right_id, s.match_class, s.score, s.evidence) for s in ordered]


def _links(scored: list[Scored]) -> tuple[list[Scored], list[Scored]]:
    """Take clear winners round by round; each round frees the others from rivals that found their partner."""
    links: list[Scored] = []
    rest = scored
    while won := _clear_winners(rest):
        links += won
        lefts, rights = {s.left_id for s in won}, {s.right_id for s in won}
        rest = [s for s in rest if s.left_id not in lefts and s.right_id not in rights]
    return links, rest


def _clear_winners(scored: list[Scored]) -> list[Scored]:
    by_left, by_right = _two_best(scored, left=True), _two_best(scored, left=False)
    return [
        s for s in scored if s.match_class.automatic and _wins(s, by_left[s.left_id]) and _wins(s, by_right[s.right_id])
    ]


def _wins(pair: Scored, two_best: tuple[float, float]) -> bool:
    best, second = two_best
    return pair.bits == best and best - second >= MARGIN_BITS


def _two_best(scored: list[Scored], *, left: bool) -> dict[str, tuple[float, float]]:
    nothing = float("-inf")
    found: dict[str, tuple[float, float]] = {}
    for s in scored:
        key = s.left_id if left else s.right_id
        best, second = found.get(key, (nothing, nothing))
        found[key] = (s.bits, best) if s.bits > best else (best, max(second, s.bits))
    return found


def _demoted(pair: Scored) -> Scored:
    evidence = (*pair.evidence, _RIVAL) if pair.match_class.automatic else pair.evidence
    return replace(pair, match_class=MatchClass.WEAK, score=min(pair.score, WEAK_CEILING), evidence=evidence)


def _shortlist(weak: list[Scored]) -> list[Scored]:
    """Pairs that are among the best of both their records."""
    by_left: dict[str, list[Scored]] = defaultdict(list)
    by_right: dict[str, list[Scored]] = defaultdict(list)
    for s in weak:
        by_left[s.left_id].append(s)
        by_right[s.right_id].append(s)
    top_left = {(s.left_id, s.right_id) for own in by_left.values() for s in _best(own, "right_id")}
    top_right = {(s.left_id, s.right_id) for own in by_right.values() for s in _best(own, "left_id")}
    both = top_left & top_right
    return [s for s in weak if (s.left_id, s.right_id) in both]


def _best(own: list[Scored], other: str) -> list[Scored]:
    return sorted(own, key=lambda s: (-s.bits, getattr(s, other)))[:WEAK_PER_RECORD]
