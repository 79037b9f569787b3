"""The ASGI layer around a sandbox server: classify, limit, spoil, log.

Invariant: every request outside `/_sandbox/` is logged exactly once, before its answer leaves, so that whoever has an
answer finds it in the log; `/_sandbox/` is never logged, limited or spoiled.

    SandboxMiddleware(app, kernel, classify=..., answer=..., expire_token=None)

`classify(Incoming) -> Call` says what the request is; `answer(status, Incoming, Call) -> Answer` words the statuses the
kernel gives itself (429 of a limit, the status of a fault); `expire_token(Incoming)` is called for that fault.
The handler finds the Call as `request.state.call` and may correct `call.items`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qb_pipeline.sandbox.kernel.calls import Answer, Call, Classify, ExpireToken, Incoming, RenderStatus
from qb_pipeline.sandbox.kernel.clock import iso
from qb_pipeline.sandbox.kernel.control import PREFIX, Kernel
from qb_pipeline.sandbox.kernel.faults import FaultRule
from qb_pipeline.sandbox.kernel.serve import abort


@dataclass
class Visit:
    """One request on its way through the middleware."""

    incoming: Incoming
    call: Call
    at: str


class SandboxMiddleware:
    """Wraps the whole application of one sandbox server."""

    def __init__(
        self,
        app: ASGIApp,
        kernel: Kernel,
        *,
        classify: Classify,
        answer: RenderStatus,
        expire_token: ExpireToken | None = None,
    ) -> None:
        self._app = app
        self._kernel = kernel
        self._classify = classify
        self._answer = answer
        self._expire_token = expire_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] != "http" or scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        incoming = incoming_of(scope, body)
        visit = Visit(incoming, self._classify(incoming), iso(self._kernel.clock.now()))
        scope.setdefault("state", {})["call"] = visit.call
        await self._pass(visit, scope, replay(incoming.body, receive), send)

    async def _pass(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._kernel.limits.check(visit.incoming, visit.call, self._kernel.clock.now().timestamp())
        if limit is not None:
            await self._give(visit, self._answer(429, visit.incoming, visit.call), send)
            return
        final = None
        for rule in self._kernel.faults.decide(visit.incoming, visit.call):
            if rule.action == "delay":
                await asyncio.sleep(rule.seconds)
            else:
                final = rule
        await self._act(final, visit, scope, receive, send)

    async def _act(self, rule: FaultRule | None, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        action = rule.action if rule else "none"
        if rule is not None and action == "status":
            await self._give(visit, with_retry_after(self._status(rule, visit), rule.seconds), send)
        elif action == "drop_before":
            self._log(visit, 0, items=0)
            await abort(scope, receive, send)
        elif action == "drop_after":
            status = await self._run_unanswered(scope, receive)
            self._log(visit, 0, items=visit.call.items if status < 400 else 0)
            await abort(scope, receive, send)
        else:
            if action == "expire_token" and self._expire_token is not None:
                self._expire_token(visit.incoming)
            await self._app(scope, receive, self._logging(visit, send))

    def _status(self, rule: FaultRule, visit: Visit) -> Answer:
        return self._answer(rule.status, visit.incoming, visit.call)

    async def _run_unanswered(self, scope: Scope, receive: Receive) -> int:
        """Let the server do its work and keep the answer from the client; returns the status it meant."""
        statuses: list[int] = []

        async def swallow(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._app(scope, receive, swallow)
        return statuses[0]

    def _logging(self, visit: Visit, send: Send) -> Send:
        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                self._log(visit, status, items=visit.call.items if status < 400 else 0)
            await send(message)

        return logged

    async def _give(self, visit: Visit, answer: Answer, send: Send) -> None:
        self._log(visit, answer.status, items=0)
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})

    def _log(self, visit: Visit, status: int, *, items: int) -> None:
        incoming, call = visit.incoming, visit.call
        self._kernel.log.record(
            incoming.method, incoming.target, status, realm=call.realm, key=call.key, items=items, at=visit.at
        )


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
