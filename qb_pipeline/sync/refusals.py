"""The engine's own refusals in words: why a record can't be brought into agreement, and what releases it.

Invariant: each names the record, the cause, the fix and who can apply it, under a code that does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qb_pipeline.entities.records import State
from qb_pipeline.entities.shown import shortened
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import Who
from qb_pipeline.situations import Situation
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


FROZEN = Situation(
    "frozen", "The record can't be changed as it stands", "{record} can't be changed in {system}: {why}.",
    "Take back the edit in {other}. Or lift in {system} what stands in its way; the edit is then copied by itself.",
    area="planning",
)  # fmt: skip
BOOKS_CLOSED = Situation(
    "books_closed", "The books are closed for this date",
    "{record} is dated {dated}, and QuickBooks' books are closed through {closed}.",
    "Reopen the period in QuickBooks, or give the record a date after it.", area="planning",
)  # fmt: skip
CONFLICT = Situation(
    "conflict_{field}", "Both sides changed the {label}",
    "{record}: the contractor's system says {contractor}, QuickBooks says {quickbooks}.",
    "Choose: qb-pipeline errors resolve ID --take contractor (or quickbooks). Or make both sides say the same, or set "
    "a policy for this field in the company's file.", area="planning",
)  # fmt: skip
FIXED_AT_CREATION = Situation(
    "fixed_at_creation", "What is chosen at creation only was changed",
    "{record}: the contractor's system says {contractor}, QuickBooks says {quickbooks}. Both said the same before, and "
    "{label} is only chosen when {kind} is made, so neither is copied.",
    "Make both say the same by hand, or make {kind} anew and this one inactive. If they may differ: qb-pipeline errors "
    "ignore ID.", area="planning",
)  # fmt: skip
REMOVED_BUT_EDITED = Situation(
    "removed_but_edited", "Removed on one side, edited on the other",
    "{record} is {state} in {there} but {what}.",
    "Remove it in {here} as well, or restore it in {there}. Or have it done: qb-pipeline errors resolve ID --take "
    "contractor (or quickbooks).", area="planning",
)  # fmt: skip
MERGED_ON_ONE_SIDE = Situation(
    "merged_on_one_side", "Merged on one side, two records on the other",
    "{record} and {survivor} were merged in {there}; in {here} they are still two. Both mean {survivor} now, and what "
    "is changed on {record} itself is not copied.",
    "Merge them in {here} as well, or make {record} inactive there.", area="matching",
)  # fmt: skip
NAME_GONE = Situation(
    "name_gone", "A name has vanished",
    "{record} is gone in {there}, where names are made inactive, merged or put below another one, never deleted; "
    "nothing says which record took its place.",
    "Say which record took its place: qb-pipeline review unlink {pair} --entity {entity}, then qb-pipeline review link "
    "{contractor_id} B --entity {entity}, where B is its id in {there}. Or make it inactive in {here}.",
    area="matching",
)  # fmt: skip
COUNTERPART_UNREAD = Situation(
    "counterpart_unread", "The linked record has not been read",
    "{record} of {here} is linked to a record of {there} that was never read there.",
    "Connect again to have both systems read in full; the record is not created a second time meanwhile.",
    "data engineer", area="reading",
)  # fmt: skip
MISSING_REFERENCE = Situation(
    "missing_reference", "{name} is not linked", "{blocked}: {record} does not exist in {there}.",
    "Create it there, or link it to an existing {kind} (qb-pipeline review link {pair} --entity {entity}, where "
    "{other} is its id there).", area="matching",
)  # fmt: skip
UNDECIDED = Situation(
    "undecided_pair", "Two records that may be the same",
    "{blocked}: {record} of the contractor's system may be the same as {others} of QuickBooks. None of them is copied "
    "until somebody decides.",
    "Decide: qb-pipeline review link {pair} --entity {entity} if they are the same, qb-pipeline review reject {pair} "
    "--entity {entity} if they are not. {more}", area="matching",
)  # fmt: skip
_RELINK = (
    "Create it there, or link it to an existing {kind}. Either way: qb-pipeline review unlink {contractor_id} "
    "{quickbooks_id} --entity {entity}, then qb-pipeline review link {contractor_id} B --entity {entity}, where B is "
    "its id there."
)  # of a record whose counterpart is gone: the link to that one stands in the way of another
NAME_TAKEN = "qbo_6240"
_RENAME = (
    "Rename one of the two, for example to '{example}' in the contractor's system. If you rename the one in "
    "QuickBooks, then run qb-pipeline errors retry --code {code}."
)
NUMBER_TAKEN = "qbo_6140"
_RENUMBER = (
    "Give one of the two another number. If that is the one in QuickBooks, then run qb-pipeline errors retry --code "
    "{code}."
)
_RENUMBER_VOID = (
    "In QuickBooks, give the void one another number, for example '{example}'; then run qb-pipeline errors retry "
    "--code {code}. Or give the other one another number in the contractor's system; it is then tried again by itself."
)
_SAME = "If they are the same: qb-pipeline review link {contractor_id} {quickbooks_id} --entity {entity}."
CLASSES_OFF = Situation(
    "class_tracking_off", "Class tracking is off",
    "{count} divisions are not copied, because QuickBooks has class tracking switched off.",
    "Switch on class tracking in QuickBooks (Account and settings, Advanced), or ignore this.", "owner",
    area="planning",
)  # fmt: skip
MASS_CHANGE = Situation(
    "mass_change", "Too much would be {done} at once",
    "This run would {do} {count} of {linked} {kind} in {system}{before}: {examples}.",
    "Look at it: qb-pipeline plan --company {company_quoted}. If it is right: qb-pipeline sync --allow-mass-change "
    "--company {company_quoted}.{until} The share is set in the company's file (.qb/companies/NAME.yaml), under brake.",
    "owner", area="planning",
)  # fmt: skip
NOT_TAKEN = Situation(
    "not_taken", "The write had no effect",
    "{record}: the write was accepted, but {fields} did not become what was written.",
    "Set {fields} by hand in {system}. If it does not stay there either, a rule there sets it: then give the record "
    "the same value on the other side.",
)  # fmt: skip
LINKED_ELSEWHERE = Situation(
    "linked_elsewhere", "A copy whose original is linked to another record",
    "{record} of {here} was made by the sync from {source} of {there}, which {why}. It is not copied back, so that "
    "nothing is there twice.",
    "Delete it in {here} (or make it inactive), or merge it there with the right one. Or link the two again: {relink}. "
    "If it is a record of its own: qb-pipeline review reject {pair} --entity {kind}.",
    area="matching",
)  # fmt: skip
COPY_TAKEN = Situation(
    "copy_taken", "Its copy is linked to another record",
    "{source} of {there} was written to {here} as {record}, which is linked to {twin} of {there} now. It is not "
    "written a second time.",
    "Unlink the wrong one (qb-pipeline review unlink {wrong} --entity {kind}) and link the right one (qb-pipeline "
    "review link {pair} --entity {kind}). If they are two records: qb-pipeline review reject {pair} --entity {kind}.",
    area="matching",
)  # fmt: skip
INACTIVE_REFERENCE = Situation(
    "inactive_reference", "A record it refers to is inactive",
    "{record}: {names} {verb} inactive in QuickBooks.",
    "Make {names} active again there, or choose another one in {record}.", area="planning",
)  # fmt: skip
UNDONE = Situation(
    "undone", "Taken back by a person",
    "{record} was taken back in {there} by an undo of run {run}; in {here} it is as that run found it. Neither side is "
    "copied to the other until somebody decides.",
    "Decide: qb-pipeline errors resolve ID --take contractor (or quickbooks), or make both sides say the same.",
    area="planning",
)  # fmt: skip

SITUATIONS = (
    MISSING_REFERENCE, UNDECIDED, INACTIVE_REFERENCE, MERGED_ON_ONE_SIDE, NAME_GONE, LINKED_ELSEWHERE, COPY_TAKEN,
    COUNTERPART_UNREAD, CONFLICT, FIXED_AT_CREATION, REMOVED_BUT_EDITED, UNDONE, FROZEN, BOOKS_CLOSED, CLASSES_OFF,
    MASS_CHANGE, NOT_TAKEN,
)  # fmt: skip


def asks(code: str) -> bool:
    """Whether an exception of the code is settled by choosing a side."""
    return code.startswith(CONFLICT.code.split("{")[0]) or code in (REMOVED_BUT_EDITED.code, UNDONE.code)


def system(side: Side) -> str:
    return "QuickBooks" if side is Side.QUICKBOOKS else "the contractor's system"


def problem(situation: Situation, side: Side, **names: object) -> Problem:
    """The situation at hand, in words."""
    return Problem(
        situation.code.format(**names), situation.title.format(**names), situation.cause_of(**names),
        situation.fix_of(**names), situation.who, side,
    )  # fmt: skip


def missing_reference(target: Entity, side: Side, native_id: str, name: str, blocked: str) -> Problem:
    """`name` of `target`, a record of `side` without a counterpart; `blocked`: what waits for it."""
    pair, other = (f"{native_id} B", "B") if side is Side.CONTRACTOR else (f"A {native_id}", "A")
    return problem(
        MISSING_REFERENCE, side, name=name, record=lowered(name), blocked=blocked, there=system(side.other),
        kind=target.title.lower(), entity=target.name, pair=pair, other=other,
    )  # fmt: skip


def undecided(target: Entity, name: str, others: Sequence[str], pairs: Sequence[str], blocked: str) -> Problem:
    """`name`, a record of the contractor's, may be any of `others` in QuickBooks; `pairs`: the ids of each, "A B"."""
    more = f"Likewise for {' and '.join(pairs[1:])}." if len(pairs) > 1 else ""
    return problem(
        UNDECIDED, Side.CONTRACTOR, record=lowered(name), others=" or ".join(map(lowered, others)), pair=pairs[0],
        entity=target.name, more=more, blocked=blocked,
    )  # fmt: skip


