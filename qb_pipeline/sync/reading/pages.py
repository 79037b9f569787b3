"""Pages of QuickBooks' objects into staging, and objects looked at by their ids.

Invariant: what QuickBooks can't give is an exception and stops nothing else, and an object counts as gone only when it
was asked for by its id and was not there.

    take_page(ctx, name, page)       confirm_gone(ctx, name, ids, counts)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.store import exceptions, staging
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading.objects import SIDE, is_list, sharing, store
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.reading.rows import POISON, Page, Poison, around_poison

AT_ONCE = 100  # ids in one query
_FEW = 10  # ids that are read one by one, which asks more directly than a query
_NAMELESS = "?"  # the record id of a row that can't be read and whose id can't be found out


def take_page(ctx: Context, name: str, page: Page) -> Mapping[str, int]:
    """Stage a page's rows; what could not be read becomes an exception. A long reading puts down what it cost."""
    if page.poison:
        _quarantine(ctx, name, page.poison)
    counts = store(ctx, name, page.rows)
    with ctx.begin() as conn:
        ctx.note_calls(conn)
    return counts


def confirm_gone(ctx: Context, name: str, ids: Iterable[str], counts: Counter[str]) -> None:
    """A tombstone or an absence is a rumour until the object was asked for by its id: a few are read one by one, many
    by queries that name a hundred each. What is there after all is staged as it is."""
    with ctx.begin() as conn:
        alive = {e: staging.alive(conn, ctx.company, SIDE, e.name, ids) for e in sharing(name)}
    doubted = sorted({i for found in alive.values() for i in found}, key=lambda i: (len(i), i))
    if len(doubted) <= _FEW:
        for entity, found in alive.items():
            for record_id in found:
                look_at(ctx, entity, SIDE, record_id)
        return
    for start in range(0, len(doubted), AT_ONCE):
        absent = read_ids(ctx, name, doubted[start : start + AT_ONCE], counts)
        with ctx.begin() as conn:
            for entity in alive:
                staging.mark_deleted(conn, ctx.company, SIDE, entity.name, absent, ctx.now())


def read_ids(ctx: Context, name: str, ids: Sequence[str], counts: Counter[str]) -> list[str]:
    """Stage these objects, at most `AT_ONCE`, by one query; returns the ids for which nothing is there."""
    present: set[str] = set()
    where = f"Id IN ({', '.join(quote(i) for i in ids)})"
    pages = around_poison(ctx.quickbooks.client, name, where=where, active_too=is_list(name), known=lambda: ids)
    for page in pages:
        present |= {str(row["Id"]) for row in page.rows} | {p.id for p in page.poison if p.id}
        counts.update(take_page(ctx, name, page))
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
