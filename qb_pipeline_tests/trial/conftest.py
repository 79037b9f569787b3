"""One installation for all four weeks; what follows a week that failed is skipped and says which week it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from qb_pipeline_tests.trial.buyer import Buyer, trial

FAILED = pytest.StashKey[str]()


@pytest.fixture(scope="module")
def buyer(template_url: str) -> Iterator[Buyer]:
    """The instance that a buyer keeps for four weeks."""
    folder = Path(tempfile.mkdtemp(prefix="qb-trial-"))
    template, name = make_url(template_url), f"trial_{os.getpid()}"
    _administer(template_url, "CREATE DATABASE {} TEMPLATE {}", name, str(template.database))
    try:
        with trial(folder, template.set(database=name).render_as_string(hide_password=False)) as made:
            yield made
    finally:
        _administer(template_url, "DROP DATABASE {} WITH (FORCE)", name)
        shutil.rmtree(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember the first test that failed, on its module."""
    report = yield
    if report.failed and item.parent is not None:  # type: ignore[attr-defined]  # what the hook's result is
        item.parent.stash.setdefault(FAILED, item.name)
    return report


@pytest.fixture(autouse=True)
def _the_weeks_before_were_good(request: pytest.FixtureRequest) -> None:
    """The instance carries everything from week to week, a failure too."""
    failed = request.node.parent.stash.get(FAILED, None)
    if failed is not None:
        pytest.skip(f"not tried, because of {failed}")


def _administer(url: str, command: str, *names: str) -> None:
    address = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))
