"""Where the program's own log goes: a file beside everything else an instance keeps, or the terminal with --debug.

Invariant: a command's terminal shows its result and its one line of failure; what happened underneath is in the log, as
one JSON object a line, without bodies, tokens or secrets.
"""

from __future__ import annotations

import logging
import sys

import structlog

from qb_pipeline.settings import Settings

NAME = "qb-pipeline.log"


def to_file(settings: Settings) -> None:
    """Log to QB_HOME/logs, unless it was decided before where to."""
    if structlog.is_configured():
        return
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory((folder / NAME).open("a")),
    )


def to_terminal() -> None:
    """Log everything to standard error, for a person who asked for it."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
