"""The accounting API of one company: queries, reads, change data, single writes and batches.

Invariant: a method returns only what was asked for; amounts are Decimals; a write's body leaves byte for byte as given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from qb_pipeline.errors import FixTheData, Misconfigured
from qb_pipeline.quickbooks.batches import MAX_REQUEST_ID as MAX_BATCH_REQUEST_ID
from qb_pipeline.quickbooks.batches import Outcome, checked_request_id, id_in, outcomes_of
from qb_pipeline.quickbooks.clock import Clock, SystemClock
from qb_pipeline.quickbooks.environment import MINOR_VERSION, secure
from qb_pipeline.quickbooks.errors import unexpected
from qb_pipeline.quickbooks.queries import MAX_PAGE, count_statement, object_of, page_statement
from qb_pipeline.quickbooks.throttle import Throttle
from qb_pipeline.quickbooks.tokens import TokenSource
from qb_pipeline.quickbooks.transport import Call, CallRecord, Exchange, Timeout, Transport
from qb_pipeline.quickbooks.windows import Slot
from qb_pipeline.quickbooks.wire import Object, block_rows, blocks_in, is_deleted, json_key, object_in, rows_in

T = TypeVar("T")
Operation = Literal["create", "update", "delete", "void"]

CDC_CAP = 1000  # objects in one change-data answer; what is beyond is left out without a sign
MAX_REQUEST_ID = 50
_LONGEST_URL_QUERY = 4000  # characters; longer statements travel in a body

# How each object is voided; for all others the API can't, though the browser can.
_VOID_PARAMS: dict[str, dict[str, str]] = {
    "invoice": {"operation": "void"},
    "payment": {"operation": "update", "include": "void"},
    "salesreceipt": {"operation": "update", "include": "void"},
    "billpayment": {"operation": "update", "include": "void"},
}


@dataclass(frozen=True)
class QueryPage:
    """Rows of one query answer. `total_count` is a total only for COUNT(*)."""

    object_rows: list[Object]
    total_count: int | None


@dataclass(frozen=True)
class ChangeSet:
    """Changes by object name: live objects (inactive ones too), and (id, time) of deleted ones; how many of the objects
    asked for QBO answered at all (an object without changes is answered too, by an empty block)."""

    objects: dict[str, list[Object]]
    tombstones: dict[str, list[tuple[str, datetime]]]
    total: int
    answered: int

    @property
    def full(self) -> bool:
        """Whether QBO may have left changes out: at its cap, or where an object was not answered."""
        return self.total >= CDC_CAP or self.answered < len(self.objects)


@dataclass(frozen=True)
class Answer:
    """A write's answer: the object with QBO's defaults (a stub when deleted), the bytes it came in, the trace id."""

    object: Object
    deleted: bool
    raw: bytes
    tid: str


@dataclass(frozen=True)
class BatchAnswer:
    """A batch's answer: one outcome for every bId that was sent."""

    outcomes: dict[str, Outcome]
    raw: bytes
    tid: str


