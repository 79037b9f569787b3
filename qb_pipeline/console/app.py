"""The console put together.

Invariant: what is not among the open routes wants the console's key; whatever goes wrong inside is answered without a
word of its insides, and logged by its kind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

import simplejson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qb_pipeline.console import exposition, health
from qb_pipeline.console.access import Access
from qb_pipeline.console.answering import Patience, Refused
from qb_pipeline.console.consent import Consent
from qb_pipeline.console.directory import Directory
from qb_pipeline.console.meters import Meters
from qb_pipeline.console.pending import Pending
from qb_pipeline.console.receiving import Receiver
from qb_pipeline.console.storing import Storing
from qb_pipeline.settings import Settings, console_key, token_keys
from qb_pipeline.store.sealing import Sealer

_log = structlog.get_logger(__name__)


def _nobody(_company: str) -> None:
    """Nobody else wants to know."""


def make_app(engine: Engine, settings: Settings, connected: Callable[[str], None] = _nobody) -> Starlette:
    """The ASGI application on migrated tables; `connected` is told of each company that was connected here.

    Its threads for webhooks are its own, so that a slow consent or a slow figure can't hold up a delivery.
    """
    threads = ThreadPoolExecutor(2, thread_name_prefix="webhooks")
    meters = Meters()
    storing = Storing(engine, threads, meters)
    directory = Directory(engine, settings, threads)
    receiver = Receiver(settings, directory, storing, Patience(settings.console_refusals), meters)
    pending = Pending(settings.home / "consents", Sealer(*token_keys(settings)))
    consent = Consent(engine, settings, pending, Patience(settings.console_refusals), connected)
    guarded = Access(console_key(settings), Patience(settings.console_refusals)).guarded
    figures = Figures(engine, meters, directory, timedelta(hours=settings.stale_hours))
    routes = [
        Route("/webhooks/quickbooks", receiver.quickbooks, methods=["POST"]),
        Route("/webhooks/contractor", receiver.contractor, methods=["POST"]),
        Route("/webhooks/contractor/{company:path}", receiver.contractor, methods=["POST"]),
        Route("/oauth/connect", guarded(consent.connect), methods=["GET", "POST"]),
        Route("/oauth/callback", consent.callback, methods=["GET"]),
        Route("/health/live", _live, methods=["GET"]),
        Route("/health", guarded(figures.health), methods=["GET"]),
        Route("/metrics", guarded(figures.metrics), methods=["GET"]),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        writer = asyncio.create_task(storing.run())
        yield
        storing.stop()
        await writer
        threads.shutdown()

    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(Outermost, meters=meters)
    return app


async def _live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


class Figures:
    """`GET /health` and `GET /metrics`."""

    def __init__(self, engine: Engine, meters: Meters, directory: Directory, stale_after: timedelta) -> None:
        self._engine, self._meters, self._directory = engine, meters, directory
        self._stale_after = stale_after

    async def health(self, _request: Request) -> Response:
        """503 when the store can't be reached, so that a monitor need not read the answer."""
        unheard = await self._directory.unheard()
        found = await asyncio.to_thread(health.report, self._engine, self._stale_after, unheard)
        text = simplejson.dumps(found, use_decimal=True, default=str)
        return Response(text, 503 if found["status"] == "unreachable" else 200, media_type="application/json")

    async def metrics(self, _request: Request) -> Response:
        """What was counted here is told even when the store can't be reached."""
        reachable = exposition.Counter("qb_store_reachable", "1 when the database answered.")
        unheard = await self._directory.unheard()
        try:
            stored = await asyncio.to_thread(health.lines, self._engine, self._stale_after, unheard)
        except SQLAlchemyError as error:
            _log.error("console.database", error=type(error).__name__)
            stored = []
        up = exposition.family(reachable.name, "gauge", reachable.help, (), {(): float(bool(stored))})
        text = exposition.text_of([*up, *self._meters.lines(), *stored])
        return Response(text, headers={"content-type": exposition.CONTENT_TYPE})


class Outermost:
    """Times every request, and answers what the endpoints raise."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app, self._meters = app, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered = time.perf_counter(), []

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered.append(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Refused as refused:
            self._meters.refused.add(_route(scope), refused.why)
            await refused.response()(scope, receive, noting)
        except Exception as error:
            _log.error("console.failed", route=_route(scope), error=type(error).__name__)
            if answered:  # half an answer can't be taken back: the server closes the connection
                raise
            answer = JSONResponse({"error": {"code": "unexpected", "message": "It failed; the log says where."}}, 500)
            await answer(scope, receive, noting)
        finally:
            status = str(answered[0]) if answered else "none"
            self._meters.seconds.observe(time.perf_counter() - began, _route(scope), status)


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself: anybody can ask for any path."""
    for prefix in ("/webhooks/quickbooks", "/webhooks/contractor", "/oauth/connect", "/oauth/callback", "/health/live",
                   "/health", "/metrics"):  # fmt: skip
        if scope["path"] == prefix or (prefix == "/webhooks/contractor" and scope["path"].startswith(prefix + "/")):
            return prefix
    return "other"
