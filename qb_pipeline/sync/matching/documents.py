"""Matching invoices, bills, payments and credit memos by number or reference, party, total, date and lines.

Invariant: money decides: documents with different totals or different parties are never linked without a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from decimal import Decimal

from qb_pipeline.sync.matching.assign import assign, duplicates
from qb_pipeline.sync.matching.blocks import block
from qb_pipeline.sync.matching.model import OWN_SIDES, SIDES, Candidate, Document, MatchClass, Pair, Scored
from qb_pipeline.sync.matching.normalise import code

DAYS_APART = 5
LATE_DAYS = 45  # within it equal lines make up for a later date
CAP = 2_500  # pairs in a block; beyond it the key is no document's own
Verdict = tuple[MatchClass, float, str]  # class, bits, score


def match_documents(
    left: Sequence[Document],
    right: Sequence[Document],
    *,
    sides: tuple[str, str] = SIDES,
    rejected: Collection[Pair] = frozenset(),
) -> list[Candidate]:
    """Links and weak candidates between two lists of documents of one kind, never one of the `rejected` pairs.

    `sides` names the lists in the evidence.
    """
    lefts, rights = sorted(left, key=lambda d: d.id), sorted(right, key=lambda d: d.id)
    compared = (_score(lefts[i], rights[j], sides) for i, j in _worth_comparing(lefts, rights))
    return assign((s for s in compared if s is not None), rejected)


def duplicate_documents(documents: Sequence[Document], *, rejected: Collection[Pair] = frozenset()) -> list[Candidate]:
    """Pairs of one list that may be one document entered twice, the lower id left."""
    own = sorted(documents, key=lambda d: d.id)
    compared = (_score(own[i], own[j], OWN_SIDES) for i, j in _worth_comparing(own, own) if i < j)
    return duplicates((s for s in compared if s is not None), rejected)


def _worth_comparing(lefts: Sequence[Document], rights: Sequence[Document]) -> set[tuple[int, int]]:
    return block([_keys(d) for d in lefts], [_keys(d) for d in rights], CAP, neighbours=True)


def _keys(d: Document) -> frozenset[Hashable]:
    return frozenset(_all_keys(d))


def _all_keys(d: Document) -> Iterable[Hashable]:
    number, reference = code(d.number), code(d.reference)
    if number:
        yield "number", number, d.total
        yield "number+party", number, d.party
    if reference:
        yield "reference", reference, d.party
    if d.party is not None and d.total is not None:
        yield "all but number", d.party, d.total, d.date
        yield "party+total", d.party, d.total


def _score(left: Document, right: Document, sides: tuple[str, str]) -> Scored | None:
    verdict = judge(left, right)
    if verdict is None:
        return None
    match_class, bits, score = verdict
    return Scored(left.id, right.id, match_class, bits, Decimal(score), _explain(left, right, sides))


def judge(left: Document, right: Document) -> Verdict | None:
    """The class of a pair on its own; None when nothing speaks for it."""
    same_total = left.total is not None and left.total == right.total
    same_party = left.party is not None and left.party == right.party
    same_mark = _same_mark(left, right)
    if same_mark:
        return _judge_marked(left, right, same_party=same_party, same_total=same_total)
    days = _days_apart(left, right)
    if not (same_party and same_total and days is not None and days <= DAYS_APART):
        return None
    if same_mark is None:
        return _judge_unmarked(days, _same_lines(left, right))
    return (MatchClass.WEAK, 4.0, "0.5000") if days == 0 else None  # alike but numbered differently: perhaps renumbered


def _judge_unmarked(days: int, same_lines: bool | None) -> Verdict:
    """Party and total agree, the date nearly; at least one side has no number."""
    if same_lines is False:
        return MatchClass.WEAK, 3.0, "0.4000"
    if days == 0:
        return MatchClass.STRONG, 14.0 if same_lines else 12.0, "0.9800"
    return (MatchClass.STRONG, 9.0, "0.9700") if same_lines else (MatchClass.WEAK, 5.0 - days / 10, "0.7000")


def _judge_marked(left: Document, right: Document, *, same_party: bool, same_total: bool) -> Verdict | None:
    """Both carry the same number (or reference)."""
    days = _days_apart(left, right)
    near = days is not None and days <= DAYS_APART
    if same_party and same_total:
        if days == 0:
            return MatchClass.EXACT, 24.0, "1.0000"
        late = days is not None and days <= LATE_DAYS and _same_lines(left, right) is True
        return (MatchClass.STRONG, 18.0, "0.9950") if near or late else (MatchClass.WEAK, 8.0, "0.9000")
    if same_party:
        return MatchClass.WEAK, 6.0, "0.7000"
    if same_total and near:
        unknown = left.party is None or right.party is None
        return (MatchClass.WEAK, 6.0, "0.8000") if unknown else (MatchClass.WEAK, 3.0, "0.4000")
    return None


def _same_lines(left: Document, right: Document) -> bool | None:
    """Whether items and amounts of all lines agree, in any order; None where a side's lines are not known.

    Of items only those known to both sides are compared.
    """
    if not left.lines or not right.lines:
        return None
    if Counter(amount for _, amount in left.lines) != Counter(amount for _, amount in right.lines):
        return False
    named_left, named_right = (Counter(i for i, _ in d.lines if i is not None) for d in (left, right))
    full = all(item is not None for d in (left, right) for item, _ in d.lines)
    return named_left == named_right if full else True


def _same_mark(left: Document, right: Document) -> bool | None:
    """Whether number and reference agree; None where they cannot be compared."""
    pairs = ((code(left.number), code(right.number)), (code(left.reference), code(right.reference)))
    comparable = [a == b for a, b in pairs if a and b]
    return all(comparable) if comparable else None


def _days_apart(left: Document, right: Document) -> int | None:
    return abs((left.date - right.date).days) if left.date and right.date else None


def _explain(left: Document, right: Document, sides: tuple[str, str]) -> tuple[str, ...]:
    fields = (
        ("number", left.number, right.number, code(left.number) == code(right.number)),
        ("reference", left.reference, right.reference, code(left.reference) == code(right.reference)),
        ("party", left.party, right.party, left.party == right.party),
        ("total", left.total, right.total, left.total == right.total),
        ("date", left.date, right.date, left.date == right.date),
    )
    words = tuple(words for field, a, b, same in fields if (words := _phrase(field, a, b, sides, same=same)))
    same_lines = _same_lines(left, right)
    return words if same_lines is None else (*words, "same lines" if same_lines else "lines differ")


def _phrase(field: str, left: object, right: object, sides: tuple[str, str], *, same: bool) -> str:
    if left in (None, "") and right in (None, ""):
        return ""
    if left in (None, "") or right in (None, ""):
        return f"{field} missing in {sides[left not in (None, '')]}"
    if same:
        return f"same {field}"
    return f"{field} differs" if field == "party" else f"{field} differs: {left} / {right}"
