"""Webhooks shorten the wait and carry no truth: all, half or none of them delivered, the end state is the same.

Invariant: webhooks come from the sandboxes' own queues over HTTP, signed, in both of Intuit's formats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from qb_pipeline_tests.faults.post import CLOUD, LEGACY, MIXED, post_office, subscribe
from qb_pipeline_tests.faults.stage import Stage, stage
from qb_pipeline_tests.faults.story import days_work, deviations, outcome, settled_office


@pytest.fixture(scope="module")
def office(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    folder = tmp_path_factory.mktemp("delivery") / "stage"
    with stage(folder, template_url, f"delivery_{os.getpid()}") as on:
        settled_office(on)
        with post_office(on.instance) as address:
            yield on, address


def day(on: Stage, address: str, lost: float, formats: tuple[str, ...]) -> tuple[int, int, dict[str, Any]]:
    """A day's work of which a share of the webhooks is lost: the writes of the run that webhooks start, those of the
    sweep after it, and the end state."""
    on.back_to("settled")
    subscribe(on.instance, address, formats)
    for number, box in enumerate(on.boxes):
        box.control("faults", [{"match": {}, "action": "webhook_lost", "probability": lost, "seed": number}])
    days_work(on)
    on.delivered()
    hinted = on.run(webhooks=True)
    assert hinted.code == 0, hinted.log
    swept = on.until_quiet()
    return len(hinted.writes), sum(len(run.writes) for run in swept), outcome(on)


def test_with_none_half_or_all_webhooks_lost_the_end_state_is_the_same(office: tuple[Stage, str]) -> None:
    told, at_once, expected = day(*office, 0, MIXED)
    assert expected["wrong"] == []
    assert told > 10
    assert at_once == 0, "what webhooks tell of needs no sweep"
    none_told, later, found = day(*office, 1, LEGACY)
    assert none_told == 0
    assert later > 10
    assert deviations(found, expected) == []
    some, rest, found = day(*office, 0.5, CLOUD)
    assert some > 0
    assert rest > 0
    assert deviations(found, expected) == []
