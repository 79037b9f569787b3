"""The order in which xdist hands out files: the longest first, so that no worker is left alone with one at the end.

Invariant: nothing but the order changes, and the tests of a file stay together in theirs.
"""

from __future__ import annotations

from collections import Counter

import pytest

# From about ten seconds on a quiet machine, the longest first.
LONG = (
    "trial/test_four_weeks", "faults/test_stateful_model", "end_to_end/test_hostile_quickbooks",
    "faults/test_crash_at_every_write", "faults/test_seeded_schedules", "end_to_end/test_dagster_sync",
    "end_to_end/test_demo", "end_to_end/test_dagster_webhook_faults", "end_to_end/test_dagster_readings",
    "end_to_end/test_agreement_random_edits", "end_to_end/test_killed_first_sync", "end_to_end/test_reading_times",
    "end_to_end/test_cli_up", "end_to_end/test_warm_workers", "end_to_end/test_idleness", "end_to_end/test_reading",
    "end_to_end/test_exception_sentences", "end_to_end/test_removed_but_paid", "end_to_end/test_undo_refused",
    "end_to_end/test_credit_memos", "end_to_end/test_hostile_contractor", "end_to_end/test_notices",
    "end_to_end/test_hostile_secrets", "end_to_end/test_failing_ground", "end_to_end/test_rotate_key",
    "end_to_end/test_disconnecting", "end_to_end/test_cli_bad_input", "end_to_end/test_console_process",
    "end_to_end/test_reading_overflow", "faults/test_delivery", "sandbox/quickbooks/test_reports_speed",
)  # fmt: skip
_PLACES = {name: place for place, name in enumerate(LONG)}


def by_length(items: list[pytest.Item]) -> None:
    """The long files, then the others by their number of tests, as xdist itself has it."""
    counts = Counter(_file(item) for item in items)
    items.sort(key=lambda item: (_PLACES.get(_file(item), len(LONG)), -counts[_file(item)], _file(item)))


def _file(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0].removeprefix("qb_pipeline_tests/").removesuffix(".py")
