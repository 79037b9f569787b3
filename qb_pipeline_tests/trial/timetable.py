"""Dagster's daemon, one look at a time: what is due by the schedules and sensors is requested, queued and run.

Invariant: nothing is run that a schedule or a sensor of the product did not ask for; a test only says what time it is.
The daemon's own functions evaluate the real definitions and take runs off the real queue; only the launcher runs them
in this process, where they see the moved clock.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from unittest import mock

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.instance import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._scheduler.scheduler import launch_scheduled_runs

from qb_pipeline.defs import timing
from qb_pipeline.defs.running import LOCATION, MODULE

_IN_THIS_PROCESS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    }
}
_WORKSPACE = f"load_from:\n  - python_module:\n      module_name: {MODULE}\n      location_name: {LOCATION}\n"
_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
_QUEUED = RunsFilter(statuses=[DagsterRunStatus.QUEUED])
_DAEMON_SECONDS = 150


@dataclass
class Timetable:
    """The daemon's parts over one instance."""

    home: Path
    instance: DagsterInstance
    workspace: WorkspaceProcessContext
    coordinator: QueuedRunCoordinatorDaemon

    def look(self, now: datetime) -> list[DagsterRun]:
        """One turn of the scheduler and of the sensors at `now`, and every run that came of it, to its end."""
        known = {run.run_id for run in self.instance.get_runs()}
        log = logging.getLogger("trial")
        for problem in launch_scheduled_runs(self.workspace, log, end_datetime_utc=now, iteration_times={}):
            assert problem is None, problem
        with mock.patch.object(timing, "WATCH_SECONDS", 0.0):  # one look: what is told was told before
            for problem in execute_sensor_iteration(self.workspace, log, None, None):
                assert problem is None, problem
        while self.instance.get_runs_count(_QUEUED):
            list(self.coordinator.run_iteration(self.workspace))
        return [run for run in reversed(self.instance.get_runs()) if run.run_id not in known]

    def real_daemon(self, ahead: float, job: str) -> list[DagsterRun]:
        """Start Dagster's daemon with its clock `ahead` seconds, until a run of `job` has ended; every run since."""
        known = {run.run_id for run in self.instance.get_runs()}
        workspace = self.home / "workspace.yaml"
        workspace.write_text(_WORKSPACE)
        module = "qb_pipeline_tests.trial.daemon"
        command = [sys.executable, "-m", module, str(ahead), "run", "-w", str(workspace)]
        with (self.home / "daemon.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                self._wait_for(job, known, process)
            finally:
                process.terminate()
                process.wait(30)
        return [run for run in reversed(self.instance.get_runs()) if run.run_id not in known]

    def _wait_for(self, job: str, known: set[str], process: subprocess.Popen[bytes]) -> None:
        """Until a run of the job has ended and nothing else is under way."""
        until = time.monotonic() + _DAEMON_SECONDS
        while process.poll() is None and time.monotonic() < until:
            runs = [run for run in self.instance.get_runs() if run.run_id not in known]
            if any(run.job_name == job for run in runs) and all(run.status in _ENDED for run in runs):
                return
            time.sleep(0.3)
        told = (self.home / "daemon.log").read_text()[-3000:]
        raise AssertionError(f"the daemon ran no {job} to its end: {told}")


@contextmanager
def timetable(home: Path) -> Iterator[Timetable]:
    """Over the instance in `home` (DAGSTER_HOME), whose dagster.yaml is the product's own but for the launcher."""
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE), location_name=LOCATION)
    reference = InstanceRef.from_dir(str(home), overrides=_IN_THIS_PROCESS)
    with (
        DagsterInstance.from_ref(reference) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace,
    ):
        yield Timetable(home, instance, workspace, QueuedRunCoordinatorDaemon(interval_seconds=1))
