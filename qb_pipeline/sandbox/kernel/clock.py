"""The sandbox's clock: real time plus an offset that tests and operators push forward.

Invariant: `now()` never goes back when the server is restarted, because the offset is kept in the state file.

    Clock(conn).now()                  -> aware UTC datetime
    Clock(conn).advance(3600)          -> None; seconds >= 0
"""

import sqlite3
from datetime import UTC, datetime, timedelta

from qb_pipeline.sandbox.kernel.database import get_meta, set_meta

A_CENTURY = timedelta(days=36_525)
OFFSET_KEY = "clock_offset_seconds"


class Clock:
    """Time as the sandbox tells it; `conn` must come from `open_database`."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._offset = timedelta(seconds=float(get_meta(conn, OFFSET_KEY) or 0))

    def now(self) -> datetime:
        """Aware UTC time."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Push the clock forward by `seconds`, durably; ValueError when negative or beyond the calendar."""
        if seconds < 0:
            raise ValueError(f"the clock can only go forward, got advance_seconds={seconds}; send a number >= 0")
        try:
            offset = self._offset + timedelta(seconds=seconds)
            # Only to see whether the calendar holds it: a clock past the year 9999 could not be read again.
            _ = datetime.now(UTC) + offset + A_CENTURY
        except OverflowError as error:
            raise ValueError(f"advance_seconds={seconds} leads beyond the calendar") from error
        self._offset = offset
        set_meta(self._conn, OFFSET_KEY, repr(self._offset.total_seconds()))


def iso(moment: datetime) -> str:
    """`2026-03-04T10:00:00.000000Z`: UTC with microseconds, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
