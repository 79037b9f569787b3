"""Waiting for the browser to come back from QuickBooks' consent page.

Invariant: only a request to the redirect address that carries our own state is taken; anything else leaves us waiting.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qb_pipeline.errors import Misconfigured, Reconnect

_PAGE = (
    b'<!doctype html><html lang="en"><title>qb-pipeline</title>'
    b"<p>QuickBooks has answered. You may close this page and return to the terminal.</p></html>"
)
_ANY_PORT = "http://127.0.0.1:0/oauth/callback"


class Listener:
    """One listening callback address; `redirect_uri` holds the real port."""

    def __init__(self, redirect_uri: str, state: str) -> None:
        parts = urlsplit(redirect_uri)
        self._path, self._state = parts.path or "/", state
        self._arrived = threading.Event()
        self._callback = ""
        self._server = _server(parts.hostname or "", parts.port if parts.port is not None else 80, self)
        port = self._server.server_address[1]
        self.redirect_uri = redirect_uri.replace(":0/", f":{port}/", 1)

    def take(self, path: str) -> bool:
        """Whether this request is the answer we wait for."""
        parts = urlsplit(path)
        given = parse_qs(parts.query).get("state", [""])[0]
        if parts.path != self._path or not hmac.compare_digest(given.encode(), self._state.encode()):
            return False
        if not self._arrived.is_set():
            origin = urlsplit(self.redirect_uri)
            self._callback = f"{origin.scheme}://{origin.netloc}{path}"
            self._arrived.set()
        return True

    def wait(self, seconds: float) -> str | None:
        """The whole callback address, or None when nothing came within `seconds`."""
        return self._callback if self._arrived.wait(seconds) else None

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def listening(redirect_uri: str | None, state: str) -> Iterator[Listener]:
    """Listen for the length of the block; on a free port of this machine when no address is given."""
    listener = Listener(redirect_uri or _ANY_PORT, state)
    threading.Thread(target=listener.serve, name="oauth-callback", daemon=True).start()
    try:
        yield listener
    finally:
        listener.close()


def wait_for(listener: Listener, seconds: int, tell: Any) -> str:
    """The callback address; `tell` is called with a line of progress every second."""
    for left in range(seconds, 0, -1):
        tell(f"waiting for the consent, {left} s left")
        callback = listener.wait(1)
        if callback is not None:
            return callback
    raise Reconnect(
        f"Nobody gave the consent within {seconds} seconds.",
        code="no_consent",
        fix="Run connect again and open the address it prints; --timeout waits longer.",
        who="owner",
    )


def _server(host: str, port: int, listener: Listener) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = listener.take(self.path)
            self.send_response(200 if known else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(_PAGE if known else b"Not the address of a consent.")

        def log_message(self, *_args: Any) -> None:
            """Quiet: the request line holds the code."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise Misconfigured(
            f"Can't listen on the redirect address {host}:{port} ({error.strerror or error}).",
            code="redirect_address",
            fix="Where the console runs there, give the consent at its /oauth/connect?company=NAME; otherwise stop "
            "what uses that port, or set another address with QB_REDIRECT_URI or --redirect-uri.",
        ) from None
