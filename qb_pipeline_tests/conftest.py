"""One embedded PostgreSQL for a whole test session, and a fresh, migrated database for each test that asks for one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from qb_pipeline.store import embedded
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare
from qb_pipeline_tests import compiled, order

# A busy machine is no finding. Before a landing the examples are the same every time; elsewhere Hypothesis looks for
# new ones and prints what reproduces a failure.
settings.register_profile("developer", deadline=None)
settings.register_profile("landing", deadline=None, derandomize=True)
settings.load_profile("landing" if os.environ.get("CI") else "developer")
compiled.share()

_counter = 0


def pytest_configure(config: pytest.Config) -> None:
    """Where xdist is used it keeps the order below, instead of taking files with many tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        order.by_length(items)


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[Path]:
    """A QB_HOME with a server that is fast rather than crash-safe. Not under pytest's own folders: those are private
    to one account, and as root the server runs under another."""
    home = Path(tempfile.mkdtemp(prefix="qb-tests-"))
    embedded.ensure(home, durable=False)
    yield home
    embedded.stop(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template_url(postgres_home: Path) -> str:
    """A migrated database from which each test's own is copied."""
    url = embedded.ensure(postgres_home, durable=False)
    engine = make_engine(url)
    prepare(engine)
    engine.dispose()
    return url


@pytest.fixture
def database_url(template_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh database with every table, dropped after the test."""
    global _counter  # noqa: PLW0603 # names of databases only need to differ within this process
    _counter += 1
    name = f"test_{os.getpid()}_{_counter}"
    template = make_url(template_url)
    _administer(template_url, "CREATE DATABASE {} TEMPLATE {}", name, str(template.database))
    yield template.set(database=name).render_as_string(hide_password=False)
    _administer(template_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


def _administer(url: str, command: str, *names: str) -> None:
    address = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))
