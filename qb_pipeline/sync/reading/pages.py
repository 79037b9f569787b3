"""Pages of QuickBooks' objects into staging, and objects looked at by their ids.

Invariant: what QuickBooks can't give is an exception and stops nothing else, and an object counts as gone only when it
was asked for by its id and was not there. Queries that leave objects out of a list may leave them out by their ids as
well: where only queries miss many, reads of some decide whether queries are believed at all.

    take_page(ctx, name, page)                       what a page shows; what looks older than what is staged is read
    confirm_gone(ctx, name, ids, counts)             what a tombstone or an absence says is gone
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.store import exceptions, staging
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading.objects import SIDE, Doubt, Raw, is_list, sharing, store
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.reading.rows import POISON, Page, Poison, around_poison

AT_ONCE = 100  # ids in one query
_MOST_READS = 300  # absences read one by one, a run, where queries are not to be believed
_FEW = 10  # ids that are read one by one, which asks more directly than a query
_NAMELESS = "?"  # the record id of a row that can't be read and whose id can't be found out


def take_page(ctx: Context, name: str, page: Page, *, current: bool = False) -> Mapping[str, int]:
    """Stage a page's rows; what could not be read becomes an exception. A long reading puts down what it cost."""
    if page.poison:
        _quarantine(ctx, name, page.poison)
    counts = take_rows(ctx, name, page.rows, current=current)
    with ctx.begin() as conn:
        ctx.note_calls(conn)
    return counts


def take_rows(ctx: Context, name: str, rows: Sequence[Raw], *, current: bool = False) -> Mapping[str, int]:
    """Stage rows; those that look older than what is staged, and say something else, are asked for by their ids, and
    what comes then is taken."""
    counts, doubts = store(ctx, name, rows, current=current)
    _settle(ctx, name, doubts)
    return counts


def _settle(ctx: Context, name: str, doubts: Sequence[Doubt]) -> None:
    if len(doubts) <= _FEW:
        for entity, record_id in doubts:
            look_at(ctx, entity, SIDE, record_id)
        return
    ids = sorted({record_id for _, record_id in doubts})
    for start in range(0, len(ids), AT_ONCE):
        read_ids(ctx, name, ids[start : start + AT_ONCE], Counter(), current=True)


def confirm_gone(ctx: Context, name: str, ids: Iterable[str], counts: Counter[str]) -> None:
    """A tombstone or an absence is a rumour until the object was asked for by its id. A few are read one by one. Many
    are asked for by queries that name a hundred each; of those that no query finds some are read, and where one of
    these is there, only reads are believed from then on, as many as a run can bear. What is there is staged."""
    absent = _alive(ctx, name, ids)
    if len(absent) > _FEW:
        absent = _not_found(ctx, name, absent, counts)
    sample = absent if len(absent) <= _FEW else absent[:: len(absent) // _FEW]
    _read_each(ctx, name, sample)
    others = [i for i in absent if i not in set(sample)]
    if not others:
        return
    there = _alive(ctx, name, sample)
    if not there:
        _mark_gone(ctx, name, others)
        return
    with ctx.begin() as conn:
        ctx.log(conn, sharing(name)[0], SIDE, "left out by queries", detail={"absent": len(absent), "there": there})
    _read_each(ctx, name, others[:_MOST_READS])


def _alive(ctx: Context, name: str, ids: Iterable[str]) -> list[str]:
    """Those of the ids that are staged and not deleted, those first that were missed first."""
    listed = list(dict.fromkeys(ids))
    with ctx.begin() as conn:
        alive = {i for e in sharing(name) for i in staging.alive(conn, ctx.company, SIDE, e.name, listed)}
    return [i for i in listed if i in alive]


def _read_each(ctx: Context, name: str, ids: Sequence[str]) -> None:
    for entity in sharing(name):
        with ctx.begin() as conn:
            staged = staging.alive(conn, ctx.company, SIDE, entity.name, ids)
        for record_id in staged:
            look_at(ctx, entity, SIDE, record_id)


def _not_found(ctx: Context, name: str, ids: Sequence[str], counts: Counter[str]) -> list[str]:
    """Those of the ids for which queries find nothing; what they find is staged."""
    parts = [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
    return [i for part in parts for i in read_ids(ctx, name, part, counts)]


def _mark_gone(ctx: Context, name: str, ids: Sequence[str]) -> None:
    with ctx.begin() as conn:
        for entity in sharing(name):
            staging.mark_deleted(conn, ctx.company, SIDE, entity.name, ids, ctx.now())


def read_ids(ctx: Context, name: str, ids: Sequence[str], counts: Counter[str], *, current: bool = False) -> list[str]:
    """Stage these objects, at most `AT_ONCE`, by one query; returns the ids for which nothing is there. `current`: what
    comes is taken whatever its time says."""
    present: set[str] = set()
    where = f"Id IN ({', '.join(quote(i) for i in ids)})"
    pages = around_poison(ctx.quickbooks.client, name, where=where, active_too=is_list(name), known=lambda: ids)
    for page in pages:
        present |= {str(row["Id"]) for row in page.rows} | {p.id for p in page.poison if p.id}
        counts.update(take_page(ctx, name, page, current=current))
        if any(p.id is None for p in page.poison):
            present |= set(ids)  # one of them can't be read and nobody knows which: none of them is said to be gone
    return [i for i in ids if i not in present]


def staged_ids(ctx: Context, name: str) -> Collection[str]:
    """The ids of the objects that are staged and not deleted."""
    with ctx.begin() as conn:
        return {i for e in sharing(name) for i in staging.versions(conn, ctx.company, SIDE, e.name)}


def nobody_nameless(ctx: Context, name: str) -> None:
    """Everything of the object was read: no row is left whose id could not be found out."""
    with ctx.begin() as conn:
        exceptions.resolve(conn, ctx.company, sharing(name)[0].name, SIDE, [_NAMELESS], [POISON], now=ctx.now())


def unread(ctx: Context, name: str) -> int:
    """Rows that are there and were never staged, because QuickBooks can't give them."""
    staged = staged_ids(ctx, name)
    with ctx.begin() as conn:
        found = exceptions.listing(conn, ctx.company, entity=sharing(name)[0].name)
    return sum(one.code == POISON and one.record_id not in staged for one in found)


def _quarantine(ctx: Context, name: str, poison: Iterable[Poison]) -> None:
    """A row that can't be read is an exception of its own; everything else goes on."""
    entity = sharing(name)[0]
    found = [
        problems.from_error(
            ctx, entity, (SIDE, one.id or _NAMELESS), f"{entity.title} {one.id or 'of unknown id'}", one.error, None
        )
        for one in poison
    ]
    with ctx.begin() as conn:
        problems.report(ctx, conn, entity, found)
