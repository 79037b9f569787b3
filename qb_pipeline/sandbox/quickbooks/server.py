"""The QuickBooks Online sandbox as a web server.

Invariant: everything a client was answered is in the state file before the answer leaves.

    run(port, host, state, data, empty)                       serve until stopped; the first line of output is JSON
    create_app(state=None, data=None, empty=False) -> Sandbox in-process: .app (ASGI), .world, .kernel, .realm
"""

import sqlite3
import uuid
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qb_pipeline.sandbox.kernel.calls import Answer, Call, Incoming
from qb_pipeline.sandbox.kernel.control import Kernel, parse
from qb_pipeline.sandbox.kernel.control import fields as control_fields
from qb_pipeline.sandbox.kernel.database import open_database, transaction
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.limits import LimitRule
from qb_pipeline.sandbox.kernel.middleware import SandboxMiddleware, incoming_of
from qb_pipeline.sandbox.kernel.serve import serve
from qb_pipeline.sandbox.quickbooks.answers import answered
from qb_pipeline.sandbox.quickbooks.api import handle
from qb_pipeline.sandbox.quickbooks.company import Switches
from qb_pipeline.sandbox.quickbooks.faults import GATEWAY, Fault, GatewayRefusal, gateway_body, system_failure
from qb_pipeline.sandbox.quickbooks.faults_on_order import QuickBooksSpoiler
from qb_pipeline.sandbox.quickbooks.file_routes import file_routes
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps
from qb_pipeline.sandbox.quickbooks.notifications import FORMATS, MOST_EVENTS, render
from qb_pipeline.sandbox.quickbooks.oauth_routes import OAuthRoutes, simulated
from qb_pipeline.sandbox.quickbooks.openapi import document
from qb_pipeline.sandbox.quickbooks.requests import OAUTH_PATHS, classify
from qb_pipeline.sandbox.quickbooks.rows import SCALE
from qb_pipeline.sandbox.quickbooks.ui import perform
from qb_pipeline.sandbox.quickbooks.world import Credentials, World, credentials

JSON = "application/json;charset=UTF-8"
# What QBO calls its build; clients log it and nothing depends on it.
QBO_VERSION = b"2026.47"
CHOICES = {
    "duplicate_doc_number": ("reject", "allow", "preference"),
    "ast": ("honour", "recompute"),
    "tax_jitter": ("exact", "cent"),
    "deposit_marks": ("silent", "token"),
    "bill_email": ("sent", "customer"),
    "any_accept": ("json", "xml"),
    "attachable_echo": ("refuse", "ignore"),
    "subscription": ("active", "ended"),
}
DISCOVERY = "{base_url}/.well-known/openid_configuration"


@dataclass(frozen=True)
class Control:
    """What the kernel's control routes need to know of this server."""

    world: World
    realm: str

    def info(self) -> JsonObject:
        """What a client needs; the addresses are added by `serve`."""
        known = self.world.credentials
        return {
            "client_id": known.client_id,
            "client_secret": known.client_secret,
            "realm_id": self.realm,
            "verifier_token": known.verifier_token,
        }

    def issue_token(self, realm_id: str | None) -> JsonObject:
        """A fresh pair; a new realm is made on demand."""
        realm = realm_id or self.realm
        if not realm.isdecimal():
            raise ControlError(f"realm_id must consist of digits, got {realm!r}", field="realm_id")
        self.world.ensure_realm(realm)
        return {**self.world.oauth.grant(realm), "realm_id": realm}

    def ui(self, act: dict[str, Any]) -> JsonObject:
        """A person's act in one transaction; `realm_id` names the company, the default one otherwise."""
        realm = str(act.get("realm_id") or self.realm)
        if not self.world.known(realm):
            raise ControlError(f"there is no realm {realm}", field="realm_id", status=404, code="not_found")
        with transaction(self.world.conn):
            done: JsonObject = plain(perform(self.world.company(realm), act))
        return done

    def state(self) -> JsonObject:
        """Per realm: count and sums of each entity, and what customers owe."""
        companies = {realm: summary(self.world, realm) for realm in self.world.realms()}
        return {**companies[self.realm], "realms": companies}


