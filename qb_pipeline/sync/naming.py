"""QuickBooks' messages with names in the place of its ids.

Invariant: a person never has to look up an id: what a message or the refused record refers to is called what the two
systems call it; an id nobody knows is left as it stands, and no name is given that may be another record's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.customer import CUSTOMER
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.shown import in_full
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.entities.values import from_json
from qb_pipeline.errors import PipelineError, PossibleDuplicate, Who
from qb_pipeline.store import links, staging
from qb_pipeline.store.journal import Write
from qb_pipeline.sync import refusals
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import references

_DANGLING = frozenset({"qbo_610", "qbo_2500", "qbo_6250"})
_SIGNS = r"(?:Id\s*[=:]\s*|(?:\w+\s+)?element id\s+|(?:{kinds})\s+)"


@dataclass(frozen=True)
class Known:
    """A record that a refused write is about or refers to, as it stands in QuickBooks as far as is known."""

    entity: Entity
    id: str
    name: str
    there: bool
    active: bool
    contractor_id: str | None = None


@dataclass(frozen=True)
class Words:
    """What a person is told of a refusal."""

    cause: str
    fix: str
    who: Who


def with_names(ctx: Context, conn: Connection, entity: Entity, row: Write, error: PipelineError) -> Words:
    """The words of a refused write, with names for ids where it was refused by QuickBooks.

    Where the write was refused because of what it refers to, cause and fix name that very record.
    """
    if row.side is not Side.QUICKBOOKS:
        return Words(error.cause, error.fix, error.who)
    referred = _referred(ctx, conn, entity, row)
    dangling = _dangling(error, referred)
    if error.code in _DANGLING and dangling:
        return _missing(_subject(ctx, conn, entity, row), dangling)
    known = [*referred, *_itself(ctx, conn, entity, row, error)]
    cause = in_words(error.cause, known)
    if error.code == refusals.NUMBER_TAKEN and (holder := _numbered(ctx, conn, entity, row)) is not None:
        return _number_taken(ctx, conn, entity, row, holder)
    if error.code != refusals.NAME_TAKEN or not isinstance(error, PossibleDuplicate):
        return Words(cause, error.fix, error.who)
    return _taken(ctx, conn, entity, row, error, cause)


def in_words(text: str, known: Sequence[Known]) -> str:
    """The text with names for the ids that are known: of `Id=12`, `Names element id 12`, `Invoice 12`."""
    for one in known:
        kinds = "|".join({re.escape(one.entity.title), re.escape(str(one.entity.quickbooks_object))})
        signs = _SIGNS.format(kinds=kinds)
        name = one.name.replace("\\", r"\\")  # the only sign with a meaning in what replaces
        text = re.sub(rf"\b{signs}{re.escape(one.id)}\b", name, text, flags=re.IGNORECASE)
    return text


def _referred(ctx: Context, conn: Connection, entity: Entity, row: Write) -> list[Known]:
    """What the write refers to: its link, its id there, and what either side calls it."""
    found: dict[tuple[str, str], Known] = {}
    for reference in references(entity, from_json(entity, row.intended)):
        if not isinstance(reference.key, int):
            continue
        link = links.get_many(conn, ctx.company, [reference.key]).get(reference.key)
        if link is not None and link.quickbooks_id is not None:
            there = _known(ctx, conn, ENTITIES[reference.entity], link.quickbooks_id, link.contractor_id)
            found[reference.entity, link.quickbooks_id] = there
    return list(found.values())


def _itself(ctx: Context, conn: Connection, entity: Entity, row: Write, error: PipelineError) -> list[Known]:
    """The record written, and the one that QuickBooks says is in its way where only its own list can hold it."""
    existing = error.existing_id if isinstance(error, PossibleDuplicate) and not _shares_names(entity) else None
    found = []
    for native in [i for i in (row.target_id, existing) if i is not None]:
        sharing = [e for e in ENTITIES.values() if e.quickbooks_object == entity.quickbooks_object]
        names = [entity, *(e for e in sharing if e is not entity)]
        staged = next((e for e in names if staging.fetch(conn, ctx.company, row.side, e.name, [native])), None)
        if staged is not None:
            found.append(_known(ctx, conn, staged, native, None))
    return found


def _shares_names(entity: Entity) -> bool:
    """Whether QuickBooks keeps one list of names for these and others we don't read: vendors and employees."""
    return entity.quickbooks_object == CUSTOMER.quickbooks_object


def _taken(ctx: Context, conn: Connection, entity: Entity, row: Write, error: PossibleDuplicate, cause: str) -> Words:
    """The words of a name that is taken; the two are to be linked only where they are of one kind and unlinked."""
    holder = _holder(ctx, conn, entity, row, error)
    if _shares_names(entity):
        cause = refusals.name_shared(_subject(ctx, conn, entity, row), entity if holder is not None else None)
    fix = refusals.rename_one(entity, _name(entity, row), _linkable(ctx, conn, entity, row, holder))
    return Words(cause, fix, error.who)


