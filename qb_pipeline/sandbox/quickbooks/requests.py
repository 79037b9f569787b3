"""What a request means: its entity, operation, realm and idempotency key.

Invariant: the same reading serves the log, the fault rules, the limits and the handler, so they cannot disagree.
"""

from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.quickbooks.entities.registry import name_of
from qb_pipeline.sandbox.quickbooks.jsontext import received

API = "/v3/company/"
UNPARSED = object()
OAUTH_PATHS = {
    "/connect/oauth2": "authorize",
    "/oauth2/v1/tokens/bearer": "token",
    "/v2/oauth2/tokens/revoke": "revoke",
}


@dataclass
class ApiCall(Call):
    """A Call with the parsed path and body. `body` is UNPARSED when it is no JSON."""

    segments: tuple[str, ...] = ()
    body: Any = UNPARSED


def classify(incoming: Incoming) -> ApiCall:
    """Read one request; never raises."""
    if not incoming.path.startswith(API):
        return ApiCall(operation=OAUTH_PATHS.get(incoming.path))
    realm, *segments = incoming.path[len(API) :].strip("/").split("/")
    call = ApiCall(realm=realm, key=incoming.query.get("requestid"), segments=tuple(segments))
    if incoming.method == "POST" and segments and segments[0].lower() not in ("query", "upload"):
        call.body = parsed(incoming.body)
    call.entity, call.operation = meaning(incoming, call)
    return call


def parsed(body: bytes) -> Any:
    """The JSON value, or UNPARSED."""
    try:
        return received(body)
    except ValueError:
        return UNPARSED


def meaning(incoming: Incoming, call: ApiCall) -> tuple[str | None, str | None]:
    """(entity, operation) of a request to the API."""
    if not call.segments:
        return None, None
    first = call.segments[0].lower()
    if first in ("query", "cdc", "batch"):
        return None, first
    if first == "taxservice":
        return "TaxService", "create"
    if first in ("upload", "download"):
        return "Attachable", "create" if first == "upload" else "read"
    entity = name_of(first)
    if call.segments[2:] and call.segments[2].lower() in ("pdf", "send"):
        return entity, call.segments[2].lower()
    return entity, "read" if incoming.method == "GET" else write_operation(incoming, call)


def write_operation(incoming: Incoming, call: ApiCall) -> str:
    """create, update, delete or void, by the `operation` and `include` parameters and the body's Id."""
    wanted = incoming.query.get("operation", "").lower()
    if "void" in includes(incoming) or wanted == "void":
        return "void"
    if wanted:
        return wanted
    has_id = isinstance(call.body, dict) and call.body.get("Id") not in (None, "")
    return "update" if has_id else "create"


def includes(incoming: Incoming) -> frozenset[str]:
    """The words of the `include` parameter, in lower case."""
    return frozenset(part for part in incoming.query.get("include", "").lower().split(",") if part)
