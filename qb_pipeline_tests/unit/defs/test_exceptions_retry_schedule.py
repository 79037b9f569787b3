"""The half-hourly schedule of retries against a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, RunRequest, SkipReason, build_schedule_context
from sqlalchemy import Engine

from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.defs.retry import retry_every_30_minutes
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import Problem
from qb_pipeline_tests.unit.defs.test_schedule import enter, instance, store

__all__ = ["instance", "store"]  # the fixtures

PASSING = Problem(
    entity="customer", side=Side.CONTRACTOR, record_id="c1", code="qbo_3001", title="Busy", cause="Busy.",
    fix="Wait.", who="nobody", retry_safe=True, fingerprint="a",
)  # fmt: skip


def answered(instance: DagsterInstance) -> list[RunRequest | SkipReason]:
    return list(retry_every_30_minutes(build_schedule_context(instance=instance)))  # type: ignore[arg-type] # as there


def test_nothing_is_started_where_nothing_is_due(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    with store.begin() as conn:
        exceptions.report(conn, "Acme Roofing", [PASSING])  # due in half a minute at the earliest
    [skipped] = answered(instance)
    assert isinstance(skipped, SkipReason)
    assert "Nothing is due" in str(skipped.skip_message)


def test_only_the_company_with_something_due_gets_a_run(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    enter(store, "Brick & Sons", "2")
    with store.begin() as conn:
        exceptions.report(conn, "Acme Roofing", [PASSING], datetime.now(UTC) - timedelta(minutes=5))
    [request] = answered(instance)
    assert isinstance(request, RunRequest)
    assert (request.partition_key, request.tags[COMPANY_TAG]) == ("Acme Roofing", "Acme Roofing")


def test_a_dead_exception_starts_nothing_until_somebody_asks_for_it(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    past = datetime.now(UTC) - timedelta(days=1)
    with store.begin() as conn:
        for _ in range(5):
            exceptions.report(conn, "Acme Roofing", [PASSING], past)
    assert isinstance(answered(instance)[0], SkipReason)
    with store.begin() as conn:
        exceptions.retry(conn, "Acme Roofing")
    assert isinstance(answered(instance)[0], RunRequest)


def test_what_is_due_at_a_company_that_is_not_connected_waits_with_a_reason(
    store: Engine, instance: DagsterInstance
) -> None:
    enter(store, "Acme Roofing")
    with store.begin() as conn:
        exceptions.report(conn, "Acme Roofing", [PASSING], datetime.now(UTC) - timedelta(minutes=5))
    [skipped] = answered(instance)
    assert isinstance(skipped, SkipReason)
    assert "not connected" in str(skipped.skip_message)
