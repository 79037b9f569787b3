"""The long run of the fault tests: every edge of the story, and schedules by the thousand.

Invariant: everything told here can be done again: an edge by its name, a batch of the model by its number, a schedule
by its seed; the exit code is 1 when one promise was broken.

    python -m qb_pipeline_tests.benchmarks.soak [crashes] [model] [schedules] [--processes N] [--minutes M]
        crashes     every edge of the story, killed with SIGKILL in processes of its own       [--edge NAME] [--skip N]
        model       Hypothesis' schedules in one process each, in batches of 50       [--count N] [--batch NUMBER]
        schedules   seeded schedules between real processes; slow                     [--real N] [--seed N]
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from qb_pipeline_tests.faults.crashes import Story, story
from qb_pipeline_tests.faults.model import Schedule, check, model
from qb_pipeline_tests.faults.opening import own_postgres
from qb_pipeline_tests.faults.schedules import Theatre, theatre

# Edges far apart come first, so that a run cut short has seen the whole story. They are sorted before: requests that
# are on their way at once come in any order, and every process divides the same list.
STRIDE = 11
BATCH = 50
T = TypeVar("T")
WHAT = ("crashes", "model", "schedules")


def main() -> int:
    """Run what was asked for; returns how many promises were broken, at most 1."""
    given = _arguments()
    if given.processes > 1:
        return _in_processes(given.processes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Hypothesis takes an exit for a finding
    until = time.monotonic() + given.minutes * 60
    share, of = map(int, given.share.split("/"))
    with own_postgres() as (home, url):
        return int(sum(_parts(given, home, url, until, share, of)) > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["crashes", "model"], choices=WHAT, help="default: crashes model")
    parser.add_argument("--count", type=int, default=10_000, help="how many schedules of the model")
    parser.add_argument("--batch", type=int, default=1, help="the number of the model's first batch")
    parser.add_argument("--real", type=int, default=1_000, help="how many schedules between real processes")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="no new work after so long, for each part")
    parser.add_argument("--edge", help="only this edge")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many edges that an earlier run had covered")
    parser.add_argument("--processes", type=int, default=1, help="divide the work among so many")
    parser.add_argument("--share", default="0/1", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_processes(count: int) -> int:
    """The same command in several processes, each with a share of the work."""
    own = [a for n, a in enumerate(sys.argv[1:], 1) if "--processes" not in (a.split("=")[0], sys.argv[n - 1])]
    command = [sys.executable, "-m", "qb_pipeline_tests.benchmarks.soak", *own]
    running = [subprocess.Popen([*command, "--share", f"{n}/{count}"]) for n in range(count)]

    def end(*_: object) -> None:
        for each in running:
            each.terminate()

    signal.signal(signal.SIGTERM, end)
    return max(min(abs(each.wait()), 1) for each in running)


def _parts(given: argparse.Namespace, home: Path, url: str, until: float, share: int, of: int) -> Iterator[int]:
    """What each part found wrong."""
    if "crashes" in given.what:
        with story(home / "story", url, "soak_story") as told:
            edges = [given.edge] if given.edge else _in_strides(sorted(told.undisturbed.edges))[given.skip :]
            yield _crashes(told, edges[share::of], until)
    if "model" in given.what:
        batches = range(given.batch, given.batch + -(-given.count // BATCH))
        with model(home / "model", url, "soak_model") as machine:
            yield _model(machine, batches[share::of], until)
    if "schedules" in given.what:
        with theatre(home / "theatre", url, "soak_theatre") as stage:
            yield _schedules(stage, range(given.seed, given.seed + given.real)[share::of], until)


def _in_strides(edges: list[str]) -> list[str]:
    return [edges[n] for start in range(STRIDE) for n in range(start * 5 % STRIDE, len(edges), STRIDE)]


def _crashes(told: Story, edges: list[str], until: float) -> int:
    covered = wrong = 0
    for edge in _in_time(edges, until):
        crash = told.crash(edge)
        covered += crash.reached
        wrong += bool(crash.wrong)
        _say(f"{edge}: {'as undisturbed' if not crash.wrong else crash.wrong}")
    _say(f"covered {covered} of {len(edges)} edges (the story has {len(told.undisturbed.edges)}), {wrong} went wrong")
    return wrong


def _model(machine: type[Schedule], batches: Sequence[int], until: float) -> int:
    wrong = 0
    for number in _in_time(batches, until):
        try:
            check(machine, BATCH, number=number, shrink=False)
        except Exception as broken:  # noqa: BLE001  # told with its batch; the other batches still have their turn
            wrong += 1
            notes = "\n".join(getattr(broken, "__notes__", []))
            _say(f"batch {number} broke a promise: {broken}\n{notes}")
        _say(f"batch {number}: {dict(machine.counts)} so far, {wrong} batches wrong")
    _say(f"model, {len(batches)} batches from {batches[0]}: {dict(machine.counts)}, {wrong} batches wrong")
    return wrong


def _schedules(stage: Theatre, seeds: Sequence[int], until: float) -> int:
    counts, wrong = Counter[str](), 0
    for seed in _in_time(seeds, until):
        played = stage.play(seed)
        counts += Counter({"schedules": 1}) + played.counts
        if played.wrong:
            wrong += 1
            _say("\n".join([f"seed {seed}:", *played.wrong, "What happened:", *played.told]))
        elif seed % 25 == 0:
            _say(f"seed {seed}: {dict(counts)}, {wrong} wrong")
    _say(f"seeds from {seeds[0]}: {dict(counts)}, {wrong} wrong")
    return wrong


def _in_time(work: Sequence[T], until: float) -> Iterator[T]:
    for each in work:
        if time.monotonic() > until:
            return
        yield each


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
