"""One sync of the demo: a Dagster run between two readings of the servers' request logs."""

from __future__ import annotations

from collections.abc import Callable

from qb_pipeline.demo import dagster_runs
from qb_pipeline.demo.meter import Measured, Tally, measured
from qb_pipeline.demo.stack import Stack

Say = Callable[[str], None]


def synced(world: Stack, title: str, say: Say, progress: Say, *, first: bool = False) -> Measured:
    """Run it and say what it came to."""

    def sync() -> tuple[str, Tally]:
        return dagster_runs.sync(world, lambda line: progress(f"{title}: {line}"))

    progress(f"{title}: starting a run of Dagster's job sync")
    done = measured(world, title, sync, first=first)
    say(
        f"{title}: {done.seconds:.1f} s, {done.contractor.records} records written to the contractor's system, "
        f"{done.quickbooks.records} to QuickBooks (Dagster run {done.run[:8]})"
    )
    return done
