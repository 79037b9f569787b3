"""The contractor sandbox as a process: state, sample or data, API, control routes, first line of output.

Invariant: key and webhook secret belong to the state file, so a restart on it needs no new configuration.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from qb_pipeline.sandbox.contractor.api import Api, answer_status, classify
from qb_pipeline.sandbox.contractor.loading import load_folder, load_sample
from qb_pipeline.sandbox.contractor.problems import Problem
from qb_pipeline.sandbox.contractor.service import Service
from qb_pipeline.sandbox.contractor.spoiling import ContractorSpoiler
from qb_pipeline.sandbox.contractor.store import Store
from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.kernel.control import Kernel
from qb_pipeline.sandbox.kernel.database import get_meta, open_database, set_meta, transaction
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.fault_rules import NOTIFYING, PLAIN
from qb_pipeline.sandbox.kernel.limits import LimitRule
from qb_pipeline.sandbox.kernel.middleware import SandboxMiddleware
from qb_pipeline.sandbox.kernel.serve import serve
from qb_pipeline.sandbox.kernel.webhooks import Render

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# The API's key never expires, so there is no token to let die; and it knows no batches.
ACTIONS = (*PLAIN, "poison", "row_change", *NOTIFYING)


class ContractorWorld:
    """What the control routes can do with this server."""

    def __init__(self, service: Service, credentials: dict[str, str]) -> None:
        self._service = service
        self._credentials = credentials

    def info(self) -> dict[str, Any]:
        """The credentials a client needs."""
        return {"system": "contractor", **self._credentials}

    def issue_token(self, _realm_id: str | None) -> dict[str, Any]:
        """Refused: this API knows one key."""
        raise ControlError("the contractor API has no tokens; use api_key from /_sandbox/info", code="not_modelled")

    def ui(self, act: dict[str, Any]) -> dict[str, Any]:
        """{"act": "merge_customers", "from", "into"}."""
        if act["act"] != "merge_customers":
            raise ControlError(f"act {act['act']!r} is unknown; known is merge_customers", field="act")
        if set(act) != {"act", "from", "into"} or not all(isinstance(value, str) for value in act.values()):
            raise ControlError('merge_customers takes exactly "from" and "into", both customer ids')
        try:
            return self._service.merge_customers(act["from"], act["into"])
        except Problem as problem:
            raise ControlError(problem.message, status=problem.status, code=problem.code) from problem

    def state(self) -> dict[str, Any]:
        """Counts and sums per collection."""
        return {"collections": self._service.store.summary()}


def run(*, port: int, host: str, state: Path | None, data: Path | None, empty: bool) -> None:
    """Serve until stopped. DataError for a bad data folder, OSError for a port in use."""
    sandbox = create_app(state, data, empty=empty)
    serve(sandbox.app, host, port, sandbox.credentials)


@dataclass(frozen=True)
class Sandbox:
    """A server that is put together and not yet listening."""

    app: ASGIApp
    kernel: Kernel
    credentials: dict[str, str]


def create_app(state: Path | None = None, data: Path | None = None, *, empty: bool = False) -> Sandbox:
    """Open (or make) the state and build the application."""
    conn = open_database(state)
    credentials = {name: secret_of(conn, name) for name in ("api_key", "webhook_secret")}
    limits = [LimitRule("per minute", 600, 60, caller), LimitRule("at once", 20, 0, caller)]
    kernel = Kernel.create(conn, signer(credentials["webhook_secret"]), limits=limits, actions=ACTIONS)
    service = Service(Store(conn, kernel.clock), kernel.webhooks)
    fill_once(service, data, empty=empty)
    api = Api(service, credentials["api_key"])
    routes = [
        *kernel.routes(ContractorWorld(service, credentials)),
        Route("/{path:path}", api.endpoint, methods=METHODS),
    ]
    app = Starlette(routes=routes, lifespan=kernel.lifespan, exception_handlers={HTTPException: unknown_path})
    spoiler = ContractorSpoiler(service)
    outer = SandboxMiddleware(app, kernel, classify=classify, answer=answer_status, spoiler=spoiler)
    return Sandbox(outer, kernel, credentials)


async def unknown_path(request: Request, refusal: Exception) -> Response:
    """What no route matches (an address with a line feed, a method that a control route lacks), in our envelope."""
    status = refusal.status_code if isinstance(refusal, HTTPException) else 404
    problem = Problem(status, "unknown_path", f"{request.method} {request.url.path!r} is not possible")
    return JSONResponse(problem.envelope(), status_code=status)


def fill_once(service: Service, data: Path | None, *, empty: bool) -> None:
    """Fill a new workspace; one that was filled before is left as it is."""
    conn = service.store.conn
    if get_meta(conn, "filled") is not None:
        return
    with transaction(conn):
        if data is not None:
            load_folder(service, data)
        elif not empty:
            load_sample(service)
        set_meta(conn, "filled", "yes")


def secret_of(conn: sqlite3.Connection, name: str) -> str:
    """A secret made once per state file."""
    found = get_meta(conn, name)
    if found is None:
        found = secrets.token_urlsafe(24)
        set_meta(conn, name, found)
    return found


def caller(incoming: Incoming, _call: Call) -> str | None:
    """Limits count per caller."""
    return incoming.headers.get("authorization", "nobody")


def signer(secret: str) -> Render:
    """Renders one event as a webhook body with its signature."""

    def render(events: list[dict[str, Any]], _format: str) -> tuple[bytes, dict[str, str]]:
        body = json.dumps(events[0], separators=(",", ":")).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return body, {"content-type": "application/json", "x-signature": f"sha256={signature}"}

    return render
