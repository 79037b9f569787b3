"""The reference API over HTTP: paths, headers, paging, errors.

Invariant: every answer is JSON in one of two shapes, a record or {"data", "next_cursor"}, or else the error envelope;
a create answered once is never done a second time for the same Idempotency-Key.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, Collection
from qb_pipeline.sandbox.contractor.problems import Problem, conflict
from qb_pipeline.sandbox.contractor.service import Service
from qb_pipeline.sandbox.contractor.values import Record, shown
from qb_pipeline.sandbox.kernel.calls import Answer, Call, Incoming
from qb_pipeline.sandbox.kernel.clock import iso
from qb_pipeline.sandbox.kernel.database import transaction

ROOT = "/api/v1/"
PARAMETERS = ("updated_since", "include_deleted", "cursor", "limit")
DEFAULT_LIMIT, MAX_LIMIT, MAX_KEY = 100, 500, 255
JSON = "application/json"
Path = tuple[Collection, str | None, str | None]


class Api:
    """The HTTP face of one Service; `endpoint` answers every path outside `/_sandbox/`."""

    def __init__(self, service: Service, api_key: str) -> None:
        self._service = service
        self._store = service.store
        self._authorization = f"Bearer {api_key}".encode()

    async def endpoint(self, request: Request) -> Response:
        """Answer one request; a Problem becomes its envelope."""
        try:
            return self._answer(request, await request.body())
        except Problem as problem:
            return Response(json.dumps(problem.envelope()), problem.status, media_type=JSON)

    def _answer(self, request: Request, body: bytes) -> Response:
        path = request.scope["path"]
        if not path.startswith(ROOT):
            raise Problem(404, "unknown_path", f"{path} is unknown; the API is below {ROOT}")
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._authorization):
            raise Problem(401, "unauthorized", "send the header Authorization: Bearer <api key>", "Authorization")
        collection, record_id, action = parse_path(path)
        refuse_parameters(request, PARAMETERS if record_id is None and request.method == "GET" else ())
        handlers = self._handlers(collection, record_id, action)
        if request.method not in handlers:
            allowed = ", ".join(handlers)
            raise Problem(405, "method_not_allowed", f"{request.method} is not possible on {path}; use {allowed}")
        return handlers[request.method](request, body)

    def _handlers(
        self, collection: Collection, record_id: str | None, action: str | None
    ) -> dict[str, Callable[[Request, bytes], Response]]:
        if record_id is None:
            return {
                "GET": lambda request, _body: self._list(request, collection),
                "POST": lambda request, body: self._create(request, collection, body),
            }
        if action == "void":
            return {"POST": lambda request, _body: self._void(request, collection, record_id)}
        return {
            "GET": lambda _request, _body: record_response(self._service.find(collection, record_id)),
            "PATCH": lambda request, body: self._update(request, collection, record_id, body),
            "DELETE": lambda request, _body: self._delete(request, collection, record_id),
        }

    def _list(self, request: Request, collection: Collection) -> Response:
        limit = limit_of(request)
        rows = self._store.page(
            collection.name,
            cursor_of(request),
            since_of(request),
            deleted=flag_of(request, "include_deleted"),
            limit=limit + 1,
        )
        cursor = encode_cursor(*rows[limit - 1][:2]) if len(rows) > limit else None
        # The records are spliced in as the JSON text they are stored as: a page of 500 costs no parsing.
        data = ",".join(body for _, _, body in rows[:limit])
        return Response(f'{{"data":[{data}],"next_cursor":{json.dumps(cursor)}}}', media_type=JSON)

    def _create(self, request: Request, collection: Collection, body: bytes) -> Response:
        key = key_of(request)
        fields = parse_body(request, body)
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        fingerprint = hashlib.sha256(f"{collection.name}\n{canonical}".encode()).hexdigest()
        stored = self._store.answered(key)
        if stored is None:
            with transaction(self._store.conn):
                answer = dump(self._service.create(collection, fields))
                self._store.remember(key, fingerprint, answer)
            return Response(answer, 201, {"etag": '"1"'}, media_type=JSON)
        if stored[0] != fingerprint:
            raise conflict(
                "idempotency_key_reused",
                f"Idempotency-Key {key} was used for another create; a new record needs a new key",
                "Idempotency-Key",
            )
        request.state.call.items = 0
        return Response(stored[1], 201, {"etag": '"1"'}, media_type=JSON)

    def _update(self, request: Request, collection: Collection, record_id: str, body: bytes) -> Response:
        expected = expected_version(request)
        self._service.find(collection, record_id)
        if expected is None:
            raise Problem(428, "version_required", 'send the header If-Match: "<version>"', "If-Match")
        record, changed = self._service.update(collection, record_id, parse_body(request, body), expected)
        return self._written(request, record, changed=changed)

    def _delete(self, request: Request, collection: Collection, record_id: str) -> Response:
        record, changed = self._service.delete(collection, record_id, expected_version(request))
        return self._written(request, record, changed=changed)

    def _void(self, request: Request, collection: Collection, record_id: str) -> Response:
        record, changed = self._service.void(collection, record_id, expected_version(request))
        return self._written(request, record, changed=changed)

    def _written(self, request: Request, record: Record, *, changed: bool) -> Response:
        request.state.call.items = int(changed)
        return record_response(record)


def classify(incoming: Incoming) -> Call:
    """The request for faults, limits and log: entity is the collection, key the Idempotency-Key."""
    call = Call(key=incoming.headers.get("idempotency-key"))
    if not incoming.path.startswith(ROOT):
        return call
    name, _, rest = incoming.path.removeprefix(ROOT).partition("/")
    operations = {"GET": "get" if rest else "list", "POST": "create", "PATCH": "update", "DELETE": "delete"}
    operation = "void" if rest.endswith("/void") else operations.get(incoming.method)
    call.entity, call.operation = name, operation
    call.items = int(incoming.method != "GET")
    return call


FAULT_WORDS = {
    401: ("unauthorized", "the api key is not valid"),
    429: ("rate_limited", "too many requests; slow down and try again"),
    503: ("unavailable", "the service is being maintained; try again"),
}


def answer_status(status: int, _incoming: Incoming, _call: Call) -> Answer:
    """A status that the sandbox was told to give, in the API's envelope."""
    code, message = FAULT_WORDS.get(status, ("fault", f"the sandbox was told to answer {status}"))
    return Answer(status, json.dumps(Problem(status, code, message).envelope()).encode())


