"""What changed in QuickBooks since the last reading, into staging: everything once, then by change data capture.

Invariant: an answer that may have been cut short is never taken for complete, a tombstone is confirmed by a read before
it counts, and the position moves only after what was read is stored, to the moment the reading began by QuickBooks'
clock or by ours, whichever is earlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.client import ChangeSet
from qb_pipeline.quickbooks.queries import MAX_PAGE
from qb_pipeline.quickbooks.wire import Object
from qb_pipeline.store import cursors, staging
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_facts
from qb_pipeline.sync.reading.objects import SIDE, Raw, in_cdc, is_list, objects, refresh, sharing
from qb_pipeline.sync.reading.pages import (
    confirm_gone,
    likely_ids,
    nameless_known,
    none_unread_but,
    take_page,
    take_rows,
    unread,
)
from qb_pipeline.sync.reading.positions import PAGES_PER_RUN, Debt, Position, earlier, put_down
from qb_pipeline.sync.reading.rows import POISON, around_poison, changed_at, changed_between, changes_statement

_AT_ONCE = 3
STREAM = "changes"
LOOK_BACK = timedelta(days=29)  # CDC refuses 30 days; a day's grace for clocks
_NARROWEST = timedelta(minutes=1)  # a window that is full even so is left to the sweep by query


def extract(ctx: Context) -> dict[str, int]:
    """Read what changed (or everything, the first time); returns the objects read per entity."""
    read_at, moment = ctx.now(), monotonic()
    with ctx.begin() as conn:
        stored = cursors.get(conn, ctx.company, SIDE, STREAM)
        known = set(cursors.get(conn, ctx.company, SIDE, "objects") or [])
    position = Position.of(stored, read_at)
    counts: Counter[str] = Counter()
    if position is None:
        read_objects(ctx, objects(), counts)
    else:
        _read_changes(ctx, position.since, known, read_at, counts)
        position = _pay_debts(ctx, position, counts)
    refresh(ctx)
    read_to = earlier(read_at, ctx.quickbooks.client.server_time(moment))
    moved = position.advanced(read_to) if position else Position(read_to)
    with ctx.begin() as conn:
        put_down(ctx, conn, SIDE, STREAM, moved)
        if not ctx.dry:
            cursors.put(conn, ctx.company, SIDE, "objects", objects())
        ctx.note_calls(conn)
    for name, count in counts.items():
        ctx.tally.add(name, "read_quickbooks", count)
    return dict(counts)


def look_again(ctx: Context) -> None:
    """One more CDC call since this run's reading, for what its writes moved; where that is too much, the next run's.

    The reading position stays where it is.
    """
    with ctx.begin() as conn:
        stored = cursors.get(conn, ctx.company, SIDE, STREAM)
    if stored is None:
        return
    names = [n for n in objects() if in_cdc(n)]
    changes = _cdc(ctx, names, Position.from_json(stored).since)
    if changes is None or changes.full:
        return
    _take_changes(ctx, changes, Counter())
    refresh(ctx)


def read_objects(ctx: Context, names: Sequence[str], counts: Counter[str]) -> None:
    """Every object by query: lists first, because documents are read in the light of them."""
    for wave in ([n for n in names if is_list(n)], [n for n in names if not is_list(n)]):
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read-quickbooks") as pool:
            for found in pool.map(lambda name: read_object(ctx, name), wave):
                counts.update(found)
        refresh_facts(ctx)


def read_object(ctx: Context, name: str) -> Counter[str]:
    """All of one object; what is staged and did not come is looked at by itself."""
    counts: Counter[str] = Counter()
    seen: list[str] = []
    nameless = 0
    pages = around_poison(
        ctx.quickbooks.client, name, active_too=is_list(name), likely=lambda: likely_ids(ctx, name)
    )  # fmt: skip
    for page in pages:
        seen += [str(r["Id"]) for r in page.rows] + [p.id for p in page.poison if p.id]
        nameless += len(page.nameless)
        counts.update(take_page(ctx, name, page))
        ctx.progress(f"read {len(seen)} {name} objects from QuickBooks")
    with ctx.begin() as conn:
        missing = [
            i for e in sharing(name)
            for i in staging.note_missing(conn, ctx.company, SIDE, e.name, seen, ctx.now())
        ]  # fmt: skip
    confirm_gone(ctx, name, missing, counts)
    none_unread_but(ctx, name, seen, nameless)
    return counts


def read_window(ctx: Context, name: str, since: datetime, until: datetime | None, counts: Counter[str]) -> None:
    """What was changed last within a window, by query; it shows no deletions. Where a row can't be read and its id does
    not show within the window, all of the object is read, in whose order it stands between nearer neighbours; once."""
    nameless = False
    pages = changed_between(
        ctx.quickbooks.client, name, since, until, active_too=is_list(name), likely=lambda: likely_ids(ctx, name)
    )
    for page in pages:
        nameless = nameless or bool(page.nameless)
        counts.update(take_page(ctx, name, replace(page, poison=[one for one in page.poison if one.id])))
    if nameless and not nameless_known(ctx, name):
        counts.update(read_object(ctx, name))


def _read_changes(ctx: Context, since: datetime, known: set[str], read_at: datetime, counts: Counter[str]) -> None:
    """One CDC call for all objects; what it can't carry is asked for by itself or swept by query."""
    told = [n for n in objects() if n in known and in_cdc(n)]
    if read_at - since > LOOK_BACK:
        for name in told:
            _sweep(ctx, name, since, None, counts)
    else:
        changes = _cdc(ctx, told, since)
        if changes is not None and not changes.full:
            _take_changes(ctx, changes, counts)
        else:
            for name in sorted(told, key=is_list, reverse=True):
                _read_one(ctx, name, since, read_at, counts)
    read_objects(ctx, [n for n in objects() if n not in told], counts)


