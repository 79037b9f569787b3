"""Really recorded QBO objects, read from beside the project where they are kept; absent on other machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import simplejson

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "recorded"


def recorded_objects(quickbooks_object: str) -> list[dict[str, Any]]:
    """Every recorded object of a type; skips the test where the recordings are not at hand."""
    if not FOLDER.is_dir():
        pytest.skip("the recorded QBO objects are not beside the project")
    return list(_read(quickbooks_object))


def _read(quickbooks_object: str) -> Iterator[dict[str, Any]]:
    for folder in ("objects", "craigs"):
        file = FOLDER / folder / f"{quickbooks_object}.jsonl"
        if file.exists():
            for line in file.read_text().splitlines():
                yield simplejson.loads(line, use_decimal=True)
