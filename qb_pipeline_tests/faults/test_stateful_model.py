"""Schedules by the hundred in one process: `make schedules` and `make soak` play thousands of them.

Invariant: before a landing the schedules are the same every time; elsewhere Hypothesis looks for new ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from qb_pipeline_tests.faults.model import Schedule, check, model

SCHEDULES = int(os.environ.get("QB_MODEL_SCHEDULES", "25"))


@pytest.fixture(scope="module")
def machine(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Schedule]]:
    with model(tmp_path_factory.mktemp("model") / "stage", template_url, f"model_{os.getpid()}") as made:
        yield made


def test_whatever_happens_both_sides_agree_after_quiet_or_somebody_was_told(
    machine: type[Schedule], capsys: pytest.CaptureFixture[str]
) -> None:
    check(machine, SCHEDULES, number=0 if os.environ.get("CI") else None)
    with capsys.disabled():
        sys.stdout.write(f"schedules of the model: {dict(machine.counts)}\n")
    assert machine.counts["schedules"] >= SCHEDULES
    assert machine.counts["edits"] > SCHEDULES
    assert machine.counts["kills"] > 0
