"""What an undo left to a person, looked at again at the end of each run.

Invariant: the question rests on both records: it stays ignored just as long as nobody edits either of them, and it ends
where there is nothing to decide, because the two are no longer linked or are as they agreed last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import exceptions, journal, links, staging, worklist
from qb_pipeline.store.exceptions import Problem, Reported
from qb_pipeline.store.journal import Phase
from qb_pipeline.store.links import Link
from qb_pipeline.sync import marks, problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.undoing.items import Target

_DONE_OR_NOT_BEGUN = (Phase.BOUND, Phase.ABANDONED)


def ask_again(ctx: Context, conn: Connection) -> None:
    """Put the questions of earlier undos anew whose records were edited since, and close those that are over."""
    for entity, listed in _told(ctx, conn):
        linked = links.find(conn, ctx.company, entity.name, listed[0].side, [one.record_id for one in listed])
        records = _records(conn, ctx.company, entity, linked)
        over = {one.record_id for one in _over(ctx, conn, listed, linked, records)}
        exceptions.resolve(conn, ctx.company, entity.name, listed[0].side, over, [problems.UNDONE], ctx.now())
        left = [one for one in listed if one.record_id not in over]
        problems.report(ctx, conn, entity, _moved(entity, left, records))


def put_down(ctx: Context) -> None:
    """Note what the questions of this undo rest on, once all of it is written: one record's write may move another
    record that was asked about before."""
    with ctx.begin() as conn:
        for entity, listed in _told(ctx, conn):
            own = [one for one in listed if one.run_id == ctx.run_id]
            linked = links.find(conn, ctx.company, entity.name, listed[0].side, [one.record_id for one in own])
            records = _records(conn, ctx.company, entity, linked)
            exceptions.report(conn, ctx.company, _moved(entity, own, records), ctx.now())


def _told(ctx: Context, conn: Connection) -> list[tuple[Entity, list[Reported]]]:
    """The questions that stand, those of one entity and side together."""
    told: defaultdict[tuple[str, Side], list[Reported]] = defaultdict(list)
    for one in exceptions.listing(conn, ctx.company, codes=[problems.UNDONE]):
        told[one.entity, one.side].append(one)
    return [(ENTITIES[name], listed) for (name, _), listed in told.items()]


def _moved(
    entity: Entity, listed: Sequence[Reported], records: Mapping[str, Mapping[Side, Record]]
) -> list[Problem]:  # fmt: skip
    """Those questions as they are to be put now, of which a record says something else than when they were put."""
    asked = {one.record_id: _rested(entity, one, records.get(one.record_id, {})) for one in listed}
    return [asked[one.record_id] for one in listed if asked[one.record_id].fingerprint != one.fingerprint]


def _rested(entity: Entity, problem: Problem, records: Mapping[Side, Record]) -> Problem:
    """The question with the mark of the records it rests on; its run stays the undo's, by which what that wrote is
    found."""
    return Problem(
        entity=entity.name, side=problem.side, record_id=problem.record_id, code=problem.code, title=problem.title,
        cause=problem.cause, fix=problem.fix, who=problem.who, retry_safe=False, record_label=problem.record_label,
        fingerprint=marks.of_records(entity, problem.code, problem.cause, records), run_id=problem.run_id,
    )  # fmt: skip


def _records(
    conn: Connection, company: str, entity: Entity, linked: Mapping[str, Link]
) -> dict[str, dict[Side, Record]]:
    """By the id that the question stands under, the linked records as they were read last."""
    found: dict[str, dict[Side, Record]] = {key: {} for key in linked}
    for side in Side:
        ids = {key: native for key, link in linked.items() if (native := link.id_on(side)) is not None}
        staged = staging.fetch(conn, company, side, entity.name, ids.values())
        for key, native in ids.items():
            if native in staged:
                found[key][side] = staged[native].record
    return found


def _over(
    ctx: Context, conn: Connection, listed: Sequence[Reported], linked: Mapping[str, Link],
    records: Mapping[str, Mapping[Side, Record]],
) -> Iterator[Reported]:  # fmt: skip
    yield from (one for one in listed if one.record_id not in linked)
    live = [
        one for one in listed
        if one.record_id in linked and all(r.state is State.LIVE for r in records[one.record_id].values())
    ]  # fmt: skip
    agreed = _as_agreed(ctx, conn, live)
    unsettled = _unsettled(conn, ctx.company, {one.run_id for one in agreed if one.run_id})
    yield from (one for one in agreed if (one.entity, one.side, one.record_id) not in unsettled)


def _as_agreed(ctx: Context, conn: Connection, listed: Sequence[Reported]) -> list[Reported]:
    if not listed:
        return []
    ids = [one.record_id for one in listed]
    agreed = worklist.as_agreed(conn, ctx.company, listed[0].side, listed[0].entity, ids)
    return [one for one in listed if one.record_id in agreed]


def _unsettled(conn: Connection, company: str, run_ids: Iterable[str]) -> set[Target]:
    """Of what these undos wrote, what was refused or has no answer yet: nothing else tells that it was not taken
    back."""
    written = [w for run_id in run_ids for w in journal.of_run(conn, company, run_id)]
    return {(w.entity, w.side, w.target_id or "") for w in written if w.phase not in _DONE_OR_NOT_BEGUN}
