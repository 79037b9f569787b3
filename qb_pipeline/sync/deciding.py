"""A person's word on a conflict: which side's version stands.

Invariant: the word is about the two versions that were shown: where another was read since, it is refused and asked
anew. It is kept as the base: the side that gives way counts as unchanged since, so the other's value is written by the
next sync, and an edit made after the word is a new edit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, Side
from qb_pipeline.entities.values import from_json, to_json
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import candidates, exceptions, links, staging, sync_log
from qb_pipeline.store.candidates import Decision, Proposal
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.store.links import Link, LinkState, LinkUpdate
from qb_pipeline.store.staging import Staged
from qb_pipeline.sync import refusals
from qb_pipeline.sync.linkspace import project, unlinked
from qb_pipeline.sync.merge import Conflict
from qb_pipeline.sync.plan import OPEN
from qb_pipeline.sync.trees import link_ids_of

_FIELD = refusals.CONFLICT.code.split("{", maxsplit=1)[0]


def take(conn: Connection, company: str, found: Reported, side: Side) -> str:
    """Let `side`'s version stand; returns what the next sync will do.

    Raises `Misconfigured` where the exception is none that a choice of sides settles, or where either record was read
    in another version since it was shown.
    """
    entity = ENTITIES[found.entity]
    link = links.find(conn, company, entity.name, found.side, [found.record_id]).get(found.record_id)
    if not refusals.asks(found.code) or link is None:
        raise Misconfigured(
            f"Exception {found.id} ({found.code}) is not settled by choosing a side.",
            code="not_a_conflict", fix=f"Its fix is: {found.fix}",
        )  # fmt: skip
    staged = {
        s: staging.fetch(conn, company, s, entity.name, [link.id_on(s) or ""]).get(link.id_on(s) or "") for s in Side
    }
    standing, yielding = staged[side], staged[side.other]
    if standing is None or yielding is None:
        raise Misconfigured(
            f"{found.record_label} has not been read on both sides.", code="counterpart_unread",
            fix="Run qb-pipeline sync first.",
        )  # fmt: skip
    _refuse_unseen(entity, found, staged)
    names = {found.code.removeprefix(_FIELD)} if found.code.startswith(_FIELD) else None
    said = _settle(conn, company, entity, link, side, standing, yielding, names)
    for s in Side:  # the word is about the pair, whichever of the two was asked about
        exceptions.resolve(conn, company, entity.name, s, [link.id_on(s) or ""], [found.code])
    detail = {"code": found.code, "take": side.value}
    entry = sync_log.Entry(entity.name, found.side, "decided", found.record_id, found.record_label, detail)
    sync_log.append(conn, company, [entry])
    return said


def _refuse_unseen(entity: Entity, found: Reported, staged: Mapping[Side, Staged | None]) -> None:
    """Every run that reads a record asks again with what it read; what was read by none that ended was not shown.

    An undo asks once and shows no versions: its own write is read after it asked.
    """
    if found.code == refusals.UNDONE.code or found.last_seen is None:
        return
    newer = [refusals.system(s) for s, one in staged.items() if one is not None and one.seen_at > found.last_seen]
    if newer:
        systems, now = " and ".join(newer), _said_now(entity, found, staged)
        raise Misconfigured(
            f"{found.record_label} was changed in {systems} after exception {found.id} was shown.{now}",
            code="changed_since_shown", fix="Run qb-pipeline sync, which asks anew, and answer that.",
        )  # fmt: skip


def _said_now(entity: Entity, found: Reported, staged: Mapping[Side, Staged | None]) -> str:
    """What both sides say by now; nothing of a reference, which staging knows by its number only."""
    spec = next((f for f in entity.fields if f"{_FIELD}{f.name}" == found.code), None)
    if spec is None or spec.kind is Kind.REF:
        return ""
    values = {side: one.record.values.get(spec.name) if one is not None else None for side, one in staged.items()}
    conflict = Conflict(spec.name, spec.label, values[Side.CONTRACTOR], values[Side.QUICKBOOKS])
    return " Now: " + refusals.conflict(found.record_label or entity.title, conflict).cause


def _settle(
    conn: Connection, company: str, entity: Entity, link: Link, side: Side, standing: Staged, yielding: Staged,
    names: Collection[str] | None,
) -> str:  # fmt: skip
    here, there = refusals.system(side), refusals.system(side.other)
    if yielding.record.state is not State.LIVE:
        links.remove(conn, company, [link.id])
        # Whichever was made from the other: the one that is left is a record of its own now.
        apart = Proposal(entity.name, link.contractor_id or "", link.quickbooks_id or "", candidates.BY_HAND,
                         candidates.IMPOSSIBLE, [])  # fmt: skip
        candidates.settle(conn, company, apart, Decision.REJECTED)
        return f"the record of {here} is created anew in {there}"
    gone = standing.record.state is not State.LIVE
    values = project(
        entity, yielding.record.values, link_ids_of(conn, company, entity, side.other, [yielding.record])
    )  # fmt: skip
    _refuse_unlinked(entity, values, names, refusals.system(side.other))
    base = dict(from_json(entity, link.base))
    for spec in entity.fields:
        if (names is None or spec.name in names) and spec.direction is not Direction.NONE:
            base[spec.name] = _given_way(spec, side.other, values.get(spec.name), base.get(spec.name))
    if gone and OPEN in entity:  # the word holds for what is applied to the document now, not for a later payment
        base[OPEN] = values.get(OPEN)
    links.update_base_many(
        conn, company,
        [LinkUpdate(link.id, to_json(entity, base), "", "", state=LinkState.LIVE)],
    )  # fmt: skip
    return f"the record is removed in {there} as well" if gone else f"what {here} says is written to {there}"


def _refuse_unlinked(
    entity: Entity, values: Mapping[str, Any], names: Collection[str] | None, system: str
) -> None:  # fmt: skip
    """A side can't give way while it refers to a record that the other side knows nothing of."""
    waiting = unlinked(entity, values, frozenset(names) if names is not None else None)
    if waiting:
        kind = waiting[0].entity.replace("_", " ")
        raise Misconfigured(
            f"What {system} says refers to {kind} {waiting[0].native_id}, which is not linked.",
            code="reference_not_linked",
            fix=f"Link that {kind} (qb-pipeline review link), merge it with the right one in {system}, or choose the "
            "right one in the record itself.",
        )


def _given_way(spec: Field, side: Side, value: Any, agreed: Any) -> Any:
    """The yielding side's value as one that was agreed on; lines keep what is known of their twins."""
    if spec.kind is not Kind.LINES or spec.line_key != "id":
        return value
    own, other = f"{side.value}_id", f"{side.other.value}_id"
    twins: Mapping[str, Any] = {str(x.get(own)): x.get(other) for x in agreed or ()}
    return tuple(_line(x, own, other, twins) for x in value or ())


def _line(line: Mapping[str, Any], own: str, other: str, twins: Mapping[str, Any]) -> dict[str, Any]:
    told = {k: v for k, v in line.items() if k not in ("id", "twin")}
    known = {own: line["id"], other: twins.get(str(line["id"]))}
    return told | {k: v for k, v in known.items() if v is not None}
