"""Records that we made ourselves and that lost their counterpart: they are never taken for new ones.

Invariant: a record that a creation of ours made, or may have made, is copied nowhere unless it is linked or a person
says that it is a record of its own; until then an exception names it, or the unsettled write it may come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Kind, MatchBy, Side
from qb_pipeline.entities.values import from_json, same
from qb_pipeline.store import candidates, creations, journal, links, staging
from qb_pipeline.store.creations import Made
from qb_pipeline.store.journal import Operation, Phase, Write
from qb_pipeline.store.staging import Work
from qb_pipeline.sync import refusals
from qb_pipeline.sync.context import label

Key = tuple[Side, str]


@dataclass(frozen=True)
class Hold:
    """Why a record without a link waits; `problem` where a person has to act on this very record."""

    reason: str
    problem: refusals.Problem | None = None


def holds(conn: Connection, company: str, entity: Entity, works: Iterable[Work]) -> dict[Key, Hold]:
    """The records without a link among `works` that a creation of ours made, or of which ours made a copy."""
    lonely = {side: [s.record.id for w in works if w.link is None and (s := w.on(side))] for side in Side}
    made = {
        m
        for side, ids in lonely.items()
        for m in (
            *creations.of_copies(conn, company, entity.name, side, ids),
            *creations.of_sources(conn, company, entity.name, side, ids),
        )
    }
    separate = candidates.kept_apart(conn, company, entity.name) if made else set()
    found: dict[Key, Hold] = {}
    for one in sorted(made, key=lambda m: (m.side, m.source_id, m.copy_id)):
        if _pair(one) not in separate:
            found |= _of(conn, company, entity, one)
    return {(side, i): hold for (side, i), hold in found.items() if i in lonely[side]}


def _pair(made: Made) -> tuple[str, str]:
    """(contractor id, QuickBooks id)"""
    ids = (made.source_id, made.copy_id)
    return ids if made.side is Side.QUICKBOOKS else ids[::-1]


def _of(conn: Connection, company: str, entity: Entity, made: Made) -> dict[Key, Hold]:
    """Both records of one creation, as far as they wait for each other."""
    copy = staging.fetch(conn, company, made.side, entity.name, [made.copy_id]).get(made.copy_id)
    if copy is None or copy.record.state is not State.LIVE:
        return {}  # the copy is gone: its source is as new as if it had never been written
    problem = describe(conn, company, entity, made)
    hold = Hold(problem.cause, problem)
    if problem.side is not made.side:
        return {(made.side.other, made.source_id): hold}
    here: dict[Key, Hold] = {(made.side, made.copy_id): hold}
    if copy.record.values.get("active") is not False:
        here[made.side.other, made.source_id] = Hold(problem.cause)
    return here


def describe(conn: Connection, company: str, entity: Entity, made: Made) -> refusals.Problem:
    """What is to be said of a copy and its source that are not linked with each other; its side says of which."""
    here, there = made.side, made.side.other
    taken = _link(conn, company, entity, here, made.copy_id)
    names = {
        "record": _name(conn, company, entity, here, made.copy_id),
        "source": _name(conn, company, entity, there, made.source_id),
        "here": refusals.system(here), "there": refusals.system(there), "pair": " ".join(_pair(made)),
        "kind": entity.name,
    }  # fmt: skip
    if taken is not None and (other := taken.id_on(there)) not in (None, made.source_id):
        twin = _name(conn, company, entity, there, other or "")
        return refusals.problem(
            refusals.COPY_TAKEN, there, twin=twin, wrong=f"{taken.contractor_id} {taken.quickbooks_id}", **names
        )
    moved = _link(conn, company, entity, there, made.source_id)
    if moved is not None and (mine := moved.id_on(here)) is not None:
        why = f"is linked to {_name(conn, company, entity, here, mine)} now"
    else:
        why = "is not linked to it any more"
    relink = f"qb-pipeline review link {names['pair']} --entity {entity.name}"
    if moved is not None:
        old = f"{moved.contractor_id} {moved.quickbooks_id}"
        relink = f"qb-pipeline review unlink {old} --entity {entity.name}, then {relink}"
    return refusals.problem(refusals.LINKED_ELSEWHERE, here, why=why, relink=relink, **names)


def _link(conn: Connection, company: str, entity: Entity, side: Side, native: str) -> links.Link | None:
    return links.find(conn, company, entity.name, side, [native]).get(native)


def _name(conn: Connection, company: str, entity: Entity, side: Side, native: str) -> str:
    staged = staging.fetch(conn, company, side, entity.name, [native]).get(native)
    return label(entity, staged.record.values) if staged else f"{entity.title} {native}"


# What may be ours: the outcome of its writing is not known.


def unsettled(conn: Connection, company: str, entity: Entity) -> dict[Side, list[Write]]:
    """By side, the creations that left and whose outcome is not settled."""
    found: defaultdict[Side, list[Write]] = defaultdict(list)
    for row in journal.open_rows(conn, company, entity.name):
        if row.operation is Operation.CREATE and row.phase is not Phase.PLANNED:
            found[row.side].append(row)
    return found


def may_be(entity: Entity, rows: Sequence[Write], values: Mapping[str, Any]) -> Write | None:
    """The unsettled creation that may have made a record with these values (in link space)."""
    return next((row for row in rows if _resembles(entity, from_json(entity, row.intended), values)), None)


def _resembles(entity: Entity, intended: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Any one thing that tells records of the kind apart: somebody may have changed the others since."""
    keys = [[name] for name in entity.unique_by]
    if entity.match_by is MatchBy.DOCUMENT:
        keys.append([f.name for f in entity.fields if f.required and f.kind is Kind.REF])
    if entity.match_by is MatchBy.PARTY:
        keys += [[name] for name in ("email", "phone") if name in entity]
    return any(_alike(entity, key, intended, values) for key in keys)


def _alike(entity: Entity, key: Sequence[str], intended: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    told = bool(key) and all(values.get(name) is not None and intended.get(name) is not None for name in key)
    return told and all(same(entity[name], intended[name], values[name]) for name in key)
