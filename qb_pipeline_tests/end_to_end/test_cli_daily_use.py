"""The command in daily use: connect, look at the plan, sync, look at what is left, disconnect, connect again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance, Server, sandbox


@pytest.fixture
def quickbooks() -> Iterator[Server]:
    with sandbox("quickbooks") as server:
        yield server


@pytest.fixture
def contractor() -> Iterator[Server]:
    with sandbox("contractor") as server:
        yield server


@pytest.fixture
def instance(tmp_path: Path, database_url: str, quickbooks: Server, contractor: Server) -> Instance:
    return Instance(tmp_path, quickbooks, contractor, {"QB_DATABASE_URL": database_url})


def test_connect_names_the_realm_and_the_company_as_quickbooks_calls_it(instance: Instance) -> None:
    connected = instance.connect().success().document
    assert connected["realm_id"] == instance.quickbooks.info["realm_id"]
    assert connected["quickbooks_company"] == "Larkspur Building & Repair"
    status = instance.prepare("status", "--json").document["companies"][0]
    assert (status["company"], status["state"], status["last_run"]) == (COMPANY, "connected", None)
    assert status["tokens"]["refresh_expires_at"] > status["tokens"]["access_expires_at"]


def test_a_plan_writes_nothing_and_tells_what_the_sync_then_does(instance: Instance) -> None:
    instance.connected()
    before = (instance.quickbooks.seen, instance.contractor.seen)
    planned = instance.run("plan", "--json").success().document["companies"][0]
    assert instance.quickbooks.writes_since(before[0]) == []
    assert instance.contractor.writes_since(before[1]) == []
    synced = instance.sync()
    assert len(planned["operations"]) > 0
    for name, counts in synced["entities"].items():
        told = planned["entities"].get(name, {})
        for side in ("contractor", "quickbooks"):
            assert told.get(f"create_{side}", 0) == counts.get(f"created_{side}", 0), (name, side, told, counts)
        assert told.get("to_link", 0) == counts.get("linked", 0), (name, told, counts)


def test_after_a_sync_another_one_writes_nothing_and_the_plan_is_empty(instance: Instance) -> None:
    instance.connected()
    assert instance.sync()["writes"] > 0
    before = (instance.quickbooks.seen, instance.contractor.seen)
    assert instance.sync()["writes"] == 0
    assert instance.prepare("plan", "--json").document["companies"][0]["operations"] == []
    assert instance.quickbooks.writes_since(before[0]) == []
    assert instance.contractor.writes_since(before[1]) == []


def test_status_and_sync_show_the_id_of_the_run_that_an_undo_asks_for(instance: Instance) -> None:
    instance.connected()
    said = " ".join(instance.here("sync").success().out.split())
    run = instance.prepare("status", "--json").document["companies"][0]["last_run"]["id"]
    assert f"(run {run})" in said
    assert f"last run {run}," in " ".join(instance.here("status").success().out.split())


def test_what_a_disconnected_company_had_is_kept_for_its_reconnection(instance: Instance) -> None:
    instance.connected()
    instance.sync()
    assert instance.here("disconnect", "--company", COMPANY, "--json").success().document["revoked"] is True
    assert "not connected to QuickBooks" in instance.here("sync", "--company", COMPANY).failure()
    again = instance.here("connect", "--company", COMPANY, "--authorize", "auto", "--json").success()
    assert again.document["realm_id"] == instance.quickbooks.info["realm_id"]
    assert instance.sync()["writes"] == 0


def test_errors_are_listed_shown_retried_and_ignored(instance: Instance) -> None:
    instance.connected()
    instance.sync()
    listed = instance.prepare("errors", "list", "--json").document["errors"]
    assert listed, "the seeded books are expected to leave a missing reference"
    number = str(listed[0]["id"])
    shown = instance.here("errors", "show", number)
    assert listed[0]["fix"] in shown.success().out
    assert instance.here("errors", "retry", number, "--json").success().document == {"retried": 1}
    assert instance.here("errors", "ignore", number, "--json").success().document == {"ignored": 1}
    assert instance.prepare("errors", "show", number, "--json").document["state"] == "ignored"
    assert "no exception 999999" in instance.here("errors", "retry", "999999").failure()


def test_a_person_links_a_pair_and_a_second_link_of_it_is_refused(instance: Instance) -> None:
    instance.connected()
    # A plan reads both sides and links nothing.
    found = instance.prepare("plan", "--entity", "customers", "--json").document["companies"][0]
    creates = {op["in"]: op["source_id"] for op in found["operations"] if op["do"] == "create"}
    pair = (creates["quickbooks"], creates["contractor"])
    assert "waits for a decision" in instance.here("review", "reject", *pair).failure()
    linked = instance.here("review", "link", *pair, "--entity", "customer", "--json").success().document
    assert linked["decision"] == "linked"
    assert "linked already" in instance.here("review", "link", *pair, "--entity", "customer").failure()


def test_the_command_runs_on_the_embedded_database_without_any_setting(quickbooks: Server, contractor: Server) -> None:
    home = Path(tempfile.mkdtemp(prefix="qb-cli-"))
    try:
        instance = Instance(home, quickbooks, contractor)
        instance.run(*instance.connecting()).success()
        instance.run("sync", "--entity", "terms").success()
        assert not (home / "postgres" / "postmaster.pid").exists(), "the last user of the server stops it"
    finally:
        shutil.rmtree(home)


def test_the_help_imports_neither_the_engine_nor_the_database() -> None:
    code = (
        "import sys; from qb_pipeline.cli import run; run(['--help']);"
        "sys.exit(','.join(m for m in ('sqlalchemy', 'rich', 'requests', 'dagster') if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "connect" in done.stdout
    assert "Bring both systems into agreement" in done.stdout


def test_every_setting_is_in_the_example(instance: Instance) -> None:
    assert "QB_HOME=" in instance.here("env-example").success().out


def test_two_csv_files_are_matched(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,phone\n1,Bob Hale,512 555 0142\n")
    (tmp_path / "b.csv").write_text('id,name,phone\nA,"Hale, Robert",(512) 555-0142\n')
    done = instance.here("match", "a.csv", "b.csv", "--entity", "customer", "--out", "links.csv", "--json").success()
    assert done.document["left"] == done.document["right"] == 1
    assert (tmp_path / "links.csv").read_text().startswith("left_id,right_id,class,score,evidence")
