"""The long run of the fault tests: every edge of the story, and schedules by the thousand.

Invariant: everything told here can be done again: an edge by its name, a schedule by its seed; the exit code is 1 when
one promise was broken.

    python -m qb_pipeline_tests.benchmarks.soak [crashes] [schedules] [--seed N] [--count N] [--minutes M] [--edge NAME]
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter

from qb_pipeline_tests.faults.crashes import Story, story
from qb_pipeline_tests.faults.opening import own_postgres
from qb_pipeline_tests.faults.schedules import Theatre, theatre

STRIDE = 11  # edges far apart come first, so that a run cut short has seen the whole story


def main() -> int:
    """Run what was asked for; returns how many promises were broken, at most 1."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    until = time.monotonic() + given.minutes * 60
    wrong = 0
    with own_postgres() as (home, url):
        if "crashes" in given.what:
            with story(home / "story", url, "soak_story") as told:
                wrong += _crashes(told, [given.edge] if given.edge else _in_strides(told.undisturbed.edges), until)
        if "schedules" in given.what:
            with theatre(home / "theatre", url, "soak_theatre") as stage:
                wrong += _schedules(stage, range(given.seed, given.seed + given.count), until)
    return int(wrong > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["crashes", "schedules"], help="crashes, schedules (default: both)")
    parser.add_argument("--seed", type=int, default=1, help="the first schedule")
    parser.add_argument("--count", type=int, default=10_000, help="how many schedules")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="no new work after so long")
    parser.add_argument("--edge", help="only this edge")
    return parser.parse_args()


def _in_strides(edges: list[str]) -> list[str]:
    return [edges[n] for start in range(STRIDE) for n in range(start * 5 % STRIDE, len(edges), STRIDE)]


def _crashes(told: Story, edges: list[str], until: float) -> int:
    covered = wrong = 0
    for edge in edges:
        if time.monotonic() > until:
            break
        crash = told.crash(edge)
        covered += crash.reached
        wrong += bool(crash.wrong)
        _say(f"{edge}: {'as undisturbed' if not crash.wrong else crash.wrong}")
    _say(f"covered {covered} of {len(told.undisturbed.edges)} edges, {wrong} ended differently")
    return wrong


def _schedules(stage: Theatre, seeds: range, until: float) -> int:
    counts, wrong = Counter[str](), 0
    for seed in seeds:
        if time.monotonic() > until:
            break
        played = stage.play(seed)
        counts += Counter({"schedules": 1}) + played.counts
        if played.wrong:
            wrong += 1
            _say("\n".join([f"seed {seed}:", *played.wrong, "What happened:", *played.told]))
        elif seed % 25 == 0:
            _say(f"seed {seed}: {dict(counts)}, {wrong} wrong")
    _say(f"seeds {seeds.start} and following: {dict(counts)}, {wrong} wrong")
    return wrong


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