class QuickBooksClient:
    """One company (realm). Thread-safe. Every method raises `PipelineError`s only, named by recovery."""

    def __init__(
        self,
        realm_id: str,
        api_base: str,
        token_source: TokenSource,
        throttle: Throttle,
        *,
        timeout: Timeout = (5, 60),
        on_call: Callable[[CallRecord], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not realm_id.isdigit():
            raise Misconfigured(
                f"{realm_id!r} is not a QuickBooks company id.",
                code="qbo_realm",
                fix="Connect the company again; its realm id is a number.",
            )
        self.realm_id = realm_id
        address = secure(api_base, "QuickBooks API address").rstrip("/")
        # Intuit's own examples end the base here or there; both mean the same server.
        base = f"{address.removesuffix('/company').removesuffix('/v3')}/v3/company/{realm_id}"
        self._transport = Transport(
            realm_id, base, token_source, throttle, clock or SystemClock(), timeout=timeout, on_call=on_call
        )

    @property
    def calls(self) -> Counter[str]:
        """A copy of the HTTP calls sent so far, by kind: query, read, cdc, batch, write, other."""
        return self._transport.calls

    def server_time(self, moment: float) -> datetime | None:
        """QuickBooks' own time at a moment of `time.monotonic()`, as its answers told it; None before any did."""
        return self._transport.server_time(moment)

    def query(self, statement: str) -> QueryPage:
        """The answer to one statement in QBO's query language."""
        name = object_of(statement)

        def page(done: Exchange) -> QueryPage:
            rows = rows_in(done.payload, name, done.context)
            total = done.payload["QueryResponse"].get("totalCount")
            return QueryPage(rows, None if total is None else int(total))

        return self._query(statement, page)

    def pages(
        self,
        object_name: str,
        *,
        where: str | None = None,
        active_too: bool = False,
        order_by: str = "Id",
        page_size: int = MAX_PAGE,
    ) -> Iterator[list[Object]]:
        """All objects in pages, in a stated order; `active_too` asks for inactive names beside the active ones."""
        start = 1
        while True:
            statement = page_statement(
                object_name, where=where, active_too=active_too, order_by=order_by, start=start, page_size=page_size
            )
            rows = self.query(statement).object_rows
            if rows:
                yield rows
            if len(rows) < page_size:
                return
            start += page_size

    def count(self, object_name: str, where: str | None = None, *, active_too: bool = False) -> int:
        """The number of objects, by COUNT(*)."""
        return self._query(count_statement(object_name, where=where, active_too=active_too), _total)

    def read(self, object_name: str, object_id: str) -> Object:
        """One object, inactive or not; raises `NotFound` when it does not exist any more."""
        return self._read(object_name, f"{object_name.lower()}/{object_id}", object_id)

    def company_info(self) -> Object:
        return self._read("CompanyInfo", f"companyinfo/{self.realm_id}")

    def preferences(self) -> Object:
        return self._read("Preferences", "preferences")

    def cdc(self, objects: Sequence[str], changed_since: datetime) -> ChangeSet:
        """What changed since a timezone-aware instant, at most 30 days ago."""
        if changed_since.tzinfo is None:
            raise ValueError("changed_since needs a time zone")
        params = {"entities": ",".join(objects), "changedSince": changed_since.isoformat(timespec="seconds")}
        call = Call("cdc", "GET", "cdc", self._params(params))
        return self._transport.exchange(call, lambda done: _change_set(objects, done))

    def post(
        self,
        object_name: str,
        body: bytes,
        *,
        request_id: str,
        operation: Operation = "create",
        allow_duplicate_number: bool = False,
        slot: Slot | None = None,
        may_leave: Callable[[], None] | None = None,
    ) -> Answer:
        """Write one object. `slot`: the throttle's, where the caller has already taken it by `acquire`; `may_leave` is
        asked after each other wait for one, and what it raises keeps the write from leaving."""
        params = {
            **_operation_params(object_name, operation),
            **({"include": "allowduplicatedocnum"} if allow_duplicate_number else {}),
            "requestid": checked_request_id(request_id, MAX_REQUEST_ID),
        }
        call = Call("write", "POST", object_name.lower(), self._params(params), body, may_leave=may_leave)
        written = id_in(body)

        def answer(done: Exchange) -> Answer:
            # A create may simply be sent again; the others have been seen to answer 200 for good and do nothing.
            found = object_in(done.payload, object_name, done.context, lasting=operation != "create")
            _same_object(written, found, done)
            return Answer(found, is_deleted(found), done.raw, done.context.tid or "")

        return self._transport.exchange(call, answer, slot=slot)

    def batch(
        self, body: bytes, *, request_id: str, slot: Slot | None = None, may_leave: Callable[[], None] | None = None
    ) -> BatchAnswer:
        """Send the body made by `batch_body`; refused items are outcomes, only a refused batch raises. `slot` and
        `may_leave` as in `post`."""
        params = {"requestid": checked_request_id(request_id, MAX_BATCH_REQUEST_ID)}
        call = Call("batch", "POST", "batch", self._params(params), body, may_leave=may_leave)

        def answer(done: Exchange) -> BatchAnswer:
            return BatchAnswer(outcomes_of(body, done.payload, done.context), done.raw, done.context.tid or "")

        return self._transport.exchange(call, answer, slot=slot)

    def _query(self, statement: str, understand: Callable[[Exchange], T]) -> T:
        if len(statement) <= _LONGEST_URL_QUERY:
            call = Call("query", "GET", "query", self._params({"query": statement}))
        else:
            body = statement.encode()
            call = Call("query", "POST", "query", self._params({}), body, content_type="application/text")
        return self._transport.exchange(call, understand)

    def _read(self, object_name: str, path: str, object_id: str | None = None) -> Object:
        def found(done: Exchange) -> Object:
            one = object_in(done.payload, object_name, done.context)
            _same_object(object_id, one, done)
            return one

        return self._transport.exchange(Call("read", "GET", path, self._params({})), found)

    @staticmethod
    def _params(params: Mapping[str, str]) -> dict[str, str]:
        return {**params, "minorversion": MINOR_VERSION}


def _same_object(asked: str | None, found: Object, done: Exchange) -> None:
    """Refuse an answer about another object than the one asked for, which nobody must mistake for it."""
    if asked is not None and str(found["Id"]) != asked:
        raise unexpected(f"the object {found['Id']} where {asked} was meant", done.context)


def _operation_params(object_name: str, operation: Operation) -> dict[str, str]:
    if operation == "delete":
        return {"operation": "delete"}
    if operation != "void":
        return {}  # an Id in the body is what makes it an update
    if object_name.lower() in _VOID_PARAMS:
        return _VOID_PARAMS[object_name.lower()]
    raise FixTheData(
        f"QuickBooks' API can't void a {object_name}.",
        code="qbo_void_unsupported",
        fix=f"Void the {object_name} in QuickBooks itself, or delete it.",
        who="accountant",
    )


def _total(done: Exchange) -> int:
    block = done.payload.get("QueryResponse")
    if not isinstance(block, Mapping) or block.get("totalCount") is None:
        raise unexpected("no totalCount in it", done.context)
    return int(block["totalCount"])


def _change_set(names: Sequence[str], done: Exchange) -> ChangeSet:
    objects: dict[str, list[Object]] = {name: [] for name in names}
    tombstones: dict[str, list[tuple[str, datetime]]] = {name: [] for name in names}
    by_key = {json_key(name).casefold(): name for name in names}
    blocks = blocks_in(done.payload, done.context)
    for block in blocks:
        for key, value in block.items():
            name = by_key.get(key.casefold())
            if name is None:
                if isinstance(value, list):
                    raise unexpected(f"changes of {key}, which was not asked for", done.context)
                continue
            for row in block_rows({key: value}, name, done.context):
                if is_deleted(row):
                    tombstones[name].append((str(row["Id"]), _deleted_at(row, done)))
                else:
                    objects[name].append(row)
    total = sum(map(len, objects.values())) + sum(map(len, tombstones.values()))
    return ChangeSet(objects, tombstones, total, answered=len(blocks))


def _deleted_at(stub: Mapping[str, Any], done: Exchange) -> datetime:
    """When it was deleted; the time of the answer when the stub does not say, so that the cursor moves at all."""
    stamp = (stub.get("MetaData") or {}).get("LastUpdatedTime") or done.payload.get("time")
    try:
        return datetime.fromisoformat(str(stamp))
    except ValueError:
        raise unexpected(f"a deletion without a time ({stamp!r})", done.context) from None