def _linkable(
    ctx: Context, conn: Connection, entity: Entity, row: Write, holder: str | None
) -> tuple[str | None, str | None] | None:
    """The pair that `review link` takes: a new record and one in its way, neither linked to another."""
    free = holder is not None and not links.find(conn, ctx.company, entity.name, row.side, [holder])
    return (row.source_id, holder) if free and row.target_id is None else None


def _numbered(ctx: Context, conn: Connection, entity: Entity, row: Write) -> Record | None:
    """The other document of the kind that has the number in QuickBooks; a void one where no live one has it."""
    number = from_json(entity, row.intended).get("number")
    if not number:
        return None
    there = staging.table(row.side, entity.name)
    mine = (there.c.company == ctx.company) & (there.c.state != State.DELETED.value)
    ids = conn.scalars(select(there.c.id).where(mine, there.c.number == number, there.c.id != (row.target_id or "")))
    found = [s.record for s in staging.fetch(conn, ctx.company, row.side, entity.name, ids.all()).values()]
    return min(found, key=lambda r: (r.state is not State.LIVE, len(r.id), r.id), default=None)


def _number_taken(ctx: Context, conn: Connection, entity: Entity, row: Write, holder: Record) -> Words:
    void = holder.state is State.VOIDED
    shown = {k: v for k, v in holder.values.items() if not (void and k == entity.total_field)}  # of a void one: nought
    cause = refusals.number_held(_subject(ctx, conn, entity, row), in_full(entity, shown), void=void)
    linkable = _linkable(ctx, conn, entity, row, holder.id)
    fix = refusals.renumber_one(entity, str(holder.values["number"]), linkable, void=void)
    return Words(cause, fix, "accountant")


def _holder(ctx: Context, conn: Connection, entity: Entity, row: Write, error: PossibleDuplicate) -> str | None:
    """The id of the record in the way, where it is known to be of the same kind.

    An id of the shared list of names may be anybody's, so the record must also be called what was to be written.
    """
    native = error.existing_id
    staged = staging.fetch(conn, ctx.company, row.side, entity.name, [native]).get(native) if native else None
    if staged is None or staged.record.state is not State.LIVE:
        return None
    if _shares_names(entity) and str(staged.record.values.get("name")).casefold() != _name(entity, row).casefold():
        return None
    return native


def _name(entity: Entity, row: Write) -> str:
    """What the record was to be called in QuickBooks."""
    return str(from_json(entity, row.intended).get("name") or entity.title)


def _known(ctx: Context, conn: Connection, entity: Entity, quickbooks_id: str, contractor_id: str | None) -> Known:
    here = staging.fetch(conn, ctx.company, Side.QUICKBOOKS, entity.name, [quickbooks_id]).get(quickbooks_id)
    there = staging.fetch(conn, ctx.company, Side.CONTRACTOR, entity.name, [contractor_id or ""])
    shown = here or there.get(contractor_id or "")
    name = label(entity, shown.record.values) if shown else f"{entity.title} {quickbooks_id}"
    alive = here is not None and here.record.state is not State.DELETED
    active = alive and here is not None and here.record.values.get("active") is not False
    return Known(entity, quickbooks_id, name, alive, active, contractor_id)


def _dangling(error: PipelineError, referred: Sequence[Known]) -> list[Known]:
    """What the write was refused for: what the message names, else what is known to be gone or inactive."""
    told = [one for one in referred if in_words(error.cause, [one]) != error.cause]
    return told or [one for one in referred if not one.active]


def _missing(subject: str, dangling: Sequence[Known]) -> Words:
    one = dangling[0]
    if one.there and not one.active:
        said = refusals.INACTIVE_REFERENCE
        known = {"record": subject, "names": refusals.lowered(one.name), "verb": "is"}
        return Words(said.cause_of(**known), said.fix_of(**known), said.who)
    cause, fix = refusals.counterpart_gone(one.entity, one.contractor_id, one.id, one.name, subject)
    return Words(cause, fix, refusals.MISSING_REFERENCE.who)


def _subject(ctx: Context, conn: Connection, entity: Entity, row: Write) -> str:
    """What a person calls the record that was to be written."""
    return name_of(ctx, conn, entity, row) or f"{entity.title} {row.source_id}"


def name_of(ctx: Context, conn: Connection, entity: Entity, row: Write) -> str | None:
    """The label of a journalled write's record on either side; None where neither has been read."""
    for side, native in ((row.side.other, row.source_id), (row.side, row.target_id)):
        staged = staging.fetch(conn, ctx.company, side, entity.name, [native]).get(native) if native else None
        if staged is not None:
            return label(entity, staged.record.values)
    return None
