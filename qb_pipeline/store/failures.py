"""What a failure of the database means to whoever runs the pipeline.

Invariant: a lost connection, a full disk and a server that refuses more are said in one line with what to do; the
statement, its parameters and the address with its password are in none of them.

    explained(error)   the same failure by recovery; None for one that is not the server's state but a defect of ours
    explaining()       a block whose database failures leave it explained
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError

from qb_pipeline.errors import PipelineError, RetryLater
from qb_pipeline.secrecy import quoted

_FULL = frozenset({"53100", "53400"})  # disk_full, configuration_limit_exceeded (temp_file_limit)
_ENDED = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})  # shutdown, crash, starting up, dropped, idle
_READ_ONLY = "25006"
_RESTS = "Nothing is lost: the next run goes on where this one was."


def explained(error: BaseException) -> PipelineError | None:
    """`error` in words, by its SQLSTATE; None where it says nothing about the state of the server."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    told = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(told, psycopg.Error):
        return None
    state, said = told.sqlstate, _first_line(told)
    if state in _FULL:
        fix = f"Make room on the disk of the PostgreSQL server, then run it again. {_RESTS}"
        return PipelineError(f"The database has no room left ({said}).", code="database_full", fix=fix)
    if state == _READ_ONLY:
        fix = f"A full disk or a standby does this: give the server room or name the primary. {_RESTS}"
        return PipelineError(f"The database takes no writes ({said}).", code="database_read_only", fix=fix)
    if state is not None and state.startswith("53"):
        return RetryLater(f"The database can take no more at the moment ({said}).", code="database_busy", after=10)
    if lost or state in _ENDED or (state or "").startswith("08") or _without_connection(told):
        fix = f"See that PostgreSQL runs. It is retried by itself. {_RESTS}"
        return RetryLater(f"The connection to the database was lost ({said}).", code="database_lost", fix=fix, after=5)
    return None


@contextmanager
def explaining() -> Iterator[None]:
    """What `explained` knows leaves the block in its words; anything else as it is."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        told = explained(error)
        if told is None:
            raise
        raise told from error


def _without_connection(error: psycopg.Error) -> bool:
    """libpq's own failures bring no SQLSTATE: a connection that could not be made, or that broke."""
    return error.sqlstate is None and isinstance(error, psycopg.OperationalError)


def _first_line(error: psycopg.Error) -> str:
    """The server's message without its detail, which may quote rows."""
    said = error.diag.message_primary or next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return quoted(said, 200).rstrip(".")