def _read_one(ctx: Context, name: str, since: datetime, read_at: datetime, counts: Counter[str]) -> None:
    """The changes of one object. While CDC's answer is full, its window is halved towards now; what lies before the
    window that fits is swept by query, and everything where none fits."""
    begin = since
    while read_at - begin > _NARROWEST:
        changes = _cdc(ctx, [name], begin)
        if changes is None:  # poison: a query finds its way around it
            break
        if not changes.full:
            _take_changes(ctx, changes, counts)
            if begin > since:
                _sweep(ctx, name, since, begin, counts)
            return
        begin += (read_at - begin) / 2
    _sweep(ctx, name, since, None, counts)


def _cdc(ctx: Context, names: Sequence[str], since: datetime) -> ChangeSet | None:
    """The changes; None where a row that QuickBooks can't give spoils the answer."""
    try:
        return ctx.quickbooks.client.cdc(names, since)
    except FixTheData as error:
        if error.code != POISON:
            raise
        return None


def _sweep(ctx: Context, name: str, since: datetime, until: datetime | None, counts: Counter[str]) -> None:
    """A window by query, and a count that tells whether something was deleted meanwhile."""
    read_window(ctx, name, since, until, counts)
    if is_list(name):
        refresh_facts(ctx)
    verify_counts(ctx, [name], counts)


def _take_changes(ctx: Context, changes: ChangeSet, counts: Counter[str]) -> None:
    for name in sorted(changes.objects, key=is_list, reverse=True):
        rows: Sequence[Raw] = changes.objects[name]
        counts.update(take_rows(ctx, name, rows))
        if name == "Customer":
            refresh_facts(ctx)
    for name, stones in changes.tombstones.items():
        confirm_gone(ctx, name, [record_id for record_id, _ in stones], counts)


def _pay_debts(ctx: Context, position: Position, counts: Counter[str]) -> Position:
    """Read a few pages of the oldest window that was skipped behind our own writes."""
    if not position.debts:
        return position
    debt, *others = position.debts
    rest: Debt | None = debt
    for _ in range(PAGES_PER_RUN):
        rest = _pay_page(ctx, rest, counts) if rest is not None else None
    return replace(position, debts=(rest, *others) if rest else tuple(others))


def _pay_page(ctx: Context, debt: Debt, counts: Counter[str]) -> Debt | None:
    """One page of one object within the window, in the order of the changes; the page mark is "Object since". What is
    changed between two pages leaves the window and is read with the changes; a page counted from the window's start
    would then begin too far."""
    names = [n for n in objects() if in_cdc(n)]
    name, since = _marked(debt, names)
    rows = _rows(ctx, changes_statement(name, since, debt.until, active_too=is_list(name)))
    if rows is None:
        read_window(ctx, name, since, debt.until, counts)
    counts.update(take_rows(ctx, name, rows or []))
    if rows is not None and len(rows) == MAX_PAGE:
        return replace(debt, page=f"{name} {_behind(ctx, name, since, rows, counts).isoformat()}")
    following = names[names.index(name) + 1 :]
    if following:
        return replace(debt, page=following[0])
    verify_counts(ctx, names, counts)
    return None


def _marked(debt: Debt, names: Sequence[str]) -> tuple[str, datetime]:
    """Which object is read on, and from when; one marked "Object:start" by an earlier release is read once more."""
    name, _, since = (debt.page or names[0]).partition(" ")
    return name.partition(":")[0], datetime.fromisoformat(since) if since else debt.since


def _behind(ctx: Context, name: str, since: datetime, rows: Sequence[Object], counts: Counter[str]) -> datetime:
    """Where the page after a full one begins; rows of one second that fill a page are all read first."""
    last = changed_at(rows[-1])
    if last > since:
        return last
    read_window(ctx, name, since, since, counts)
    return since + timedelta(seconds=1)


def _rows(ctx: Context, statement: str) -> list[Object] | None:
    """The rows of one page; None where one that QuickBooks can't give spoils it."""
    try:
        return ctx.quickbooks.client.query(statement).object_rows
    except FixTheData as error:
        if error.code != POISON:
            raise
        return None


def verify_counts(ctx: Context, names: Sequence[str], counts: Counter[str]) -> None:
    """A query shows no deletions: where QuickBooks counts other than we do, the whole object is read again."""
    for name in names:
        there = ctx.quickbooks.client.count(name, active_too=is_list(name))
        with ctx.begin() as conn:
            here = sum(staging.live_count(conn, ctx.company, SIDE, e.name) for e in sharing(name))
        if there != here + unread(ctx, name):
            counts.update(read_object(ctx, name))
