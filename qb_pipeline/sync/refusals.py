"""The planner's refusals in words: why a record can't be brought into agreement, and what releases it.

Invariant: each names the record, the cause, the fix and who can apply it, under a code that does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Who
from qb_pipeline.sync.merge import Conflict


@dataclass(frozen=True)
class Problem:
    """Why a record can't be brought into agreement, for the exception table."""

    code: str
    title: str
    cause: str
    fix: str
    who: Who
    side: Side


def system(side: Side) -> str:
    return "QuickBooks" if side is Side.QUICKBOOKS else "the contractor's system"


def frozen(label: str, why: str, side: Side) -> Problem:
    return Problem(
        "frozen",
        "The record can no longer be changed",
        f"{label}: {why}.",
        f"Make the change in {system(side)} by hand, or take back the edit on the other side.",
        "accountant",
        side,
    )


def books_closed(label: str, dated: Any, closed_through: date | None) -> Problem:
    return Problem(
        "books_closed",
        "The books are closed for this date",
        f"{label} is dated {dated}, and QuickBooks' books are closed through {closed_through}.",
        "Reopen the period in QuickBooks, or give the record a date after it.",
        "accountant",
        Side.QUICKBOOKS,
    )


def conflict(label: str, found: Conflict) -> Problem:
    here, there = _shown(found.contractor), _shown(found.quickbooks)
    return Problem(
        f"conflict_{found.field}",
        f"Both sides changed the {found.label}",
        f"{label}: the contractor's system says {here}, QuickBooks says {there}.",
        "Make both sides say the same, or set a policy for this field in the company's file.",
        "accountant",
        Side.QUICKBOOKS,
    )


def removed_but_edited(label: str, gone: State, left: Side) -> Problem:
    here, there = system(left), system(left.other)
    return Problem(
        "removed_but_edited",
        "Removed on one side, edited on the other",
        f"{label} is {gone.value} in {there} but was edited or brought back in {here} since.",
        f"Remove it in {here} as well, or restore it in {there}.",
        "accountant",
        left,
    )


def merged_on_one_side(label: str, survivor: str, merged_in: Side) -> Problem:
    here, there = system(merged_in.other), system(merged_in)
    return Problem(
        "merged_on_one_side",
        "Merged on one side, two records on the other",
        f"{label} and {survivor} were merged in {there}; in {here} they are still two. Both mean {survivor} now, and "
        f"what is changed on {label} itself is not copied.",
        f"Merge them in {here} as well, or make {label} inactive there.",
        "accountant",
        merged_in.other,
    )


def name_gone(label: str, gone_in: Side) -> Problem:
    here, there = system(gone_in.other), system(gone_in)
    return Problem(
        "name_gone",
        "A name has vanished",
        f"{label} is gone in {there}, where names are made inactive or merged, never deleted; nothing says into which "
        "record it was merged.",
        f"Say which record took its place (qb-pipeline review unlink, then review link), or remove it in {here} too.",
        "accountant",
        gone_in,
    )


def counterpart_unread(label: str, side: Side) -> Problem:
    here, there = system(side), system(side.other)
    return Problem(
        "counterpart_unread",
        "The linked record has not been read",
        f"{label} of {here} is linked to a record of {there} that was never read there.",
        "Connect again to have both systems read in full; the record is not created a second time meanwhile.",
        "data engineer",
        side,
    )


def _shown(value: Any) -> str:
    return f"{len(value)} lines" if isinstance(value, tuple) else repr(str(value)) if value is not None else "nothing"
