"""Matching invoices, payments and credit memos by number or reference, party, total and date.

Invariant: money decides: documents with different totals or different parties are never linked without a person.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal

from qb_pipeline.sync.matching.assign import assign
from qb_pipeline.sync.matching.blocks import block
from qb_pipeline.sync.matching.model import Candidate, Document, MatchClass, Scored
from qb_pipeline.sync.matching.normalise import code

DAYS_APART = 5
CAP = 2_500  # pairs in a block; beyond it the key is no document's own
Verdict = tuple[MatchClass, float, str]  # class, bits, score


def match_documents(left: Sequence[Document], right: Sequence[Document]) -> list[Candidate]:
    """Links and weak candidates between two lists of documents of one kind."""
    lefts, rights = sorted(left, key=lambda d: d.id), sorted(right, key=lambda d: d.id)
    worth = block([_keys(d) for d in lefts], [_keys(d) for d in rights], CAP, neighbours=True)
    compared = (_score(lefts[i], rights[j]) for i, j in worth)
    return assign([s for s in compared if s is not None])


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


def _score(left: Document, right: Document) -> Scored | None:
    verdict = judge(left, right)
    if verdict is None:
        return None
    match_class, bits, score = verdict
    return Scored(left.id, right.id, match_class, bits, Decimal(score), _explain(left, right))


def judge(left: Document, right: Document) -> Verdict | None:
    """The class of a pair on its own; None when nothing speaks for it."""
    same_total = left.total is not None and left.total == right.total
    same_party = left.party is not None and left.party == right.party
    same_mark = _same_mark(left, right)
    if same_mark:
        return _judge_marked(left, right, same_party=same_party, same_total=same_total)
    if not (same_party and same_total and left.date is not None and left.date == right.date):
        return None
    if same_mark is None:
        return MatchClass.STRONG, 12.0, "0.9800"
    return MatchClass.WEAK, 4.0, "0.5000"  # alike but numbered differently: two documents, or one renumbered


def _judge_marked(left: Document, right: Document, *, same_party: bool, same_total: bool) -> Verdict | None:
    """Both carry the same number (or reference)."""
    days = _days_apart(left, right)
    near = days is not None and days <= DAYS_APART
    if same_party and same_total:
        if days == 0:
            return MatchClass.EXACT, 24.0, "1.0000"
        return (MatchClass.STRONG, 18.0, "0.9950") if near else (MatchClass.WEAK, 8.0, "0.9000")
    if same_party:
        return MatchClass.WEAK, 6.0, "0.7000"
    if same_total and near:
        unknown = left.party is None or right.party is None
        return (MatchClass.WEAK, 6.0, "0.8000") if unknown else (MatchClass.WEAK, 3.0, "0.4000")
    return None


def _same_mark(left: Document, right: Document) -> bool | None:
    """Whether number and reference agree; None where they cannot be compared."""
    pairs = ((code(left.number), code(right.number)), (code(left.reference), code(right.reference)))
    comparable = [a == b for a, b in pairs if a and b]
    return all(comparable) if comparable else None


def _days_apart(left: Document, right: Document) -> int | None:
    return abs((left.date - right.date).days) if left.date and right.date else None


def _explain(left: Document, right: Document) -> tuple[str, ...]:
    fields = (
        ("number", left.number, right.number, code(left.number) == code(right.number)),
        ("reference", left.reference, right.reference, code(left.reference) == code(right.reference)),
        ("party", left.party, right.party, left.party == right.party),
        ("total", left.total, right.total, left.total == right.total),
        ("date", left.date, right.date, left.date == right.date),
    )
    return tuple(words for field, a, b, same in fields if (words := _phrase(field, a, b, same)))


def _phrase(field: str, left: object, right: object, same: bool) -> str:
    if left in (None, "") and right in (None, ""):
        return ""
    if left in (None, "") or right in (None, ""):
        return f"{field} missing in {'contractor' if left in (None, '') else 'QuickBooks'}"
    if same:
        return f"same {field}"
    return f"{field} differs" if field == "party" else f"{field} differs: {left} / {right}"
