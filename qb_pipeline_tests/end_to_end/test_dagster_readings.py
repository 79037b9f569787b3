"""Sweep, webhook and night as Dagster runs against both servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import requests
from dagster import (
    DefaultScheduleStatus,
    DefaultSensorStatus,
    MultiPartitionKey,
    SensorResult,
    SkipReason,
    build_sensor_context,
)
from sqlalchemy import text

from qb_pipeline.definitions import defs
from qb_pipeline.defs import timing
from qb_pipeline.defs.backfill import reconnected_backfill
from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.timing import webhook_inbox
from qb_pipeline.store import gaps, inbox
from qb_pipeline.store.inbox import Event
from qb_pipeline_tests.end_to_end.test_dagster_sync import COMPANY, World, world

__all__ = ["world"]  # the fixture


def run(
    world: World, name: str, config: dict[str, Any] | None = None, partition: str = COMPANY
) -> dict[str, dict[str, Any]]:
    """The job to its end; the metadata of each op's output."""
    store = open_store(world.settings)[1]
    register_companies(world.instance, store)
    job = defs.get_job_def(name)
    done = job.execute_in_process(
        instance=world.instance, partition_key=partition, run_config=config or {}, tags={COMPANY_TAG: COMPANY}
    )
    assert done.success
    return {
        str(event.step_key): {key: value.value for key, value in event.step_output_data.metadata.items()}
        for event in done.all_events
        if event.event_type_value == "STEP_OUTPUT"
    }


def in_quickbooks(world: World, name: str, **fields: Any) -> str:
    base, realm = world.quickbooks["base_url"], world.quickbooks["realm_id"]
    pair = requests.post(f"{base}/_sandbox/token", json={"realm_id": realm}, timeout=10).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}", "Accept": "application/json"}
    body = {"DisplayName": name, **fields}
    answer = requests.post(f"{base}/v3/company/{realm}/customer", json=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["Customer"]["Id"])


def names(world: World) -> set[str]:
    headers = {"Authorization": f"Bearer {world.contractor['api_key']}"}
    found: set[str] = set()
    after = ""
    while True:
        url = f"{world.contractor['base_url']}/api/v1/customers?limit=500{after}"
        page = requests.get(url, headers=headers, timeout=10).json()
        found |= {str(row["name"]) for row in page["data"]}
        if page["next_cursor"] is None:
            return found
        after = f"&cursor={page['next_cursor']}"


def test_the_sweep_carries_a_change_over_and_the_next_one_writes_nothing(world: World) -> None:
    in_quickbooks(world, "Found by the sweep")
    first = run(world, "cdc_sweep")
    assert "Found by the sweep" in names(world)
    assert first["read_changes"]["API calls to quickbooks"] >= 1
    again = run(world, "cdc_sweep")
    assert again["bring_into_agreement"]["writes"] == 0


def test_a_webhook_run_looks_at_what_was_named_and_empties_the_inbox(world: World) -> None:
    run(world, "cdc_sweep")
    told = in_quickbooks(world, "Told by a webhook")
    in_quickbooks(world, "Not told")
    store = open_store(world.settings)[1]
    with store.begin() as conn:
        inbox.store(
            conn, [Event("quickbooks", "Customer", told, "created", f"k{n}", company=COMPANY) for n in range(3)]
        )
        waiting = inbox.waiting(conn)[COMPANY]
    config = {"ops": {"read_hinted": {"config": {"first": waiting.first, "last": waiting.last}}}}
    done = run(world, "webhook_changes", config)
    assert done["read_hinted"]["events"] == 3
    assert done["read_hinted"]["API calls to quickbooks"] <= 2, "the preferences and one query"
    assert "Told by a webhook" in names(world)
    assert "Not told" not in names(world)
    with store.connect() as conn:
        assert inbox.waiting(conn) == {}
        assert inbox.counts(conn)["quickbooks", "done"] >= 3


def test_a_webhook_run_also_looks_at_what_was_told_while_it_was_launched(world: World) -> None:
    store = open_store(world.settings)[1]
    for name in ("Told before", "Told meanwhile"):
        told = in_quickbooks(world, name)
        with store.begin() as conn:
            inbox.store(conn, [Event("quickbooks", "Customer", told, "created", name, company=COMPANY)])
    with store.connect() as conn:
        waiting = inbox.waiting(conn)[COMPANY]
    config = {"ops": {"read_hinted": {"config": {"first": waiting.first, "last": waiting.first}}}}
    assert run(world, "webhook_changes", config)["read_hinted"]["events"] == 2
    assert {"Told before", "Told meanwhile"} <= names(world)
    with store.connect() as conn:
        assert inbox.waiting(conn) == {}


