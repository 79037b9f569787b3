"""A person disconnects in the very moment in which a run says what became of the connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from qb_pipeline.errors import Reconnect
from qb_pipeline.store import companies, gaps, notices
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.sync import contact
from qb_pipeline_tests.sync.world import COMPANY
from qb_pipeline_tests.unit.console.running import enter, settings_for

_LONG_ENOUGH = 0.2  # seconds in which whoever does not wait is done


def lose(conn: Connection) -> None:
    contact.lost(conn, COMPANY, Reconnect("The token is refused.", code="refused", fix="Connect again."))


def prove(conn: Connection) -> None:
    contact.proven(conn, COMPANY, both=True)


@pytest.fixture
def company(engine: Engine, tmp_path: Path) -> Engine:
    enter(engine, settings_for(tmp_path), COMPANY)
    return engine


def said(engine: Engine, what: Callable[[Connection], None]) -> None:
    with engine.begin() as conn:
        what(conn)


@pytest.mark.parametrize(("before", "meanwhile"), [(None, lose), (lose, prove)], ids=["it is refused", "it works"])
def test_what_a_run_says_of_the_connection_does_not_take_back_a_disconnection_of_the_same_moment(
    company: Engine, before: Callable[[Connection], None] | None, meanwhile: Callable[[Connection], None]
) -> None:
    if before is not None:
        said(company, before)
    with ThreadPoolExecutor(1) as pool:
        with company.begin() as conn:
            contact.left(conn, COMPANY, "disconnected by command")
            run = pool.submit(said, company, meanwhile)
            time.sleep(_LONG_ENOUGH)
        run.result()
    with company.connect() as conn:
        assert companies.get(conn, COMPANY).state is CompanyState.DISCONNECTED
        assert notices.open_(conn, COMPANY) == [], "who disconnects needs neither an alarm nor an all-clear"
        [gap] = gaps.listing(conn, COMPANY)
    assert gap.ended_at is None
