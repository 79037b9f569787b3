"""Writing: from owed operations to journal rows, requests, answers and bindings.

Invariant: a write's row, with its body and key, is committed before the request leaves, and a write that was refused is
not sent again unchanged until somebody acts.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.entities.values import to_json
from qb_pipeline.errors import PipelineError
from qb_pipeline.store import exceptions, journal, staging
from qb_pipeline.store.journal import Phase, PlannedWrite, Write
from qb_pipeline.store.staging import Staged
from qb_pipeline.sync import causes, marks, problems, refusals
from qb_pipeline.sync.answers import Journalist
from qb_pipeline.sync.brake import hold_mass_changes, word_of
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.linkspace import unproject
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.ports import Sendable
from qb_pipeline.sync.readiness import inactive_references
from qb_pipeline.sync.trees import Owed, native_ids_of
from qb_pipeline.sync.wire import encoded, fingerprint

Owing = tuple[Owed, Operation]


@dataclass(frozen=True, eq=False)
class Rendered:
    """An operation as it will travel."""

    owed: Owed
    operation: Operation
    body: bytes
    fingerprint: str


def write(ctx: Context, entity: Entity, owing: Sequence[Owing], *, removals_put_off: bool = False) -> int:
    """Write what is owed to both sides; returns how many answers changed something or must be planned again."""
    allowed = hold_mass_changes(ctx, entity, owing, removals_put_off=removals_put_off)
    return sum(_write_side(ctx, entity, side, [o for o in allowed if o[1].target is side]) for side in Side)


def _write_side(ctx: Context, entity: Entity, side: Side, owing: Sequence[Owing]) -> int:
    if not owing:
        return 0
    rendered = _without_resting(ctx, entity, _render(ctx, entity, side, owing))
    if not rendered:
        return 0
    rows = _journal(ctx, entity, side, rendered)
    journalist = Journalist(ctx, entity, {row.id: (row, r.owed) for row, r in zip(rows, rendered, strict=True)})
    try:
        ctx.port(side).send([sendable(row) for row in rows], journalist)
    finally:
        _abandon_unsent(ctx, rows)
    return journalist.progress


def sendable(row: Write) -> Sendable:
    return Sendable(
        row.id, row.entity, row.operation.value, row.target_id, row.target_version, row.request_key, row.body,
        row.batch_key, row.bid,
    )  # fmt: skip


def _render(ctx: Context, entity: Entity, side: Side, owing: Sequence[Owing]) -> list[Rendered]:
    """Bodies in the target's own terms; what can't be expressed there becomes an exception of its record."""
    with ctx.begin() as conn:
        native = native_ids_of(conn, ctx.company, side, entity, [op.values for _, op in owing])
        raws = staging.fetch(conn, ctx.company, side, entity.name, [op.target_id for _, op in owing if op.target_id])
        blocked = inactive_references(ctx, conn, entity, side, [(op, native) for _, op in owing])
    rendered: list[Rendered] = []
    refused = []
    for number, (owed, operation) in enumerate(owing):
        for referred in blocked.get(number, ()):
            causes.inactive(ctx, entity, owed, referred)
        if number in blocked:
            continue
        try:
            body = _body(ctx, entity, operation, native, raws)
        except PipelineError as error:
            key, name = problems.key_of(owed), owed.tree.label
            if not causes.mapping(ctx, entity, owed, error):
                unsaid = marks.mark(error.code, error.cause, _intended(entity, operation))
                refused.append(problems.from_error(ctx, entity, key, name, error, unsaid))
        else:
            rendered.append(
                Rendered(owed, operation, body, fingerprint(side, operation.verb, _intended(entity, operation)))
            )
    with ctx.begin() as conn:
        problems.report(ctx, conn, entity, refused)
    return rendered


def _body(
    ctx: Context,
    entity: Entity,
    operation: Operation,
    native: Mapping[tuple[str, int], str],
    raws: Mapping[str, Staged],
) -> bytes:
    port = ctx.port(operation.target)
    values = unproject(entity, operation.values, native)
    if operation.verb == "create":
        return encoded(port.codec(entity).encode_create(values))
    record = raws[operation.target_id or ""].record
    if operation.verb == "update":
        return encoded(port.codec(entity).encode_update(values, operation.changed, record.raw))
    return encoded(port.removal_body(entity, operation.verb, record.id, record.version))


def _without_resting(ctx: Context, entity: Entity, rendered: Sequence[Rendered]) -> list[Rendered]:
    """Leave out what was refused before, unchanged, and records whose last write is still unanswered."""
    with ctx.begin() as conn:
        resting = problems.resting(ctx, conn, entity)
        unanswered = _unanswered(journal.open_rows(conn, ctx.company, entity.name))
        repeated = [r for r in rendered if (entity.name, _record_key(r.operation), r.fingerprint) in ctx.bound]
        problems.report(ctx, conn, entity, [_without_effect(ctx, entity, r) for r in repeated])
        return [
            r
            for r in rendered
            if r not in repeated
            and (r.operation.target, _record_key(r.operation)) not in unanswered
            and not _rests(ctx, conn, entity, r, resting.get(problems.key_of(r.owed), {}).get(r.fingerprint))
        ]


def _unanswered(rows: Sequence[Write]) -> set[tuple[Side, str | None]]:
    """Where nothing is to be written, as (target, id of the source): what may be our own write is no edit to carry
    back, so the source waits as well as the target."""
    return {key for row in rows for key in ((row.side, row.source_id), (row.side.other, row.target_id))}


def _rests(ctx: Context, conn: Connection, entity: Entity, rendered: Rendered, refused_at: datetime | None) -> bool:
    """Refused before, and neither the record nor anything it refers to has moved since."""
    if refused_at is None:
        return False
    side = rendered.operation.target
    native = native_ids_of(conn, ctx.company, side, entity, [rendered.operation.values])
    referred: defaultdict[str, set[str]] = defaultdict(set)
    for (name, _), native_id in native.items():
        referred[name].add(native_id)
    if rendered.operation.target_id is not None:
        referred[entity.name].add(rendered.operation.target_id)
    return not any(
        staged.seen_at > refused_at
        for name, ids in referred.items()
        for staged in staging.fetch(conn, ctx.company, side, name, ids).values()
    )


def _without_effect(ctx: Context, entity: Entity, rendered: Rendered) -> exceptions.Problem:
    """The same write is owed again right after it was accepted: writing it a third time would never end."""
    listed = ", ".join(entity[name].label for name in sorted(rendered.operation.changed))
    error = refusals.NOT_TAKEN.error(
        record=rendered.owed.tree.label, fields=listed, system=refusals.system(rendered.operation.target)
    )
    key = problems.key_of(rendered.owed)
    return problems.from_error(ctx, entity, key, rendered.owed.tree.label, error, rendered.fingerprint)


def _journal(ctx: Context, entity: Entity, side: Side, rendered: Sequence[Rendered]) -> list[Write]:
    with ctx.begin() as conn:
        records = [_record_key(r.operation) for r in rendered]
        last = journal.last_generations(conn, ctx.company, side, entity.name, records)
        generations = [last.get(record, -1) + 1 for record in records]
        keys = [
            request_key(ctx.company, side, entity.name, record, n)
            for record, n in zip(records, generations, strict=True)
        ]
        rows = [
            PlannedWrite(
                company=ctx.company, side=side, entity=entity.name, operation=journal.Operation(r.operation.verb),
                request_key=key, body=r.body, run_id=ctx.run_id, link_id=r.owed.tree.link_id,
                source_id=_record_key(r.operation), target_id=r.operation.target_id,
                target_version=r.operation.version, generation=n,
                intended=_intended(entity, r.operation), before=_before(entity, r),
                word=word_of(ctx, entity, r.operation),
            )
            for r, key, n in zip(rendered, keys, generations, strict=True)
        ]  # fmt: skip
        ids = journal.insert_planned(conn, rows, ctx.now())
        found = journal.get_many(conn, ctx.company, ids)
        ctx.note_calls(conn)
    return [found[i] for i in ids]


def _record_key(operation: Operation) -> str:
    return operation.source_id or operation.target_id or ""


def _intended(entity: Entity, operation: Operation) -> dict[str, Any]:
    """What the answer must agree with: the changed fields, in link space."""
    if operation.verb == "delete":
        return {}
    return to_json(entity, {k: v for k, v in operation.values.items() if k in operation.changed})


def _before(entity: Entity, rendered: Rendered) -> dict[str, Any]:
    """What an update replaces, in link space; this is what an undo puts back."""
    target = rendered.owed.tree.node(rendered.operation.target)
    if target is None or rendered.operation.verb != "update":
        return {}
    return to_json(entity, {name: target.values.get(name) for name in rendered.operation.changed})


def request_key(company: str, side: Side, entity: str, record: str, generation: int) -> str:
    """The idempotency key of one write: the same for every retry, another for the next write of the record."""
    digest = hashlib.blake2b(f"{company}|{side}|{entity}|{record}|{generation}".encode(), digest_size=16)
    return f"qb-{digest.hexdigest()}"


def _abandon_unsent(ctx: Context, rows: Sequence[Write]) -> None:
    """Rows that never left (sending stopped) are dropped: a plan is always made anew."""
    with ctx.begin() as conn:
        left = journal.get_many(conn, ctx.company, [r.id for r in rows])
        unsent = {i: {"why": "sending stopped before it left"} for i, r in left.items() if r.phase is Phase.PLANNED}
        journal.abandon_unsent(conn, ctx.company, unsent)
