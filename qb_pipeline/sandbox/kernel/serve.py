"""Serve an ASGI app on a real socket and say where, once, when it can be reached.

Invariant: the first line on standard output is one JSON object, written only after the socket is listening.

    serve(app, host, port, first_line) -> None     returns after SIGTERM or SIGINT; port 0 takes a free port

`first_line` gets `base_url` with the real port; `{base_url}` inside any of its text values is replaced by it.
Each request's ASGI scope carries the connection's transport under TRANSPORT_KEY, so that a fault can abort it.
"""

import asyncio
import json
import signal
import socket
import sys
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT_KEY = "sandbox.transport"
BACKLOG = 512


class TransportProtocol(HttpToolsProtocol):
    """uvicorn's protocol, handing its transport to the application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT_KEY] = self.transport
            await inner(scope, receive, send)

        self.app = with_transport


class AnnouncingServer(uvicorn.Server):
    """Prints the first line as soon as connections are accepted."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the sockets, then speak."""
        await super().startup(sockets)
        sys.stdout.write(self._line + "\n")
        sys.stdout.flush()


def serve(app: ASGIApp, host: str, port: int, first_line: dict[str, Any]) -> None:
    """Run until told to stop. OSError when the port is taken."""
    listener = listen(host, port)
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        http=TransportProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,  # the sandbox's own, by its clock
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )
    if threading.current_thread() is threading.main_thread():
        exit_quietly_on_signals()
    AnnouncingServer(config, json.dumps(announce(first_line, base_url))).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket without Nagle's delay for the answers."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    return listener


def announce(first_line: dict[str, Any], base_url: str) -> dict[str, Any]:
    """The first line with the real address filled in."""
    filled = {
        key: value.replace("{base_url}", base_url) if isinstance(value, str) else value
        for key, value in first_line.items()
    }
    return {"base_url": base_url} | filled


def exit_quietly_on_signals() -> None:
    """uvicorn raises a caught signal again after its clean shutdown; by then it has nothing more to say."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda _signum, _frame: None)


def transport_of(scope: Scope) -> asyncio.Transport:
    """The transport under this request; RuntimeError when the app is not run by `serve`."""
    transport = scope.get(TRANSPORT_KEY)
    if transport is None:
        raise RuntimeError("the request carries no transport: run the app with sandbox.kernel.serve.serve")
    return transport  # type: ignore[no-any-return]  # the ASGI scope is untyped


async def abort(scope: Scope, receive: Receive, _send: Send) -> None:
    """Close the TCP connection at once, without an answer."""
    transport_of(scope).abort()
    # uvicorn would complain about a missing answer unless it has seen the connection go.
    while (await receive())["type"] != "http.disconnect":
        pass
