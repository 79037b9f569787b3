"""Dagster's home: made beside the rest, usable at once, the same for every process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dagster import DagsterInstance

from qb_pipeline.defs.instance import prepare, template
from qb_pipeline.settings import settings


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


def test_the_file_a_deployment_uses_is_the_packages_own() -> None:
    top = Path(__file__).parents[3] / "dagster.yaml"
    if not top.exists():
        pytest.skip("the tests run outside a checkout, where only the package's own file stands")
    assert top.read_text() == template()
