"""The job `sync` in this process, on the instance that the web server shows.

Invariant: such a run is recorded like one the daemon launched: under the same job of the same code location, with the
company's partition and tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagster import DagsterInstance
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.store import open_store
from qb_pipeline.settings import Settings
from qb_pipeline.store import companies, runs

MODULE = "qb_pipeline.definitions"
LOCATION = "qb_pipeline"  # as in workspace.yaml
JOB = "sync"


@dataclass(frozen=True)
class SyncRun:
    """How a run ended. `run_id` is Dagster's id and that of the row of runs; `tally` counts per entity; `api_calls` per
    side and kind."""

    success: bool
    run_id: str
    tally: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    api_calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    error: str | None = None


def run_sync(settings: Settings, company: str, instance: DagsterInstance | None = None) -> SyncRun:
    """Run the job `sync` for `company` to its end; raises `Misconfigured` for a company that is not known.

    Without `instance`, the one of QB_HOME/dagster is used. The run does not wait in the queue: where another run holds
    the company, its first step is tried again for about a minute and a half and then fails.
    """
    prepare(settings)
    if instance is not None:
        return _run(settings, company, instance)
    with DagsterInstance.get() as own:
        return _run(settings, company, own)


def _run(settings: Settings, company: str, instance: DagsterInstance) -> SyncRun:
    _, store = open_store(settings)
    with store.connect() as conn:
        companies.get(conn, company)
    register_companies(instance, store)
    job = ReconstructableRepository.for_module(MODULE, "defs").get_reconstructable_job(JOB)
    definition = job.get_definition()
    run = instance.create_run_for_job(
        definition,
        tags={**definition.run_tags, PARTITION_NAME_TAG: company, COMPANY_TAG: company},
        remote_job_origin=_origin(),
        job_code_origin=job.get_python_origin(),
    )
    success = execute_run(job, run, instance).success
    with store.connect() as conn:
        row = runs.get(conn, company, run.run_id)
    if row is None:  # the lock was never got, so nothing was begun
        return SyncRun(False, run.run_id, error=f"Another run was working on company {company!r} all the while.")
    return SyncRun(success, run.run_id, row.counts, row.api_calls, row.error)


def _origin() -> RemoteJobOrigin:
    target = LoadableTargetOrigin(module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), JOB)
