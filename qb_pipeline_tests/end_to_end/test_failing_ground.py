"""The ground gives way in the middle of a run: a full disk, a lost database connection, a server that goes and comes.

Invariants shown here: such a run ends with one clear line; a run whose lock is gone writes nothing more; once the
ground is back the next run completes, with nothing lost and nothing twice.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from qb_pipeline.errors import PipelineError, RetryLater
from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline.store import embedded
from qb_pipeline.store.failures import explained, explaining
from qb_pipeline.store.locks import company_lock
from qb_pipeline_tests.end_to_end.harness import is_write
from qb_pipeline_tests.end_to_end.hostile import EVERYTHING, Answer, Rule, Spoil
from qb_pipeline_tests.end_to_end.hostile_office import Office, clear, hostile_office
from qb_pipeline_tests.faults.opening import own_postgres

HOLDER = "select pid from pg_locks where locktype = 'advisory' and granted"
EVERY = "select pid from pg_stat_activity where application_name = 'qb-pipeline'"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Path, str]]:
    """A database server that may be stopped: its folder and the address of a database to copy."""
    with own_postgres() as made:
        yield made


@pytest.fixture(scope="module")
def company(server: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with hostile_office(tmp_path_factory.mktemp("ground"), server[1], "ground") as office:
        yield office


@pytest.fixture
def office(company: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The company, with a clock that doesn't make us wait between two tries."""
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: None)
    return company


def cut(office: Office, whom: str) -> None:
    """End sessions of the product in the office's database, as an administrator or a network would."""
    with psycopg.connect(office.address, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database()"
            f" and pid <> pg_backend_pid() and pid in ({whom})".encode()
        )


def meanwhile(deed: Callable[[], None]) -> Spoil:
    """The true answer, after something happened while it was on its way."""

    def spoil(_sent: bytes, true: bytes) -> Answer:
        deed()
        return Answer(body=true)

    return spoil


def mended(office: Office) -> None:
    """The next run completes; the last test asks whether all of them left anything behind."""
    office.sync().success()
    if EVERYTHING:
        office.heal()
        office.judged()


def _asked(office: Office, since: tuple[int, int]) -> list[str]:
    boxes = (office.made.contractor, office.made.quickbooks)
    found = [r for box, n in zip(boxes, since, strict=True) for r in box.requests_since(n)[0]]
    return [f"{r['method']} {r['path']}" for r in found if is_write(r)]


def _seen(office: Office) -> tuple[int, int]:
    return office.made.contractor.requests_since(0)[1], office.made.quickbooks.requests_since(0)[1]


@pytest.mark.parametrize(
    ("at", "whom"),
    [
        pytest.param("GET .*/preferences", HOLDER, id="the first read, the session that holds the lock"),
        pytest.param("GET .*/cdc", EVERY, id="the changes, every session"),
        pytest.param("POST .*/batch", HOLDER, id="a batch, the session that holds the lock"),
        pytest.param("POST .*/batch", EVERY, id="a batch, every session"),
    ],
)
def test_a_connection_lost_while_a_request_is_on_its_way_is_one_line_and_no_further_write(
    office: Office, at: str, whom: str
) -> None:
    office.customers(2)
    office.bookkeepers_customer()
    since = _seen(office)
    with office.between.spoiling(Rule(at, meanwhile(lambda: cut(office, whom)), times=1)):
        line = office.sync().failure()
    clear(line)
    assert "database" in line
    assert len([a for a in _asked(office, since) if "/v3/" in a]) == at.startswith("POST")
    mended(office)


@dataclass
class AfterCommit:
    """Ends sessions of the product right after the n-th commit that changed a table."""

    office: Office
    table: str
    nth: int
    whom: str
    done: bool = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        commit: Callable[[Any, Any], None] = PGDialect_psycopg.do_commit
        changed: set[int] = set()

        def note(conn: Any, cursor: Any, statement: str, *_rest: Any) -> None:
            if self.table in statement and cursor.rowcount != 0 and not statement.startswith("SELECT"):
                changed.add(id(conn.connection.dbapi_connection))

        def committing(dialect: Any, connection: Any) -> None:
            commit(dialect, connection)
            if id(connection.dbapi_connection) in changed:
                changed.clear()
                self.nth -= 1
                if self.nth == 0:
                    self.done = True
                    cut(self.office, self.whom)

        event.listen(Engine, "after_cursor_execute", note)
        with mock.patch.object(PGDialect_psycopg, "do_commit", committing):
            yield
        event.remove(Engine, "after_cursor_execute", note)


