"""The console on a socket.

Invariant: `announce` is called once, when connections are accepted; after SIGTERM or SIGINT no new request is taken and
those under way are answered; a client that sends no request in time loses its connection, and connections that wait for
nothing but another request never keep one out.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings

_BACKLOG = 512
_MOST_CONNECTIONS = 1000
_CROWDED = 800  # connections from which on idle ones give way
_SECONDS_WHEN_CROWDED = 1.0  # for a client's headers
_GRACE = 12  # seconds for requests under way: longer than a body may take


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. `Misconfigured` when it can't be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # create_server adds the address, said here
        raise Misconfigured(
            f"The console can't listen on {host}:{port} ({reason}).",
            code="console_address",
            fix="Stop what uses that port, or choose another with --port (QB_CONSOLE_PORT).",
        ) from None


def base_url(listener: socket.socket, host: str) -> str:
    """The address as a client on this machine writes it."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # replaced here
    name = f"[{reachable}]" if ":" in reachable else reachable
    return f"http://{name}:{listener.getsockname()[1]}"


def serve(app: ASGIApp, settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Run in the main thread until told to stop by a signal."""
    # uvicorn raises a caught signal again after its shutdown; by then everything has been said.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    make_server(app, settings, announce).run(sockets=[listener])


def make_server(app: ASGIApp, settings: Settings, announce: Callable[[], None]) -> uvicorn.Server:
    """A server that is not running yet."""
    config = uvicorn.Config(
        app,
        http=_protocol(settings.console_body_seconds),
        ws="none",
        lifespan="on",
        access_log=False,  # it would hold the codes of consents
        log_level="warning",
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=75,  # longer than proxies keep theirs: else they would send into a closing connection
        timeout_graceful_shutdown=_GRACE,
        proxy_headers=True,
        forwarded_allow_ips=settings.console_proxies,
    )
    return _Announcing(config, announce)


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def _protocol(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which by itself waits for ever for a client's first request."""

    class Hurried(HttpToolsProtocol):
        _headers_due: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
            super().connection_made(transport)
            if len(self.connections) > _CROWDED:
                self._make_room()
            self._hurry()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._hurry()

        def on_headers_complete(self) -> None:
            self._wait_no_more()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _hurry(self) -> None:
            if self._headers_due is None:
                crowded = len(self.connections) > _CROWDED
                allowed = min(seconds, _SECONDS_WHEN_CROWDED) if crowded else seconds
                self._headers_due = self.loop.call_later(allowed, self.timeout_keep_alive_handler)

        def _make_room(self) -> None:
            for other in tuple(self.connections):
                if isinstance(other, Hurried) and other.timeout_keep_alive_task is not None:
                    other.timeout_keep_alive_handler()

        def _wait_no_more(self, *_: Any) -> None:
            if self._headers_due is not None:
                self._headers_due.cancel()
                self._headers_due = None

    return Hurried
