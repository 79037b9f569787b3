"""Changes that people make on one side, and how one sees that they stand on the other.

Invariant: a change is recognised on the other side by what was entered, read over HTTP, never by what the pipeline says
of itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qb_pipeline_tests.benchmarks.latency_stack import Stack

WAIT_SECONDS = 180.0
POLL_SECONDS = 0.1


@dataclass
class Change:
    """A customer's phone number, changed on `side`, where the record's id is `record_id`; on the other side it is
    `other_id`. `seen` is when the number was first read there."""

    side: str
    record_id: str
    other_id: str
    phone: str
    made: datetime
    seen: datetime | None = None


class Customers:
    """Linked customers whose numbers are changed in turn."""

    def __init__(self, stack: Stack, names: Sequence[str]) -> None:
        self._stack = stack
        here = {row["name"]: row["id"] for row in stack.contractor.all("customers")}
        there = {row["DisplayName"]: row["Id"] for row in stack.quickbooks.all("Customer")}
        self._pairs = [(here[name], there[name]) for name in names]
        self._number = 1000

    def change(self, side: str) -> Change:
        """Change the next customer on `side`."""
        self._number += 1
        contractor_id, quickbooks_id = self._pairs[self._number % len(self._pairs)]
        phone, made = f"(302) 555-{self._number}", datetime.now(UTC)
        if side == "contractor":
            self._stack.contractor.edit("customers", contractor_id, {"phone": phone})
            return Change(side, contractor_id, quickbooks_id, phone, made)
        self._stack.quickbooks.edit("Customer", quickbooks_id, {"PrimaryPhone": {"FreeFormNumber": phone}})
        return Change(side, quickbooks_id, contractor_id, phone, made)

    def watch(self, changes: Sequence[Change], seconds: float | None = None) -> list[Change]:
        """Note when each is seen on the other side; returns what is still missing after so many seconds.

        With `seconds` given it takes that long, also where all is seen before."""
        missing = [change for change in changes if change.seen is None]
        until = time.monotonic() + (WAIT_SECONDS if seconds is None else seconds)
        while missing and time.monotonic() < until:
            for change in list(self._arrived(missing)):
                change.seen = datetime.now(UTC)
                missing.remove(change)
            time.sleep(POLL_SECONDS)
        if seconds is not None:
            time.sleep(max(0.0, until - time.monotonic()))
        return missing

    def watch_all(self, changes: Sequence[Change]) -> None:
        """Until each was seen; `SystemExit` names what never came."""
        if missing := self.watch(changes):
            raise SystemExit(f"Not on the other side after {WAIT_SECONDS:.0f} s: {missing}")

    def _arrived(self, changes: Sequence[Change]) -> Iterator[Change]:
        for change in changes:
            if change.side == "contractor":
                phone = self._stack.quickbooks.get("Customer", change.other_id).get("PrimaryPhone", {})
                found = phone.get("FreeFormNumber")
            else:
                found = self._stack.contractor.get("customers", change.other_id).get("phone")
            if _digits(found) == _digits(change.phone):
                yield change


def _digits(phone: object) -> str:
    return "".join(c for c in str(phone or "") if c.isdigit())


def enter(stack: Stack, count: int) -> list[str]:
    """New customers at the contractor's, brought over by their webhooks; returns their names."""
    names = [f"Latency {n:03d}" for n in range(count)]
    for name in names:
        stack.contractor.create("customers", {"name": name, "phone": "(302) 555-0100"})
    until = time.monotonic() + WAIT_SECONDS
    while missing := set(names) - {row["DisplayName"] for row in stack.quickbooks.all("Customer")}:
        if time.monotonic() > until:
            raise SystemExit(f"Not in QuickBooks after {WAIT_SECONDS:.0f} s: {sorted(missing)}")
        time.sleep(1.0)
    return names
