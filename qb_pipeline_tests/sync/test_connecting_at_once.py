"""A person connects a company again while a run works on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import RetryLater
from qb_pipeline.quickbooks.oauth import Endpoints, Grant, OAuth
from qb_pipeline.store import companies
from qb_pipeline.store.locks import company_lock
from qb_pipeline.sync import connecting
from qb_pipeline.sync.connecting import Connecting, Wanted
from qb_pipeline_tests.sync.world import COMPANY
from qb_pipeline_tests.unit.console.running import REALM, enter, settings_for
from qb_pipeline_tests.unit.quickbooks.canned import FakeClock, ok, running_server
from qb_pipeline_tests.unit.quickbooks.conftest import pair


def test_who_connects_a_company_that_a_long_run_holds_is_told_to_do_so_again_and_finds_all_as_it_was(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_LOCK_WAIT", 0.1)
    current = settings_for(tmp_path)
    enter(engine, current, COMPANY, contractor_url="http://127.0.0.1:9", contractor_key="key")
    with engine.connect() as conn:
        before = companies.get(conn, COMPANY)
    with running_server() as server, company_lock(engine, COMPANY):
        server.play(ok({"CompanyInfo": {"Id": "1", "CompanyName": "Acme"}}))
        oauth = OAuth(Endpoints(server.url, server.url, server.url), "app", "secret", "http://localhost:4/callback")
        again = Connecting(engine, current, COMPANY, Wanted(contractor_key="new", quickbooks_api=server.url))
        with pytest.raises(RetryLater, match=r"Another run is working.*then connect again") as raised:
            again.complete(oauth, Grant(REALM, pair(FakeClock(), 1, lives=10**9)))
    assert "by itself" not in str(raised.value), "nobody gives a consent by itself"
    with engine.connect() as conn:
        assert companies.get(conn, COMPANY) == before
