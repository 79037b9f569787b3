"""QuickBooks as the engine sees it; how writes share its limits is said in `quickbooks_lanes.py`.

Invariant: a batch travels whole under one request id, assembled from the journalled bodies, so that it can be sent
again byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

import simplejson

from qb_pipeline.entities.codec import Codec
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import FixTheData, NotFound, PipelineError
from qb_pipeline.quickbooks.batches import BatchItem, Outcome, batch_body
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.quickbooks.throttle import Throttle
from qb_pipeline.quickbooks.windows import Slot
from qb_pipeline.sync.ports import Answered, Listener, Sendable
from qb_pipeline.sync.quickbooks_lanes import Lanes, Queue

_NATURAL_KEY = {
    "Customer": "DisplayName",
    "Item": "Name",
    "Class": "Name",
    "Invoice": "DocNumber",
    "CreditMemo": "DocNumber",
}
_LISTS = frozenset({"Customer", "Item", "Class", "Account", "Term", "PaymentMethod"})


class QuickBooksPort:
    """One realm; `facts` are replaced by the engine whenever lists that codecs depend on were written. `throttle` is
    the client's own."""

    side: ClassVar[Side] = Side.QUICKBOOKS

    def __init__(
        self, client: QuickBooksClient, facts: Facts, entities: Mapping[str, Entity], throttle: Throttle
    ) -> None:
        self.client = client
        self.facts = facts
        self._entities = entities
        self._throttle = throttle

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
        """`NotFound` also for what has become another entity: a customer put below another one is a job."""
        raw = self.client.read(entity.quickbooks_object, record_id)
        if not self.wants(entity, raw):
            raise NotFound(
                f"{entity.title} {record_id} is something else in QuickBooks now.", code="qbo_610",
                fix="Nothing: it is treated as removed there.", who="nobody",
            )  # fmt: skip
        return self.decode(entity, raw)

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

    def removal_body(self, entity: Entity, verb: str, record_id: str, version: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {"Id": record_id, "SyncToken": version or "0"}
        return body if verb == "delete" or entity.quickbooks_object == "Invoice" else {**body, "sparse": True}

    def send(self, items: Sequence[Sendable], listener: Listener) -> None:
        self._empty(Queue(self._throttle, fresh=items), listener)

    def resend(self, items: Sequence[Sendable], listener: Listener) -> None:
        self._empty(Queue(self._throttle, left=items), listener)

    def _empty(self, queue: Queue, listener: Listener) -> None:
        Lanes(queue, self._throttle, partial(self.exchange, may_leave=listener.may_leave), listener).run()

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

    def exchange(
        self, group: Sequence[Sendable], slot: Slot | None = None, *, may_leave: Callable[[], None] | None = None
    ) -> list[Answered]:
        """Send one batch or one single write and read its answer; raises what concerns the whole request. `slot` is
        the throttle's, where it is taken already; `may_leave` is asked after any other wait for one."""
        if group[0].batch_key is None:
            item = group[0]
            entity = self._entities[item.entity]
            written = self.client.post(
                entity.quickbooks_object, item.body, request_id=item.key, operation=item.verb, slot=slot,
                may_leave=may_leave,
            )  # fmt: skip
            return [self._answered(item, Outcome(written.object, written.deleted))]
        body = batch_body([self._batch_item(item) for item in sorted(group, key=lambda i: int(i.bid or 0))])
        answer = self.client.batch(body, request_id=group[0].batch_key, slot=slot, may_leave=may_leave)
        return [self._answered(item, answer.outcomes[str(item.bid)]) for item in group]

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


def updated_at(raw: Mapping[str, Any]) -> datetime:
    """MetaData.LastUpdatedTime; objects that lack it (pseudo tax codes) count as older than everything."""
    stamp = (raw.get("MetaData") or {}).get("LastUpdatedTime") or (raw.get("MetaData") or {}).get("CreateTime")
    return datetime.fromisoformat(str(stamp)).astimezone(UTC) if stamp else datetime(1970, 1, 1, tzinfo=UTC)
