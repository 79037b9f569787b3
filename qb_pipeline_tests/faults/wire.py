"""HTTP without sockets: `requests` speaks to applications of this process, in whole messages.

Invariant: an application gets the bytes a server would get and the client the bytes it would read; a connection that
the application cuts is lost for the client as it is on a network, and what was done before the cut stays done.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import RemoteDisconnected
from io import BytesIO
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from starlette.types import ASGIApp, Message, Scope
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from qb_pipeline.sandbox.kernel.serve import TRANSPORT_KEY
from qb_pipeline_tests.faults.boundaries import Edges, said


class _Line:
    """Stands for the connection: a fault on order may cut it."""

    cut = False

    def abort(self) -> None:
        self.cut = True


@dataclass
class _Exchange:
    """One request on its way through an application."""

    body: bytes
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    asked: int = 0

    async def receive(self) -> Message:
        self.asked += 1
        if self.asked == 1:
            return {"type": "http.request", "body": self.body, "more_body": False}
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.parts.append(message.get("body", b""))


class Wire(HTTPAdapter):
    """Carries requests to the applications by their port, one at a time each, as their servers' event loops do."""

    def __init__(self, edges: Edges) -> None:
        super().__init__()
        self.applications: dict[int, ASGIApp] = {}
        self._edges = edges
        self._locks: dict[int, threading.Lock] = {}
        self._loops = threading.local()

    def serve(self, port: int, application: ASGIApp) -> None:
        self.applications[port] = application
        self._locks[port] = threading.Lock()

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        line, exchange = _Line(), _Exchange(_bytes(request.body))
        port = parts.port or 80
        with self._locks[port]:
            self._loop().run_until_complete(
                self.applications[port](_scope(request, line), exchange.receive, exchange.send)
            )
        if request.method != "GET":
            self._edges.reached(f"sent, unanswered: {said(request)}")
        if line.cut:
            raise requests.ConnectionError(
                ProtocolError("Connection aborted.", RemoteDisconnected("closed without response")), request=request
            )
        return self.build_response(request, _raw(exchange, str(request.method)))

    def _loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop | None = getattr(self._loops, "loop", None)
        if loop is None:
            loop = self._loops.loop = asyncio.new_event_loop()
        return loop


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _scope(request: requests.PreparedRequest, line: _Line) -> Scope:
    parts = urlsplit(str(request.url))
    headers: Mapping[str, Any] = {"host": parts.netloc, **request.headers}
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "scheme": "http",
        "path": unquote(parts.path), "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
        "root_path": "", "headers": [(k.lower().encode(), _header(v)) for k, v in headers.items()],
        "client": ("127.0.0.1", 1), "server": (parts.hostname, parts.port), "state": {}, TRANSPORT_KEY: line,
    }  # fmt: skip


def _header(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _raw(exchange: _Exchange, method: str) -> HTTPResponse:
    headers = HTTPHeaderDict((k.decode("latin-1"), v.decode("latin-1")) for k, v in exchange.headers)
    return HTTPResponse(
        BytesIO(b"".join(exchange.parts)), headers, exchange.status, preload_content=False, request_method=method
    )


@contextmanager
def wired(wire: Wire) -> Iterator[None]:
    """Every `requests` session reaches the wire's applications; other addresses stay what they are. Nobody looks for a
    proxy or for passwords kept in the home folder: on the wire there is neither."""
    other = requests.Session.get_adapter

    def adapter(session: requests.Session, url: str) -> Any:
        return wire if urlsplit(url).port in wire.applications else other(session, url)

    with (
        mock.patch.object(requests.Session, "get_adapter", adapter),
        mock.patch.object(requests.sessions, "get_environ_proxies", lambda *_args, **_options: {}),
        mock.patch.object(requests.sessions, "resolve_proxies", lambda *_args, **_options: {}),
        mock.patch.object(requests.sessions, "get_netrc_auth", lambda *_args: None),
    ):
        yield
