"""The list of long files is of files there are."""

from __future__ import annotations

from pathlib import Path

from qb_pipeline_tests.order import LONG


def test_every_file_that_is_handed_out_first_is_there() -> None:
    tests = Path(__file__).parents[1]
    assert [name for name in LONG if not (tests / f"{name}.py").is_file()] == []
    assert len(set(LONG)) == len(LONG)
