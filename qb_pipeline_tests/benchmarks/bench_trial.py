"""The fourth week of the trial at full size: month-end figures of both sides, and what time costs as the data grows.

Run: `python -m qb_pipeline_tests.benchmarks.bench_trial [customers] [invoices] [payments]`. Both sandboxes are real
servers; everything is carried over by the product's own schedules, and counted in the servers' own logs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from qb_pipeline_tests.faults.opening import own_postgres
from qb_pipeline_tests.trial import month_ends
from qb_pipeline_tests.trial.buyer import Buyer, trial
from qb_pipeline_tests.trial.costs import Cost, Growth

THIRDS = 3


def main(customers: int, invoices: int, payments: int) -> int:
    """Exit code 0 when every figure agrees and no count has grown by more than a fifth."""
    growth = Growth()
    with own_postgres() as (home, url), trial(Path(home) / "trial", url) as buyer:
        for third in range(1, THIRDS + 1):
            began = time.perf_counter()
            growth.grows(buyer, customers // THIRDS, invoices // THIRDS, payments // THIRDS)
            growth.measures(buyer)
            wrong = buyer.verdict().wrong
            say(f"{third}/{THIRDS} of {customers} customers, {invoices} invoices, {payments} payments: "
                f"{time.perf_counter() - began:.0f} s, {len(wrong)} records not in agreement")  # fmt: skip
            if wrong:
                say("\n".join(wrong[:10]))
                return 1
        agree = month_ends_agree(buyer)
    say(f"month-end totals by customer, {len(month_ends.MONTH_ENDS)} months: {'agree' if agree else 'DIFFER'}")
    kinds = {"idle sweep": growth.idle, "sweep with one edit": growth.single, "idle hour": growth.quiet_hours}
    worst = max(compare(name, costs[0], costs[-1]) for name, costs in kinds.items())
    return 0 if agree and worst <= 1.2 else 1


def month_ends_agree(buyer: Buyer) -> bool:
    """Both sides' own figures and QuickBooks' report of receivables, by customer."""
    ours, theirs = month_ends.contractors(buyer), month_ends.quickbooks(buyer)
    reports = all(month_ends.receivables(buyer, day)[0] == ours.owed_on(day) for day in month_ends.MONTH_ENDS)
    return ours == theirs and reports


def compare(name: str, small: Cost, large: Cost) -> float:
    """Print what it costs at a third and at the whole; returns the greatest ratio of the two."""
    pairs = [("calls", sum(small.calls.values()), sum(large.calls.values())),
             ("statements", small.statements, large.statements), ("rows", small.rows, large.rows)]  # fmt: skip
    told = ", ".join(f"{what} {before} -> {after} ({after / max(before, 1):.2f})" for what, before, after in pairs)
    say(f"{name}, a third -> the whole: {told}")
    return max(after / max(before, 1) for _, before, after in pairs)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:4] or ("5000", "20000", "15000"))))
