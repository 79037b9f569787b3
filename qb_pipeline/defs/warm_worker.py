"""A worker whose processes have imported everything before the first run comes.

Invariant: a run in a warm process is what it is in a process of its own: recorded, ended by an interrupt, and leaving
the process as it found it.
"""

from __future__ import annotations

import importlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from dagster import DagsterInstance
from dagster._cli.api import _execute_run_command_body
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster._utils.interrupts import capture_interrupts
from dagster_celery.config import DEFAULT_CONFIG, TASK_EXECUTE_JOB_NAME
from dagster_celery.make_app import make_app
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from qb_pipeline.defs.instance import CELERY, backend_of, celery_broker
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings

# What a run imports beside the definitions, found by comparing sys.modules before and after one.
_WARM = (
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.storage.local_compute_log_manager",
    "dagster_postgres.event_log",
    "dagster_postgres.run_storage",
    "psycopg2.extras",
    "upath.implementations.local",
)
_CONNECT_SECONDS = 5
_RUNS_PER_PROCESS = 500  # then a fresh one takes its place, whatever imports and caches have grown to
_OWN = {
    "worker_max_tasks_per_child": _RUNS_PER_PROCESS,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "broker_connection_retry_on_startup": True,
}


def work(settings: Settings) -> None:
    """Carry out runs until SIGTERM, which lets those under way end; needs the environment of `instance.prepare`."""
    app = worker_app(celery_broker(settings))
    definitions = importlib.import_module("qb_pipeline.definitions")
    definitions.defs.get_repository_def()
    for name in _WARM:
        importlib.import_module(name)
    app.worker_main(
        ["worker", "--concurrency", str(settings.run_workers), "--queues", "dagster", "--loglevel", "INFO",
         "--without-gossip", "--without-mingle"]
    )  # fmt: skip


def check_broker(broker: str) -> None:
    """`Misconfigured` where the broker can't be reached; what is started later would only wait for it."""
    with Connection(broker, connect_timeout=_CONNECT_SECONDS) as connection:  # type: ignore[no-untyped-call]  # kombu's
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=_CONNECT_SECONDS)
        except OperationalError as error:
            raise Misconfigured(
                f"The broker {connection.as_uri()} can't be reached ({error}).",  # as_uri hides the password
                code="no_broker",
                fix="Start it (Debian: apt-get install redis-server), or correct QB_CELERY_BROKER.",
            ) from None


def worker_app(broker: str) -> Celery:
    """The application whose one task is a run."""
    config = {**DEFAULT_CONFIG, **CELERY, **_OWN}
    app = make_app(  # type: ignore[no-untyped-call]  # dagster-celery's
        {"broker": broker, "backend": backend_of(broker), "config_source": config}
    )
    app.task(name=TASK_EXECUTE_JOB_NAME, track_started=True)(execute_job)
    return app


def execute_job(execute_job_args_packed: Any) -> int:
    """One run from its beginning to its end; returns 0, or 1 where it failed."""
    args = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs)
    with _interrupts(), DagsterInstance.get() as instance:
        return _execute_run_command_body(
            instance=instance, run_id=args.run_id, write_stream_fn=lambda _event: None, set_exit_code_on_failure=True
        )


@contextmanager
def _interrupts() -> Iterator[None]:
    """As a process of its own has them; Dagster leaves the handler of SIGTERM changed behind, which a pool needs."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with capture_interrupts():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
