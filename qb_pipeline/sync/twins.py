"""Two records of one side that were merged on the other: a person is asked to merge them there as well.

Invariant: no API of either side merges, so nothing is written; what is edited on the record that lost its counterpart
reaches nobody, and the question is put anew for each such edit, also where it was ignored, and when a record that was
out of use is in use again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import aliases, exceptions, links, staging
from qb_pipeline.store.staging import Staged
from qb_pipeline.sync import marks, problems, refusals
from qb_pipeline.sync.context import Context, label

SOURCE = "merge on the other side"  # who tells of the aliases of twins


def ask(ctx: Context, conn: Connection, entity: Entity, side: Side, twin: str, survivor: str) -> None:
    """`twin` and `survivor`, records of `side`, are one on the other side."""
    problems.report(ctx, conn, entity, [_question(ctx, conn, entity, side, twin, survivor)])


def ask_again(ctx: Context, conn: Connection, entity: Entity) -> None:
    """Put those questions anew whose record was edited since, or that somebody wants looked at again, and those that
    were over while their record was out of use."""
    problems.report(ctx, conn, entity, [*_moved(ctx, conn, entity), *_in_use_again(ctx, conn, entity)])


def _in_use_again(ctx: Context, conn: Connection, entity: Entity) -> Iterator[exceptions.Problem]:
    listed = exceptions.listing(conn, ctx.company, entity=entity.name, codes=[problems.MERGED])
    asked = {(one.side, one.record_id) for one in listed}
    for side, twin, survivor in aliases.told_by(conn, ctx.company, entity.name, SOURCE):
        staged = staging.fetch(conn, ctx.company, side, entity.name, [twin]).get(twin)
        used = staged is not None and staged.record.state is State.LIVE and staged.record.values.get("active") is True
        if used and (side, twin) not in asked and not links.find(conn, ctx.company, entity.name, side, [twin]):
            yield _question(ctx, conn, entity, side, twin, survivor)


def _moved(ctx: Context, conn: Connection, entity: Entity) -> Iterator[exceptions.Problem]:
    for one in exceptions.listing(conn, ctx.company, entity=entity.name, codes=[problems.MERGED]):
        survivor = aliases.resolve(conn, ctx.company, entity.name, one.side, [one.record_id]).get(one.record_id)
        staged = staging.fetch(conn, ctx.company, one.side, entity.name, [one.record_id]).get(one.record_id)
        if survivor is None or staged is None or staged.record.state is not State.LIVE:
            continue  # nothing to be asked any more: what is over is closed at the end of the run
        question = _question(ctx, conn, entity, one.side, one.record_id, survivor)
        if question.fingerprint != one.fingerprint:
            yield question


def _question(
    ctx: Context, conn: Connection, entity: Entity, side: Side, twin: str, survivor: str
) -> exceptions.Problem:
    staged = staging.fetch(conn, ctx.company, side, entity.name, [twin, survivor])
    name, other = _name(entity, staged, twin), _name(entity, staged, survivor)
    if name == other:  # QuickBooks' survivor was given the name of the other, and so was its counterpart
        name, other = f"{name} ({twin})", f"{other} ({survivor})"
    said = refusals.merged_on_one_side(name, other, side.other)
    values = staged[twin].record.values if twin in staged else {}
    return exceptions.Problem(
        entity=entity.name, side=side, record_id=twin, code=said.code, title=said.title, cause=said.cause,
        fix=said.fix, who=said.who, retry_safe=False, record_label=name, run_id=ctx.run_id,
        fingerprint=marks.of_values(entity, said, values),
    )  # fmt: skip


def _name(entity: Entity, staged: Mapping[str, Staged], record_id: str) -> str:
    found = staged.get(record_id)
    return label(entity, found.record.values) if found else f"{entity.title} {record_id}"
