"""Dagster's home: made beside the rest, usable at once, the same for every process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.run_coordinator import QueuedRunCoordinator

from qb_pipeline.defs.instance import instance_file, prepare, template
from qb_pipeline.defs.warm_launcher import WarmRunLauncher
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings, settings

BROKER = "redis://:secret@127.0.0.1:6399/0"


def test_the_home_is_made_with_the_instance_file_and_the_environment_set(
    own_environment: Path, database_url: str
) -> None:
    chosen = settings(home=own_environment / "state", database_url=database_url, rate_scale=0)
    home = prepare(chosen)
    assert home == own_environment / "state" / "dagster"
    assert (home / "dagster.yaml").read_text() == template()
    assert os.environ["DAGSTER_HOME"] == str(home)
    assert settings() == chosen  # what a child process would read


def test_dagster_stores_its_runs_on_an_embedded_servers_socket(own_environment: Path, database_url: str) -> None:
    prepare(settings(home=own_environment, database_url=database_url))
    assert "host=" in os.environ["QB_DAGSTER_URL"]
    with DagsterInstance.get() as instance:
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        assert instance.get_runs_count() == 0
        assert not instance.telemetry_enabled


def test_one_run_at_a_time_is_let_go_for_each_company(own_environment: Path, database_url: str) -> None:
    prepare(settings(home=own_environment, database_url=database_url))
    with DagsterInstance.get() as instance:
        queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    limits = {limit["key"]: limit for limit in queue.tag_concurrency_limits}
    for tag in ("qb/company", "dagster/partition"):
        assert limits[tag]["limit"] == 1
        assert limits[tag]["value"] == {"applyLimitPerUniqueValue": True}


def warm(home: Path, database_url: str, broker: str | None = BROKER, workers: int = 3) -> Settings:
    chosen = {"run_launcher": "celery", "celery_broker": broker, "run_workers": workers}
    return settings(home=home, database_url=database_url, **chosen)


def test_warm_workers_get_dagsters_celery_launcher_with_the_broker_from_the_environment(
    own_environment: Path, database_url: str
) -> None:
    home = prepare(warm(own_environment, database_url))
    text = (home / "dagster.yaml").read_text()
    assert "secret" not in text
    assert os.environ["QB_CELERY_BROKER"] == BROKER
    with DagsterInstance.get() as instance:
        launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    assert (launcher.broker, launcher.backend) == (BROKER, BROKER)


def test_no_more_runs_are_let_go_than_warm_workers_have_room_for(own_environment: Path, database_url: str) -> None:
    prepare(warm(own_environment, database_url, workers=3))
    with DagsterInstance.get() as instance:
        queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 3
    assert {limit["key"] for limit in queue.tag_concurrency_limits} == {"qb/company", "dagster/partition"}


def test_an_amqp_broker_sends_back_how_runs_went(own_environment: Path, database_url: str) -> None:
    document = yaml.safe_load(instance_file(warm(own_environment, database_url, "amqp://guest@127.0.0.1//")))
    assert document["run_launcher"]["config"]["backend"] == "rpc://"


@pytest.mark.parametrize("broker", [None, "127.0.0.1:6379", "http://127.0.0.1"])
def test_warm_workers_without_a_broker_are_refused_with_the_variable_to_set(
    own_environment: Path, database_url: str, broker: str | None
) -> None:
    with pytest.raises(Misconfigured) as refused:
        prepare(warm(own_environment, database_url, broker))
    assert "QB_CELERY_BROKER" in refused.value.cause
    assert "redis://localhost:6379/0" in refused.value.fix
    assert not (own_environment / "dagster" / "dagster.yaml").exists()


def test_without_warm_workers_the_instance_file_is_the_template(own_environment: Path, database_url: str) -> None:
    assert instance_file(settings(home=own_environment, database_url=database_url)) == template()
    with pytest.raises(Misconfigured, match="QB_RUN_LAUNCHER"):
        settings(run_launcher="docker")


def test_the_queue_is_looked_at_every_second(own_environment: Path, database_url: str) -> None:
    prepare(settings(home=own_environment, database_url=database_url))
    with DagsterInstance.get() as instance:
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        assert instance.run_coordinator.dequeue_interval_seconds == 1


def test_the_file_a_deployment_uses_is_the_packages_own() -> None:
    top = Path(__file__).parents[3] / "dagster.yaml"
    if not top.exists():
        pytest.skip("the tests run outside a checkout, where only the package's own file stands")
    assert top.read_text() == template()
