"""Dagster's home beside everything else an instance keeps, and the environment its processes need.

Invariant: the web server, the daemon, the code server, the workers and every run see the same settings as whoever
started them.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import PREFIX, Settings
from qb_pipeline.store.embedded import dagster_url

HOME = "DAGSTER_HOME"
URL = "QB_DAGSTER_URL"
BROKER = "QB_CELERY_BROKER"
# Runs that wait longer than a company's longest sync for a free worker would otherwise be handed out a second time.
CELERY: dict[str, Any] = {"broker_transport_options": {"visibility_timeout": 86_400, "max_retries": 3}}
_SCHEMES = ("redis://", "rediss://", "amqp://", "amqps://")
_NO_TELEMETRY = {"DAGSTER_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def prepare(settings: Settings) -> Path:
    """Make QB_HOME/dagster with its dagster.yaml and set this process's environment, which children inherit.

    Starts the embedded server unless QB_DATABASE_URL is set; raises `Misconfigured` where that server can't be reached,
    or where warm workers are chosen without what they need.
    """
    text = instance_file(settings)
    home = settings.home.absolute() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(text)
    os.environ.update({**_exported(settings), HOME: str(home), URL: dagster_url(settings), **_NO_TELEMETRY})
    return home


def instance_file(settings: Settings) -> str:
    """The text of dagster.yaml for these settings: the template, or with warm workers what that makes of it."""
    if settings.run_launcher == "default":
        return template()
    broker = celery_broker(settings)
    document = yaml.safe_load(template())
    # A run that no worker has room for would count as one that does not start.
    document["concurrency"]["runs"]["max_concurrent_runs"] = settings.run_workers
    document["run_launcher"] = {
        "module": "qb_pipeline.defs.warm_launcher",
        "class": "WarmRunLauncher",
        "config": {
            "broker": {"env": BROKER},
            "backend": {"env": BROKER} if backend_of(broker) == broker else backend_of(broker),
            "config_source": CELERY,
        },
    }
    return "# Made by qb-pipeline from its settings; the broker's address stays in the environment.\n" + yaml.safe_dump(
        document, sort_keys=False
    )


def celery_broker(settings: Settings) -> str:
    """The broker's address; `Misconfigured` where there is none, where it is of no kind we know, or where the extra is
    not installed."""
    address = settings.celery_broker.get_secret_value() if settings.celery_broker else ""
    if not address.startswith(_SCHEMES):
        wrong = "has no address that begins with one of " + ", ".join(_SCHEMES) if address else "is not set"
        raise Misconfigured(
            f"QB_RUN_LAUNCHER is celery, but {BROKER} {wrong}.",
            code="no_broker",
            fix=f"Set {BROKER}, such as redis://localhost:6379/0, or set QB_RUN_LAUNCHER to default.",
        )
    if importlib.util.find_spec("dagster_celery") is None:
        raise Misconfigured(
            "QB_RUN_LAUNCHER is celery, but dagster-celery is not installed.",
            code="no_celery",
            fix="pip install 'qb-pipeline[celery]', or set QB_RUN_LAUNCHER to default.",
        )
    return address


def backend_of(broker: str) -> str:
    """Where workers note how runs went: Redis keeps that itself, an AMQP broker sends it back."""
    return broker if broker.startswith("redis") else "rpc://"


def template() -> str:
    """The text of dagster.yaml."""
    return (files("qb_pipeline.defs") / "dagster.yaml").read_text()


def _exported(settings: Settings) -> dict[str, str]:
    """Every setting that was given, as a variable: the children may start in another folder, without this .env."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set | {"home"}}
    return {f"{PREFIX}{name.upper()}": _text(value) for name, value in given.items() if value is not None}


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
