"""The `/_sandbox/*` routes that both servers answer, and the Kernel that holds everything behind them.

Invariant: control calls are strict; a field or value that is not understood is a 400 and changes nothing.

    kernel = Kernel.create(conn, render, limits=[LimitRule(...)], formats=("legacy",), max_events=1, actions=ACTIONS)
    kernel.conn / .clock / .log / .faults / .limits / .webhooks
    kernel.routes(world) -> list[Route];  kernel.lifespan  (pass it to Starlette(lifespan=...): runs the deliveries)

`world` is the server behind it (see World). Its methods may raise ControlError to refuse.

    GET  info                                  GET  state                     GET requests?since=N
    POST token {"realm_id"}                    POST ui {"act", ...}           POST clock {"advance_seconds"}
    POST faults [rules] (added to those in force) / GET / DELETE
    POST|GET limits {"enforce", "time_scale", "retry_after", "latency_seconds"}
    POST subscribe {"url", "format"} / GET / DELETE {"url"}
    POST|GET webhooks {"deliver", "release", "aggregate_seconds", "disable_after_seconds"}

`state` also tells under "webhooks" how many events were delivered, refused, given up, lost, doubled, delayed,
shuffled.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from qb_pipeline.sandbox.kernel.clock import Clock, iso
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.fault_rules import ACTIONS
from qb_pipeline.sandbox.kernel.faults import FaultRules
from qb_pipeline.sandbox.kernel.limits import LimitRule, Limits
from qb_pipeline.sandbox.kernel.requests_log import RequestLog
from qb_pipeline.sandbox.kernel.webhooks import Render, Webhooks

PREFIX = "/_sandbox/"
LIMIT_FIELDS = ("enforce", "time_scale", "retry_after", "latency_seconds")
WEBHOOK_FIELDS = ("deliver", "release", "aggregate_seconds", "disable_after_seconds")
MOST = 1e300
SLOWEST, FASTEST = 1e-6, 1e9
# The real service gives up a request after two minutes.
MOST_LATENCY_SECONDS = 120
Fields = dict[str, Any]
Act = Callable[[Request, Any], Any]


class World(Protocol):
    """What a sandbox server offers to the control routes; every method is synchronous and gives a JSON object."""

    def info(self) -> dict[str, Any]:
        """What a client needs to connect, as in the first line of output."""

    def issue_token(self, realm_id: str | None) -> dict[str, Any]:
        """A fresh token pair for a realm (None: the default one)."""

    def ui(self, act: dict[str, Any]) -> dict[str, Any]:
        """Do what only a person can do in the product; `act` has the key `act`."""

    def state(self) -> dict[str, Any]:
        """Counts and sums per entity."""


@dataclass(frozen=True)
class Kernel:
    """Everything the two servers share, on one connection."""

    conn: sqlite3.Connection
    clock: Clock
    log: RequestLog
    faults: FaultRules
    limits: Limits
    webhooks: Webhooks

    @classmethod
    def create(
        cls,
        conn: sqlite3.Connection,
        render: Render,
        *,
        limits: Sequence[LimitRule] = (),
        formats: Sequence[str] = ("legacy",),
        max_events: int = 1,
        actions: tuple[str, ...] = ACTIONS,
    ) -> "Kernel":
        """Build all parts; webhook retries follow the time scale of the limits."""
        clock, limiter, faults = Clock(conn), Limits(limits), FaultRules(actions)
        webhooks = Webhooks(
            conn,
            clock,
            render,
            formats=formats,
            max_events=max_events,
            time_scale=lambda: limiter.time_scale,
            fate=faults.fate,
        )
        return cls(conn, clock, RequestLog(clock), faults, limiter, webhooks)

    def routes(self, world: World) -> list[Route]:
        """The Starlette routes of `/_sandbox/*`."""
        return [Route(PREFIX + name, endpoint(act), methods=[method]) for method, name, act in self._acts(world)]

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """Deliver webhooks while the server runs."""
        task = asyncio.create_task(self.webhooks.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _acts(self, world: World) -> list[tuple[str, str, Act]]:
        return [
            ("GET", "info", lambda _request, _body: world.info()),
            ("GET", "state", lambda _request, _body: {**world.state(), "webhooks": self.webhooks.counts()}),
            ("POST", "token", lambda _request, body: world.issue_token(realm_of(body))),
            ("POST", "ui", lambda _request, body: world.ui(act_of(body))),
            ("GET", "requests", lambda request, _body: self.log.since(since_of(request))),
            ("POST", "faults", lambda _request, body: self._add_faults(body)),
            ("GET", "faults", lambda _request, _body: {"rules": self.faults.describe()}),
            ("DELETE", "faults", lambda _request, _body: self._clear_faults()),
            ("POST", "limits", lambda _request, body: self._set_limits(fields(body, *LIMIT_FIELDS))),
            ("GET", "limits", lambda _request, _body: self.limits.describe()),
            ("POST", "clock", lambda _request, body: self._advance(fields(body, "advance_seconds"))),
            ("POST", "subscribe", lambda _request, body: self._subscribe(fields(body, "url", "format"))),
            ("GET", "subscribe", lambda _request, _body: {"subscriptions": self.webhooks.subscriptions.all()}),
            ("DELETE", "subscribe", lambda _request, body: self._unsubscribe(fields(body, "url"))),
            ("POST", "webhooks", lambda _request, body: self._set_webhooks(fields(body, *WEBHOOK_FIELDS))),
            ("GET", "webhooks", lambda _request, _body: self.webhooks.describe()),
        ]

    def _add_faults(self, body: object) -> Fields:
        self.faults.add(body)
        return {"rules": self.faults.describe()}

    def _clear_faults(self) -> Fields:
        self.faults.clear()
        return {"rules": []}

    def _set_limits(self, body: Fields) -> Fields:
        for name in ("enforce", "retry_after"):
            if body.get(name) is not None and not isinstance(body[name], bool):
                raise ControlError(f"{name} must be true or false, got {body[name]!r}", field=name)
        scale, latency = body.get("time_scale"), body.get("latency_seconds")
        if scale is not None and not SLOWEST <= number_of(scale, "time_scale") <= FASTEST:
            message = f"time_scale must be from {SLOWEST:g} to {FASTEST:g}, got {scale!r}"
            raise ControlError(message, field="time_scale")
        if latency is not None and not 0 <= number_of(latency, "latency_seconds") <= MOST_LATENCY_SECONDS:
            message = f"latency_seconds must be from 0 to {MOST_LATENCY_SECONDS}, got {latency!r}"
            raise ControlError(message, field="latency_seconds")
        self.limits.set(**{name: body.get(name) for name in LIMIT_FIELDS})
        self.webhooks.wake()
        return self.limits.describe()

    def _advance(self, body: Fields) -> Fields:
        try:
            self.clock.advance(number_of(body.get("advance_seconds"), "advance_seconds"))
        except ValueError as error:
            raise ControlError(str(error), field="advance_seconds") from error
        self.webhooks.wake()
        return {"now": iso(self.clock.now())}

    def _subscribe(self, body: Fields) -> Fields:
        return {**self.webhooks.subscriptions.add(body.get("url"), body.get("format"))}

    def _unsubscribe(self, body: Fields) -> Fields:
        self.webhooks.subscriptions.remove(str(body.get("url")))
        return {"subscriptions": self.webhooks.subscriptions.all()}

    def _set_webhooks(self, body: Fields) -> Fields:
        wanted = dict(body)
        release = wanted.pop("release", False)
        if not isinstance(release, bool):
            raise ControlError(f"release must be true or false, got {release!r}", field="release")
        self.webhooks.configure(**wanted)
        if release:
            self.webhooks.release()
        return self.webhooks.describe()


def endpoint(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """An async Starlette endpoint (sync ones would run in another thread) around one act."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(act(request, parse(await request.body())))
        except ControlError as error:
            envelope = {"code": error.code, "message": error.message, "field": error.field}
            return JSONResponse({"error": envelope}, status_code=error.status)

    return answer


