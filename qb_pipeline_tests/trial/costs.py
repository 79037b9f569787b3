"""What a stretch of time costs: calls to either server, and the product's own questions to its database.

Invariant: calls are counted in the servers' own logs; no clock is looked at, so a busy machine changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import event

from qb_pipeline.defs.store import open_store
from qb_pipeline_tests.end_to_end.harness import is_write
from qb_pipeline_tests.trial.buyer import Buyer
from qb_pipeline_tests.trial.month_ends import Office


@dataclass(frozen=True)
class Cost:
    """Calls by side, writes by side, statements sent to the product's tables and rows they gave or touched."""

    calls: dict[str, int]
    writes: dict[str, int]
    statements: int
    rows: int


def cost_of(buyer: Buyer, act: Callable[[], object]) -> Cost:
    """What `act` cost."""
    marks = buyer.marks()
    with _counted() as own:
        act()
    asked = buyer.asked(marks)
    calls = {side: sum("/tokens/" not in r["path"] for r in log) for side, log in asked.items()}
    writes = {side: sum(map(is_write, log)) for side, log in asked.items()}
    return Cost(calls, writes, own["statements"], own["rows"])


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Statements and rows of the product's engine in this process, while it lasts."""
    engine, found = open_store()[1], Counter[str]()

    def after(_conn: Any, cursor: Any, *_rest: Any) -> None:
        found["statements"] += 1
        found["rows"] += max(cursor.rowcount, 0)

    event.listen(engine, "after_cursor_execute", after)
    try:
        yield found
    finally:
        event.remove(engine, "after_cursor_execute", after)


def owes_readings(buyer: Buyer) -> bool:
    """Whether windows are still to be read again, which runs do a few pages at a time."""
    return any(row["debts"] for row in buyer.installed.rows("select value->'debts' as debts from cursor"))


@dataclass
class Growth:
    """An office that grows, and what quiet time and a single edit cost at each size.

    All sizes are measured at the same time of a day, so that the same jobs are due.
    """

    office: Office = field(default_factory=Office)
    idle: list[Cost] = field(default_factory=list)
    single: list[Cost] = field(default_factory=list)
    quiet_hours: list[Cost] = field(default_factory=list)

    def grows(self, buyer: Buyer, customers: int, invoices: int, payments: int) -> None:
        """So much more work in both systems; afterwards it has been carried over, what the product put off until later
        (windows it reads again) is done, and it is 26 minutes past ten of the next day."""
        items = [buyer.has("item", name) for name in ("Framing", "Nails, 3 inch", "Drywall")]
        self.office.customers_come(buyer, customers)
        self.office.work_is_billed(buyer, items, invoices)
        hour = (buyer.clock.now() + timedelta(hours=1)).replace(minute=0)
        buyer.until(hour.replace(minute=5))
        self.office.money_comes_in(buyer, payments)
        for minute in (11, 26):
            buyer.until(hour.replace(minute=minute))
        while owes_readings(buyer):
            buyer.until(buyer.clock.now() + timedelta(minutes=15))
        tomorrow = buyer.clock.now() + timedelta(days=1)
        for minute in (11, 26):
            buyer.until(tomorrow.replace(hour=10, minute=minute))

    def measures(self, buyer: Buyer) -> None:
        """A sweep with nothing to do, a sweep with one edit, and an hour with nothing to do."""
        now = buyer.clock.now()
        self.idle.append(cost_of(buyer, lambda: buyer.until(now.replace(minute=41))))
        first, note = self.office.customers[0], f"Seen with {len(self.office.customers)} others"
        buyer.own.edit("customers", first["id"], {"notes": note})
        self.single.append(cost_of(buyer, lambda: buyer.until(now.replace(minute=56))))
        if len(self.idle) != 2:
            buyer.until(now.replace(minute=11) + timedelta(hours=1))
            later = now.replace(minute=11) + timedelta(hours=2)
            self.quiet_hours.append(cost_of(buyer, lambda: buyer.until(later)))