def counterpart_gone(
    target: Entity, contractor_id: str | None, quickbooks_id: str, name: str, blocked: str
) -> tuple[str, str]:
    """Cause and fix where QuickBooks does not know a record that is linked."""
    cause = MISSING_REFERENCE.cause_of(blocked=blocked, record=lowered(name), there=system(Side.QUICKBOOKS))
    ids = {"contractor_id": contractor_id or "A", "quickbooks_id": quickbooks_id}
    return cause, _RELINK.format(kind=target.title.lower(), entity=target.name, **ids)


def name_shared(blocked: str, holder: Entity | None) -> str:
    """The cause where customers, vendors and employees may not have one name; `holder`: what is known to have it."""
    who = f"another {holder.title.lower()}" if holder else "a customer, vendor or employee"
    return f"{blocked}: {who} has this name in QuickBooks already."


def rename_one(entity: Entity, name: str, linkable: tuple[str | None, str | None] | None) -> str:
    """The fix of a taken name; `linkable`: contractor's and QuickBooks' id where the two may be the same."""
    kind = entity.title.lower()
    rename = _RENAME.format(example=f"{shortened(name)} ({kind})", code=NAME_TAKEN)
    return _or_link(entity, rename, linkable)


def number_held(blocked: str, holder: str, *, void: bool) -> str:
    """The cause where a document of the same kind has the number: `holder` by number, date and total."""
    keeps = " It is void there, and a void document keeps its number." if void else ""
    return f"{blocked}: {lowered(holder)} has this number in QuickBooks.{keeps}"


