"""Rows of a query, all of them: around rows that QuickBooks can't give, and through windows that move while we read.

Invariant: every row that can be had is yielded, and every one that can't (4002) is named, or told with the ids between
which it lies; a row that changes while its window is read is met again at the window's end, never skipped. In the order
of ids a page begins with a row that came already: where it does not, rows went meanwhile and the others moved up.

    around_poison(client, "Invoice", where=None) -> Iterator[Page]           in the order of ids
    changed_between(client, "Invoice", since, until) -> Iterator[Page]       in the order of the changes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.queries import MAX_PAGE, page_statement, quote
from qb_pipeline.sync.reading.poison import gaps, pinned

POISON = "qbo_4002"
MOST_LISTS = 200  # lists of ids asked for in one reading, to find out the ids of rows that can't be read
_FEW_LISTS = 20  # the same in a window of time, where neighbours tell little
_MOST_BACK = 50  # pages read again in one reading; lists that never stand still end it all the same
_SECOND = timedelta(seconds=1)
Row = dict[str, Any]


class Client(Protocol):
    """What is needed of the QuickBooks client."""

    def query(self, statement: str) -> Any: ...


@dataclass(frozen=True)
class Poison:
    """A row that QuickBooks can't give. `id` is None where it could not be found out, and then `where` says in words
    between which ids it lies, as far as that is known."""

    object_name: str
    id: str | None
    error: FixTheData
    where: str = ""


@dataclass(frozen=True)
class Page:
    """Rows read at once, and the poison among them."""

    rows: list[Row]
    poison: list[Poison] = field(default_factory=list)

    @property
    def nameless(self) -> list[Poison]:
        """The poison whose id could not be found out."""
        return [one for one in self.poison if one.id is None]


@dataclass(frozen=True)
class _Window:
    """Which rows: of an object, under a condition, in an order."""

    name: str
    where: str | None
    active_too: bool
    order_by: str

    def statement(self, start: int, size: int) -> str:
        return page_statement(
            self.name, where=self.where, active_too=self.active_too, order_by=self.order_by, start=start, page_size=size
        )


def around_poison(
    client: Client,
    name: str,
    *,
    where: str | None = None,
    active_too: bool = False,
    likely: Callable[[], Sequence[str]] = list,
    most: int = MOST_LISTS,
) -> Iterator[Page]:
    """All rows under a condition, a thousand at a time; `likely` gives ids that may be the poison's, the likeliest
    first, and `most` says how many lists of ids are asked for to find out which they are."""
    window = _Window(name, where, active_too, "Id")
    start, joined, trail = 1, False, list[str | FixTheData]()
    back = _MOST_BACK
    while True:
        slots = _slots(client, window, start, MAX_PAGE)
        page = [slot if isinstance(slot, FixTheData) else str(slot["Id"]) for slot in slots]
        at = 0 if start == 1 else _joint(trail, page) if joined else len(trail)
        if at is None and back:
            start, back = max(1, start - MAX_PAGE + 1), back - 1
            continue
        at = len(trail) if at is None else at
        known = 1 if joined and at == len(trail) - 1 else 0
        trail[at:] = page
        if rows := _given(slots[known:]):
            yield Page(rows)
        if len(slots) < MAX_PAGE:
            break
        last = max((n for n, slot in enumerate(page) if isinstance(slot, str)), default=0)
        joined = last > 0
        start += last if joined else MAX_PAGE
    if found := gaps(trail):
        came = {slot for slot in trail if isinstance(slot, str)}
        absent = [i for i in likely() if i not in came]
        told = pinned(lambda ids: _refused(client, window, ids), found, absent, most)
        yield Page([], [Poison(name, one.id, one.refusal, one.gap.where()) for one in told])


def _joint(trail: Sequence[str | FixTheData], came: Sequence[str | FixTheData]) -> int | None:
    """Where in the trail the first row of a page stands; None where it never came, or can't be read."""
    first = came[0] if came else None
    if not isinstance(first, str):
        return None
    return next((n for n in range(len(trail) - 1, -1, -1) if trail[n] == first), None)


def changed_between(
    client: Client,
    name: str,
    since: datetime,
    until: datetime | None = None,
    *,
    active_too: bool = False,
    likely: Callable[[], Sequence[str]] = list,
) -> Iterator[Page]:
    """Everything last changed within the window, both ends included; rows that move on are met again further on."""
    by_id = partial(around_poison, client, name, active_too=active_too, likely=likely, most=_FEW_LISTS)
    begin = since
    while True:
        slots = _slots(client, _changes(name, begin, until, active_too=active_too), 1, MAX_PAGE)
        rows = _given(slots)
        if len(rows) < len(slots):
            # The order of ids tells better which row it is, and stands still while the rest is read.
            yield from by_id(where=_between(begin, until))
            return
        if rows:
            yield Page(rows)
        if len(rows) < MAX_PAGE:
            return
        last = changed_at(rows[-1])
        if last > begin:
            begin = last
            continue
        # A thousand rows of one second: they are read by id, then the window goes on behind them.
        yield from by_id(where=_between(begin, begin))
        begin += _SECOND
        if until is not None and begin > until:
            return


def changes_statement(name: str, since: datetime, until: datetime, *, active_too: bool) -> str:
    """The query for the first page of a window, in the order of the changes, both ends included."""
    return _changes(name, since, until, active_too=active_too).statement(1, MAX_PAGE)


def changed_at(row: Row) -> datetime:
    """When QuickBooks says the row was changed last."""
    return datetime.fromisoformat(str(row["MetaData"]["LastUpdatedTime"]))


def _changes(name: str, since: datetime, until: datetime | None, *, active_too: bool) -> _Window:
    return _Window(name, _between(since, until), active_too, "MetaData.LastUpdatedTime")


def _between(since: datetime, until: datetime | None) -> str:
    where = f"MetaData.LastUpdatedTime >= '{since.isoformat(timespec='seconds')}'"
    if until is not None:
        where += f" AND MetaData.LastUpdatedTime <= '{until.isoformat(timespec='seconds')}'"
    return where


def _slots(client: Client, window: _Window, start: int, size: int) -> list[Row | FixTheData]:
    """One page in its order, halved as often as it takes to get everything but the poison out of it; a refusal stands
    in the place of each row that can't be given."""
    try:
        return list(client.query(window.statement(start, size)).object_rows)
    except FixTheData as error:
        if error.code != POISON:
            raise
        if size == 1:
            return [error]
    half = size // 2
    return [*_slots(client, window, start, half), *_slots(client, window, start + half, size - half)]


def _given(slots: Sequence[Row | FixTheData]) -> list[Row]:
    return [slot for slot in slots if not isinstance(slot, FixTheData)]


def _refused(client: Client, window: _Window, ids: Sequence[str]) -> FixTheData | None:
    """The refusal, when one of these very rows is poison and lies in the window."""
    asked = f"Id IN ({', '.join(quote(i) for i in ids)})"
    where = " AND ".join(part for part in (window.where, asked) if part)
    try:
        client.query(replace(window, where=where).statement(1, len(ids)))
    except FixTheData as error:
        if error.code != POISON:
            raise
        return error
    return None
