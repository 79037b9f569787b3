"""What the console counts while it runs.

Invariant: every event that came in is counted as received, and once more under each thing that became of it; no label
holds a secret, a record's id or an address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qb_pipeline.console.exposition import Counter, Histogram

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _events(kind: str, text: str) -> Counter:
    return Counter(f"qb_webhook_events_{kind}_total", text, ("source",))


@dataclass
class Meters:
    """`source` is quickbooks or contractor."""

    received: Counter = field(default_factory=lambda: _events("received", "Events that came in rightly signed."))
    duplicate: Counter = field(default_factory=lambda: _events("duplicate", "Events that had been stored before."))
    unknown: Counter = field(
        default_factory=lambda: _events("unknown", "Events of realms nobody here is connected to.")
    )
    ignored: Counter = field(default_factory=lambda: _events("ignored", "Events of what is not synchronised."))
    unreadable: Counter = field(default_factory=lambda: _events("unreadable", "Signed events that can't be read."))
    refused: Counter = field(
        default_factory=lambda: Counter(
            "qb_console_refused_total", "Requests that were refused, by what they asked for and why.", ("what", "why")
        )
    )
    seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "qb_console_request_seconds", "How long requests took.", ("route", "status"), _BOUNDS
        )
    )

    def lines(self) -> Iterable[str]:
        for meter in (self.received, self.duplicate, self.unknown, self.ignored, self.unreadable, self.refused):
            yield from meter.lines()
        yield from self.seconds.lines()
