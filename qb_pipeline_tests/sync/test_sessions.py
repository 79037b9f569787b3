"""What a session sees to as it begins and while it writes: what dead runs left, and who is still connected."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import PipelineError
from qb_pipeline.settings import Settings
from qb_pipeline.store import inbox, runs
from qb_pipeline.store.inbox import Event
from qb_pipeline.sync.session import session
from qb_pipeline_tests.unit.console.running import enter, settings_for

COMPANY = "acme"


@pytest.fixture
def current(engine: Engine, tmp_path: Path) -> Settings:
    """Settings, and a company of addresses where nobody listens: opening a session asks neither system."""
    chosen = settings_for(tmp_path)
    enter(engine, chosen, COMPANY, contractor_url="http://127.0.0.1:9", contractor_key="key")
    return chosen


def told(engine: Engine, key: str, taken_by: str, company: str = COMPANY) -> None:
    """An event that a run took."""
    with engine.begin() as conn:
        runs.start(conn, company, "webhook_changes", taken_by)
        inbox.store(conn, [Event("quickbooks", "Customer", key, "updated", key, company=company)])
        waits = inbox.waiting(conn)[company]
        assert len(inbox.take(conn, company, waits.first, waits.last, taken_by)) == 1


def waiting(engine: Engine) -> dict[str, int]:
    with engine.connect() as conn:
        return {company: found.count for company, found in inbox.waiting(conn).items()}


def test_whatever_run_comes_next_gives_back_the_webhook_events_of_one_that_was_killed(
    engine: Engine, current: Settings
) -> None:
    enter(engine, current, "zenith", None)
    told(engine, "a", "killed")
    told(engine, "b", "killed too")
    told(engine, "c", "of another company", "zenith")
    assert waiting(engine) == {}
    with session(engine, current, COMPANY, "command line"):
        assert waiting(engine) == {COMPANY: 2}


def test_a_run_that_can_not_even_open_its_company_gives_them_back_all_the_same(
    engine: Engine, current: Settings
) -> None:
    enter(engine, current, COMPANY, None, contractor_url="http://127.0.0.1:9")
    told(engine, "a", "killed")
    with pytest.raises(PipelineError), session(engine, current, COMPANY, "command line"):
        pytest.fail("there is no key for the contractor's system")
    assert waiting(engine) == {COMPANY: 1}


def test_a_run_does_not_give_back_what_it_took_itself(engine: Engine, current: Settings) -> None:
    with session(engine, current, COMPANY, "webhooks") as ctx:
        with engine.begin() as conn:
            inbox.store(conn, [Event("quickbooks", "Customer", "1", "updated", "a", company=COMPANY)])
            inbox.take(conn, COMPANY, 0, 10**9, ctx.run_id)
            assert inbox.release_abandoned(conn, COMPANY, alive=ctx.run_id) == 0
        assert waiting(engine) == {}
