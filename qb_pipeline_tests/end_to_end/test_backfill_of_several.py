"""`backfill` for several companies, some of which are out of touch."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from qb_pipeline.sync import contact
from qb_pipeline_tests.end_to_end.cli_running import Ended, typed
from qb_pipeline_tests.unit.console.running import enter, settings_for


def backfill(engine: Engine, home: Path, *words: str) -> Ended:
    address = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    return typed(home, {"QB_HOME": str(home), "QB_DATABASE_URL": address}, ["backfill", *words])


def test_a_company_that_fails_keeps_no_other_from_its_turn_and_each_is_named(engine: Engine, tmp_path: Path) -> None:
    current = settings_for(tmp_path)
    for number, name in enumerate(["Acme", "Birch", "Cedar"]):
        enter(engine, current, name, str(number), contractor_url="http://127.0.0.1:9", contractor_key="key")
    with engine.begin() as conn:
        contact.left(conn, "Cedar", "disconnected by command")
    for _ in range(2):  # the second time they are known to be out of touch
        ended = backfill(engine, tmp_path)
        assert ended.code == 1
        assert ended.out == ""
        assert "2 of 2 companies failed. Acme: Company 'Acme' is not connected" in ended.failure()
        assert "Birch: Company 'Birch' is not connected" in ended.failure()
    with engine.connect() as conn:
        runs = conn.execute(text("select company, count(*) from qb.run where status = 'failed' group by 1 order by 1"))
        assert [tuple(row) for row in runs] == [("Acme", 2), ("Birch", 2)]


def test_without_a_connected_company_there_is_nothing_to_do(engine: Engine, tmp_path: Path) -> None:
    ended = backfill(engine, tmp_path)
    assert (ended.code, ended.out) == (0, "No company is connected.\n")


def test_days_that_have_not_begun_are_refused(engine: Engine, tmp_path: Path) -> None:
    for words in (["--from", "2199-01-01"], ["--from", "2199-01-01", "--to", "2199-01-02"]):
        ended = backfill(engine, tmp_path, *words)
        assert ended.code == 1
        assert "--from lies in the future" in ended.failure()
