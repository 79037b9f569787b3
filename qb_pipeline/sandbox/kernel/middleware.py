"""The ASGI layer around a sandbox server: classify, limit, spoil, log.

Invariant: every request outside `/_sandbox/` is logged exactly once, before its answer leaves, so that whoever has an
answer finds it in the log; `/_sandbox/` is never logged, limited or spoiled.

    SandboxMiddleware(app, kernel, classify=..., answer=..., spoiler=..., expire_token=None)

`classify(Incoming) -> Call` says what the request is; `answer(status, Incoming, Call) -> Answer` words the statuses the
kernel gives itself (429 of a limit, the status of a fault); `spoiler` does the faults that concern records;
`expire_token(Incoming)` is called for that fault.
The handler finds the Call as `request.state.call` and may correct `call.items`.
"""

import asyncio
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qb_pipeline.sandbox.kernel.calls import Answer, Call, Classify, ExpireToken, Incoming, RenderStatus
from qb_pipeline.sandbox.kernel.clock import Clock, iso
from qb_pipeline.sandbox.kernel.control import PREFIX, Kernel
from qb_pipeline.sandbox.kernel.fault_rules import FaultRule
from qb_pipeline.sandbox.kernel.serve import abort
from qb_pipeline.sandbox.kernel.spoiling import Spoiler, dressed

# Headers that the middleware writes itself for an answer it has seen whole.
OF_THE_BODY = ("content-length", "transfer-encoding")


@dataclass
class Visit:
    """One request on its way through: `asked` is what the client sent, `incoming` what the server sees."""

    asked: Incoming
    incoming: Incoming
    call: Call
    at: str


def dated(send: Send, clock: Clock) -> Send:
    """The answer's Date is the sandbox's own time, as the times within the answer are."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            date = (b"date", format_datetime(clock.now(), usegmt=True).encode())
            message = {**message, "headers": [*message.get("headers", []), date]}
        await send(message)

    return sending


class SandboxMiddleware:
    """Wraps the whole application of one sandbox server."""

    def __init__(
        self,
        app: ASGIApp,
        kernel: Kernel,
        *,
        classify: Classify,
        answer: RenderStatus,
        spoiler: Spoiler,
        expire_token: ExpireToken | None = None,
    ) -> None:
        self._app = app
        self._kernel = kernel
        self._classify = classify
        self._answer = answer
        self._spoiler = spoiler
        self._expire_token = expire_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        send = dated(send, self._kernel.clock)
        if scope["type"] != "http" or scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        incoming = incoming_of(scope, body)
        visit = Visit(incoming, incoming, self._classify(incoming), iso(self._kernel.clock.now()))
        limits = self._kernel.limits
        refusal = limits.check(incoming, visit.call, self._kernel.clock.now().timestamp())
        if refusal is not None:
            throttled = with_retry_after(self._answer(429, incoming, visit.call), limits.retry_after_of(refusal))
            await self._give(visit, throttled, send)
            return
        with limits.in_flight(incoming, visit.call):
            if limits.latency_seconds:
                await asyncio.sleep(limits.latency_seconds)
            await self._work(visit, scope, receive, send)

    async def _work(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        firing = self._kernel.faults.decide(visit.incoming, visit.call)
        await wait(rule for rule in firing if rule.action == "delay" and not rule.after)
        final = next((rule for rule in firing if rule.action != "delay"), None)
        if final is not None and final.action == "drop_before":
            self._log(visit, 0, items=0)
            await abort(scope, receive, send)
        elif final is not None and final.action == "status" and not final.after:
            await self._give(visit, self._status(final, visit), send)
        else:
            if final is not None and final.action == "expire_token" and self._expire_token is not None:
                self._expire_token(visit.incoming)
            served = self._kernel.faults.served(visit.incoming, visit.call)
            late = [rule for rule in firing if rule.action == "delay" and rule.after]
            if served or late or (final is not None and final.action in ("drop_after", "status")):
                await self._work_spoiled(visit, final, served, late, scope, receive, send)
            else:
                await self._run(visit, scope, receive, self._logging(visit, send))

    async def _work_spoiled(
        self,
        visit: Visit,
        final: FaultRule | None,
        served: list[FaultRule],
        late: list[FaultRule],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Let the server work and keep its whole answer back, because something may happen to it."""
        for rule in served:
            visit.incoming = self._spoiler.prepare(rule, visit.incoming, visit.call)
        if visit.incoming is not visit.asked:
            visit.call = self._classify(visit.incoming)
        answer = await self._answer_of(visit, scope, receive)
        items = visit.call.items if answer.status < 400 else 0
        for rule in served:
            answer = self._spoiler.review(rule, visit.incoming, visit.call, answer)
        await wait(late)
        if final is not None and final.action == "drop_after":
            self._log(visit, 0, items=items)
            await abort(scope, receive, send)
        elif final is not None and final.action == "status":
            await self._give(visit, self._status(final, visit), send, items=items)
        else:
            await self._give(visit, answer, send, items=items)

    async def _run(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["call"] = visit.call
        await self._app(scope, replay(visit.incoming.body, receive), send)

    async def _answer_of(self, visit: Visit, scope: Scope, receive: Receive) -> Answer:
        """What the server answers, kept from the client."""
        status, headers, parts = 500, {}, []

        async def keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
            else:
                parts.append(message.get("body", b""))

        await self._run(visit, scope, receive, keep)
        return Answer(status, b"".join(parts), {k: v for k, v in headers.items() if k not in OF_THE_BODY})

    def _status(self, rule: FaultRule, visit: Visit) -> Answer:
        worded = dressed(self._answer(rule.status, visit.asked, visit.call), rule.own["body"], self._spoiler)
        return with_retry_after(worded, rule.seconds)

    def _logging(self, visit: Visit, send: Send) -> Send:
        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                self._log(visit, status, items=visit.call.items if status < 400 else 0)
            await send(message)

        return logged

    async def _give(self, visit: Visit, answer: Answer, send: Send, *, items: int = 0) -> None:
        self._log(visit, answer.status, items=items)
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})

    def _log(self, visit: Visit, status: int, *, items: int) -> None:
        asked, call = visit.asked, visit.call
        self._kernel.log.record(
            asked.method, asked.target, status, realm=call.realm, key=call.key, items=items, at=visit.at
        )


async def wait(rules: Any) -> None:
    """The delays, one after the other."""
    for rule in rules:
        await asyncio.sleep(rule.seconds)


def with_retry_after(answer: Answer, seconds: float) -> Answer:
    """A status fault with `seconds` tells the client how long to wait."""
    if seconds <= 0:
        return answer
    return Answer(answer.status, answer.body, {**answer.headers, "retry-after": f"{seconds:g}"})


def incoming_of(scope: Scope, body: bytes) -> Incoming:
    """The ASGI scope and body as an Incoming; header bytes are Latin-1 as HTTP has it."""
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        query_string=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def read_body(receive: Receive) -> bytes | None:
    """The whole request body; None when the client hung up before it was complete, so that no half of it is obeyed."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, then whatever the connection says."""
    pending: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
