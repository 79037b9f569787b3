"""QuickBooks as the engine sees it: batches of thirty beside a lane of single requests.

Invariant: a batch travels whole under one request id, assembled from the journalled bodies, so that it can be sent
again byte for byte.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

import simplejson

from qb_pipeline.entities.codec import Codec
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import FixTheData, NotFound, PipelineError, Reconnect, RetryLater
from qb_pipeline.quickbooks.batches import BatchItem, Outcome, batch_body
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.sync.ports import Answered, Listener, Sendable, Slot

BATCH = 30
_SILENCES = 3  # unanswered requests in a row after which the server counts as down
_LANES = {"batch": 2, "single": 3}  # requests under way at once
_NOTED_TOGETHER = 15
_NATURAL_KEY = {
    "Customer": "DisplayName",
    "Item": "Name",
    "Class": "Name",
    "Invoice": "DocNumber",
    "CreditMemo": "DocNumber",
}
_LISTS = frozenset({"Customer", "Item", "Class", "Account", "Term", "PaymentMethod"})


class QuickBooksPort:
    """One realm; `facts` are replaced by the engine whenever lists that codecs depend on were written."""

    side: ClassVar[Side] = Side.QUICKBOOKS

    def __init__(
        self, client: QuickBooksClient, facts: Facts, entities: Mapping[str, Entity], *, throttled: bool = True
    ) -> None:
        self.client = client
        self.facts = facts
        self._entities = entities
        self._throttled = throttled

    def offers(self, entity: Entity) -> bool:  # noqa: ARG002 - QuickBooks has every entity that is declared
        return True

    def unsupported(self, entity: Entity) -> frozenset[str]:
        """Without class tracking no document shows a division; automated sales tax sets customers' codes by itself."""
        missing = set()
        if self.facts.class_tracking == "off" and "lines" in entity:
            missing.add("lines.division")
        if self.facts.automated_sales_tax and entity.name == "customer":
            missing.add("tax_code")
        return frozenset(missing)

    def codec(self, entity: Entity) -> Codec:
        return codec(entity.name, self.facts)

    def wants(self, entity: Entity, raw: Mapping[str, Any]) -> bool:
        """Whether a raw object belongs to the entity: customers and jobs share one object."""
        return codec(entity.name, self.facts).wants(raw)

    def decode(self, entity: Entity, raw: Mapping[str, Any]) -> Record:
        decoded = self.codec(entity).decode(raw)
        return Record(
            entity=entity.name,
            side=self.side,
            id=str(raw["Id"]),
            version=str(raw.get("SyncToken", "0")),
            updated_at=updated_at(raw),
            values=decoded.values,
            raw=raw,
            state=decoded.state,
            skip=decoded.skip,
            frozen=decoded.frozen,
        )

    def read(self, entity: Entity, record_id: str) -> Record:
        return self.decode(entity, self.client.read(entity.quickbooks_object, record_id))

    def find_duplicate(self, entity: Entity, values: Mapping[str, Any], existing_id: str | None) -> Record | None:
        name = entity.quickbooks_object
        try:
            if existing_id is not None:
                found = [self.client.read(name, existing_id)]
            else:
                found = self._with_natural_key(entity, values)
        except (NotFound, FixTheData):  # the id named in the refusal may belong to a vendor or an employee
            return None
        mine = [raw for raw in found if self.wants(entity, raw)]
        return self.decode(entity, mine[0]) if len(mine) == 1 else None

    def _with_natural_key(self, entity: Entity, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        key = _NATURAL_KEY.get(entity.quickbooks_object)
        wanted = self.codec(entity).encode_create(values).get(key or "")
        if key is None or not wanted:
            return []
        pages = self.client.pages(
            entity.quickbooks_object,
            where=f"{key} = {quote(str(wanted))}",
            active_too=entity.quickbooks_object in _LISTS,
            page_size=10,
        )
        return next(pages, [])

    def slots(self, keys: Sequence[str]) -> list[Slot]:
        """Batches of thirty; where Intuit's limits hold, so many singles beside them that both lanes end together."""
        alone = _single_share(len(keys), self._throttled)
        together = keys[: len(keys) - alone]
        slots: list[Slot] = []
        for chunk in chunks(together, BATCH):
            batch_key = (
                hashlib.blake2b("|".join(chunk).encode(), digest_size=15).hexdigest() if len(chunk) > 1 else None
            )
            slots += [Slot(batch_key, str(n) if batch_key else None) for n in range(len(chunk))]
        return slots + [Slot()] * alone

    def removal_body(self, entity: Entity, verb: str, record_id: str, version: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {"Id": record_id, "SyncToken": version or "0"}
        return body if verb == "delete" or entity.quickbooks_object == "Invoice" else {**body, "sparse": True}

    def send(self, items: Sequence[Sendable], listener: Listener) -> None:
        batches: dict[str, list[Sendable]] = {}
        for item in items:
            if item.batch_key is not None:
                batches.setdefault(item.batch_key, []).append(item)
        singles = [i for i in items if i.batch_key is None]
        sending = _Sending(self, listener)
        with ThreadPoolExecutor(sum(_LANES.values()), thread_name_prefix="quickbooks") as pool:
            lanes = [pool.submit(sending.batches, share) for share in dealt(list(batches.values()), _LANES["batch"])]
            lanes += [pool.submit(sending.singles, share) for share in dealt(singles, _LANES["single"])]
            for lane in lanes:
                lane.result()
        if sending.fatal is not None:
            raise sending.fatal

    def parse(self, item: Sendable, raw: bytes) -> Answered:
        found = simplejson.loads(raw, use_decimal=True)
        gone = str(found.get("status", "")).casefold() == "deleted"
        try:
            record = None if gone else self.decode(self._entities[item.entity], found)
        except PipelineError as unreadable:
            return Answered(item, raw=raw, error=unreadable)
        return Answered(item, record, raw, gone)

    def calls(self) -> Mapping[str, int]:
        return dict(self.client.calls)

    def exchange(self, group: Sequence[Sendable]) -> list[Answered]:
        """Send one batch or one single write and read its answer; raises what concerns the whole request."""
        if group[0].batch_key is None:
            item = group[0]
            entity = self._entities[item.entity]
            answer = self.client.post(entity.quickbooks_object, item.body, request_id=item.key, operation=item.verb)
            return [self._answered(item, Outcome(answer.object, answer.deleted))]
        body = batch_body([self._batch_item(item) for item in sorted(group, key=lambda i: int(i.bid or 0))])
        outcomes = self.client.batch(body, request_id=group[0].batch_key).outcomes
        return [self._answered(item, outcomes[str(item.bid)]) for item in group]

    def _batch_item(self, item: Sendable) -> BatchItem:
        body = simplejson.loads(item.body, use_decimal=True)
        verb = "update" if item.verb == "void" else item.verb
        entity = self._entities[item.entity]
        return BatchItem(str(item.bid), verb, entity.quickbooks_object, body, void=item.verb == "void")

    def _answered(self, item: Sendable, outcome: Outcome) -> Answered:
        if outcome.error is not None:
            return Answered(item, error=outcome.error)
        raw = simplejson.dumps(outcome.object, use_decimal=True, separators=(",", ":")).encode()
        return self.parse(item, raw)


class _Sending:
    """One `send`: shares the knowledge that the server is down, or that nobody may write any more."""

    def __init__(self, port: QuickBooksPort, listener: Listener) -> None:
        self._port = port
        self._listener = listener
        self._lock = threading.Lock()
        self._silences = 0
        self.fatal: PipelineError | None = None

    def batches(self, groups: Sequence[Sequence[Sendable]]) -> None:
        for group in groups:
            if self.fatal is not None:
                return
            self._listener.leaving(group)
            self._listener.answered(self._one(group))

    def singles(self, items: Sequence[Sendable]) -> None:
        """Single requests, some at a time for the journal: a commit for each would be slower than Intuit's limits."""
        for some in chunks(items, _NOTED_TOGETHER):
            if self.fatal is not None:
                return
            self._listener.leaving(some)
            self._listener.answered([answer for item in some for answer in self._one([item])])

    def _one(self, group: Sequence[Sendable]) -> list[Answered]:
        try:
            answers = self._port.exchange(group)
        except PipelineError as error:
            self._note(error)
            return [Answered(item, error=error) for item in group]
        with self._lock:
            self._silences = 0
        return answers

    def _note(self, error: PipelineError) -> None:
        with self._lock:
            self._silences += isinstance(error, RetryLater)
            if isinstance(error, Reconnect) or self._silences >= _SILENCES:
                self.fatal = error


def updated_at(raw: Mapping[str, Any]) -> datetime:
    """MetaData.LastUpdatedTime; objects that lack it (pseudo tax codes) count as older than everything."""
    stamp = (raw.get("MetaData") or {}).get("LastUpdatedTime") or (raw.get("MetaData") or {}).get("CreateTime")
    return datetime.fromisoformat(str(stamp)).astimezone(UTC) if stamp else datetime(1970, 1, 1, tzinfo=UTC)


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def dealt(items: Sequence[Any], hands: int) -> list[Sequence[Any]]:
    """Items dealt out like cards; empty hands are left out."""
    return [hand for n in range(hands) if (hand := items[n::hands])]


def _single_share(total: int, throttled: bool) -> int:
    """40 batches of 30 a minute leave 460 of the 500 requests for singles: 460 of 1,660 writes."""
    return total * 460 // 1660 if throttled and total > 40 * BATCH else 0
