"""Webhook runs that are tried again, fail or are killed: what an event named is carried over all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests
from dagster import ExecuteInProcessResult, SensorResult, SkipReason, build_sensor_context
from sqlalchemy import text

from qb_pipeline.definitions import defs
from qb_pipeline.defs import company_run, timing
from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.timing import webhook_inbox
from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline.store import inbox, runs
from qb_pipeline.store.inbox import Event
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.sync.reading import hints
from qb_pipeline_tests.end_to_end.test_dagster_readings import in_quickbooks, names, run
from qb_pipeline_tests.end_to_end.test_dagster_sync import COMPANY, World, world

__all__ = ["world"]  # the fixture


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company_run, "_WAIT", 0.1)
    monkeypatch.setattr(company_run, "_RETRIES", 2)
    monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)
    monkeypatch.setattr(timing, "WATCH_SECONDS", 0.0)


def tell(world: World, *events: Event) -> dict[str, Any]:
    """The events, stored; the configuration of a run that looks at them."""
    with open_store(world.settings)[1].begin() as conn:
        inbox.store(conn, events)
        waiting = inbox.waiting(conn)[COMPANY]
    return {"ops": {"read_hinted": {"config": {"first": waiting.first, "last": waiting.last}}}}


def customer(record: str, key: str) -> Event:
    return Event("quickbooks", "Customer", record, "updated", key, company=COMPANY)


def looked(world: World, config: dict[str, Any]) -> ExecuteInProcessResult:
    """The webhook job to its end, whatever that is."""
    register_companies(world.instance, open_store(world.settings)[1])
    return defs.get_job_def("webhook_changes").execute_in_process(
        instance=world.instance, partition_key=COMPANY, run_config=config, tags={COMPANY_TAG: COMPANY},
        raise_on_error=False,
    )  # fmt: skip


def told(done: ExecuteInProcessResult, step: str) -> dict[str, Any]:
    """What a step's output says of itself."""
    [output] = [e for e in done.get_step_success_events() if e.step_key == step]
    made = next(e for e in done.all_events if e.event_type_value == "STEP_OUTPUT" and e.step_key == output.step_key)
    return {name: value.value for name, value in made.step_output_data.metadata.items()}


def state(world: World, key: str) -> str:
    with open_store(world.settings)[1].connect() as conn:
        return str(conn.scalar(text("select state from qb.inbox where dedupe_key = :key"), {"key": key}))


def tick(world: World) -> SensorResult | SkipReason:
    answer = webhook_inbox(build_sensor_context(instance=world.instance))
    assert isinstance(answer, SensorResult | SkipReason)
    return answer


@contextmanager
def faults_of_the_contractor(world: World, **rule: Any) -> Iterator[None]:
    url = f"{world.contractor['base_url']}/_sandbox/faults"
    requests.post(url, json=[rule], timeout=10).raise_for_status()
    try:
        yield
    finally:
        requests.delete(url, timeout=10).raise_for_status()


def edit(world: World, record: str, **fields: Any) -> None:
    url = f"{world.contractor['base_url']}/api/v1/customers/{record}"
    headers = {"Authorization": f"Bearer {world.contractor['api_key']}"}
    version = requests.get(url, headers=headers, timeout=10).json()["version"]
    answer = requests.patch(url, json=fields, headers=headers | {"If-Match": str(version)}, timeout=10)
    assert answer.status_code == 200, answer.text


def test_a_step_that_is_tried_again_looks_at_what_it_took_the_first_time(world: World) -> None:
    run(world, "cdc_sweep")
    config = tell(world, customer(in_quickbooks(world, "Told in a storm"), "storm"))
    world.faults({"match": {"method": "GET", "path": "/query"}, "action": "status", "status": 503, "times": 5})
    try:
        done = looked(world, config)
    finally:
        world.no_faults()
    assert done.success
    assert "STEP_UP_FOR_RETRY" in {e.event_type_value for e in done.all_events}, "the storm was too short"
    assert told(done, "read_hinted")["events"] == 1
    assert "Told in a storm" in names(world)
    assert state(world, "storm") == "done"


def test_a_run_that_fails_gives_its_events_back_and_the_sensor_hands_them_over_again(world: World) -> None:
    run(world, "cdc_sweep")
    config = tell(world, customer(in_quickbooks(world, "Told to a run that failed"), "failed"))
    with mock.patch.object(hints, "read", side_effect=RuntimeError("a defect")):
        assert not looked(world, config).success
    assert state(world, "failed") == "new"
    answer = tick(world)
    assert isinstance(answer, SensorResult)
    [request] = answer.run_requests or []
    assert looked(world, dict(request.run_config)).success
    assert "Told to a run that failed" in names(world)
    assert state(world, "failed") == "done"


def test_a_step_after_the_reading_that_fails_gives_the_events_back_too(world: World) -> None:
    run(world, "cdc_sweep")
    config = tell(world, customer(in_quickbooks(world, "Read but not carried"), "half"))
    with mock.patch("qb_pipeline.sync.engine.agree", side_effect=RuntimeError("a defect")):
        assert not looked(world, config).success
    assert state(world, "half") == "new"
    assert looked(world, config).success
    assert state(world, "half") == "done"