def summary(world: World, realm: str) -> JsonObject:
    """{"entities": {name: {"count", "active", "TotalAmt", "Balance"}}, "open_receivables"}; amounts as text.

    The Balance of payments is what is unapplied.
    """
    rows = world.conn.execute(
        "SELECT entity, count(*), sum(active), sum(total), sum(balance) FROM objects WHERE c = ? GROUP BY entity",
        (world.company(realm).store.company,),
    )
    entities: JsonObject = {
        entity: {"count": count, "active": active, "TotalAmt": amount(total), "Balance": amount(balance)}
        for entity, count, active, total, balance in rows
    }
    zero = {"Balance": "0"}
    invoices, credits_left = entities.get("Invoice", zero), entities.get("CreditMemo", zero)
    receivable = Decimal(invoices["Balance"]) - Decimal(credits_left["Balance"])
    receivable -= Decimal(entities.get("Payment", zero)["Balance"])
    return {"entities": entities, "open_receivables": str(receivable)}


def amount(scaled: int | None) -> str:
    """Millionths as a decimal text."""
    return str((Decimal(scaled or 0) / SCALE).normalize() + 0)


def plain(value: Any) -> Any:
    """Decimals as text, because the control routes answer with the standard json."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Sandbox:
    """A server that is put together and not yet listening."""

    app: ASGIApp
    world: World
    kernel: Kernel
    realm: str
    control: Control


def create_app(
    state: Path | None = None, data: Path | None = None, *, empty: bool = False, switches: Switches | None = None
) -> Sandbox:
    """Open (or make) the state and build the application."""
    conn = open_database(state)
    kernel = make_kernel(conn, credentials(conn))
    world = World(conn, kernel.clock, switches or Switches())
    realm = world.set_up(data, empty=empty)
    # Only from now on: what a company begins with is no news.
    world.enqueue = kernel.webhooks.enqueue
    control = Control(world, realm)
    routes = [
        *kernel.routes(control),
        Route("/_sandbox/switches", switches_endpoint(world), methods=["GET", "POST"]),
        Route("/_sandbox/openapi.json", openapi_endpoint(realm), methods=["GET"]),
        *OAuthRoutes(world, realm).routes(),
        *file_routes(world),
        Route("/v3/company/{rest:path}", api_endpoint(world), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    app = SandboxMiddleware(
        Starlette(routes=routes, lifespan=kernel.lifespan, exception_handlers=handlers(world)),
        kernel,
        classify=classify,
        answer=lambda status, incoming, call: worded(world, status, incoming, call),
        spoiler=QuickBooksSpoiler(world),
        expire_token=lambda incoming: expire(world, incoming),
    )
    return Sandbox(traced(app), world, kernel, realm, control)


def make_kernel(conn: sqlite3.Connection, known: Credentials) -> Kernel:
    """The shared parts with QBO's limits and notification formats."""
    token = known.verifier_token
    limits = [
        LimitRule("requests per minute and realm", 500, 60, realm_scope),
        LimitRule("requests per second, realm and app", 10, 1, realm_scope),
        LimitRule("requests at once, realm and app", 10, 0, realm_scope),
        LimitRule("batches per minute, realm and app", 40, 60, batch_scope),
        LimitRule("reports per minute and realm", 200, 60, report_scope),
        LimitRule("e-mails per day and realm", 40, 86_400, mail_scope),
    ]
    return Kernel.create(
        conn,
        lambda events, wanted: render(events, wanted, token),
        limits=limits,
        formats=FORMATS,
        max_events=MOST_EVENTS,
    )


# One sandbox knows one app, so "realm and app" is the realm, and the wider limits (800 a minute for a realm and app,
# 120 batches a minute for a realm) can never be the ones that refuse.
def realm_scope(_incoming: Incoming, call: Call) -> str | None:
    """Everything below /v3/company; the token endpoints are not counted."""
    return call.realm


def batch_scope(_incoming: Incoming, call: Call) -> str | None:
    """Batches."""
    return call.realm if call.operation == "batch" else None


def report_scope(incoming: Incoming, call: Call) -> str | None:
    """Reports."""
    return call.realm if "/reports/" in incoming.path else None


