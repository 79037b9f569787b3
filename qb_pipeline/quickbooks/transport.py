"""One HTTP exchange with QBO: token, throttle, bounded repetition, translation of whatever comes back.

Invariant: a write is never repeated except with the very same bytes and request id; and once one sending of it may have
been carried out, no later failure of the same write claims the opposite.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import requests
import structlog
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from qb_pipeline.errors import OwnerMustAct, PipelineError, Reconnect, RetryLater
from qb_pipeline.quickbooks import catalogue
from qb_pipeline.quickbooks.clock import Clock, time_told, wait_told
from qb_pipeline.quickbooks.errors import CONNECTION_LOST, THROTTLED, UNREACHABLE, Context
from qb_pipeline.quickbooks.throttle import Lane, Throttle
from qb_pipeline.quickbooks.tokens import TokenSource
from qb_pipeline.quickbooks.windows import Slot
from qb_pipeline.quickbooks.wire import HttpAnswer, Object, payload_of

Kind = Literal["query", "read", "cdc", "batch", "write", "other"]
Timeout = tuple[float, float]
T = TypeVar("T")

THROTTLE_RETRIES = 6  # pauses that grow from a second reach beyond a minute, as Intuit's windows do
READ_RETRIES = 2
CONNECTION_RETRIES = 2
_FIRST_PAUSE = 0.5  # seconds; doubled each time, with jitter of half to one and a half

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Call:
    """One request, fixed before the first sending. `path` stands below the company's prefix. `may_leave` is asked where
    the request has waited for its turn, right before it leaves, and raises where it must not any more."""

    kind: Kind
    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    may_leave: Callable[[], None] | None = None

    @property
    def writes(self) -> bool:
        return self.kind in ("batch", "write")

    @property
    def lane(self) -> Lane:
        return "batch" if self.kind == "batch" else "request"


@dataclass(frozen=True)
class CallRecord:
    """What one sending came to, for metrics: `status` is None without an answer, `code` None on success."""

    kind: Kind
    method: str
    path: str
    seconds: float
    status: int | None
    tid: str | None
    code: str | None


@dataclass(frozen=True)
class Exchange:
    """A success: the checked document beside the bytes it came in."""

    payload: Object
    raw: bytes
    context: Context


class Transport:
    """HTTP to one company's part of the data service; thread-safe, with one connection pool per thread."""

    def __init__(
        self,
        realm_id: str,
        base: str,
        token_source: TokenSource,
        throttle: Throttle,
        clock: Clock,
        *,
        timeout: Timeout,
        on_call: Callable[[CallRecord], None] | None,
    ) -> None:
        self._realm_id = realm_id
        self._base = base
        self._tokens = token_source
        self._throttle = throttle
        self._clock = clock
        self._timeout = timeout
        self._on_call = on_call
        self._sessions = threading.local()
        self._counts: Counter[str] = Counter()
        self._began: datetime | None = None  # QuickBooks' time when our monotonic clock showed 0
        self._lock = threading.Lock()

    @property
    def calls(self) -> Counter[str]:
        """A copy of the HTTP calls counted so far, by kind."""
        with self._lock:
            return self._counts.copy()

    def server_time(self, moment: float) -> datetime | None:
        """QuickBooks' own time at a moment of the monotonic clock, the earliest that an answer allows; None before any
        told its time. Whatever our own clock says, and however it is set meanwhile, has no part in it."""
        with self._lock:
            return None if self._began is None else self._began + timedelta(seconds=moment)

    def exchange(self, call: Call, understand: Callable[[Exchange], T], *, slot: Slot | None = None) -> T:
        """What `understand` makes of the answer to `call`, after the repetitions that are harmless.

        `understand` raises a `PipelineError` for an answer that is not the one asked for. `slot` is the throttle's for
        the first sending, where the caller has taken it already.
        """
        tries: Counter[str] = Counter()
        doubt = False
        while True:
            try:
                return self._authorised(call, understand, None if tries else slot)
            except RetryLater as error:
                doubt = error.maybe_written = error.maybe_written or doubt
                reason = _reason_to_repeat(call, error)
                if reason is None or tries[reason] >= _RETRIES[reason]:
                    raise
                tries[reason] += 1
                self._pause(reason, tries[reason], error)
            except (Reconnect, OwnerMustAct) as error:  # refused before anybody looked at the record
                error.maybe_written = doubt
                raise

    def _pause(self, reason: str, nth: int, error: RetryLater) -> None:
        if reason == "throttled":
            self._throttle.penalise(error.after)
        else:
            self._clock.sleep(error.after or _FIRST_PAUSE * 2 ** (nth - 1) * random.uniform(0.5, 1.5))

    def _authorised(self, call: Call, understand: Callable[[Exchange], T], slot: Slot | None) -> T:
        """One sending, and one more with another token when the first one is refused."""
        token = self._tokens.access_token()
        answer = self._send(call, token, slot or self._turn(call))
        if answer.status == 401:
            self._note(call, answer, "qbo_http_401")
            token = self._tokens.refresh_after_401(token)
            answer = self._send(call, token, self._turn(call))
        return self._understood(call, answer, understand)

    def _turn(self, call: Call) -> Slot:
        """The throttle's slot, which may take minutes to come: what held when the call was made may not hold then."""
        slot = self._throttle.acquire(call.lane)
        if call.may_leave is not None:
            call.may_leave()
        return slot

    def _understood(self, call: Call, answer: HttpAnswer, understand: Callable[[Exchange], T]) -> T:
        try:
            payload = payload_of(answer, writes=call.writes)
            result = understand(Exchange(payload, answer.body, answer.context(writes=call.writes)))
        except PipelineError as error:
            self._note(call, answer, error.code)
            if error.code != THROTTLED:
                self._throttle.passed()
            raise
        self._throttle.passed()
        if not call.writes:  # the answer to a repeated write is the one of then, its time too
            self._learn_time(time_told(payload.get("time"), answer.date))
        self._note(call, answer, None)
        return result

    def _learn_time(self, told: datetime | None) -> None:
        """Note what time an answer says it is; one that says nothing that can be read teaches nothing."""
        if told is None:
            return
        began = told - timedelta(seconds=self._clock.monotonic())
        with self._lock:
            self._began = began if self._began is None else min(self._began, began)

    def _send(self, call: Call, token: str, slot: Slot) -> HttpAnswer:
        with self._lock:
            self._counts[call.kind] += 1
        started = self._clock.monotonic()
        try:
            with self._throttle.under_way(slot, call.kind):
                response = self._request(call, token)
        except requests.RequestException as error:
            failure = _failure(error, writes=call.writes)
            self._report(CallRecord(call.kind, call.method, call.path, self._since(started), None, None, failure.code))
            raise failure from error
        seconds = self._since(started)
        if response.ok:  # a refusal is quicker than any work
            self._throttle.learn(call.kind, seconds)
        return _answer(response, seconds)

    def _request(self, call: Call, token: str) -> requests.Response:
        return self._session().request(
            call.method,
            f"{self._base}/{call.path}",
            params=call.params,
            data=call.body,
            headers={"Content-Type": call.content_type} if call.body is not None else {},
            auth=_Bearer(token),
            timeout=self._timeout,
            allow_redirects=False,
        )

    def _since(self, started: float) -> float:
        return self._clock.monotonic() - started

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            session.headers["Accept"] = "application/json"
        return session

    def _note(self, call: Call, answer: HttpAnswer, code: str | None) -> None:
        self._report(
            CallRecord(call.kind, call.method, call.path, answer.seconds, answer.status, answer.tid, code),
        )

    def _report(self, record: CallRecord) -> None:
        if self._on_call:
            self._on_call(record)
        if record.code is not None:
            # The path only: query statements hold names and e-mail addresses.
            _log.warning(
                "quickbooks_call_failed",
                realm=self._realm_id,
                method=record.method,
                path=record.path,
                status=record.status,
                code=record.code,
                intuit_tid=record.tid,
            )


