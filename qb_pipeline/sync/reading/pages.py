"""Pages of QuickBooks' objects into staging, and objects looked at by their ids.

Invariant: what QuickBooks can't give is an exception and stops nothing else, and an object counts as gone only when it
was asked for by its id and was not there; a row that can't be read, whether its id was found out or not, is never said
to be gone, and keeps no other absence from being looked at. Queries that leave objects out of a list may leave them out
by their ids as well: where only queries miss many, reads of some decide whether queries are believed at all.

    take_page(ctx, name, page)                       what a page shows; what looks older than what is staged is read
    none_unread_but(ctx, name, seen, nameless)       after all of an object was read: the exceptions that are over
    confirm_gone(ctx, name, ids, counts)             what a tombstone or an absence says is gone
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.store import exceptions, staging
from qb_pipeline.sync import marks, problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading.objects import SIDE, Doubt, Raw, is_list, sharing, store
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.reading.rows import POISON, Page, Poison, around_poison

AT_ONCE = 100  # ids in one query
_MOST_READS = 300  # absences read one by one, a run, where queries are not to be believed
_FEW = 10  # ids that are read one by one, which asks more directly than a query
_NAMELESS = "?"  # the record id of a row that can't be read and whose id can't be found out; the second is ?2


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
    if came := {str(row["Id"]) for row in rows}:
        _over(ctx, name, [one for one in _open_poison(ctx, name) if one.record_id in came])
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
    if not listed:
        return []
    with ctx.look() as conn:
        alive = {i for e in sharing(name) for i in staging.alive(conn, ctx.company, SIDE, e.name, listed)}
    return [i for i in listed if i in alive]


def _read_each(ctx: Context, name: str, ids: Sequence[str]) -> None:
    for entity in sharing(name) if ids else ():
        with ctx.look() as conn:
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
    pages = around_poison(ctx.quickbooks.client, name, where=where, active_too=is_list(name), likely=lambda: ids)
    for page in pages:
        present |= {str(row["Id"]) for row in page.rows} | {p.id for p in page.poison if p.id}
        counts.update(take_page(ctx, name, page, current=current))
        if page.nameless:
            present |= set(ids)  # one of them can't be read and nobody knows which: none of them is said to be gone
    return [i for i in ids if i not in present]


def likely_ids(ctx: Context, name: str) -> list[str]:
    """Ids that a row which can't be read may have: those that could not be read before, then what is staged, the newest
    first."""
    before = [one.record_id for one in _open_poison(ctx, name) if not one.record_id.startswith(_NAMELESS)]
    with ctx.look() as conn:
        staged = {i for e in sharing(name) for i in staging.live_ids(conn, ctx.company, SIDE, e.name)}
    return list(dict.fromkeys([*before, *sorted(staged, key=lambda i: (len(i), i), reverse=True)]))


def _not_staged(ctx: Context, name: str, ids: Collection[str]) -> set[str]:
    """Those of the ids that no object has which is staged and not deleted."""
    if not ids:
        return set()
    with ctx.look() as conn:
        return set(ids).difference(*(staging.alive(conn, ctx.company, SIDE, e.name, ids) for e in sharing(name)))


def none_unread_but(ctx: Context, name: str, seen: Collection[str], nameless: int) -> None:
    """All of the object was read, these ids came or are known as poison, and for so many rows no id was found out:
    no more are left without one, and what is neither there nor staged any more can't be unreadable."""
    known, told = {*seen, *(_nameless_id(n) for n in range(nameless))}, _open_poison(ctx, name)
    gone = _not_staged(ctx, name, {one.record_id for one in told} - known)
    over = [one for one in told if one.record_id in gone]
    if nameless:  # any of them may be it
        over = [one for one in over if one.record_id.startswith(_NAMELESS)]
    _over(ctx, name, over)


def nameless_known(ctx: Context, name: str) -> bool:
    """Whether an exception tells already of a row whose id could not be found out."""
    return any(one.record_id.startswith(_NAMELESS) for one in _open_poison(ctx, name))


def unread(ctx: Context, name: str) -> int:
    """Rows that are there and were never staged, because QuickBooks can't give them."""
    return len(_not_staged(ctx, name, {one.record_id for one in _open_poison(ctx, name)}))


def _open_poison(ctx: Context, name: str) -> list[exceptions.Reported]:
    with ctx.look() as conn:
        return [
            one
            for entity in sharing(name)
            for one in exceptions.listing(conn, ctx.company, entity=entity.name, codes=[POISON])
        ]


def _over(ctx: Context, name: str, poison: Sequence[exceptions.Reported]) -> None:
    """Close what is told of rows that can't be read, but for what a write was refused for."""
    ids = [one.record_id for one in poison if not marks.of_a_write(one.fingerprint)]
    if ids:
        with ctx.begin() as conn:
            for entity in sharing(name):
                exceptions.resolve(conn, ctx.company, entity.name, SIDE, ids, [POISON], now=ctx.now())


def _nameless_id(nth: int) -> str:
    return f"{_NAMELESS}{nth + 1}" if nth else _NAMELESS


def _quarantine(ctx: Context, name: str, poison: Sequence[Poison]) -> None:
    """A row that can't be read is an exception of its own; everything else goes on."""
    entity = sharing(name)[0]
    named = [(one.id, f"{entity.title} {one.id}", one.error) for one in poison if one.id]
    nameless = [one for one in poison if one.id is None]
    others = [(_nameless_id(n), f"{entity.title} of unknown id", _located(one)) for n, one in enumerate(nameless)]
    found = [problems.from_error(ctx, entity, (SIDE, i), label, error, None) for i, label, error in [*named, *others]]
    with ctx.begin() as conn:
        problems.report(ctx, conn, entity, found)


def _located(one: Poison) -> FixTheData:
    """The refusal of a row without an id, which says where to look for it."""
    if not one.where:
        return one.error
    cause = f"{one.error.cause} Its id could not be found out; it lies {one.where}."
    return FixTheData(cause, code=one.error.code, fix=one.error.fix, who=one.error.who, reference=one.error.reference)