@pytest.mark.parametrize(
    ("table", "nth", "requests_left", "whom"),
    [
        pytest.param("qb.run", 1, 0, HOLDER, id="as it began"),
        pytest.param("staging_quickbooks.customer", 1, 0, EVERY, id="in the middle of reading"),
        pytest.param("qb.journal", 1, 0, HOLDER, id="after the rows were journalled"),
        pytest.param("qb.journal", 1, 0, EVERY, id="after the rows were journalled, every session"),
        pytest.param("qb.journal", 2, 0, HOLDER, id="after they were marked as leaving"),
        pytest.param("qb.journal", 3, 1, HOLDER, id="after the answer was stored"),
    ],
)
def test_a_run_that_lost_its_lock_stops_before_the_next_write(
    office: Office, table: str, nth: int, requests_left: int, whom: str
) -> None:
    office.customers(2)
    if table.startswith("staging"):
        office.bookkeepers_customer()
    since = _seen(office)
    cutting = AfterCommit(office, table, nth, whom)
    with cutting.watching():
        line = office.sync().failure()
    assert cutting.done
    clear(line)
    assert len([a for a in _asked(office, since) if "/v3/" in a]) == requests_left
    mended(office)


def test_another_run_that_took_the_company_over_is_not_joined_by_the_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst of it: the lock is lost while a batch is on its way, and the next run has begun and ended by then."""
    monkeypatch.setitem(office.environment, "QB_ANSWER_SECONDS", "60")
    made = office.customers(3)
    since = _seen(office)

    def taken_over() -> None:
        office.between.rules = []
        cut(office, HOLDER)
        other = office.made.begin("sync", "--json", "--allow-mass-change")
        other.join(120)
        assert other.exitcode == 0, (office.made.home / "command.log").read_text()

    rule = Rule("POST .*/batch", meanwhile(taken_over), times=1)
    with office.between.spoiling(rule):
        clear(office.sync().failure())
    batches = [a for a in _asked(office, since) if "/batch" in a]
    assert len(batches) == 2, "one sent by each"
    assert len(set(batches)) == 1, "under one key"
    assert {c["name"]: len(office.named(c["name"])) for c in made} == {c["name"]: 1 for c in made}
    mended(office)


def test_a_lost_lock_stays_lost_though_the_server_is_back(engine: Engine) -> None:
    with company_lock(engine, "acme") as hold:
        hold.check()
        with engine.connect() as other:
            other.exec_driver_sql(f"select pg_terminate_backend(pid) from ({HOLDER}) as held")
        for _ in range(2):
            with pytest.raises(PipelineError) as caught:
                hold.check()
            assert caught.value.code == "lock_lost"


# A disk that is full.


@pytest.fixture
def small_disk(office: Office) -> Iterator[Path]:
    """A disk of two megabytes that holds the journal."""
    place = Path(tempfile.mkdtemp(prefix="qb-small-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], capture_output=True)  # noqa: PLW1510 # asked below
    if mounted.returncode != 0:
        place.rmdir()
        pytest.skip(f"no disk of our own can be mounted here: {mounted.stderr.decode().strip()}")
    data = place / "data"
    data.mkdir()
    with suppress(KeyError):
        owner = pwd.getpwnam("embedded_postgres")
        for each in (place, data):
            os.chown(each, owner.pw_uid, owner.pw_gid)
    place.chmod(0o755)
    try:
        _administer(office, "CREATE TABLESPACE small LOCATION {}", sql.Literal(str(data)))
        _administer(office, "ALTER TABLE qb.journal SET TABLESPACE small")
        yield place
    finally:
        (place / "filler").unlink(missing_ok=True)
        _administer(office, "ALTER TABLE qb.journal SET TABLESPACE pg_default")
        _administer(office, "DROP TABLESPACE small")
        subprocess.run(["umount", "-l", str(place)], check=True)  # as above
        place.rmdir()


def _administer(office: Office, command: str, *values: sql.Composable) -> None:
    with psycopg.connect(office.address, autocommit=True) as conn:
        conn.execute(sql.SQL(command).format(*values))


def _fill(disk: Path) -> None:
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(512))


@pytest.mark.parametrize("at", ["GET .*/preferences", "POST .*/batch"], ids=["while reading", "while writing"])
def test_a_database_without_room_is_one_line_and_the_run_after_it_completes(
    office: Office, small_disk: Path, at: str
) -> None:
    office.customers(28)
    office.bookkeepers_customer()
    with office.between.spoiling(Rule(at, meanwhile(lambda: _fill(small_disk)), times=1)):
        line = office.sync().failure()
    clear(line)
    assert "no room left" in line
    assert "Make room" in line
    assert "No space left on device" not in line.split("no room left")[0]
    clear(office.sync().failure())
    (small_disk / "filler").unlink()
    mended(office)


def test_a_disk_too_full_for_the_log_is_said_once_and_stops_nothing(office: Office) -> None:
    log = office.made.home / "logs" / "qb-pipeline.log"
    kept = log.with_suffix(".kept")
    log.rename(kept)
    log.symlink_to("/dev/full")
    (made,) = office.customers(1)
    try:
        with office.between.spoiling(Rule("POST .*/customer", lambda _s, _t: Answer(502, body=b"", close=True))):
            ended = office.sync()
    finally:
        log.unlink()
        kept.rename(log)
    assert ended.err.count("can't be written (No space left on device)") == 1, ended.err
    assert "Traceback" not in ended.err
    mended(office)
    assert len(office.named(made["name"])) == 1


def test_a_log_that_can_not_be_opened_is_one_line(office: Office) -> None:
    logs = office.made.home / "logs"
    logs.rename(logs.with_name("logs.kept"))
    logs.write_text("in the way")
    try:
        line = office.command("status").failure()
    finally:
        logs.unlink()
        logs.with_name("logs.kept").rename(logs)
    clear(line)
    assert str(logs) in line


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_result_that_finds_no_room_is_no_success(office: Office, form: list[str], unbuffered: str) -> None:
    environment = office.made.environment() | {"PYTHONUNBUFFERED": unbuffered}  # what is buffered fails later
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "qb_pipeline.cli", "status", *form], env=environment, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == [done.stderr.strip()], "one line"
    assert "The disk is full" in done.stderr


# A server that goes and comes.


def test_a_server_stopped_in_the_middle_of_a_run_is_one_line_and_the_next_run_completes(
    office: Office, server: tuple[Path, str]
) -> None:
    home, _ = server
    office.customers(2)
    with office.between.spoiling(Rule("POST .*/batch", meanwhile(lambda: embedded.stop(home)), times=1)):
        line = office.sync().failure()
    clear(line)
    assert "database" in line
    line = office.sync().failure()
    assert "PostgreSQL server" in line
    embedded.ensure(home, durable=False)
    mended(office)


def test_after_it_all_both_sides_agree_and_nothing_exists_twice(office: Office) -> None:
    office.heal()
    office.judged()


# What is said of the database's own failures.


@contextmanager
def _raising(engine: Engine, state: str) -> Iterator[None]:
    with engine.begin() as conn:
        yield
        conn.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "database_full"), ("53400", "database_full"), ("25006", "database_read_only"),
        ("53200", "database_busy"), ("53300", "database_busy"), ("57P01", "database_lost"), ("57P03", "database_lost"),
        ("08006", "database_lost"),
    ],
)  # fmt: skip
def test_a_state_of_the_database_is_said_with_its_cause_and_fix(engine: Engine, state: str, code: str) -> None:
    with pytest.raises(PipelineError) as caught, explaining(), _raising(engine, state):
        pass
    told = caught.value
    assert told.code == code
    assert "so it is" in told.cause
    assert "Nothing is lost" in told.fix or isinstance(told, RetryLater)
    assert "RAISE" not in str(told)


def test_a_defect_of_ours_is_not_put_down_to_the_database(engine: Engine) -> None:
    with pytest.raises(Exception, match="so it is") as caught, explaining(), _raising(engine, "22012"):
        pass
    assert not isinstance(caught.value, PipelineError)
    assert explained(ValueError("so it is")) is None
