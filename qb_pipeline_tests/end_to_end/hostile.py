"""A server between the product and a sandbox that answers some requests as no sane server would.

Invariant: whatever no rule applies to is passed on unchanged, so that everything else is the real sandbox; a rule says
whether the request was carried out before the answer was spoilt.

Each kind of nonsense meets each way of asking once. With QB_HOSTILE_ALL=1 in the environment, each meets every single
request of that way, and every case is mended by a run of its own before the next one: four times as long.
"""

from __future__ import annotations

import gc
import gzip
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import requests
import simplejson

EVERYTHING = os.environ.get("QB_HOSTILE_ALL") == "1"
HOP = frozenset({"connection", "transfer-encoding", "content-length", "content-encoding", "host"})
HELD = 3.0  # seconds that a silent answer takes, longer than the product waits in these tests
JSON = "application/json;charset=UTF-8"
PAGE = b"<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>"
FAULT = {
    "Fault": {
        "Error": [{"Message": "Something went wrong", "Detail": "Unexpected Internal Error", "code": "10000"}],
        "type": "SystemFault",
    },
    "time": "2026-10-05T00:00:00.000-07:00",
}


@dataclass(frozen=True)
class Answer:
    """What goes back. `length` replaces the true Content-Length; `cut` sends so many bytes and closes; `hold` waits."""

    status: int = 200
    kind: str = JSON
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    cut: int | None = None
    hold: float = 0.0
    close: bool = False


Spoil = Callable[[bytes, bytes], Answer]  # from the body sent and the body the sandbox answered


@dataclass
class Rule:
    """Requests whose line "METHOD address" holds the pattern `at` get the answer `spoil` makes of the true one.

    `holding`: only those whose body holds this text. `applied`: the sandbox carries the request out before.
    `times`: how often (None: until the rule is gone).
    """

    at: str
    spoil: Spoil
    applied: bool = True
    times: int | None = None
    holding: str = ""
    hits: int = 0


@dataclass
class Between:
    """The address the product is given, and the rules in force."""

    address: str
    behind: str
    rules: list[Rule] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule_for(self, line: str, sent: bytes) -> Rule | None:
        with self.lock:
            for rule in self.rules:
                meant = re.search(rule.at, line) and rule.holding.encode() in sent
                if meant and (rule.times is None or rule.hits < rule.times):
                    rule.hits += 1
                    return rule
        return None

    @contextmanager
    def spoiling(self, *rules: Rule) -> Iterator[None]:
        """The rules, for a block; each must have met a request."""
        self.rules = list(rules)
        try:
            yield
        finally:
            self.rules = []
        unmet = [rule.at for rule in rules if not rule.hits]
        assert not unmet, f"no request met {unmet}"


@contextmanager
def between(behind: str) -> Iterator[Between]:
    """A server on this machine that passes on to `behind`, and hands its own address out for that one."""
    http = requests.Session()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            rule = here.rule_for(f"{self.command} {unquote(self.path)}", sent)
            true = self._pass_on(sent) if rule is None or rule.applied else None
            if rule is not None:
                self._spoilt(rule.spoil(sent, true.content if true is not None else b""))
                return
            assert true is not None
            headers = [(k, v) for k, v in true.headers.items() if k.lower() not in HOP]
            self._send(true.status_code, headers, true.content.replace(behind.encode(), here.address.encode()))

        def _pass_on(self, sent: bytes) -> requests.Response:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            return http.request(
                self.command, behind + self.path, data=sent or None, headers=headers, allow_redirects=False, timeout=30
            )

        def _spoilt(self, made: Answer) -> None:
            if made.hold:
                time.sleep(made.hold)
            if made.close:
                self.close_connection = True
                return
            headers = [("Content-Type", made.kind), *made.headers]
            self._send(made.status, headers, made.body, made.length, made.cut)

        def _send(
            self,
            status: int,
            headers: list[tuple[str, str]],
            body: bytes,
            length: int | None = None,
            cut: int | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body if cut is None else body[:cut])
            self.close_connection = self.close_connection or length is not None or cut is not None

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 # names of http.server

        def log_message(self, *_args: Any) -> None:
            """Quiet: test output is for assertions."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, _request: Any, _address: Any) -> None:
            """The product closes connections it has waited for in vain; that is what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    here = Between(f"http://127.0.0.1:{server.server_address[1]}", behind)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        http.close()