def renumber_one(entity: Entity, number: str, linkable: tuple[str | None, str | None] | None, *, void: bool) -> str:
    """The fix of a taken number; `linkable` as in `rename_one`."""
    if void:
        example = number[: (entity["number"].max_length or len(number) + 2) - 2] + "-V"
        return _RENUMBER_VOID.format(example=example, code=NUMBER_TAKEN)
    return _or_link(entity, _RENUMBER.format(code=NUMBER_TAKEN), linkable)


def _or_link(entity: Entity, otherwise: str, linkable: tuple[str | None, str | None] | None) -> str:
    if linkable is None:
        return otherwise
    same = _SAME.format(contractor_id=linkable[0], quickbooks_id=linkable[1], entity=entity.name)
    return f"{same} Otherwise: {lowered(otherwise)}"


def lowered(name: str) -> str:
    """A record's name as it stands within a sentence: `customer ABC Corp`."""
    return name[:1].lower() + name[1:]


def frozen(label: str, why: str, side: Side) -> Problem:
    return problem(FROZEN, side, record=label, why=why, system=system(side), other=system(side.other))


def books_closed(label: str, dated: Any, closed_through: date | None) -> Problem:
    return problem(BOOKS_CLOSED, Side.QUICKBOOKS, record=label, dated=dated, closed=closed_through)


