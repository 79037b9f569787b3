"""Where the program's own log goes: a file beside everything else an instance keeps, or the terminal with --debug.

Invariant: a command's terminal shows its result and its one line of failure; what happened underneath is in the log, as
one JSON object a line, without bodies, tokens or secrets. A log that takes no line is said once and stops nothing.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import structlog

from qb_pipeline.errors import Misconfigured
from qb_pipeline.secrecy import without_secrets
from qb_pipeline.settings import Settings

NAME = "qb-pipeline.log"


class LogFile:
    """A file that lines are added to, unbuffered: what was written is there, and nothing is left to fail at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._said = False

    def write(self, text: str) -> None:
        """Add `text`; the first time it can't be, standard error says so."""
        try:
            self._file.write(text.encode())
        except OSError as error:
            if not self._said:
                self._said = True
                sys.stderr.write(f"{self._path} can't be written ({error.strerror}): the work goes on without a log.\n")

    def flush(self) -> None:
        """Nothing is held back; loggers ask for it."""


def to_file(settings: Settings) -> None:
    """Log to QB_HOME/logs, unless it was decided before where to; raises `Misconfigured` where there can be no file."""
    if structlog.is_configured():
        return
    path = settings.home / "logs" / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = LogFile(path)
    except OSError as error:
        fix = "Make room there or give this account the right to write, or set QB_HOME to another folder."
        raise Misconfigured(f"{path} can't be opened: {error.strerror}.", code="no_log", fix=fix) from None
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
            _hidden,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory(file),  # type: ignore[arg-type]  # it asks for write and flush
    )


def to_terminal() -> None:
    """Log everything to standard error, for a person who asked for it."""
    usual = structlog.get_config()["processors"]
    structlog.configure(processors=[*usual, _hidden], logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _hidden(_logger: Any, _method: str, line: Any) -> str:
    """The rendered line without secrets, whoever put one into it."""
    return without_secrets(line)
