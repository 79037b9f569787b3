"""The edges at which a process of the product can be ended: commits, requests, answers, tokens.

Invariant: only what the tests started is watched; an edge is known by what happens there and how often that happened
before, never by ids or times, so that it is found again in another run of the same work.

    watch(trace, stop)   `trace` gets one line per edge; the process kills itself with SIGKILL at the edge `stop`,
                         which is a line of an earlier trace or the number of the edge, counted from 1
    attach(edges)        anything with `reached(what)` is told of every edge of this process
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

import requests
import urllib3.connection
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_CHANGES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)\"?\.\"?(\w+)", re.IGNORECASE)
_DEEDS = {"insert into": "insert", "update": "update", "delete from": "delete"}
_FROM = re.compile(r"\bfrom (\w+)", re.IGNORECASE)


_Ending = Callable[[Any, Any], None]


class Edges(Protocol):
    """Is told of edges as they are reached, by any thread."""

    def reached(self, what: str) -> None: ...


class Watch:
    """Counts the edges of this process and ends it at one of them."""

    def __init__(self, trace: Path, stop: str | int | None) -> None:
        self._file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._stop = stop
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._count = 0

    def reached(self, what: str) -> None:
        """Note an edge; does not return where the process is to end."""
        with self._lock:
            self._seen[what] += 1
            self._count += 1
            name = f"{what} #{self._seen[what]}"
            os.write(self._file, f"{name}\n".encode())
            if self._stop in (name, self._count):
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)  # the lock is held: no other thread gets any further before the signal is delivered


def watch(trace: Path, stop: str | int | None = None) -> None:
    """Watch this process from now on."""
    attach(Watch(trace, stop))


def attach(edges: Edges) -> None:
    """Tell `edges` of everything that happens in this process from now on."""
    _watch_commits(edges)
    _watch_tokens(edges)
    _watch_requests(edges)


def _watch_commits(edges: Edges) -> None:
    """Before and after every commit that changed a row; other transactions are no edge."""
    open_: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
    commit: _Ending = PGDialect_psycopg.do_commit
    rollback: _Ending = PGDialect_psycopg.do_rollback

    def note(conn: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if cursor.rowcount == 0:
            return
        if deeds := _deeds(statement):
            open_.setdefault(conn.connection.dbapi_connection, set()).update(deeds)

    def committing(self: Any, connection: Any) -> None:
        changed = open_.pop(connection.dbapi_connection, None)
        if not changed:
            commit(self, connection)
            return
        what = ", ".join(sorted(changed))
        edges.reached(f"before commit: {what}")
        commit(self, connection)
        edges.reached(f"after commit: {what}")

    def rolling_back(self: Any, connection: Any) -> None:
        open_.pop(connection.dbapi_connection, None)
        rollback(self, connection)

    event.listen(Engine, "after_cursor_execute", note)
    PGDialect_psycopg.do_commit = committing  # type: ignore[method-assign]  # the edge is nowhere else to be had
    PGDialect_psycopg.do_rollback = rolling_back  # type: ignore[method-assign]  # as above


def changes(statement: str) -> bool:
    """Whether a statement changes rows."""
    return bool(_deeds(statement))


@lru_cache(maxsize=4096)  # the same statements come by the hundred thousand
def _deeds(statement: str) -> frozenset[str]:
    return frozenset(f"{_DEEDS[deed.lower()]} {_table(*table)}" for deed, *table in _CHANGES.findall(statement))


def _table(schema: str, name: str) -> str:
    return f"staging of {schema.removeprefix('staging_')}" if schema.startswith("staging_") else name


def _watch_tokens(edges: Edges) -> None:
    """Tokens are saved without a transaction around them."""

    def saving(what: str) -> Any:
        def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if changes(statement) and ".token" in statement:
                edges.reached(f"{what} saving tokens")

        return note

    event.listen(Engine, "before_cursor_execute", saving("before"))
    event.listen(Engine, "after_cursor_execute", saving("after"))


def _watch_requests(edges: Edges) -> None:
    """Before a request leaves, half of a batch on its way, all of a write on its way, and its answer read whole."""
    send, halves = requests.Session.send, urllib3.connection.HTTPConnection.send
    answer = urllib3.connection.HTTPConnection.getresponse
    current = threading.local()

    def sending(self: Any, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        body = request.body
        current.what, current.body = said(request), body.encode() if isinstance(body, str) else body
        edges.reached(f"request leaving: {current.what}")
        response = send(self, request, **options)
        edges.reached(f"answer arrived: {current.what}")
        return response

    def in_halves(self: Any, data: Any) -> None:
        if not isinstance(data, bytes) or data != current.body or not current.what.endswith(("/batch", "/bearer")):
            halves(self, data)
            return
        halves(self, data[: len(data) // 2])
        edges.reached(f"half sent: {current.what}")
        halves(self, data[len(data) // 2 :])

    def answering(self: Any) -> Any:
        if not current.what.startswith("GET"):
            edges.reached(f"sent, unanswered: {current.what}")
        return answer(self)

    requests.Session.send = sending  # type: ignore[method-assign]  # both systems are spoken to through it
    urllib3.connection.HTTPConnection.send = in_halves  # type: ignore[method-assign]  # as above
    urllib3.connection.HTTPConnection.getresponse = answering  # type: ignore[method-assign]  # as above


def said(request: requests.PreparedRequest) -> str:
    """Method and address without ids."""
    parts = urlsplit(request.url or "")
    path = "/".join(":id" if any(map(str.isdigit, p)) and len(p) > 2 else p for p in parts.path.split("/"))
    asked = parse_qs(parts.query)
    kind = asked.get("operation") or [m.group(1) for q in asked.get("query", []) if (m := _FROM.search(q))]
    return f"{request.method} {path}" + (f" ({kind[0]})" if kind else "")
