"""The job `sync` against both sandbox servers, a real store and a real Dagster instance.

Invariants shown here: every asset says what was done; a refused record is plain to see and fails nothing; a run that
follows writes nothing; the company is given back however a run ends.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
import simplejson
from dagster import AssetCheckKey, AssetKey, DagsterEventType, DagsterInstance, OpExecutionContext, job, op
from psycopg import sql
from sqlalchemy.engine import make_url

from qb_pipeline.definitions import defs
from qb_pipeline.defs.company_run import company_run
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.partitions import COMPANIES, register_companies
from qb_pipeline.defs.running import SyncRun, run_sync
from qb_pipeline.defs.store import close_stores, open_store
from qb_pipeline.errors import RetryLater
from qb_pipeline.settings import Settings, settings, token_key
from qb_pipeline.store import companies, exceptions, runs
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.runs import Run, RunStatus
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore

COMPANY = "Acme Roofing"


@dataclass(frozen=True)
class World:
    """Both servers, the connected company, and Dagster's instance."""

    quickbooks: dict[str, Any]
    contractor: dict[str, Any]
    settings: Settings
    instance: DagsterInstance

    def sync(self) -> SyncRun:
        return run_sync(self.settings, COMPANY, self.instance)

    def create(self, collection: str, **body: Any) -> str:
        answer = requests.post(
            f"{self.contractor['base_url']}/api/v1/{collection}",
            json=body,
            headers={"Authorization": f"Bearer {self.contractor['api_key']}", "Idempotency-Key": str(uuid4())},
            timeout=10,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def writes(self, side: str, since: int) -> list[str]:
        """Requests of that side that may have changed something, from number `since` on."""
        listed = self._requests(side, since)["requests"]
        changing = [r for r in listed if r["method"] in ("POST", "PATCH", "DELETE") and "/_sandbox" not in r["path"]]
        return [f"{r['method']} {r['path']}" for r in changing if not r["path"].endswith(("/query", "/tokens/bearer"))]

    def next_request(self, side: str) -> int:
        return int(self._requests(side, 0)["next"])

    def _requests(self, side: str, since: int) -> dict[str, Any]:
        address = getattr(self, side)["base_url"]
        found: dict[str, Any] = requests.get(f"{address}/_sandbox/requests?since={since}", timeout=10).json()
        return found

    def faults(self, *rules: dict[str, Any]) -> None:
        requests.post(f"{self.quickbooks['base_url']}/_sandbox/faults", json=list(rules), timeout=10).raise_for_status()

    def no_faults(self) -> None:
        requests.delete(f"{self.quickbooks['base_url']}/_sandbox/faults", timeout=10).raise_for_status()

    def row(self, run_id: str) -> Run:
        with open_store(self.settings)[1].connect() as conn:
            found = runs.get(conn, COMPANY, run_id)
        assert found is not None, "the run left no row"
        return found

    def check(self, entity: str, name: str) -> Any:
        key = AssetCheckKey(AssetKey(["synced", entity]), name)
        (record,) = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        return record.event.asset_check_evaluation

    def materialized(self, *path: str) -> dict[str, Any]:
        event = self.instance.get_latest_materialization_event(AssetKey(list(path)))
        assert event is not None, f"{path} was never materialized"
        assert event.asset_materialization is not None
        assert event.asset_materialization.partition == COMPANY
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.fixture(scope="module")
def world(template_url: str) -> Iterator[World]:
    before, home = dict(os.environ), Path(tempfile.mkdtemp(prefix="qb-dagster-"))
    template = make_url(template_url)
    name = f"dagster_{os.getpid()}"
    _administer(template_url, "CREATE DATABASE {} TEMPLATE {}", name, str(template.database))
    url = template.set(database=name).render_as_string(hide_password=False)
    chosen = settings(home=home, database_url=url, rate_scale=0)
    prepare(chosen)
    servers = [_sandbox(kind) for kind in ("quickbooks", "contractor")]
    try:
        quickbooks, contractor = (_first_line(server) for server in servers)
        _connect(chosen, quickbooks, contractor)
        with DagsterInstance.get() as instance:
            yield World(quickbooks, contractor, chosen, instance)
    finally:
        for server in servers:
            server.terminate()
            server.wait(timeout=10)
        close_stores()
        shutil.rmtree(home)
        os.environ.clear()
        os.environ.update(before)
        _administer(template_url, "DROP DATABASE {} WITH (FORCE)", name)


def _administer(url: str, command: str, *names: str) -> None:
    address = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


def _sandbox(kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", kind, "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _first_line(server: subprocess.Popen[str]) -> dict[str, Any]:
    assert server.stdout is not None
    told: dict[str, Any] = simplejson.loads(server.stdout.readline())
    return told


def _connect(chosen: Settings, quickbooks: dict[str, Any], contractor: dict[str, Any]) -> None:
    """Enter the company with a token pair that the sandbox gives out for tests."""
    sealer, engine = Sealer(token_key(chosen)), open_store(chosen)[1]
    realm = {"realm_id": quickbooks["realm_id"]}
    pair = requests.post(f"{quickbooks['base_url']}/_sandbox/token", json=realm, timeout=10).json()
    with engine.begin() as conn:
        companies.save(
            conn, sealer, COMPANY, contractor_system="reference", contractor_url=contractor["base_url"],
            contractor_key=contractor["api_key"], quickbooks_api=quickbooks["base_url"],
            quickbooks_discovery=quickbooks["discovery_url"], client_id=quickbooks["client_id"],
            client_secret=quickbooks["client_secret"],
        )  # fmt: skip
        companies.connected(conn, COMPANY, quickbooks["realm_id"])
    now = datetime.now(UTC)
    with TokenStore(engine, COMPANY, sealer).locked() as stored:
        stored.save(pair["access_token"], pair["refresh_token"], now + timedelta(hours=1), now + timedelta(days=100))


@pytest.fixture(scope="module")
def first(world: World) -> SyncRun:
    """The first run: it finds a customer that QuickBooks can't take, among others it can."""
    world.create("customers", name="Smith: the roofers", active=True)
    world.create("customers", name="Quiet Hills HOA", active=True)
    return world.sync()


def test_a_run_materialises_every_asset_of_the_company(world: World, first: SyncRun) -> None:
    assert first.success, first.error
    materialised = {
        record.dagster_event.asset_key
        for record in world.instance.all_logs(first.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
        if record.dagster_event is not None
    }
    assert materialised == set(defs.resolve_asset_graph().get_all_asset_keys())


def test_a_materialization_tells_what_was_read_and_written_and_what_it_cost(world: World, first: SyncRun) -> None:
    staged, synced = world.materialized("contractor", "customer"), world.materialized("synced", "customer")
    tally = first.tally["customer"]
    assert staged["rows read"] == tally["read_contractor"] > 2
    assert staged["dagster/row_count"] >= staged["rows inserted or updated"] > 2
    assert synced["created in quickbooks"] == tally["created_quickbooks"] > 0
    assert synced["created in contractor"] == tally["created_contractor"] > 0
    assert synced["API calls to quickbooks"] > 0
    assert synced["sync run"] == first.run_id
    assert world.row(first.run_id).trigger == "sync"


def test_the_summary_tells_of_the_whole_run(world: World, first: SyncRun) -> None:
    summary = world.materialized("synced", "summary")
    created = [n for counts in first.tally.values() for what, n in counts.items() if what.startswith("created_")]
    assert summary["writes"] >= sum(created) > 0
    assert summary["link to contractor"] == world.contractor["base_url"]
    assert summary["API calls to quickbooks"] == sum(first.api_calls["quickbooks"].values())
    assert "| customer |" in summary["counts"]


def test_a_refused_record_fails_its_check_and_not_the_run(world: World, first: SyncRun) -> None:
    evaluation = world.check("customer", "no_open_exceptions")
    assert (evaluation.passed, evaluation.severity.value, evaluation.partition) == (False, "WARN", COMPANY)
    table = evaluation.metadata["open"].value
    assert "Smith: the roofers" in table
    assert "colon" in table
    assert "Quiet Hills" not in table
    assert "Smith: the roofers" in world.materialized("synced", "customer")["open exceptions"]
    assert first.success


def test_what_agrees_passes_its_checks(world: World, first: SyncRun) -> None:
    assert world.check("term", "no_open_exceptions").passed
    assert world.check("customer", "no_conflicts").passed


def test_a_run_of_this_process_is_recorded_under_the_job_of_the_code_location(world: World, first: SyncRun) -> None:
    run = world.instance.get_run_by_id(first.run_id)
    assert run is not None
    assert run.job_name == "sync"
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "qb_pipeline"
    wanted = {"dagster/partition": COMPANY, "qb/company": COMPANY, "qb/job": "sync"}
    assert wanted.items() <= run.tags.items()


def test_a_second_run_writes_nothing(world: World, first: SyncRun) -> None:
    marks = {side: world.next_request(side) for side in ("quickbooks", "contractor")}
    again = world.sync()
    assert again.success, again.error
    assert {side: world.writes(side, mark) for side, mark in marks.items()} == {"quickbooks": [], "contractor": []}
    assert world.materialized("synced", "summary")["writes"] == 0


def test_one_asset_alone_runs_in_a_session_of_its_own(world: World, first: SyncRun) -> None:
    world.create("customers", name="Harbor View Condos", active=True)
    run_id = _materialise(world, "contractor/customer", "synced/customer")
    assert world.row(run_id).status is RunStatus.SUCCEEDED
    assert world.materialized("synced", "customer")["created in quickbooks"] == 1


def test_the_summary_alone_keeps_what_records_still_wait_for(world: World, first: SyncRun) -> None:
    before = _missing_references(world)
    assert before, "the sandboxes' data leaves an account without a counterpart"
    _materialise(world, "synced/summary")
    assert _missing_references(world) == before


def _materialise(world: World, *paths: str) -> str:
    keys = [AssetKey(path.split("/")) for path in paths]
    whole = defs.resolve_implicit_global_asset_job_def()
    done = whole.get_subset(asset_selection=set(keys)).execute_in_process(
        instance=world.instance, partition_key=COMPANY, raise_on_error=False
    )
    assert done.success, [e.message for e in done.all_events if e.is_failure]
    return str(done.run_id)


def _missing_references(world: World) -> set[str]:
    with open_store(world.settings)[1].connect() as conn:
        return {e.title for e in exceptions.listing(conn, COMPANY) if e.code == "missing_reference"}


def test_a_refused_connection_fails_the_run_with_its_fix_and_gives_the_company_back(
    world: World, first: SyncRun
) -> None:
    world.faults({"match": {"path": "/v3/"}, "action": "status", "status": 401})
    try:
        failed = world.sync()
    finally:
        world.no_faults()
    engine = open_store(world.settings)[1]
    assert not failed.success
    assert world.row(failed.run_id).status is RunStatus.FAILED
    assert any("Connect the company to QuickBooks again" in words for words in _failures(world, failed.run_id))
    assert "Connect the company to QuickBooks again" in str(world.row(failed.run_id).error)
    with company_lock(engine, COMPANY), engine.connect() as conn:
        assert companies.get(conn, COMPANY).state is CompanyState.RECONNECT
    assert world.sync().success
    with engine.connect() as conn:
        assert companies.get(conn, COMPANY).state is CompanyState.CONNECTED


def test_a_company_that_cannot_be_opened_fails_every_step_with_the_same_reason(world: World, first: SyncRun) -> None:
    file = world.settings.companies / f"{COMPANY}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("entities:\n  customer:\n    direction: sideways\n")
    try:
        failed = world.sync()
    finally:
        file.unlink()
    told = _failures(world, failed.run_id)
    assert len(told) == 2, "both sides' readings are started"
    assert all("'sideways' is not allowed" in words for words in told), told
    assert world.row(failed.run_id).status is RunStatus.FAILED


def _failures(world: World, run_id: str) -> list[str]:
    """What Dagster's page of the run says of each failed step."""
    events = [log.dagster_event for log in world.instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)]
    told = [event.step_failure_data.user_failure_data for event in events if event is not None]
    return [str(each.description) for each in told if each is not None]


def test_a_terminated_run_ends_as_failed_and_gives_the_company_back(
    world: World, first: SyncRun, tmp_path: Path
) -> None:
    world.faults({"match": {"path": "/v3/"}, "action": "delay", "seconds": 60, "times": 1})
    imports = "from qb_pipeline.settings import settings; from qb_pipeline.defs.running import run_sync"
    program = f"{imports}; run_sync(settings(), {COMPANY!r})"
    engine = open_store(world.settings)[1]
    log = tmp_path / "run.log"
    with log.open("w") as stream, subprocess.Popen([sys.executable, "-c", program], stderr=stream) as process:
        try:
            running = _wait_for_running(world, process, log)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)  # as Dagster terminates a run's worker
            process.wait(timeout=15)
        finally:
            process.kill()
            world.no_faults()
    ended = world.row(running.id)
    assert (ended.status, ended.error) == (RunStatus.FAILED, "The run was terminated before it had ended.")
    with company_lock(engine, COMPANY):
        pass


def _wait_for_running(world: World, process: subprocess.Popen[bytes], log: Path) -> Run:
    engine = open_store(world.settings)[1]
    while process.poll() is None:
        with engine.connect() as conn:
            (latest,) = runs.recent(conn, COMPANY, limit=1)
        if latest.status is RunStatus.RUNNING:
            return latest
        time.sleep(0.1)
    raise AssertionError(f"the run has not started: {log.read_text()[-2000:]}")


def test_a_passing_fault_has_the_step_tried_again_within_the_same_session(world: World, first: SyncRun) -> None:
    tries = []

    @op(required_resource_keys={"company_run"})
    def falters(context: OpExecutionContext) -> None:
        with context.resources.company_run.step(context) as ctx:
            tries.append(ctx.run_id)
            if context.retry_number == 0:
                raise RetryLater("QuickBooks did not answer.", code="no_answer", after=0.1)

    @job(resource_defs={"company_run": company_run}, partitions_def=COMPANIES)
    def faltering() -> None:
        falters()

    register_companies(world.instance, open_store(world.settings)[1])
    done = faltering.execute_in_process(instance=world.instance, partition_key=COMPANY)
    assert tries == [done.run_id, done.run_id]
    assert world.row(done.run_id).status is RunStatus.SUCCEEDED


def test_a_run_terminated_between_two_steps_ends_as_failed_too(world: World, first: SyncRun) -> None:
    @op(required_resource_keys={"company_run"})
    def works(context: OpExecutionContext) -> None:
        with context.resources.company_run.step(context):
            pass
        world.instance.report_run_canceling(context.run)

    @job(resource_defs={"company_run": company_run}, partitions_def=COMPANIES)
    def ended_early() -> None:
        works()

    register_companies(world.instance, open_store(world.settings)[1])
    done = ended_early.execute_in_process(instance=world.instance, partition_key=COMPANY)
    row = world.row(done.run_id)
    assert (row.status, row.error) == (RunStatus.FAILED, "The run was terminated before it had ended.")
