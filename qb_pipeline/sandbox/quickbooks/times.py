"""QBO's times: Pacific offsets, whole seconds in MetaData, milliseconds in envelopes.

Invariant: every instant leaves with an offset; a naive instant that comes in is read as Pacific time.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def stamp(moment: datetime) -> str:
    """`2026-03-04T09:15:00-08:00`, as in MetaData."""
    return moment.astimezone(PACIFIC).isoformat(timespec="seconds")


def envelope_time(moment: datetime) -> str:
    """`2026-03-04T09:15:00.004-08:00`, as in an answer's `time`."""
    return moment.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def utc_millis(moment: datetime) -> str:
    """`2026-03-04T17:15:00.004Z`, as in webhook notifications."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """An aware instant from a date or date-time. ValueError when it is neither."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)


def epoch(text: str | None) -> int | None:
    """Seconds since 1970 of a stored MetaData time; None where it is absent."""
    return None if not text else int(parse_instant(text).timestamp())


def today(moment: datetime) -> date:
    """The calendar day in the company's zone."""
    return moment.astimezone(PACIFIC).date()
