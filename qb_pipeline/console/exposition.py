"""Counters and histograms in the text format that Prometheus reads.

Invariant: every line follows version 0.0.4 of the format, labels escaped; a counter never goes down while the process
lives. Touched by the event loop's thread only, so without locks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Labels = tuple[str, ...]


@dataclass
class Counter:
    """How often something happened, per combination of label values."""

    name: str
    help: str
    labels: Labels = ()
    _values: dict[Labels, float] = field(default_factory=dict)

    def add(self, *values: str, by: float = 1) -> None:
        self._values[values] = self._values.get(values, 0) + by

    def value(self, *values: str) -> float:
        return self._values.get(values, 0)

    def lines(self) -> list[str]:
        return family(self.name, "counter", self.help, self.labels, self._values)


@dataclass
class Histogram:
    """Durations in seconds, counted per upper bound."""

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    _buckets: dict[Labels, list[int]] = field(default_factory=dict)
    _sums: dict[Labels, float] = field(default_factory=dict)

    def observe(self, seconds: float, *values: str) -> None:
        buckets = self._buckets.setdefault(values, [0] * (len(self.bounds) + 1))
        buckets[bisect_left(self.bounds, seconds)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + seconds

    def lines(self) -> list[str]:
        found = _head(self.name, "histogram", self.help)
        for values, buckets in self._buckets.items():
            labels, so_far = dict(zip(self.labels, values, strict=True)), 0
            for bound, count in zip((*self.bounds, float("inf")), buckets, strict=True):
                so_far += count
                found.append(_line(f"{self.name}_bucket", labels | {"le": number(bound)}, so_far))
            found += [
                _line(f"{self.name}_sum", labels, self._sums[values]),
                _line(f"{self.name}_count", labels, so_far),
            ]
        return found


def family(name: str, kind: str, text: str, labels: Sequence[str], values: Mapping[Labels, float]) -> list[str]:
    """All lines of a counter or gauge."""
    rows = [_line(name, dict(zip(labels, of, strict=True)), value) for of, value in values.items()]
    return _head(name, kind, text) + rows


def text_of(lines: Iterable[str]) -> str:
    """The document; every line ends with a line feed, also the last."""
    return "".join(f"{line}\n" for line in lines)


def number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inner = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
    return f"{name}{{{inner}}} {number(value)}" if inner else f"{name} {number(value)}"
