"""Company locks across connections and processes."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import RetryLater
from qb_pipeline.store.locks import company_lock

_HOLDING = """
import sys, time
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.locks import company_lock

with company_lock(make_engine(sys.argv[1]), "acme"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_taken_lock_answers_at_once_that_another_run_works_on_the_company(engine: Engine) -> None:
    busy = "Another run is working on company 'acme'"
    with company_lock(engine, "acme"), pytest.raises(RetryLater, match=busy), company_lock(engine, "acme"):
        pytest.fail("the lock was taken twice")


def test_different_companies_do_not_exclude_each_other(engine: Engine) -> None:
    with company_lock(engine, "acme"), company_lock(engine, "zenith"):
        assert True


def test_the_lock_is_free_again_after_a_failure_inside(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), company_lock(engine, "acme"):
        _ = 1 / 0
    with company_lock(engine, "acme") as held:
        held.check()


def test_waiting_takes_the_lock_when_the_other_run_ends(engine: Engine) -> None:
    order: list[str] = []

    def second() -> None:
        with company_lock(engine, "acme", wait=10):
            order.append("second")

    with company_lock(engine, "acme"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_waiting_ends_after_the_given_time_and_the_connection_stays_usable(engine: Engine) -> None:
    started = time.monotonic()
    with company_lock(engine, "acme"), pytest.raises(RetryLater), company_lock(engine, "acme", wait=0.3):
        pytest.fail("the lock was taken twice")
    assert 0.25 < time.monotonic() - started < 5
    with company_lock(engine, "acme", wait=0.3) as held:
        held.check()


def test_a_killed_process_frees_its_lock(engine: Engine, database_url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDING, database_url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(RetryLater), company_lock(engine, "acme"):
            pytest.fail("the lock was taken twice")
        os.kill(process.pid, signal.SIGKILL)
    with company_lock(engine, "acme", wait=10) as held:
        held.check()
