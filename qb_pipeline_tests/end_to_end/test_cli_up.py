"""`dev` starts everything in the foreground and leaves nothing behind; a child that ends is named with its log."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from qb_pipeline.commands.children import children
from qb_pipeline.errors import Misconfigured

START_SECONDS = 90


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's own folders: as root the embedded server runs under another account."""
    made = Path(tempfile.mkdtemp(prefix="qb-cli-"))
    yield made
    shutil.rmtree(made)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until_listening(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while not _listens(port) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.5)


@pytest.mark.slow
def test_dev_serves_dagster_and_both_sandboxes_and_stops_them_all(home: Path) -> None:
    ui, quickbooks, contractor, console = ports = _free_ports(4)
    words = ["dev", "--port", str(ui), "--quickbooks-port", str(quickbooks), "--contractor-port", str(contractor)]
    words += ["--console-port", str(console)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QB_")} | {"QB_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "qb_pipeline.cli", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=home,
    )  # fmt: skip
    try:
        _wait_until_listening(ui, process)
        assert process.poll() is None, process.communicate()
        assert requests.get(f"http://127.0.0.1:{ui}/server_info", timeout=30).json()["dagster_version"]
        assert requests.get(f"http://127.0.0.1:{quickbooks}/_sandbox/info", timeout=10).ok
        assert requests.get(f"http://127.0.0.1:{contractor}/_sandbox/info", timeout=10).ok
        assert requests.get(f"http://127.0.0.1:{console}/health/live", timeout=10).json() == {"status": "live"}
        for port in (quickbooks, contractor):
            asked = requests.get(f"http://127.0.0.1:{port}/_sandbox/subscribe", timeout=10).json()["subscriptions"]
            assert [s["url"].startswith(f"http://127.0.0.1:{console}/webhooks/") for s in asked] == [True]
        assert "sandbox: connected" in _status(home, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"http://127.0.0.1:{ui}" in out
    assert [port for port in ports if _listens(port)] == []
    assert not (home / "postgres" / "postmaster.pid").exists()


def _status(home: Path, environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "qb_pipeline.cli", "status"]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=home, timeout=60, check=True
    ).stdout


def test_a_child_that_ends_by_itself_stops_the_others_and_is_named_with_its_last_words(tmp_path: Path) -> None:
    patient = "import json, os, time; print(json.dumps({'pid': os.getpid()}), flush=True); time.sleep(60)"
    broken = "import sys; sys.exit('the port is taken')"
    with pytest.raises(Misconfigured) as ended, children(tmp_path) as family:
        pid = family.start_and_read("patient", [sys.executable, "-c", patient])["pid"]
        family.start("broken", [sys.executable, "-c", broken])
        family.wait()
    assert "broken ended by itself: the port is taken" in ended.value.cause
    assert str(tmp_path / "broken.log") in ended.value.fix
    assert not Path(f"/proc/{pid}").exists()


def test_what_does_not_answer_in_time_is_said_with_where_the_logs_are(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as ended, children(tmp_path) as family:
        family.start("patient", [sys.executable, "-c", "import time; time.sleep(60)"])
        family.wait_until(lambda: False, 0.3)
    assert str(tmp_path) in ended.value.fix
    assert "within 0 s" in ended.value.cause


def test_a_child_that_ends_while_it_is_waited_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="broken ended by itself: no such module"), children(tmp_path) as family:
        family.start("broken", [sys.executable, "-c", "import sys; sys.exit('no such module')"])
        family.wait_until(lambda: False, 30)


def test_warm_workers_whose_broker_is_not_there_are_refused_without_its_password(home: Path) -> None:
    given = {"QB_HOME": str(home), "QB_RUN_LAUNCHER": "celery", "QB_CELERY_BROKER": "redis://:geheim@127.0.0.1:1/0"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QB_")} | given
    for words in (["worker"], ["up", "--port", str(_free_ports(1)[0]), "--console-port", "0"]):
        done = subprocess.run(
            [sys.executable, "-m", "qb_pipeline.cli", *words],
            capture_output=True, text=True, env=environment, cwd=home, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "error: The broker redis://:**@127.0.0.1:1/0 can't be reached" in done.stderr
        assert "QB_CELERY_BROKER" in done.stderr
        assert "geheim" not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
