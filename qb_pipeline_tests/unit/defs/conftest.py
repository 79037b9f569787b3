"""An environment of its own for each test: Dagster's processes read their settings there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline.defs.store import close_stores


@pytest.fixture
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing set for the pipeline or for Dagster; whatever the test sets is gone afterwards. Gives a folder."""
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("QB_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    close_stores()
    os.environ.clear()
    os.environ.update(before)
