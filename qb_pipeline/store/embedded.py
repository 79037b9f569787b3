"""The embedded PostgreSQL server in QB_HOME/postgres, shared by every process that uses the same folder.

Invariant: at most one server runs on a data folder; it is stopped only by the last process that uses it. Users hold a
shared `flock` for as long as they live, which the kernel frees however they end, so no list of pids can go stale.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings
from qb_pipeline.store import server

DATABASES = ("qb", "dagster")
_users: dict[Path, int] = {}  # folder -> descriptor that holds this process's shared lock


def database_url(current: Settings) -> str:
    """SQLAlchemy URL (`postgresql+psycopg://…`) of QB_DATABASE_URL, or of the embedded server, which is started."""
    if current.database_url is None:
        return ensure(current.home)
    url = _with_driver(current.database_url.get_secret_value())
    _check_reachable(url)
    return url


def dagster_url(current: Settings) -> str:
    """Plain `postgresql://…` URL for Dagster's storage: a database of its own beside ours on the embedded server, the
    same database on a real one (Dagster keeps to schema `public`, we to our own)."""
    if current.database_url is None:
        return plain_url(ensure(current.home, database="dagster"))
    return plain_url(database_url(current))


def plain_url(url: str) -> str:
    """The URL without SQLAlchemy's driver, as psql, dbt and dagster-postgres want it."""
    return "postgresql://" + url.split("://", 1)[1]


def ensure(home: Path, *, database: str = "qb", durable: bool = True) -> str:
    """Start the server of `home` unless it runs, create the databases, and return the SQLAlchemy URL of `database`.

    The server stops when the last process that called this ends. `durable=False` gives up crash safety for speed.
    """
    data = home.absolute() / "postgres"
    home.mkdir(parents=True, exist_ok=True)
    with _exclusively(data):
        _register_use(data)
        sockets = server.socket_dir(data)
        if not server.accepting(sockets):
            server.start(data, sockets, durable=durable)
        _create_databases(sockets)
    return url_of(sockets, database)


def url_of(sockets: Path, database: str) -> str:
    return f"postgresql+psycopg://{server.SUPERUSER}@/{database}?host={quote(str(sockets), safe='/')}"


def stop(home: Path) -> None:
    """Stop the server of `home` whoever uses it; nothing happens where none runs."""
    data = home.absolute() / "postgres"
    if not data.exists():
        return
    with _exclusively(data):
        server.stop(data)


@contextmanager
def _exclusively(data: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    with data.with_name("postgres.start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _register_use(data: Path) -> None:
    if data in _users:
        return
    if not _users:
        atexit.register(_leave_all)
    _users[data] = _shared_lock(data)


def _shared_lock(data: Path) -> int:
    descriptor = os.open(data.with_name("postgres.users.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _renew_after_fork() -> None:
    # A forked child shares its parent's lock; with one of its own the parent can't mistake itself for the last user.
    for data in _users:
        if data.parent.exists():
            _users[data] = _shared_lock(data)


os.register_at_fork(after_in_child=_renew_after_fork)


def _leave_all() -> None:
    for data in list(_users):
        _leave(data)


def _leave(data: Path) -> None:
    """Give up this process's use and stop the server if nobody else uses it."""
    descriptor = _users.pop(data)
    try:
        if not data.exists():
            return
        with _exclusively(data), suppress(BlockingIOError):  # blocked: another process still uses the server
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            server.stop(data)
    finally:
        os.close(descriptor)


def _create_databases(sockets: Path) -> None:
    with psycopg.connect(plain_url(url_of(sockets, "postgres")), autocommit=True) as conn:
        existing = {name for (name,) in conn.execute("SELECT datname FROM pg_database")}
        for name in DATABASES:
            if name not in existing:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _with_driver(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"):
        raise _unreachable("it is no postgresql:// address")
    return f"postgresql+psycopg://{rest}"


def _check_reachable(url: str) -> None:
    try:
        psycopg.connect(plain_url(url), connect_timeout=10).close()
        make_url(url)
    except psycopg.OperationalError as error:
        raise _unreachable(" ".join(str(error).split())) from None
    except (psycopg.ProgrammingError, ArgumentError):
        # Their text may quote the address, which holds the password.
        raise _unreachable("its address can't be read") from None


def _unreachable(reason: str) -> Misconfigured:
    return Misconfigured(
        f"The PostgreSQL server of QB_DATABASE_URL can't be used: {reason}.",
        code="database_unreachable",
        fix="Start the server or correct the address; without QB_DATABASE_URL an embedded server is used.",
    )
