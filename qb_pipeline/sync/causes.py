"""What stands in the way of many records at once, before anything is sent: closed books, an inactive item, no account.

Invariant: one cause is one exception with the names of all it blocks. It is gathered anew by every run, so it closes by
itself when the last record is free, and its fix releases all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.store import exceptions
from qb_pipeline.sync import problems, refusals, situations
from qb_pipeline.sync.blockers import apart, some
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.refusals import Problem
from qb_pipeline.sync.trees import Owed

_MAPPINGS = frozenset({"no-account", "no-tax-code"})  # codes of codecs: what is missing is one setting, not one record
_CODES = (refusals.BOOKS_CLOSED.code, refusals.INACTIVE_REFERENCE.code, *_MAPPINGS)
_BOOKS = "account"  # closed books are no record; they are listed with the accounts


@dataclass(frozen=True)
class Cause:
    """One thing in the way, and under which record its exception stands."""

    code: str
    entity: str
    record_id: str
    name: str


@dataclass
class Blocked:
    """The records a cause blocks, with their names, and the words of the first."""

    words: Problem
    labels: dict[tuple[str, problems.Key], str]


def begin(ctx: Context, entity: Entity) -> None:
    """Forget what was in the way of an entity's records: it is about to be looked at anew."""
    ctx.causes[entity.name] = {}


def books_closed(ctx: Context, entity: Entity, owed: Owed, words: Problem) -> None:
    cause = Cause(words.code, _BOOKS, f"*{words.code}", "Closed books")
    _note(ctx, entity, cause, owed, words)


def inactive(ctx: Context, entity: Entity, owed: Owed, referred: tuple[str, str, str]) -> None:
    """`referred`: entity, QuickBooks id and name of the inactive record."""
    name, record_id, called = referred
    words = refusals.problem(
        refusals.INACTIVE_REFERENCE, Side.QUICKBOOKS, record=owed.tree.label, verb="is",
        names=called[:1].lower() + called[1:],
    )  # fmt: skip
    _note(ctx, entity, Cause(words.code, name, record_id, called), owed, words)


def mapping(ctx: Context, entity: Entity, owed: Owed, error: PipelineError) -> bool:
    """Take a codec's refusal for want of an account or a tax code; False for any other error."""
    if error.code not in _MAPPINGS:
        return False
    title = situations.title_of(error.code, error.recovery.capitalize())
    words = Problem(error.code, title, error.cause, error.fix, error.who, Side.QUICKBOOKS)
    cause = Cause(error.code, entity.name, f"*{error.code}", f"{entity.plural.replace('_', ' ')} without a mapping")
    _note(ctx, entity, cause, owed, words)
    return True


def report(ctx: Context, conn: Connection, *, complete: bool) -> int:
    """One exception per cause; with `complete`, close those that block nothing any more. Returns how many stand."""
    found: dict[Cause, Blocked] = {}
    for causes in ctx.causes.values():
        for cause, blocked in causes.items():
            held = found.setdefault(cause, Blocked(blocked.words, {}))
            held.labels.update(blocked.labels)
    standing = {(c.entity, c.record_id, c.code) for c in found}
    exceptions.report(conn, ctx.company, [_problem(ctx, c, b) for c, b in found.items()], ctx.now())
    for old in exceptions.listing(conn, ctx.company, codes=_CODES) if complete else ():
        if (old.entity, old.record_id, old.code) not in standing:
            exceptions.resolve(conn, ctx.company, old.entity, old.side, [old.record_id], [old.code], ctx.now())
    return len(found)


def _note(ctx: Context, entity: Entity, cause: Cause, owed: Owed, words: Problem) -> None:
    """Count the record among the blocked; its own line in the log comes once per observation, not once per run."""
    blocked = ctx.causes.setdefault(entity.name, {}).setdefault(cause, Blocked(words, {}))
    record = entity.name, problems.key_of(owed)
    known = record in blocked.labels
    blocked.labels[record] = owed.tree.label
    seen = max(s.seen_at for s in (owed.work.contractor, owed.work.quickbooks) if s is not None)
    if seen < ctx.started_at or known:
        return
    side, record_id = record[1]
    with ctx.begin() as conn:
        ctx.log(
            conn, entity, side, "parked", record_id=record_id, record_label=owed.tree.label,
            detail={"why": words.cause},
        )  # fmt: skip


def _problem(ctx: Context, cause: Cause, blocked: Blocked) -> exceptions.Problem:
    labels = apart(blocked.labels.values())
    more = f" The same holds for {some(labels[1:])}." if len(labels) > 1 else ""
    words = Problem(
        cause.code, blocked.words.title, blocked.words.cause + more, blocked.words.fix, blocked.words.who,
        Side.QUICKBOOKS,
    )  # fmt: skip
    return problems.shared(ctx, ENTITIES[cause.entity], Side.QUICKBOOKS, cause.record_id, words, cause.name, labels)
