"""A mail server, and a company or two in a fresh store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline_tests.unit.defs.conftest import own_environment
from qb_pipeline_tests.unit.health.postbox import Postbox, postbox

__all__ = ["own_environment"]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Postbox]:
    with postbox(tmp_path) as running:
        yield running
