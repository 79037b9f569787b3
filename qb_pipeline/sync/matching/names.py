"""Matching list entries (accounts, items, terms, classes, payment methods, tax codes, jobs) by code and full name.

Invariant: entries of different scopes (jobs of different customers) are never compared, and a name that is merely
alike, or an equal one of another kind, is never linked without a person.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rapidfuzz.fuzz import ratio, token_sort_ratio

from qb_pipeline.sync.matching.assign import assign, duplicates
from qb_pipeline.sync.matching.blocks import block
from qb_pipeline.sync.matching.model import Candidate, MatchClass, Named, Pair, Scored
from qb_pipeline.sync.matching.normalise import code, fold

CLOSE_RATIO = 85.0
SAME_CAP = 2_500
ALIKE_CAP = 400
_DELETED = re.compile(r"\s*\(deleted(?:\s*\d+)?\)", re.IGNORECASE)


@dataclass(frozen=True)
class _Entry:
    named: Named
    path: tuple[str, ...]  # the folded levels of Parent:Child
    code: str
    deleted: bool

    @property
    def name(self) -> str:
        return ":".join(level.replace(" ", "") for level in self.path)

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(re.findall(r"\d+", " ".join(self.path)))


def match_names(
    left: Sequence[Named], right: Sequence[Named], *, rejected: Collection[Pair] = frozenset()
) -> list[Candidate]:
    """Links and weak candidates between two lists of entries of one kind, never one of the `rejected` pairs."""
    lefts, rights = _in_order(left), _in_order(right)
    compared = (_score(lefts[i], rights[j]) for i, j in _worth_comparing(lefts, rights))
    return assign((s for s in compared if s is not None), rejected)


def duplicate_names(entries: Sequence[Named], *, rejected: Collection[Pair] = frozenset()) -> list[Candidate]:
    """Pairs of one list that may be one entry, the lower id left."""
    own = _in_order(entries)
    compared = (_score(own[i], own[j]) for i, j in _worth_comparing(own, own) if i < j)
    return duplicates((s for s in compared if s is not None), rejected)


def _worth_comparing(lefts: Sequence[_Entry], rights: Sequence[_Entry]) -> set[tuple[int, int]]:
    same = block([_same_keys(e) for e in lefts], [_same_keys(e) for e in rights], SAME_CAP, neighbours=True)
    return same | block([_alike_keys(e) for e in lefts], [_alike_keys(e) for e in rights], ALIKE_CAP)


def _in_order(entries: Sequence[Named]) -> list[_Entry]:
    return [_read(n) for n in sorted(entries, key=lambda n: n.id)]


def _read(named: Named) -> _Entry:
    text = named.name or ""
    path = tuple(filter(None, (fold(level) for level in _DELETED.sub("", text).split(":"))))
    return _Entry(named, path, code(named.code), bool(_DELETED.search(text)))


def _same_keys(e: _Entry) -> frozenset[Hashable]:
    found = {("code", e.code, e.named.scope)} if e.code else set()
    return frozenset(found | ({("name", e.name, e.named.scope)} if e.name else set()))


def _alike_keys(e: _Entry) -> frozenset[Hashable]:
    return frozenset(_words(e))


def _words(e: _Entry) -> Iterable[Hashable]:
    for level in e.path:
        for word in level.split():
            yield "word", word, e.named.scope
            yield "start", word[:3], e.named.scope
        yield "end", level[-4:], e.named.scope


def _score(left: _Entry, right: _Entry) -> Scored | None:
    verdict = _judge(left, right)
    if verdict is None:
        return None
    match_class, bits, score = verdict
    bits -= 4.0 * (left.deleted != right.deleted)
    if _other_facts(left, right) and not (left.code and left.code == right.code):
        match_class, bits, score = MatchClass.WEAK, min(bits, 5.0) - 1.0, min(score, "0.5000")
    return Scored(left.named.id, right.named.id, match_class, bits, Decimal(score), _explain(left, right))


def _judge(left: _Entry, right: _Entry) -> tuple[MatchClass, float, str] | None:
    same_name = bool(left.name) and left.name == right.name
    if left.code and right.code:
        return _judge_coded(left, right, same_name=same_name)
    if same_name:
        return MatchClass.EXACT, 18.0, "0.9990"
    return _judge_alike(left, right)


def _judge_coded(left: _Entry, right: _Entry, *, same_name: bool) -> tuple[MatchClass, float, str] | None:
    """Both carry a code: an equal one identifies whatever the name says, another one is a contradiction."""
    if left.code == right.code:
        alike = same_name or _likeness(left, right) >= CLOSE_RATIO
        return (MatchClass.EXACT, 24.0, "1.0000") if alike else (MatchClass.EXACT, 19.0, "0.9950")
    return (MatchClass.WEAK, 5.0, "0.6000") if same_name else None


def _judge_alike(left: _Entry, right: _Entry) -> tuple[MatchClass, float, str] | None:
    if not left.path or not right.path or left.numbers != right.numbers:
        return None  # Net 15 is not Net 30
    likeness = _likeness(left, right)
    if left.path[-1] == right.path[-1]:
        return MatchClass.WEAK, 5.0, "0.7000"  # the same leaf under another parent
    if likeness < CLOSE_RATIO:
        return None
    return MatchClass.WEAK, likeness / 25, f"{likeness / 125:.4f}"


def _other_facts(left: _Entry, right: _Entry) -> list[tuple[str, Hashable, Hashable]]:
    """What both know and know differently: an account's kind, a term's days."""
    known = dict(right.named.facts)
    both = ((name, value, known.get(name)) for name, value in left.named.facts)
    return [(name, a, b) for name, a, b in both if a is not None and b is not None and a != b]


def _likeness(left: _Entry, right: _Entry) -> float:
    a, b = " ".join(left.path), " ".join(right.path)
    return max(ratio(a, b), token_sort_ratio(a, b))


def _explain(left: _Entry, right: _Entry) -> tuple[str, ...]:
    words = []
    if left.code and right.code:
        a, b = left.named.code, right.named.code
        words.append(f"same code {a}" if left.code == right.code else f"code differs: {a} / {b}")
    shown = f"'{left.named.name or ''}' / '{right.named.name or ''}'"
    words.append("same name" if left.name == right.name else f"name differs: {shown}")
    words += [f"{name} differs: {a} / {b}" for name, a, b in _other_facts(left, right)]
    if left.deleted != right.deleted:
        words.append("one of the two is marked deleted")
    return tuple(words)
