"""A real HTTP server that plays prepared answers and remembers what it was asked.

Invariant: a test that asks more often than it prepared answers for fails, because the server then says 599.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeClock:
    """Time that passes only by sleeping; starts at a fixed instant."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime(2026, 3, 4, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
            self.seconds += seconds


@dataclass(frozen=True)
class Reply:
    """One prepared answer. `delay` in seconds; `drop` closes the connection instead; `cut` sends half of the body."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


def ok(document: object, **headers: str) -> Reply:
    return Reply(body=json.dumps(document).encode(), headers=headers)


def fault(code: str, *, status: int = 400, detail: str = "", message: str = "", element: str = "") -> Reply:
    error = {"Message": message, "Detail": detail, "code": code, "element": element}
    document = {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-03-04T17:05:12.004-08:00"}
    return Reply(status, json.dumps(document).encode(), headers={"intuit_tid": "1-tid"})


def gateway_fault(code: str, *, status: int, detail: str | None = None) -> Reply:
    """The lower-case envelope with its twelve keys, most of them null."""
    message = f"message=Refused; errorCode={int(code):06d}; statusCode={status}"
    error = {"message": message, "detail": detail, "code": code, "element": None}
    document: dict[str, Any] = {"warnings": None, "intuitObject": None, "fault": {"error": [error], "type": "SERVICE"},
                "queryResponse": None, "batchItemResponse": [], "requestId": None, "time": 1730024394085}  # fmt: skip
    return Reply(status, json.dumps(document).encode(), headers={"intuit_tid": "1-gateway"})


class CannedServer:
    """`play` queues answers; `asked` lists requests in order of arrival."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._replies: deque[Reply] = deque()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                """Quiet: the test's own output matters."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def play(self, *replies: Reply) -> None:
        self._replies.extend(replies)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        parts = urlsplit(handler.path)
        params = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.asked.append(Asked(handler.command, parts.path, params, dict(handler.headers), body))
        reply = self._replies.popleft() if self._replies else Reply(599, b"no answer prepared", "text/plain")
        time.sleep(reply.delay)
        if reply.drop:
            _reset(handler.connection)
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.content_type)
        handler.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        handler.close_connection = reply.cut

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_server() -> Iterator[CannedServer]:
    server = CannedServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
