"""The job `retry_failed` as Dagster runs it against both servers."""

from __future__ import annotations

import requests

from qb_pipeline.defs.store import open_store
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline_tests.end_to_end.test_dagster_readings import in_quickbooks, names, run
from qb_pipeline_tests.end_to_end.test_dagster_sync import COMPANY, World, world

__all__ = ["world"]  # the fixture


def test_what_met_a_passing_fault_is_left_by_sweeps_and_tried_by_the_job_when_asked_for(world: World) -> None:
    run(world, "cdc_sweep")
    base = world.contractor["base_url"]
    rule = [{"match": {"method": "POST", "path": "customers"}, "action": "status", "status": 503}]
    requests.post(f"{base}/_sandbox/faults", json=rule, timeout=10).raise_for_status()
    in_quickbooks(world, "Met a passing fault")
    run(world, "cdc_sweep")
    requests.delete(f"{base}/_sandbox/faults", timeout=10).raise_for_status()
    store = open_store(world.settings)[1]
    with store.connect() as conn:
        [waiting] = exceptions.listing(conn, COMPANY, states=[ExceptionState.RETRYING])
    assert (waiting.attempts, waiting.record_label) == (1, "Customer Met a passing fault")
    assert run(world, "retry_failed")["read_due"]["exceptions due"] == 0
    assert "Met a passing fault" not in names(world)
    config = {"ops": {"read_due": {"config": {"before_their_time": True}}}}
    assert run(world, "retry_failed", config)["read_due"]["exceptions due"] == 1
    assert "Met a passing fault" in names(world)
    with store.connect() as conn:
        assert exceptions.listing(conn, COMPANY, states=[ExceptionState.RETRYING, ExceptionState.DEAD]) == []