def parse_path(path: str) -> Path:
    """(collection, id, action) of `/api/v1/{collection}[/{id}[/void]]`; Problem 404."""
    parts = path.removeprefix(ROOT).split("/")
    collection = COLLECTIONS.get(parts[0])
    if collection is None:
        raise Problem(404, "unknown_path", f"no collection {parts[0]!r}; known are {', '.join(COLLECTIONS)}")
    if len(parts) > 3 or not all(parts) or (len(parts) == 3 and parts[2] != "void"):
        raise Problem(404, "unknown_path", f"{path} is unknown; use /{{id}} or, for documents, /{{id}}/void")
    if len(parts) == 3 and not collection.voidable:
        raise Problem(404, "unknown_path", f"{collection.name} cannot be voided; DELETE the record instead")
    return collection, parts[1] if len(parts) > 1 else None, parts[2] if len(parts) > 2 else None


def refuse_parameters(request: Request, known: tuple[str, ...]) -> None:
    """Problem 400 for the first query parameter that means nothing here."""
    for name in request.query_params:
        if name not in known:
            possible = ", ".join(known) or "none"
            raise Problem(400, "unknown_parameter", f"query parameter {name} is unknown; possible: {possible}", name)


def key_of(request: Request) -> str:
    """The Idempotency-Key; Problem 400 when it is missing or too long."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key or len(key) > MAX_KEY:
        raise Problem(
            400, "idempotency_key_required", f"send an Idempotency-Key of 1 to {MAX_KEY} characters", "Idempotency-Key"
        )
    return key


def parse_body(request: Request, body: bytes) -> Record:
    """The JSON object in the body; Problem 415 or 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem(415, "unsupported_media_type", f"send Content-Type: {JSON}", "Content-Type")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed_json", f"the body is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Problem(400, "malformed_json", f"the body must be a JSON object, got {shown(fields)}")
    return fields


def expected_version(request: Request) -> str | None:
    """The version in If-Match, without its quotes; None when the header is missing."""
    header = request.headers.get("if-match")
    return None if header is None else header.strip().strip('"')


def limit_of(request: Request) -> int:
    """The page size; Problem 400 outside 1 to 500."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) < 9) or not 1 <= int(text) <= MAX_LIMIT:
        raise Problem(400, "bad_parameter", f"limit must be from 1 to {MAX_LIMIT}, got {text!r}", "limit")
    return int(text)


def flag_of(request: Request, name: str) -> bool:
    """true or false; Problem 400 for anything else."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise Problem(400, "bad_parameter", f"{name} must be true or false, got {text!r}", name)
    return text == "true"


def since_of(request: Request) -> str | None:
    """updated_since in the form of stored times; Problem 400 when it is no time or has no zone."""
    text = request.query_params.get("updated_since")
    if text is None:
        return None
    try:
        # A "+" that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is not None:
            return iso(moment)
    except (ValueError, OverflowError) as error:
        raise bad_since(text) from error
    raise bad_since(text)


def bad_since(text: str) -> Problem:
    """The refusal of an updated_since."""
    message = f"updated_since must be a time with zone like 2026-03-31T09:00:00Z, got {text!r}"
    return Problem(400, "bad_parameter", message, "updated_since")


def encode_cursor(updated_at: str, record_id: str) -> str:
    """An opaque cursor: the position after this record."""
    return base64.urlsafe_b64encode(json.dumps([updated_at, record_id]).encode()).decode()


def cursor_of(request: Request) -> tuple[str, str] | None:
    """The position a cursor stands for; Problem 400 when it was not made here."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        updated_at, record_id = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        # SQLite takes no half surrogate pairs, which JSON can smuggle in.
        f"{updated_at}{record_id}".encode()
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Problem(400, "bad_parameter", "cursor is not one that this API gave", "cursor") from error
    if not (isinstance(updated_at, str) and isinstance(record_id, str)):
        raise Problem(400, "bad_parameter", "cursor is not one that this API gave", "cursor")
    return updated_at, record_id


def dump(record: Record) -> str:
    """A record as compact JSON."""
    return json.dumps(record, separators=(",", ":"))


def record_response(record: Record) -> Response:
    """200 with the record and its version as ETag."""
    return Response(dump(record), 200, {"etag": f'"{record["version"]}"'}, media_type=JSON)
