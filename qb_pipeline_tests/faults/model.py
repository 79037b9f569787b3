"""A stateful model of two offices, the post, the weather and a product that may be killed at any moment.

Invariant: whatever Hypothesis makes happen, after quiet both sides agree on every owned field or a named conflict or
exception says why not, nothing exists twice, no write is unsettled, and further runs write nothing. What is found
wrong is shrunk to the shortest schedule that still goes wrong, and can be played again from what is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import ClassVar

from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from qb_pipeline_tests.faults.post import CLOUD, LEGACY, MIXED
from qb_pipeline_tests.faults.schedules import Performance, Theatre, theatre

_STEPS = 10
_FURTHER = 2  # runs after quiet, none of which may write
_EDGES = st.one_of(st.none(), st.integers(1, 150))
_DICE = st.integers(0, 2**16)


class Schedule(RuleBasedStateMachine):
    """One schedule: people work, the post is disturbed, the product runs and is killed; then comes quiet."""

    theatre: ClassVar[Theatre]
    counts: ClassVar[Counter[str]] = Counter()
    under_way: Performance | None = None

    @initialize(dice=_DICE, formats=st.sampled_from((LEGACY, CLOUD, MIXED)))
    def the_offices_open(self, dice: int, formats: tuple[str, ...]) -> None:
        self.under_way = self.theatre.begin(dice, formats)

    @rule(acts=st.integers(1, 6), dice=_DICE)
    def people_work(self, acts: int, dice: int) -> None:
        offices = self._now.offices
        offices.random = Random(dice)
        offices.busy(acts)

    @rule(dice=_DICE)
    def the_post_is_disturbed(self, dice: int) -> None:
        self._now.disturb_the_post(Random(dice))

    @rule(dice=_DICE, webhooks=st.booleans(), stop=_EDGES)
    def the_product_runs(self, dice: int, webhooks: bool, stop: int | None) -> None:  # drawn, not given
        self._now.run(Random(dice), webhooks=webhooks, stop=stop)

    def teardown(self) -> None:
        if self.under_way is None:
            return
        self.under_way.calm()
        played = self.under_way.end(_FURTHER)
        Schedule.counts.update({"schedules": 1}, **played.counts)
        for line in played.told:
            note(line)
        assert not played.wrong, "\n".join(played.wrong)

    @property
    def _now(self) -> Performance:
        assert self.under_way is not None
        return self.under_way


@contextmanager
def model(folder: Path, template_url: str, name: str) -> Iterator[type[Schedule]]:
    """The machine over two offices of its own, in one process."""
    with theatre(folder, template_url, name, indoors=True) as opened:
        yield type("Schedule", (Schedule,), {"theatre": opened})


def check(machine: type[Schedule], schedules: int, *, number: int | None = None, shrink: bool = True) -> None:
    """So many schedules; the same ones for the same `number`, which may be None for ever new ones."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else []))
    how = settings(
        max_examples=schedules, stateful_step_count=_STEPS, deadline=None, phases=phases, print_blob=True,
        suppress_health_check=list(HealthCheck), database=None if number is not None else settings().database,
    )  # fmt: skip
    chosen = machine if number is None else seed(number)(machine)
    run_state_machine_as_test(chosen, settings=how)
