"""Dagster's home beside everything else an instance keeps, and the environment its processes need.

Invariant: the web server, the daemon, the code server and every run see the same settings as whoever started them.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from qb_pipeline.settings import PREFIX, Settings
from qb_pipeline.store.embedded import dagster_url

HOME = "DAGSTER_HOME"
URL = "QB_DAGSTER_URL"
_NO_TELEMETRY = {"DAGSTER_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def prepare(settings: Settings) -> Path:
    """Make QB_HOME/dagster with its dagster.yaml and set this process's environment, which children inherit.

    Starts the embedded server unless QB_DATABASE_URL is set; raises `Misconfigured` where that server can't be reached.
    """
    home = settings.home.absolute() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(template())
    os.environ.update({**_exported(settings), HOME: str(home), URL: dagster_url(settings), **_NO_TELEMETRY})
    return home


def template() -> str:
    """The text of dagster.yaml."""
    return (files("qb_pipeline.defs") / "dagster.yaml").read_text()


def _exported(settings: Settings) -> dict[str, str]:
    """Every setting that was given, as a variable: the children may start in another folder, without this .env."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set | {"home"}}
    return {f"{PREFIX}{name.upper()}": _text(value) for name, value in given.items() if value is not None}


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
