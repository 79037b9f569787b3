"""A run in a warm worker: carried out, ended on request, and not taken for running once its worker is gone.

A broker is no part of the project; without Debian's redis-server these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import PARTITION_NAME_TAG

from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.warm_launcher import WarmRunLauncher
from qb_pipeline.store.locks import company_lock
from qb_pipeline_tests.end_to_end.test_dagster_sync import COMPANY, World, world

__all__ = ["world"]  # the fixture

REDIS = shutil.which("redis-server")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REDIS is None, reason="there is no broker: apt-get install redis-server"),
    # dagster-celery names its task anew for every launch.
    pytest.mark.filterwarnings("ignore:Task name 'execute_job' is already registered"),
]
PATIENCE = 90.0
SLOW = {"match": {}, "action": "delay", "seconds": 4}


@dataclass
class Warm:
    """A worker and the launcher that hands runs to it."""

    world: World
    launcher: WarmRunLauncher
    worker: subprocess.Popen[bytes]

    def launch(self) -> DagsterRun:
        """A run of the job `sync`, as the daemon would hand it over."""
        repository = ReconstructableRepository.for_module("qb_pipeline.definitions", "defs")
        job = repository.get_reconstructable_job("sync")
        register_companies(self.world.instance, open_store(self.world.settings)[1])
        run = self.world.instance.create_run_for_job(
            job.get_definition(),
            tags={PARTITION_NAME_TAG: COMPANY, COMPANY_TAG: COMPANY},
            job_code_origin=job.get_python_origin(),
        )
        self.launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
        return run

    def now(self, run: DagsterRun) -> DagsterRun:
        found = self.world.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found

    def begun(self, run: DagsterRun) -> bool:
        """Whether its session is open: its row stands."""
        with open_store(self.world.settings)[1].connect() as conn:
            return bool(conn.exec_driver_sql("select 1 from qb.run where id = %s", (run.run_id,)).all())


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    folder = tmp_path_factory.mktemp("broker")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([str(REDIS), *options], stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def warm(world: World, broker: str) -> Iterator[Warm]:
    given = {"QB_RUN_LAUNCHER": "celery", "QB_CELERY_BROKER": broker, "QB_RUN_WORKERS": "1"}
    with (Path(world.settings.home) / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "qb_pipeline.cli", "worker"],
            env={**os.environ, **given}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    launcher = WarmRunLauncher("dagster", broker=broker, backend=broker)
    launcher.register_instance(world.instance)
    yield Warm(world, launcher, worker)
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(20)


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.1)


def test_a_run_is_carried_out_by_the_worker(warm: Warm) -> None:
    run = warm.launch()
    until(lambda: warm.now(run).is_finished, "the run ends")
    assert warm.now(run).status is DagsterRunStatus.SUCCESS
    assert warm.world.row(run.run_id).error is None
    started = [e.message for e in warm.world.instance.all_logs(run.run_id) if "Started process for run" in e.message]
    assert len(started) == 1
    assert f"(pid: {warm.worker.pid})" not in started[0], "it ran beside the worker's processes, not in one"


def test_a_run_under_way_is_running_and_when_asked_to_end_gives_its_company_back(warm: Warm) -> None:
    warm.world.faults(SLOW)
    run = warm.launch()
    until(lambda: warm.begun(run), "the run has its company")
    assert warm.launcher.check_run_worker_health(warm.now(run)).status is WorkerStatus.RUNNING
    assert warm.launcher.terminate(run.run_id)
    until(lambda: warm.now(run).is_finished, "the run ends")
    warm.world.no_faults()
    assert warm.now(run).status is DagsterRunStatus.CANCELED
    assert "terminated" in str(warm.world.row(run.run_id).error)
    after = warm.launch()  # the same process, which was left as it was found
    until(lambda: warm.now(after).is_finished, "the next run ends")
    assert warm.now(after).status is DagsterRunStatus.SUCCESS


def test_a_run_whose_worker_was_killed_does_not_count_as_running(warm: Warm) -> None:
    warm.world.faults(SLOW)
    run = warm.launch()
    until(lambda: warm.begun(run), "the run has its company")
    os.killpg(warm.worker.pid, signal.SIGKILL)
    warm.worker.wait(20)
    found = warm.launcher.check_run_worker_health(warm.now(run))
    warm.world.no_faults()
    assert found.status is WorkerStatus.FAILED
    with company_lock(open_store(warm.world.settings)[1], COMPANY, wait=20):  # or it raises: the company is busy
        assert warm.now(run).status is DagsterRunStatus.STARTED, "this is what the monitor of runs then mends"