# Answers that are none.


def page(status: int) -> Spoil:
    """An HTML page, as proxies and maintenance make them."""
    return lambda _sent, _true: Answer(status, "text/html", PAGE)


def page_as_json(_sent: bytes, _true: bytes) -> Answer:
    return Answer(body=PAGE)


def half(_sent: bytes, true: bytes) -> Answer:
    """The connection breaks in the middle of the document."""
    return Answer(body=true or b"{}", cut=len(true) // 2, length=len(true) or 2)


def half_whole(_sent: bytes, true: bytes) -> Answer:
    """Half a document that says it is all."""
    return Answer(body=true[: len(true) // 2])


def too_long(_sent: bytes, true: bytes) -> Answer:
    """A Content-Length beyond the body."""
    return Answer(body=true, length=len(true) + 50)


def too_short(_sent: bytes, true: bytes) -> Answer:
    """A Content-Length that cuts the document."""
    return Answer(body=true, length=max(1, len(true) - 20))


def fault_in_200(_sent: bytes, _true: bytes) -> Answer:
    return Answer(body=simplejson.dumps(FAULT).encode())


def empty(_sent: bytes, _true: bytes) -> Answer:
    return Answer()


def nothing(_sent: bytes, _true: bytes) -> Answer:
    """The connection is closed without a byte."""
    return Answer(close=True)


def silence(_sent: bytes, _true: bytes) -> Answer:
    """The connection is held and nothing comes."""
    return Answer(hold=HELD, close=True)


def redirect(_sent: bytes, _true: bytes) -> Answer:
    return Answer(302, "text/html", b"", (("Location", "http://127.0.0.1:9/login"),))


def bad_gzip(_sent: bytes, true: bytes) -> Answer:
    packed = gzip.compress(true or b"{}")
    return Answer(body=packed[:12] + b"\x00garbage" + packed[20:], headers=(("Content-Encoding", "gzip"),))


def not_a_number(_sent: bytes, true: bytes) -> Answer:
    """NaN where an amount or a version stands; no JSON, though many readers take it."""
    return Answer(body=re.sub(rb'"(SyncToken|domain|version|name)":\s*("[^"]*"|\d+)', rb'"\1":NaN', true) or b"NaN")


def endless_nesting(_sent: bytes, _true: bytes) -> Answer:
    gc.collect()  # else what earlier tests left behind is finalised in the middle of the nesting, and complains there
    return Answer(body=b'{"a":' * 100_000)


def huge(_sent: bytes, _true: bytes) -> Answer:
    """Eight megabytes of blanks in a valid document with nothing in it."""
    return Answer(body=b"{" + b" " * 8_000_000 + b"}")


def not_utf8(_sent: bytes, true: bytes) -> Answer:
    return Answer(body=true.replace(b'"', b'"\xff\xfe', 3))


def a_list(_sent: bytes, true: bytes) -> Answer:
    return Answer(body=b"[" + true + b"]")


def changed(change: Callable[[Any], Any]) -> Spoil:
    """The true document after `change`, which gets it parsed and gives what is sent."""

    def spoil(_sent: bytes, true: bytes) -> Answer:
        return Answer(
            body=simplejson.dumps(change(simplejson.loads(true, use_decimal=True)), use_decimal=True).encode()
        )

    return spoil


def renamed(old: str, new: str) -> Spoil:
    """Another entity than the one asked for."""
    return lambda _sent, true: Answer(body=true.replace(f'"{old}":'.encode(), f'"{new}":'.encode()))


# Every way of answering nonsense that any kind of request can get.
NONSENSE: dict[str, Spoil] = {
    "a page with 200": page(200), "a page with 502": page(502), "a page said to be JSON": page_as_json,
    "half a document, then nothing": half, "half a document": half_whole, "a length beyond the body": too_long,
    "a length within the body": too_short, "a fault in a 200": fault_in_200, "an empty body": empty,
    "a closed connection": nothing, "a redirect": redirect, "broken gzip": bad_gzip, "NaN": not_a_number,
    "endless nesting": endless_nesting, "a huge blank": huge, "bytes that are no UTF-8": not_utf8, "a list": a_list,
}  # fmt: skip