def conflict(label: str, found: Conflict) -> Problem:
    here, there = _shown(found.contractor), _shown(found.quickbooks)
    named = {"record": label, "field": found.field, "label": found.label}
    return problem(CONFLICT, Side.QUICKBOOKS, contractor=here, quickbooks=there, **named)


def fixed_at_creation(entity: Entity, label: str, found: Conflict) -> Problem:
    here, there, kind = _shown(found.contractor), _shown(found.quickbooks), entity.title.lower()
    kind = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    named = {"record": label, "label": found.label, "kind": kind}
    return problem(FIXED_AT_CREATION, Side.QUICKBOOKS, contractor=here, quickbooks=there, **named)


def removed_but_edited(label: str, gone: State, left: Side) -> Problem:
    return _removed_but(label, gone, left, f"was edited or brought back in {system(left)} since")


def removed_but_applied(label: str, gone: State, left: Side, applied: Sequence[str]) -> Problem:
    """`applied` names the payments and credit memos with their amounts."""
    verb = "is" if len(applied) == 1 else "are"
    return _removed_but(label, gone, left, f"{', '.join(applied)} {verb} applied to it in {system(left)}")


def _removed_but(label: str, gone: State, left: Side, what: str) -> Problem:
    sides = {"here": system(left), "there": system(left.other)}
    return problem(REMOVED_BUT_EDITED, left, record=label, state=gone.value, what=what, **sides)


def merged_on_one_side(label: str, survivor: str, merged_in: Side) -> Problem:
    sides = {"here": system(merged_in.other), "there": system(merged_in)}
    return problem(MERGED_ON_ONE_SIDE, merged_in.other, record=label, survivor=survivor, **sides)


def name_gone(entity: Entity, label: str, contractor_id: str, quickbooks_id: str) -> Problem:
    """Of a record that is gone in QuickBooks: the contractor's system deletes names, and that is followed."""
    sides = {"here": system(Side.CONTRACTOR), "there": system(Side.QUICKBOOKS)}
    ids = {"pair": f"{contractor_id} {quickbooks_id}", "contractor_id": contractor_id, "entity": entity.name}
    return problem(NAME_GONE, Side.QUICKBOOKS, record=label, **sides, **ids)


def counterpart_unread(label: str, side: Side) -> Problem:
    return problem(COUNTERPART_UNREAD, side, record=label, here=system(side), there=system(side.other))


def undone(label: str, taken_back_in: Side, run: str) -> Problem:
    sides = {"here": system(taken_back_in.other), "there": system(taken_back_in)}
    return problem(UNDONE, taken_back_in, record=label, run=run, **sides)


def _shown(value: Any) -> str:
    return f"{len(value)} lines" if isinstance(value, tuple) else repr(str(value)) if value is not None else "nothing"
