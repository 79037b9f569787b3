"""How long a change takes to the other side, from its webhook's answer on, with everything running.

Run: `python -m qb_pipeline_tests.benchmarks.bench_latency [--launcher default|celery|both] [--changes 24]`.
`qb-pipeline dev` runs as it would at a desk: both sandboxes with their webhooks subscribed to the console, Dagster's
daemon, code server and pages, the embedded database; for `celery` a Redis of its own (apt-get install redis-server) and
warm workers. Customers' phone numbers are changed on either side: one at a time after a random pause, so that changes
fall anywhere between two looks of the sensor; five at once; and at any moment whatever is under way, where a change may
have to wait, as one run at a time works on a company, for the run of another change or of a write's own echo. A latency
runs from the moment the console stored the event (just before it answers 200) to the moment the number was first read
on the other side, so up to 0.1 s of it are our looking. Exits 1 when p95 of the single changes is above 20 s, or above
8 s with warm workers.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from qb_pipeline_tests.benchmarks.latency_changes import Change, Customers, enter
from qb_pipeline_tests.benchmarks.latency_parts import PARTS, TOTAL, Notes, notes, together
from qb_pipeline_tests.benchmarks.latency_stack import NO_BROKER, stack

LIMIT_SECONDS = {"default": 20.0, "celery": 8.0}
SIDES = ("contractor", "quickbooks")
BURST = 5
CUSTOMERS = 20
QUIET_SECONDS = 180.0
LONGEST_GAP = 20.0  # between two changes of a stream
LONGEST_PAUSE = 6.0  # longer than the sensor's turn, so that changes fall anywhere in it
NAMES = {"default": "default launcher", "celery": "warm workers"}


def main(words: Sequence[str]) -> int:
    given = _arguments(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that everything started is ended
    launchers = ["default", "celery"] if given.launcher == "both" else [given.launcher]
    if "celery" in launchers and shutil.which("redis-server") is None:
        say(f"Not measured. {NO_BROKER}")
        launchers.remove("celery")
    kept = [measure(launcher, given.changes, given.bursts) for launcher in launchers]
    return 0 if kept and all(kept) else 1


@dataclass(frozen=True)
class Found:
    """Seconds by part for each change; `singles` by the side they were made on. `runs` is what the singles took."""

    singles: dict[str, list[dict[str, float]]]
    crowded: list[dict[str, float]]
    stream: list[dict[str, float]]
    runs: int


def measure(launcher: str, count: int, bursts: int) -> bool:
    """Print what was found for one launcher; whether the limit was kept."""
    random = Random(20)
    with stack(launcher) as running:
        running.sync()
        customers = Customers(running, enter(running, CUSTOMERS))
        with notes(running.home, running.environment) as noted:
            _at_once(customers, noted, [SIDES])  # the first run of a worker is not a warm one
            before = noted.runs()
            alone = [_alone(customers, noted, SIDES[n % 2], random) for n in range(count)]
            runs = noted.runs() - before
            crowded = _at_once(customers, noted, [random.choices(SIDES, k=BURST) for _ in range(bursts)])
            stream = _whatever_is_under_way(customers, noted, random, count)
            singles = {side: noted.all_parts(c for c in alone if c.side == side) for side in SIDES}
            found = Found(singles, noted.all_parts(crowded), noted.all_parts(stream), runs)
    return tell(launcher, found)


def tell(launcher: str, found: Found) -> bool:
    """Print the figures; whether the limit was kept."""
    singles = [each for side in SIDES for each in found.singles[side]]
    latencies, limit = together(singles, TOTAL), LIMIT_SECONDS[launcher]
    say(f"{NAMES[launcher]}: {len(singles)} single changes ({found.runs} runs, those of echoes included)")
    for side in SIDES:
        say(_line(f"  changed at {side}", together(found.singles[side], TOTAL)))
    say(_line("  all single changes", latencies) + f" (p95 {limit:.0f} s at most)")
    for name in PARTS:
        say(_line(f"    {name}", together(singles, name)))
    say(_line(f"  {len(found.crowded)} changes, {BURST} at once", together(found.crowded, TOTAL)))
    say(_line(f"  {len(found.stream)} changes, one in {LONGEST_GAP / 2:.0f} s", together(found.stream, TOTAL)))
    return _p95(latencies) <= limit


def _alone(customers: Customers, noted: Notes, side: str, random: Random) -> Change:
    """One change, made after everything before it has come to rest and a moment has passed."""
    _wait_until_quiet(noted)
    time.sleep(random.uniform(0.0, LONGEST_PAUSE))
    change = customers.change(side)
    customers.watch_all([change])
    return change


def _at_once(customers: Customers, noted: Notes, groups: Sequence[Sequence[str]]) -> list[Change]:
    """Each group of changes at once."""
    made: list[Change] = []
    for sides in groups:
        _wait_until_quiet(noted)
        group = [customers.change(side) for side in sides]
        customers.watch_all(group)
        made += group
    _wait_until_quiet(noted)
    return made


def _whatever_is_under_way(customers: Customers, noted: Notes, random: Random, count: int) -> list[Change]:
    """Changes at any moment: also while a run is busy with another one, or with its echo."""
    _wait_until_quiet(noted)
    made: list[Change] = []
    for _ in range(count):
        made.append(customers.change(random.choice(SIDES)))
        customers.watch(made, random.uniform(0.0, LONGEST_GAP))
    customers.watch_all(made)
    return made


def _wait_until_quiet(noted: Notes) -> None:
    """Until two looks a second apart find no event that waits: the echo of a write comes after the write."""
    until, calm = time.monotonic() + QUIET_SECONDS, 0
    while calm < 3 and time.monotonic() < until:
        time.sleep(0.5)
        calm = calm + 1 if noted.quiet() else 0


def _line(name: str, values: Sequence[float]) -> str:
    figures = (
        f"p50 {statistics.median(values):5.1f} s, p95 {_p95(values):5.1f} s, most {max(values):5.1f} s"
        if values
        else "none"
    )
    return f"{name + ':':<46}{figures}"


def _p95(values: Sequence[float]) -> float:
    """The smallest value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)]


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_latency")
    parser.add_argument("--launcher", choices=("default", "celery", "both"), default="both")
    parser.add_argument("--changes", type=int, default=24, help="made one at a time, half on either side")
    parser.add_argument("--bursts", type=int, default=4, help=f"of {BURST} changes at once")
    return parser.parse_args(words)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
