"""Schedules of two offices at work, faults, crashes and unreliable webhooks, each from its seed.

Invariant: a seed that fails fails again: `QB_FAULT_SEED=<seed> QB_FAULT_SCHEDULES=1 pytest` this file.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from qb_pipeline_tests.faults.schedules import Theatre, theatre

FIRST = int(os.environ.get("QB_FAULT_SEED", "1"))
SCHEDULES = int(os.environ.get("QB_FAULT_SCHEDULES", "5"))


@pytest.fixture(scope="module")
def stage(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("schedules") / "stage"
    with theatre(folder, template_url, f"schedules_{os.getpid()}") as made:
        yield made


def test_whatever_happens_after_quiet_both_sides_agree_or_somebody_was_told(
    stage: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, counts = {}, Counter[str]()
    for seed in range(FIRST, FIRST + SCHEDULES):
        played = stage.play(seed)
        counts += played.counts
        if played.wrong:
            wrong[seed] = [*played.wrong, *played.told]
    with capsys.disabled():
        sys.stdout.write(f"{SCHEDULES} schedules from seed {FIRST}: {dict(counts)}\n")
    assert wrong == {}
    assert counts["edits"] > SCHEDULES * 3