class _Bearer(AuthBase):
    """The token as an `auth` object: a mere header would lose against an entry in the user's ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


_RETRIES = {"throttled": THROTTLE_RETRIES, "read": READ_RETRIES, "connection": CONNECTION_RETRIES}


def _reason_to_repeat(call: Call, error: RetryLater) -> str | None:
    if error.code == THROTTLED:
        return "throttled"
    if not call.writes:
        return "read"
    return "connection" if error.code in (CONNECTION_LOST, UNREACHABLE) else None


def _failure(error: requests.RequestException, *, writes: bool) -> RetryLater:
    """A request without an answer. Only a connection that never came about proves that nothing was written."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    host = urlsplit(error.request.url or "").hostname if error.request is not None else None
    where = f"QuickBooks ({host})" if host else "QuickBooks"
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return catalogue.UNREACHABLE.passing(where=where)
    if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
        return catalogue.TIMEOUT.passing(where=where, maybe_written=writes)
    return catalogue.CONNECTION_LOST.passing(where=where, maybe_written=writes)


def _answer(response: requests.Response, seconds: float) -> HttpAnswer:
    headers = response.headers
    return HttpAnswer(
        response.status_code,
        headers.get("Content-Type", "").casefold(),
        response.content,
        headers.get("intuit_tid"),
        wait_told(headers.get("Retry-After"), headers.get("Date")),
        seconds,
        headers.get("Date"),
    )