def test_what_a_killed_run_took_is_found_by_the_sensor(world: World, tmp_path: Path) -> None:
    own = world.create("customers", name="Told to a run that was killed")
    config = tell(world, Event("contractor", "customer", own, "created", "killed", company=COMPANY))
    slow = {"match": {"method": "GET", "path": f"/api/v1/customers/{own}"}, "action": "delay", "seconds": 60}
    program = (
        "from dagster import DagsterInstance; from qb_pipeline.definitions import defs\n"
        "with DagsterInstance.get() as instance:\n"
        f"    defs.get_job_def('webhook_changes').execute_in_process(instance=instance, partition_key={COMPANY!r},"
        f" run_config={config!r}, tags={{{COMPANY_TAG!r}: {COMPANY!r}}})"
    )
    log = tmp_path / "run.log"
    with faults_of_the_contractor(world, **slow), log.open("w") as stream:
        kill_once_taken(world, subprocess.Popen([sys.executable, "-c", program], stderr=stream), log)
    answer = tick(world)
    assert isinstance(answer, SkipReason)
    assert "has not ended yet" in str(answer.skip_message), "for Dagster it runs until its monitor has looked"
    assert state(world, "killed") == "new"
    end_in_dagster(world)
    answer = tick(world)
    assert isinstance(answer, SensorResult)
    [request] = answer.run_requests or []
    assert looked(world, dict(request.run_config)).success
    assert in_books(world, "Told to a run that was killed")
    assert state(world, "killed") == "done"


def kill_once_taken(world: World, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    try:
        while state(world, "killed") != "taken":
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, "the run has not begun"
            time.sleep(0.1)
        assert isinstance(tick(world), SkipReason)
        assert state(world, "killed") == "taken", "the run was alive"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(timeout=15)


def end_in_dagster(world: World) -> None:
    """What run monitoring does with a run whose process is gone."""
    with open_store(world.settings)[1].connect() as conn:
        (latest,) = runs.recent(conn, COMPANY, limit=1)
    assert latest.status is RunStatus.RUNNING, "nobody could close the row"
    found = world.instance.get_run_by_id(latest.id)
    assert found is not None
    world.instance.report_run_failed(found)


def test_a_record_that_can_never_be_read_holds_up_no_other_and_comes_with_the_changes(world: World) -> None:
    bad = world.create("customers", name="Broken by itself")
    run(world, "cdc_sweep")
    edit(world, bad, notes="Changed since")
    good = in_quickbooks(world, "Neighbour of a broken one")
    own = world.create("customers", name="Neighbour at home")
    config = tell(
        world,
        Event("contractor", "customer", bad, "updated", "bad", company=COMPANY),
        Event("contractor", "customer", own, "created", "own", company=COMPANY),
        customer(good, "good"),
    )
    path = f"/api/v1/customers/{bad}"
    with faults_of_the_contractor(
        world, match={"method": "GET", "path": path}, action="status", status=500, times=100_000
    ):
        done = looked(world, config)
    assert done.success
    assert told(done, "read_hinted")["can't be read, left to sweeps"] == f"customer {bad} (contractor)"
    assert "Neighbour of a broken one" in names(world)
    assert in_books(world, "Neighbour at home")["DisplayName"] == "Neighbour at home"
    assert in_books(world, "Broken by itself")["Notes"] == "Changed since"
    assert [state(world, key) for key in ("bad", "own", "good")] == ["done"] * 3
    with open_store(world.settings)[1].connect() as conn:
        logged = conn.execute(text("select record_id from qb.sync_log where action = 'left to sweeps'")).scalars().all()
    assert logged == [bad]
    assert run(world, "cdc_sweep")["bring_into_agreement"]["writes"] == 0


def test_a_query_by_ids_that_quickbooks_refuses_is_made_good_by_the_changes(world: World) -> None:
    run(world, "cdc_sweep")
    config = tell(world, customer(in_quickbooks(world, "Refused by its id"), "refused"))
    world.faults({"match": {"method": "GET", "path": "/query"}, "action": "status", "status": 400, "times": 1})
    try:
        done = looked(world, config)
    finally:
        world.no_faults()
    assert done.success
    assert told(done, "read_hinted")["can't be read, left to sweeps"].startswith("Customer ")
    assert "Refused by its id" in names(world)
    assert state(world, "refused") == "done"


def test_events_of_a_system_that_does_not_answer_at_all_wait_for_it(world: World) -> None:
    run(world, "cdc_sweep")
    own = world.create("customers", name="Told before the outage")
    config = tell(world, Event("contractor", "customer", own, "created", "outage", company=COMPANY))
    with faults_of_the_contractor(
        world, match={"method": "GET", "path": "/api/v1"}, action="status", status=503, times=100_000
    ):
        assert not looked(world, config).success
    assert state(world, "outage") == "new"
    assert looked(world, config).success
    assert in_books(world, "Told before the outage")["DisplayName"] == "Told before the outage"


def in_books(world: World, name: str) -> dict[str, Any]:
    base, realm = world.quickbooks["base_url"], world.quickbooks["realm_id"]
    pair = requests.post(f"{base}/_sandbox/token", json={"realm_id": realm}, timeout=10).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}", "Accept": "application/json"}
    query = {"query": f"select * from Customer where DisplayName = '{name}'"}
    answer = requests.get(f"{base}/v3/company/{realm}/query", params=query, headers=headers, timeout=10).json()
    [found] = answer["QueryResponse"]["Customer"]
    return dict(found)
