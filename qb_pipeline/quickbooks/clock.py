"""Time as a thing that can be handed in, and as an answer tells it.

Invariant: no module of this package reads the time or sleeps except through a `Clock`, so that tests decide both; what
can't be read as a time tells none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

_FIRST_YEAR = 2000  # no answer that tells an earlier time tells the time


class Clock(Protocol):
    """`now` is timezone-aware, `monotonic` and `sleep` are in seconds."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def time_told(document_time: object, date: str | None) -> datetime | None:
    """The time an answer says it is: the one in its document, else the one of its Date header (in whole seconds); None
    where neither is one that can be read."""
    return _sensible(document_time, datetime.fromisoformat) or _sensible(date, _header_time)


def _header_time(date: str) -> datetime:
    moment = parsedate_to_datetime(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # "-0000" says UTC of an unknown place


def _sensible(told: object, read: Callable[[str], datetime]) -> datetime | None:
    try:
        moment = read(str(told))
    except ValueError:
        return None
    return None if moment.tzinfo is None or moment.year < _FIRST_YEAR else moment


def wait_told(retry_after: str | None, date: str | None) -> float | None:
    """Retry-After in seconds, whether it came as a number or as a date (counted from the answer's own Date)."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - parsedate_to_datetime(date or "")).total_seconds())
    except (TypeError, ValueError):
        return None  # neither form: then the default pause holds