def parse(body: bytes) -> Any:
    """The JSON body, or an empty object when there is none; half a surrogate pair fits no file."""
    try:
        value = json.loads(body) if body.strip() else {}
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ControlError(f"the body is no JSON: {error}") from error
    return value


def fields(body: object, *known: str) -> Fields:
    """The body as an object with nothing but `known` keys."""
    if not isinstance(body, dict):
        raise ControlError("send a JSON object")
    for key in body:
        if key not in known:
            raise ControlError(f"unknown field {key!r}; known are {', '.join(known)}", field=str(key))
    return body


def act_of(body: object) -> Fields:
    """The body of a `ui` call, which must name its act."""
    if not isinstance(body, dict) or not isinstance(body.get("act"), str):
        raise ControlError('send a JSON object with "act"', field="act")
    return body


def realm_of(body: object) -> str | None:
    """The realm of a `token` call, None for the default one."""
    realm = fields(body, "realm_id").get("realm_id")
    if realm is not None and not isinstance(realm, str):
        raise ControlError(f"realm_id must be text, got {realm!r}", field="realm_id")
    return realm


def since_of(request: Request) -> int:
    """The `since` of a `requests` call."""
    text = request.query_params.get("since", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise ControlError(f"since must be a whole number >= 0, got {text!r}", field="since")
    return int(text)


def number_of(value: object, name: str) -> float:
    """A JSON number that a float can hold, not a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST <= value <= MOST:
        raise ControlError(f"{name} must be a number, got {value!r}", field=name)
    return value