def mail_scope(incoming: Incoming, call: Call) -> str | None:
    """Forms sent by e-mail."""
    return call.realm if incoming.method == "POST" and incoming.path.endswith("/send") else None


def handlers(world: World) -> dict[Any, Any]:
    """What escapes an endpoint: a dead token outside the API, and the sandbox's own mistakes (which are logged)."""

    async def gateway(_request: Request, refusal: Exception) -> Response:
        status, detail = (refusal.status, refusal.detail) if isinstance(refusal, GatewayRefusal) else (401, None)
        body = gateway_body(status, detail, world.clock.now())
        return Response(dumps(body).encode(), status_code=status, media_type=JSON)

    async def failure(_request: Request, error: Exception) -> Response:
        body = system_failure(f"the sandbox failed: {type(error).__name__}").body(world.clock.now())
        return Response(dumps(body).encode(), status_code=500, media_type=JSON)

    return {GatewayRefusal: gateway, Exception: failure}


def api_endpoint(world: World) -> Any:
    """The accounting API as a Starlette endpoint."""

    async def answer(request: Request) -> Response:
        incoming = incoming_of(request.scope, await request.body())
        reply = handle(world, incoming, request.state.call)
        return Response(reply.body, status_code=reply.status, headers=reply.headers)

    return answer


def openapi_endpoint(realm: str) -> Any:
    """`/_sandbox/openapi.json`: every address and property, with this server as the client reached it."""

    async def answer(request: Request) -> Response:
        return JSONResponse(document(str(request.base_url).rstrip("/"), realm))

    return answer


def switches_endpoint(world: World) -> Any:
    """`/_sandbox/switches`: show or change the behaviours on which QBO's sources disagree."""

    async def answer(request: Request) -> Response:
        known = {entry.name: entry.type for entry in fields(Switches)}
        try:
            sent = control_fields(parse(await request.body()), *known)
        except ControlError as error:
            refusal = {"code": error.code, "message": error.message, "field": error.field}
            return JSONResponse({"error": refusal}, error.status)
        for key, value in sent.items():
            if key not in known or type(value) is not known[key] or value not in CHOICES.get(key, (value,)):
                message = f"switch {key}={value!r} is not understood; known are {sorted(known)}, with {CHOICES}"
                return JSONResponse({"error": {"code": "bad_request", "message": message, "field": key}}, 400)
        for key, value in sent.items():
            setattr(world.switches, key, value)
        world.keep_switches()
        return JSONResponse({name: getattr(world.switches, name) for name in known})

    return answer


def worded(world: World, status: int, incoming: Incoming, call: Call) -> Answer:
    """A status of a limit or a fault rule in QBO's words."""
    now = world.clock.now()
    if call.operation in OAUTH_PATHS.values():
        return Answer(status, dumps(simulated(status)).encode(), {"content-type": JSON})
    if status in GATEWAY:
        detail = {401: "Token expired", 429: "The request limit was reached.  Try again later"}.get(status)
        body = gateway_body(status, detail, now)
    elif status >= 500:
        body = system_failure(f"simulated failure {status}").body(now)
    else:
        body = Fault(6000, f"Business Validation Error: simulated failure {status}").body(now)
    return answered(incoming, status, dumps(body), world.switches.any_accept)


def expire(world: World, incoming: Incoming) -> None:
    """The fault `expire_token`: the token of this request is over."""
    world.oauth.expire(incoming.headers.get("authorization", "").partition(" ")[2].strip())


def traced(app: ASGIApp) -> ASGIApp:
    """Every answer carries an `intuit_tid` and the service's version."""

    async def with_trace(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace = (b"intuit_tid", f"1-{uuid.uuid4().hex}".encode())
                message = {**message, "headers": [*message.get("headers", []), trace, (b"qbo-version", QBO_VERSION)]}
            await send(message)

        await app(scope, receive, send_traced)

    return with_trace


def run(port: int, host: str, state: Path | None, data: Path | None, empty: bool) -> None:
    """Serve until SIGTERM or SIGINT."""
    sandbox = create_app(state, data, empty=empty)
    serve(sandbox.app, host, port, {**sandbox.control.info(), "discovery_url": DISCOVERY})


__all__ = ["Sandbox", "create_app", "run"]
