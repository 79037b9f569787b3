"""`dagster-daemon` with a clock that is ahead: `python -m qb_pipeline_tests.trial.daemon SECONDS run -w FILE`.

Invariant: only the daemon's own clock is moved; the code server and the runs it starts tell the machine's time.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

import dagster._time as dagsters_time
from dagster._daemon.cli import main


def ahead(seconds: float) -> None:
    """Have Dagster in this process tell a time `seconds` ahead."""
    dagsters_time._mockable_get_current_datetime = lambda: datetime.now(UTC) + timedelta(seconds=seconds)
    dagsters_time._mockable_get_current_timestamp = lambda: time.time() + seconds


if __name__ == "__main__":
    ahead(float(sys.argv.pop(1)))
    main()
