"""What more than one file of these tests begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline_tests.end_to_end.harness import Instance, instance


@pytest.fixture
def made(tmp_path: Path, database_url: str) -> Iterator[Instance]:
    """A connected company between two empty systems that are its own."""
    with instance(tmp_path, database_url) as own:
        own.connect()
        yield own
