"""What a sync cost: the requests both servers saw, and the fewest that could have done the same.

Invariant: what was used is counted by the servers; the least is worked out from what was read and written, by the
rules written down in `LEAST`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from qb_pipeline.demo.stack import Stack
from qb_pipeline.demo.wire import Body, ContractorScreen, QuickBooksScreen
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction

Tally = Mapping[str, Mapping[str, int]]
LEAST = (
    "QuickBooks, first sync: the preferences once, each list and document kind in pages of 1,000. Later: the "
    "preferences, one call for all changes, and one page each for tax rates and tax codes, which change capture leaves "
    "out. Writes in batches of 30 for each kind of record, because a kind can refer to the one before it.",
    "Contractor: each collection in pages of 500, and one call for each record written, as its API has no batches.",
)
_OBJECTS = {
    name: [e.name for e in ENTITIES.values() if e.quickbooks_object == name]
    for name in dict.fromkeys(e.quickbooks_object for e in ENTITIES.values())
}
_COLLECTIONS = sum(e.direction is not Direction.NONE for e in ENTITIES.values())
_NOT_CAPTURED = sum(not e.in_cdc for e in ENTITIES.values())


@dataclass(frozen=True)
class Calls:
    """Requests to one server: reads, requests that write, the records these wrote, and the fewest possible of each."""

    reads: int
    writes: int
    records: int
    least_reads: int
    least_writes: int

    @property
    def used(self) -> int:
        return self.reads + self.writes

    @property
    def least(self) -> int:
        return self.least_reads + self.least_writes


@dataclass(frozen=True)
class Measured:
    """One sync: how long it took, what it counted per entity, what it cost. `run` is Dagster's run id."""

    title: str
    run: str
    seconds: float
    tally: Tally
    contractor: Calls
    quickbooks: Calls

    @property
    def records_written(self) -> int:
        return self.contractor.records + self.quickbooks.records

    @property
    def write_requests(self) -> int:
        return self.contractor.writes + self.quickbooks.writes


def measured(stack: Stack, title: str, sync: Callable[[], tuple[str, Tally]], *, first: bool) -> Measured:
    """Run a sync between two readings of both servers' request logs; `sync` returns its run id and its counts."""
    marks = {screen.base: screen.requests_since(0)[1] for screen in (stack.contractor, stack.quickbooks)}
    started = time.monotonic()
    run, tally = sync()
    seconds = time.monotonic() - started
    contractor = _calls(stack.contractor, marks, least_contractor(tally))
    quickbooks = _calls(stack.quickbooks, marks, least_quickbooks(tally, first=first))
    return Measured(title, run, seconds, tally, contractor, quickbooks)


def _calls(screen: ContractorScreen | QuickBooksScreen, marks: Mapping[str, int], least: tuple[int, int]) -> Calls:
    seen, _ = screen.requests_since(marks[screen.base])
    api = [r for r in seen if r["path"].startswith(("/v3/", "/api/"))]
    writing = [r for r in api if _writes(r)]
    records = sum(int(r["items"] or 0) for r in writing)
    return Calls(len(api) - len(writing), len(writing), records, *least)


def _writes(request: Body) -> bool:
    return request["method"] != "GET" and not str(request["path"]).endswith("/query")


def _written(counts: Mapping[str, int], side: str) -> int:
    return sum(n for what, n in counts.items() if what.endswith(f"_{side}") and not what.startswith("read"))


def least_quickbooks(tally: Tally, *, first: bool) -> tuple[int, int]:
    read = [sum(tally.get(e, {}).get("read_quickbooks", 0) for e in names) for names in _OBJECTS.values()]
    reads = 1 + (sum(max(1, ceil(n / 1000)) for n in read) if first else 1 + _NOT_CAPTURED)
    return reads, sum(ceil(_written(counts, "quickbooks") / 30) for counts in tally.values())


def least_contractor(tally: Tally) -> tuple[int, int]:
    pages = sum(max(0, ceil(c.get("read_contractor", 0) / 500) - 1) for c in tally.values())
    return _COLLECTIONS + pages, sum(_written(counts, "contractor") for counts in tally.values())


def document(measured: Measured) -> dict[str, Any]:
    """For --json."""
    calls = {"contractor": measured.contractor, "quickbooks": measured.quickbooks}
    return {
        "title": measured.title,
        "run": measured.run,
        "seconds": round(measured.seconds, 2),
        "entities": {name: dict(counts) for name, counts in measured.tally.items()},
        "calls": {
            side: {"used": c.used, "least": c.least, "write_requests": c.writes, "records_written": c.records}
            for side, c in calls.items()
        },
    }
