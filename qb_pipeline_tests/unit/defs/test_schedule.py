"""The hourly schedule against a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    SkipReason,
    build_schedule_context,
)
from sqlalchemy import Engine

from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.timing import hourly_sync
from qb_pipeline.settings import settings
from qb_pipeline.store import companies
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.sealing import Sealer


@pytest.fixture
def store(own_environment: Path, database_url: str, engine: Engine) -> Engine:
    prepare(settings(home=own_environment, database_url=database_url))
    return engine


@pytest.fixture
def instance(store: Engine) -> Iterator[DagsterInstance]:
    with DagsterInstance.get() as made:
        yield made


def enter(engine: Engine, name: str, realm: str | None = None) -> None:
    with engine.begin() as conn:
        companies.save(
            conn, Sealer(bytes(32)), name, contractor_system="reference", contractor_url="http://localhost:1"
        )
        if realm:
            companies.connected(conn, name, realm)


def requests_of(instance: DagsterInstance) -> list[RunRequest | SkipReason]:
    answered = hourly_sync(build_schedule_context(instance=instance))
    return list(answered)  # type: ignore[arg-type] # the decorator's type says nothing of a generator


def test_each_connected_company_gets_one_run_of_its_partition(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    enter(store, "Brick & Sons", "2")
    enter(store, "Not yet connected")
    found = requests_of(instance)
    assert [(r.partition_key, r.tags[COMPANY_TAG]) for r in found if isinstance(r, RunRequest)] == [
        ("Acme Roofing", "Acme Roofing"),
        ("Brick & Sons", "Brick & Sons"),
    ]
    assert all(r.run_key is None for r in found if isinstance(r, RunRequest))
    assert sorted(instance.get_dynamic_partitions("companies")) == ["Acme Roofing", "Brick & Sons"]


def test_without_a_company_the_tick_says_what_to_do(store: Engine, instance: DagsterInstance) -> None:
    (reason,) = requests_of(instance)
    assert isinstance(reason, SkipReason)
    assert "qb-pipeline connect" in str(reason.skip_message)


def test_a_company_whose_connection_was_refused_is_tried_again_and_may_heal(
    store: Engine, instance: DagsterInstance
) -> None:
    enter(store, "Acme Roofing", "1")
    with store.begin() as conn:
        companies.set_state(conn, "Acme Roofing", CompanyState.RECONNECT, "the access token was not accepted")
    found = requests_of(instance)
    assert [r.partition_key for r in found if isinstance(r, RunRequest)] == ["Acme Roofing"]


def test_a_disconnected_company_is_left_out_with_its_reason(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    with store.begin() as conn:
        companies.set_state(conn, "Acme Roofing", CompanyState.DISCONNECTED, "by our own command")
    (reason,) = requests_of(instance)
    assert isinstance(reason, SkipReason)
    assert "Acme Roofing is not connected (disconnected: by our own command)" in str(reason.skip_message)


def test_a_company_whose_last_sync_has_not_ended_is_left_out(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    enter(store, "Brick & Sons", "2")
    from dagster._core.test_utils import create_run_for_test

    create_run_for_test(instance, "sync", status=DagsterRunStatus.STARTED, tags={COMPANY_TAG: "Acme Roofing"})
    found = requests_of(instance)
    assert [r.partition_key for r in found if isinstance(r, RunRequest)] == ["Brick & Sons"]


def test_a_disconnected_company_keeps_its_partition_and_its_history(store: Engine, instance: DagsterInstance) -> None:
    enter(store, "Acme Roofing", "1")
    register_companies(instance, store)
    with store.begin() as conn:
        companies.set_state(conn, "Acme Roofing", CompanyState.DISCONNECTED)
    register_companies(instance, store)
    assert list(instance.get_dynamic_partitions("companies")) == ["Acme Roofing"]
