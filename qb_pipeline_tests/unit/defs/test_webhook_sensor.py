"""The sensor of the webhook inbox: one run a company, nothing twice, nothing forgotten."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, SensorResult, SkipReason, build_sensor_context
from dagster._daemon.sensor import MIN_INTERVAL_LOOP_TIME
from sqlalchemy import Engine

from qb_pipeline.defs import timing
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.defs.timing import webhook_inbox
from qb_pipeline.settings import settings
from qb_pipeline.store import inbox
from qb_pipeline.store.inbox import Event
from qb_pipeline_tests.unit.defs.test_schedule import enter

PATIENCE = timing.WATCH_SECONDS
ACME, BRICK = "Acme Roofing", "Brick & Sons"


@pytest.fixture(autouse=True)
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick looks once, unless a test says otherwise."""
    monkeypatch.setattr(timing, "WATCH_SECONDS", 0.0)


@pytest.fixture
def store(own_environment: Path, database_url: str, engine: Engine) -> Engine:
    prepare(settings(home=own_environment, database_url=database_url))
    enter(engine, ACME, "1")
    enter(engine, BRICK, "2")
    return engine


@pytest.fixture
def instance(store: Engine) -> Iterator[DagsterInstance]:
    with DagsterInstance.get() as made:
        yield made


def told(store: Engine, company: str, *keys: str) -> None:
    with store.begin() as conn:
        inbox.store(conn, [Event("quickbooks", "Customer", key, "updated", key, company=company) for key in keys])


def tick(instance: DagsterInstance, cursor: str | None = None) -> tuple[SensorResult | SkipReason, str | None]:
    context = build_sensor_context(instance=instance, cursor=cursor)
    answer = webhook_inbox(context)
    assert isinstance(answer, SensorResult | SkipReason)
    return answer, context.cursor


def test_without_events_nothing_is_started(instance: DagsterInstance) -> None:
    answer, _ = tick(instance)
    assert isinstance(answer, SkipReason)


def test_an_event_that_comes_while_a_tick_watches_is_handed_over_by_that_tick(
    store: Engine, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "WATCH_SECONDS", 30.0)
    came = threading.Timer(0.5, told, (store, ACME, "late"))
    came.start()
    began = time.monotonic()
    answer, cursor = tick(instance)
    took = time.monotonic() - began
    came.join()
    assert isinstance(answer, SensorResult)
    assert [r.partition_key for r in answer.run_requests or []] == [ACME]
    assert cursor is not None
    assert ACME in cursor
    assert took < 15, "it waited for its end although an event was there"


def test_every_turn_of_dagsters_sensors_looks_at_the_inbox() -> None:
    assert webhook_inbox.minimum_interval_seconds is not None
    assert webhook_inbox.minimum_interval_seconds < MIN_INTERVAL_LOOP_TIME
    assert MIN_INTERVAL_LOOP_TIME - 1 < PATIENCE < MIN_INTERVAL_LOOP_TIME


def test_all_events_of_a_company_go_to_one_run(store: Engine, instance: DagsterInstance) -> None:
    told(store, ACME, "a", "b", "c")
    told(store, BRICK, "d")
    answer, _ = tick(instance)
    assert isinstance(answer, SensorResult)
    found = {r.partition_key: r for r in answer.run_requests or []}
    assert set(found) == {ACME, BRICK}
    assert found[ACME].tags["qb/events"] == "3"
    config = found[ACME].run_config["ops"]["read_hinted"]["config"]
    assert config["last"] - config["first"] == 2


def test_events_handed_over_are_not_handed_over_again_at_once(
    store: Engine, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(store, ACME, "a")
    _, cursor = tick(instance)
    answer, cursor = tick(instance, cursor)
    assert isinstance(answer, SkipReason)
    assert "gave back the events" in str(answer.skip_message)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Later:
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(minutes=2)).timestamp(), UTC)

    monkeypatch.setattr(timing, "datetime", Later)
    answer, _ = tick(instance, cursor)
    assert isinstance(answer, SensorResult), "a run that failed gave them back; another one gets them"


def test_a_clock_that_was_set_back_holds_no_events(store: Engine, instance: DagsterInstance) -> None:
    told(store, ACME, "a")
    _, cursor = tick(instance)
    handed = json.loads(cursor or "")
    handed[ACME][1] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer, _ = tick(instance, json.dumps(handed))
    assert isinstance(answer, SensorResult)


def test_looks_that_are_dear_are_few(store: Engine, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def dear(*_: object) -> SkipReason:
        nonlocal looks
        looks += 1
        time.sleep(0.2)
        return SkipReason("They wait.")

    monkeypatch.setattr(timing, "WATCH_SECONDS", 1.5)
    monkeypatch.setattr(timing, "_look", dear)
    began = time.monotonic()
    tick(instance)
    assert looks <= 3
    assert time.monotonic() - began < 3.0


def test_new_events_go_at_once_whatever_was_handed_over_before(store: Engine, instance: DagsterInstance) -> None:
    told(store, ACME, "a")
    _, cursor = tick(instance)
    told(store, ACME, "b")
    answer, _ = tick(instance, cursor)
    assert isinstance(answer, SensorResult)


def test_a_company_whose_run_has_not_ended_is_left_out(store: Engine, instance: DagsterInstance) -> None:
    from dagster._core.test_utils import create_run_for_test

    told(store, ACME, "a")
    create_run_for_test(instance, "webhook_changes", status=DagsterRunStatus.STARTED, tags={COMPANY_TAG: ACME})
    answer, _ = tick(instance)
    assert isinstance(answer, SkipReason)
    assert "has not ended yet" in str(answer.skip_message)
