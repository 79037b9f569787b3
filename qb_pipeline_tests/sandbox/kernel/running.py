"""A contractor sandbox in its own process, and a webhook receiver in a thread.

Invariant: tests talk to what a user starts; nothing is imported from inside the running server.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

COMMAND = [sys.executable, "-m", "qb_pipeline.sandbox.cli", "contractor", "--port", "0"]


class Client:
    """One running server and a session that carries its key."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        self.first_line: dict[str, Any] = json.loads(process.stdout.readline())
        self.base_url: str = self.first_line["base_url"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.first_line['api_key']}"

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Any request below the base address; `path` begins with a slash."""
        return self.session.request(method, self.base_url + path, timeout=20, **kwargs)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", f"/api/v1/{path}", params=params)

    def post(self, path: str, body: Any, key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self.call("POST", f"/api/v1/{path}", json=body, headers=headers)

    def patch(self, path: str, body: Any, version: str) -> requests.Response:
        return self.call("PATCH", f"/api/v1/{path}", json=body, headers={"If-Match": f'"{version}"'})

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        return self.call("DELETE", f"/api/v1/{path}", **kwargs)

    def void(self, path: str) -> requests.Response:
        return self.call("POST", f"/api/v1/{path}/void")

    def made(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        """The created record; fails the test when it was refused."""
        answer = self.post(collection, body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def one(self, path: str) -> dict[str, Any]:
        """A record that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def control(self, name: str, body: Any = None, method: str | None = None) -> dict[str, Any]:
        """A control call that must succeed."""
        answer = self.call(method or ("GET" if body is None else "POST"), f"/_sandbox/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def contractor(*options: str | Path) -> Iterator[Client]:
    """A server for the length of the block, stopped by SIGTERM."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([*COMMAND, *map(str, options)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        client = Client(process)
        yield client
        client.session.close()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


class Receiver:
    """Collects webhook requests; `statuses` are answered in turn, then 200."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, dict[str, str]]] = []
        self.statuses: list[int] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is http.server's
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Quiet: test output is for assertions."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        with self._arrived:
            self.seen.append((body, headers))
            self._arrived.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait_for(self, count: int, seconds: float = 5) -> list[dict[str, Any]]:
        """The events received once there are `count` of them (fewer when time runs out)."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.seen) >= count, seconds)
            return [json.loads(body) for body, _ in self.seen]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
