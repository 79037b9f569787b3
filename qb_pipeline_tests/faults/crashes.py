"""The story, ended with SIGKILL at one of its edges, and what becomes of it.

Invariant: every crash starts from the same remembered moment, and its outcome is held against the outcome of the run
that nobody disturbed; an edge that was not reached is not counted as covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

from qb_pipeline_tests.faults.stage import Run, Stage, stage
from qb_pipeline_tests.faults.story import days_work, deviations, outcome, settled_office

# The access token ends at the first batch; each refresh gives another refresh token, and the former one goes on
# working for the overlap that Intuit grants.
_TOKEN_ENDS = [{"match": {"path": "/batch"}, "action": "expire_token", "times": 1}]


@dataclass(frozen=True)
class Undisturbed:
    """The edges of the story's sync, in order, its writes, and its outcome."""

    edges: list[str]
    run: Run
    outcome: dict[str, Any]

    @property
    def trace(self) -> list[list[str]]:
        return trace(self.run)


@dataclass(frozen=True)
class Crash:
    """What came of a crash at an edge; `wrong` is empty where nothing differs from the undisturbed run."""

    edge: str
    reached: bool
    wrong: list[str]


@dataclass(frozen=True)
class Story:
    """The office with a day's work owed to both sides."""

    stage: Stage
    undisturbed: Undisturbed

    def crash(self, edge: str) -> Crash:
        """End the sync at an edge, start it again, and compare."""
        begin(self.stage)
        killed = self.stage.run(stop=edge)
        if not killed.killed:
            return Crash(edge, False, [f"the run ended with {killed.code} before {edge}\n{killed.log[-500:]}"])
        return Crash(edge, True, self._after())

    def crashes(self, random: Random, most: int) -> list[str]:
        """End it again and again at whatever edge comes, then compare."""
        begin(self.stage)
        kills = sum(self.stage.run(stop=random.randint(1, 150)).killed for _ in range(most))
        return self._after() if kills else ["no run was killed"]

    def again(self) -> list[list[str]]:
        """The trace of one more undisturbed run from the same start."""
        begin(self.stage)
        return trace(self.stage.run())

    def _after(self) -> list[str]:
        try:
            self.stage.until_quiet()
        except AssertionError as restless:
            return [str(restless)]
        return deviations(outcome(self.stage), self.undisturbed.outcome)


def trace(run: Run) -> list[list[str]]:
    """The writes in order, with what both servers were asked, by which key, and what they answered; requests that are
    on their way at once (same collection) stand together, sorted."""
    asked = [(said_path(w["path"]), f"{w['method']} {w['path']} {w['key']} {w['items']} {w['status']}")
             for w in run.writes]  # fmt: skip
    return [[kind, *sorted(each for _, each in some)] for kind, some in groupby(asked, key=itemgetter(0))]


def said_path(path: str) -> str:
    """The collection of a request."""
    return path.split("?", maxsplit=1)[0].split("/")[3 if path.startswith("/api/") else 4]


def begin(on: Stage) -> None:
    on.back_to("owed")
    on.instance.quickbooks.control("switches", {"refresh_rotation_seconds": 0})
    on.instance.quickbooks.control("oauth", {"overlap_seconds": 86_400})
    on.instance.quickbooks.control("faults", _TOKEN_ENDS)


@contextmanager
def story(folder: Path, template_url: str, name: str) -> Iterator[Story]:
    """The story, told once without any disturbance."""
    with stage(folder, template_url, name) as on:
        settled_office(on)
        days_work(on)
        on.remember("owed")
        begin(on)
        run = on.run()
        assert run.code == 0, run.log
        assert [r.writes for r in on.until_quiet()] == [[]], "the undisturbed sync left something to write"
        found = outcome(on)
        assert found["wrong"] == [], found["wrong"]
        yield Story(on, Undisturbed(run.edges, run, found))


def spread(edges: list[str], count: int, seed: int) -> list[str]:
    """So many edges: one out of every stretch of the run, the same ones for the same seed."""
    random, step = Random(seed), len(edges) / count
    return [edges[int(n * step + random.random() * step)] for n in range(min(count, len(edges)))]
