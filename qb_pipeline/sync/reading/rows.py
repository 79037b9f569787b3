"""Rows of a query, all of them: around rows that QuickBooks can't give, and through windows that move while we read.

Invariant: every row that can be had is yielded, and every one that can't (4002) is named; a row that changes while its
window is read is met again at the window's end, never skipped.

    around_poison(client, "Invoice", where=None) -> Iterator[Page]           in the order of ids
    changed_between(client, "Invoice", since, until) -> Iterator[Page]       in the order of the changes
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.queries import MAX_PAGE, page_statement, quote

POISON = "qbo_4002"
_MOST_PROBES = 50  # queries spent on finding out the id of a row that can't be read
_SECOND = timedelta(seconds=1)
Row = dict[str, Any]


class Client(Protocol):
    """What is needed of the QuickBooks client."""

    def query(self, statement: str) -> Any: ...


@dataclass(frozen=True)
class Poison:
    """A row that QuickBooks can't give. `id` is None where it could not be found out."""

    object_name: str
    id: str | None
    error: FixTheData


@dataclass(frozen=True)
class Page:
    """Rows read at once, and the poison among them."""

    rows: list[Row]
    poison: list[Poison] = field(default_factory=list)


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
    known: Callable[[], Collection[str]] = frozenset,
) -> Iterator[Page]:
    """All rows under a condition, a thousand at a time; `known` gives ids that may be the poison's."""
    window = _Window(name, where, active_too, "Id")
    start, present, unnamed = 1, set[str](), list[Poison]()
    while True:
        page = _page(client, window, start, MAX_PAGE)
        present |= {str(row["Id"]) for row in page.rows}
        unnamed += page.poison
        if page.rows:
            yield Page(page.rows)
        if len(page.rows) + len(page.poison) < MAX_PAGE:
            break
        start += MAX_PAGE
    if unnamed:
        yield Page([], named(client, window, unnamed, _candidates(present, known())))


def changed_between(
    client: Client,
    name: str,
    since: datetime,
    until: datetime | None = None,
    *,
    active_too: bool = False,
    known: Callable[[], Collection[str]] = frozenset,
) -> Iterator[Page]:
    """Everything last changed within the window, both ends included; rows that move on are met again further on."""
    begin = since
    while True:
        page = _page(client, _changes(name, begin, until, active_too=active_too), 1, MAX_PAGE)
        if page.poison:
            # The order of ids tells better which row it is, and stands still while the rest is read.
            where = _between(begin, until)
            yield from around_poison(client, name, where=where, active_too=active_too, known=known)
            return
        if page.rows:
            yield page
        if len(page.rows) < MAX_PAGE:
            return
        last = changed_at(page.rows[-1])
        if last > begin:
            begin = last
            continue
        # A thousand rows of one second: they are read by id, then the window goes on behind them.
        yield from around_poison(client, name, where=_between(begin, begin), active_too=active_too, known=known)
        begin += _SECOND
        if until is not None and begin > until:
            return


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


def _page(client: Client, window: _Window, start: int, size: int) -> Page:
    """One page, halved as often as it takes to get everything but the poison out of it."""
    try:
        return Page(client.query(window.statement(start, size)).object_rows)
    except FixTheData as error:
        if error.code != POISON:
            raise
        if size == 1:
            return Page([], [Poison(window.name, None, error)])
    half = size // 2
    first = _page(client, window, start, half)
    second = _page(client, window, start + half, size - half)
    return Page([*first.rows, *second.rows], [*first.poison, *second.poison])


def named(client: Client, window: _Window, poison: list[Poison], candidates: Iterator[str]) -> list[Poison]:
    """The poison with its ids, as far as they can be found among the candidates."""
    found: list[Poison] = []
    for candidate in islice(candidates, _MOST_PROBES):
        if len(found) == len(poison):
            break
        if (error := _refused(client, window, candidate)) is not None:
            found.append(Poison(window.name, candidate, error))
    return found + poison[len(found) :]


def _candidates(present: Collection[str], known: Collection[str]) -> Iterator[str]:
    """The `known` ids that did not come, then the numbers between the ones that did."""
    yield from sorted(set(known) - set(present), key=lambda i: (len(i), i))
    numbers = {int(i) for i in present if i.isdecimal()}
    if numbers:
        free = (str(n) for n in range(max(1, min(numbers) - 1), max(numbers) + 2) if n not in numbers)
        yield from (i for i in free if i not in known)


def _refused(client: Client, window: _Window, object_id: str) -> FixTheData | None:
    """The refusal, when this very row is the poison and lies in the window."""
    where = " AND ".join(part for part in (window.where, f"Id = {quote(object_id)}") if part)
    try:
        client.query(replace(window, where=where).statement(1, 1))
    except FixTheData as error:
        if error.code != POISON:
            raise
        return error
    return None
