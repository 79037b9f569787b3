"""One HTTP exchange with a contractor platform.

Invariant: an exchange ends in a JSON answer or in an error named by recovery; reads are repeated a bounded number of
times, a write is sent once, and when nobody can know whether it was applied the error says `maybe_written`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock, local
from typing import Any

import requests
import simplejson
from requests.auth import AuthBase, HTTPBasicAuth

from qb_pipeline.contractor import situations
from qb_pipeline.contractor.answers import not_json, raise_for_refusal
from qb_pipeline.contractor.calls import CallCounter
from qb_pipeline.contractor.system import Auth, Connection, System
from qb_pipeline.errors import RetryLater

Sleep = Callable[[float], None]
_SAFE = frozenset({"list", "get", "find"})


class HeaderAuth(AuthBase):
    """Sets one header; as an auth object it also keeps a `.netrc` from replacing it."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._value
        return request


class Pace:
    """At most `per_second` requests a second over all threads; None is no limit."""

    def __init__(self, per_second: float | None, sleep: Sleep) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._sleep = sleep
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
        if start > now:
            self._sleep(start - now)


@dataclass(frozen=True)
class Request:
    """What is asked. `kind` names the operation; `about` says it in words for an error."""

    kind: str
    method: str
    path: str
    about: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None

    @property
    def writes(self) -> bool:
        return self.kind not in _SAFE


class Transport:
    """Sends requests to one base URL with one key; each thread has a session of its own."""

    def __init__(self, system: System, base_url: str, api_key: str, *, sleep: Sleep = time.sleep) -> None:
        self._system = system
        self._base_url = base_url.rstrip("/")
        self._auth = _auth(system.connection.auth, api_key)
        self._sleep = sleep
        self._pace = Pace(system.connection.requests_per_second, sleep)
        self._local = local()
        self.calls = CallCounter()

    @property
    def answered_at(self) -> datetime | None:
        """When the platform's server gave its latest answer to this thread, by its own clock (the Date header)."""
        told: datetime | None = getattr(self._local, "answered_at", None)
        return told

    def exchange(self, request: Request) -> Any:
        """The JSON answer, None for an empty one; raises the errors of `raise_for_refusal`, or `RetryLater`."""
        settings = self._system.connection
        attempts = 1 if request.writes else settings.attempts
        for attempt in range(1, attempts):
            try:
                return self._once(request)
            except RetryLater as passing:
                wait = _backoff(attempt) if passing.after is None else passing.after
                if wait > settings.longest_wait:
                    raise
                self._sleep(wait)
        return self._once(request)

    def _once(self, request: Request) -> Any:
        self._pace.wait()
        self.calls.add(request.kind)
        response = self._send(request)
        self._local.answered_at = _told(response.headers.get("Date"))
        raise_for_refusal(self._system, request.about, response, writes=request.writes)
        return _json(self._system.title, request, response)

    def _send(self, request: Request) -> requests.Response:
        settings = self._system.connection
        try:
            return self._session().request(
                request.method,
                self._base_url + request.path,
                params=request.params,
                data=request.body,
                headers=_headers(settings, request),
                timeout=(settings.connect_timeout, settings.read_timeout),
                # A redirected POST would silently become a GET.
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            raise self._unreachable(request, error) from error

    def _unreachable(self, request: Request, error: requests.exceptions.RequestException) -> RetryLater:
        connected = not isinstance(error, requests.exceptions.ConnectTimeout) and not _refused(error)
        what = "did not answer in time" if isinstance(error, requests.exceptions.Timeout) else "closed the connection"
        if not connected:
            return situations.UNREACHABLE.passing(address=self._base_url, about=request.about)
        return situations.NO_ANSWER.passing(
            maybe_written=request.writes, address=self._base_url, what=what, about=request.about
        )

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.auth = self._auth
        session: requests.Session = self._local.session
        return session


def _told(date: str | None) -> datetime | None:
    """The time of a Date header; None where there is none that can be read."""
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)  # "-0000" says UTC of an unknown place


def _auth(auth: Auth, key: str) -> AuthBase:
    if auth.kind == "basic":
        return HTTPBasicAuth(auth.user, key)
    return HeaderAuth(auth.name, f"Bearer {key}" if auth.kind == "bearer" else f"{auth.prefix}{key}")


def _headers(settings: Connection, request: Request) -> dict[str, str]:
    headers = {"Accept": "application/json", **settings.headers, **(request.headers or {})}
    return headers | ({"Content-Type": "application/json"} if request.body is not None else {})


def _refused(error: requests.exceptions.RequestException) -> bool:
    """Whether the connection was never made, so that nothing can have been applied."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"} or isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.SSLError | requests.exceptions.ProxyError
    )


def _backoff(attempt: int) -> float:
    return float(0.25 * 2 ** (attempt - 1))


def _json(title: str, request: Request, response: requests.Response) -> Any:
    if not response.content:
        return None
    try:
        return simplejson.loads(response.content, use_decimal=True)
    except (ValueError, RecursionError) as error:  # the latter for a document nested without end
        raise not_json(title, request.about, response, writes=request.writes) from error