def several_in_quickbooks(world: World, count: int, prefix: str) -> list[str]:
    """Customers made thirty at a time."""
    base, realm = world.quickbooks["base_url"], world.quickbooks["realm_id"]
    pair = requests.post(f"{base}/_sandbox/token", json={"realm_id": realm}, timeout=10).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}", "Accept": "application/json"}
    ids: list[str] = []
    for start in range(0, count, 30):
        items = [
            {"bId": str(n), "operation": "create", "Customer": {"DisplayName": f"{prefix} {n}"}}
            for n in range(start, min(count, start + 30))
        ]
        body = {"BatchItemRequest": items}
        answer = requests.post(f"{base}/v3/company/{realm}/batch", json=body, headers=headers, timeout=30)
        ids += [item["Customer"]["Id"] for item in answer.json()["BatchItemResponse"]]
    return ids


@pytest.mark.parametrize(
    ("records", "reading"),
    [
        pytest.param(200, {"query": 2}, id="looked at by name"),
        pytest.param(310, {"query": 2, "cdc": 1}, id="so many that the changes are read"),
    ],
)
def test_five_thousand_events_are_one_run_that_reads_each_record_once(
    world: World, records: int, reading: dict[str, int]
) -> None:
    run(world, "cdc_sweep")
    prefix = f"Busy {records}"
    ids = several_in_quickbooks(world, records, prefix)
    store = open_store(world.settings)[1]
    with store.begin() as conn:
        told = [
            Event("quickbooks", "Customer", ids[n % records], "updated", f"{prefix} {n}", company=COMPANY)
            for n in range(5_000)
        ]
        assert (inbox.store(conn, told), inbox.store(conn, told)) == (5_000, 0), "a repeated delivery adds nothing"
    asked = webhook_inbox(build_sensor_context(instance=world.instance))
    assert isinstance(asked, SensorResult)
    [request] = asked.run_requests or []
    assert (request.partition_key, request.tags["qb/events"]) == (COMPANY, "5000")
    done = run(world, "webhook_changes", dict(request.run_config))
    assert (done["read_hinted"]["events"], done["read_hinted"]["API calls to quickbooks"]) == (
        5_000,
        sum(reading.values()),
    )
    assert done["bring_into_agreement"]["writes"] == records
    assert {f"{prefix} {n}" for n in range(records)} <= names(world)
    with store.connect() as conn:
        assert inbox.waiting(conn) == {}
        [left] = conn.execute(text("select count(*) from qb.inbox where state in ('new', 'taken')")).scalars()
    assert left == 0
    with mock.patch.object(timing, "WATCH_SECONDS", 0.0):  # one look
        assert isinstance(webhook_inbox(build_sensor_context(instance=world.instance)), SkipReason)


def test_the_night_compares_everything_and_finds_nothing_after_a_sweep(world: World) -> None:
    run(world, "cdc_sweep")
    done = run(world, "nightly_reconciliation")
    assert {k: v for k, v in done["read_everything"].items() if "(" in k} == {}
    assert done["read_everything"]["API calls to quickbooks"] > 5
    assert done["bring_into_agreement"]["writes"] == 0


def test_a_day_is_read_again_for_one_company(world: World) -> None:
    run(world, "cdc_sweep")
    in_quickbooks(world, "Made on this day")
    day = datetime.now(UTC).date().isoformat()
    done = run(world, "backfill", partition=MultiPartitionKey({"company": COMPANY, "day": day}))
    assert done["read_day"]["records read"] > 0
    assert "Made on this day" in names(world)
    before = MultiPartitionKey({"company": COMPANY, "day": "2020-01-01"})
    assert run(world, "backfill", partition=before)["bring_into_agreement"]["writes"] == 0


def test_a_gap_is_read_and_closed_once(world: World) -> None:
    run(world, "cdc_sweep")
    store, now = open_store(world.settings)[1], datetime.now(UTC)
    with store.begin() as conn:
        gaps.begin(conn, COMPANY, now - timedelta(minutes=1), "out of touch")
        gaps.end(conn, COMPANY, now)
    asked = reconnected_backfill(build_sensor_context(instance=world.instance))
    assert isinstance(asked, SensorResult)
    assert [r.partition_key for r in asked.run_requests or []] == [COMPANY]
    in_quickbooks(world, "Made while out of touch")
    done = run(world, "backfill_gap")
    assert (done["read_gaps"]["gaps"], done["close_gaps"]["gaps filled"]) == (1, 1)
    assert "Made while out of touch" in names(world)
    with store.connect() as conn:
        assert gaps.owed(conn, COMPANY) == []
    assert run(world, "backfill_gap")["close_gaps"]["gaps filled"] == 0


def test_every_timetable_is_switched_on() -> None:
    repository = defs.get_repository_def()
    timed = [repository.get_schedule_def(name) for name in ("hourly_sync", "cdc_every_15_minutes", "nightly")]
    assert {one.default_status for one in timed} == {DefaultScheduleStatus.RUNNING}
    sensors = [repository.get_sensor_def(name) for name in ("webhook_inbox", "reconnected_backfill")]
    assert {one.default_status for one in sensors} == {DefaultSensorStatus.RUNNING}
