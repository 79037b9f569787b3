"""`console` as a process: its first line, its key, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from qb_pipeline_tests.unit.console.running import VERIFIER, cloud, intuit


def environment(home: Path, database_url: str, **more: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
    given = {"QB_HOME": str(home), "QB_DATABASE_URL": plain(database_url), "QB_VERIFIER_TOKEN": VERIFIER}
    return inherited | given | more


def plain(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def process(given: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "qb_pipeline.cli", "console", *words]
    made = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given, cwd=given["QB_HOME"]
    )
    try:
        yield made
    finally:
        if made.poll() is None:
            made.kill()
        made.communicate(timeout=20)


def first_line(started: subprocess.Popen[str]) -> dict[str, Any]:
    assert started.stdout is not None
    return dict(json.loads(started.stdout.readline()))


def test_the_first_line_says_where_it_listens_and_sigterm_ends_it_well(tmp_path: Path, database_url: str) -> None:
    with process(environment(tmp_path, database_url), "--port", "0", "--json") as started:
        said = first_line(started)
        here = said["base_url"]
        assert said["webhooks"]["quickbooks"] == f"{here}/webhooks/quickbooks"
        assert said["redirect_uri"] == f"{here}/oauth/callback"
        key = (tmp_path / "console.key").read_text().strip()
        assert (tmp_path / "console.key").stat().st_mode & 0o777 == 0o600
        health = requests.get(f"{here}/health", headers={"Authorization": f"Bearer {key}"}, timeout=10).json()
        assert (health["status"], health["companies"]) == ("ok", [])
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=20)
    assert (started.returncode, out, err) == (0, "", "")
    logged = [json.loads(line) for line in (tmp_path / "logs" / "qb-pipeline.log").read_text().splitlines()]
    assert key not in str(logged)


def test_a_redirect_address_and_a_key_that_were_set_are_kept(tmp_path: Path, database_url: str) -> None:
    more = {"QB_REDIRECT_URI": "https://books.example/oauth/callback", "QB_CONSOLE_KEY": "sixteen letters!"}
    with process(environment(tmp_path, database_url, **more), "--port", "0", "--json") as started:
        said = first_line(started)
        assert said["redirect_uri"] == more["QB_REDIRECT_URI"]
        bearer = {"Authorization": f"Bearer {more['QB_CONSOLE_KEY']}"}
        assert requests.get(f"{said['base_url']}/metrics", headers=bearer, timeout=10).status_code == 200
    assert not (tmp_path / "console.key").exists()


def test_a_port_that_is_taken_is_one_line_that_says_so(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with process(environment(tmp_path, database_url), "--port", port) as started:
            out, err = started.communicate(timeout=30)
    assert started.returncode == 1
    assert out == ""
    assert err.splitlines() == [
        f"error: The console can't listen on 127.0.0.1:{port} (Address already in use). Stop what uses that port, or "
        "choose another with --port (QB_CONSOLE_PORT)."
    ]


def test_sigterm_lets_a_delivery_under_way_end_and_takes_no_other(tmp_path: Path, database_url: str) -> None:
    body = json.dumps([cloud("e1")]).encode()
    head = (
        f"POST /webhooks/quickbooks HTTP/1.1\r\nhost: x\r\nintuit-signature: {intuit(body, VERIFIER)}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with process(environment(tmp_path, database_url), "--port", "0", "--json") as started:
        port = int(first_line(started)["base_url"].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(head.encode() + body[:10])
            time.sleep(0.2)
            started.send_signal(signal.SIGTERM)
            until_refused(port)
            client.sendall(body[10:])
            answer = client.recv(65_536)
        started.wait(20)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert started.returncode == 0
    assert kept(database_url) == {"e1"}


def test_what_was_answered_200_survives_a_sigkill(tmp_path: Path, database_url: str) -> None:
    answered: set[str] = set()
    with process(environment(tmp_path, database_url), "--port", "0", "--json") as started:
        url = f"{first_line(started)['base_url']}/webhooks/quickbooks"
        senders = [threading.Thread(target=send, args=(url, f"s{n}", answered)) for n in range(4)]
        for sender in senders:
            sender.start()
        while len(answered) < 40:
            time.sleep(0.01)
        started.kill()
        for sender in senders:
            sender.join(20)
    assert len(answered) >= 40
    assert answered <= kept(database_url)


def until_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), 5).close()
            time.sleep(0.05)


def send(url: str, name: str, answered: set[str]) -> None:
    """Deliveries one after the other until nobody answers."""
    for n in range(10_000):
        body = json.dumps([cloud(f"{name}-{n}", record=str(n))]).encode()
        try:
            answer = requests.post(url, data=body, headers={"intuit-signature": intuit(body, VERIFIER)}, timeout=5)
        except requests.RequestException:
            return
        if answer.status_code == 200:
            answered.add(f"{name}-{n}")


def kept(database_url: str) -> set[str]:
    with psycopg.connect(plain(database_url)) as conn:
        return {key for (key,) in conn.execute("SELECT dedupe_key FROM qb.inbox")}
