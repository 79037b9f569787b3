"""What QuickBooks' webhooks say, in both of Intuit's formats.

Invariant: every readable entity event of a delivery becomes one `Notified`, in whichever format it came and whatever
else stands around it; one that can't be read is counted and costs no other its place.

    read(raw body) -> Delivery(events, unreadable)       raises `FixTheData` (code `bad_webhook`) when nothing in it
                                                         can be read
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qb_pipeline.errors import FixTheData
from qb_pipeline.webhook_texts import Unreadable, needed, text

# Every entity Intuit notifies of: CloudEvents spell them in lower case, the API and our entities do not.
_NAMES = (
    "Account", "Bill", "BillPayment", "Budget", "Class", "CreditMemo", "Currency", "Customer", "Department", "Deposit",
    "Employee", "Estimate", "Invoice", "Item", "JournalCode", "JournalEntry", "Payment", "PaymentMethod", "Preferences",
    "Purchase", "PurchaseOrder", "RefundReceipt", "SalesReceipt", "TaxAgency", "Term", "TimeActivity", "Transfer",
    "Vendor", "VendorCredit",
)  # fmt: skip
_SPELLED = {name.lower(): name for name in _NAMES}
_OPERATIONS = {
    "created": "Create", "updated": "Update", "deleted": "Delete", "merged": "Merge", "voided": "Void",
    "emailed": "Emailed",
}  # fmt: skip


@dataclass(frozen=True)
class Notified:
    """One entity event. `key` is the same for every delivery of it; `deleted_id` is the loser of a merge."""

    realm_id: str
    name: str
    id: str
    operation: str
    key: str
    occurred_at: datetime | None
    deleted_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """The events of one request, and how many more there were that could not be read."""

    events: list[Notified]
    unreadable: int = 0


def read(raw_body: bytes) -> Delivery:
    """The events of a body whose signature has been verified."""
    try:
        found = list(_events(json.loads(raw_body)))
    except (ValueError, RecursionError) as error:
        raise _bad("it is not JSON") from error
    events = [event for event in found if isinstance(event, Notified)]
    problems = [event for event in found if isinstance(event, Unreadable)]
    if problems and not events:
        raise _bad(str(problems[0]))
    return Delivery(events, len(problems))


def _events(body: Any) -> Iterator[Notified | Unreadable]:
    """Looks at each part for itself, so that one delivery may hold both formats."""
    parts = body if isinstance(body, list) else [body]
    for part in parts:
        if not isinstance(part, Mapping):
            yield Unreadable("an event is not an object")
        elif "eventNotifications" in part:
            inner = part["eventNotifications"]
            yield from _events(inner) if isinstance(inner, list) else [Unreadable("eventNotifications is no list")]
        elif "dataChangeEvent" in part:
            yield from _legacy(part)
        elif "type" in part:
            yield _tried(_cloud_event, part)
        else:
            yield Unreadable("an object is neither an eventNotification nor a CloudEvent")


def _legacy(notification: Mapping[str, Any]) -> Iterator[Notified | Unreadable]:
    change = notification["dataChangeEvent"]
    entities = change.get("entities") if isinstance(change, Mapping) else None
    if not isinstance(entities, list):
        yield Unreadable("dataChangeEvent has no list of entities")
        return
    for entity in entities:
        yield _tried(_legacy_entity, {"realmId": notification.get("realmId"), "entity": entity})


def _legacy_entity(part: Mapping[str, Any]) -> Notified:
    entity = part["entity"]
    if not isinstance(entity, Mapping):
        raise Unreadable("an entity is not an object")
    realm, name, id_ = _text(part, "realmId"), _text(entity, "name"), _text(entity, "id")
    operation, loser = _text(entity, "operation"), _optional(entity, "deletedId")
    at = _moment(entity.get("lastUpdated"))
    key = _hash(realm, name, id_, operation, entity.get("lastUpdated") if at else None, loser)
    return Notified(realm, _SPELLED.get(name.lower(), name), id_, operation, key, at, loser)


def _cloud_event(part: Mapping[str, Any]) -> Notified:
    words = _text(part, "type").split(".")
    if len(words) < 3 or words[0].lower() != "qbo":
        raise Unreadable("a CloudEvent's type is not of the form qbo.<entity>.<operation>.v1")
    realm, id_, at = _text(part, "intuitaccountid"), _text(part, "intuitentityid"), _moment(part.get("time"))
    data = part.get("data")
    loser = _optional(data, "deletedid") if isinstance(data, Mapping) else None
    name, operation = _SPELLED.get(words[1].lower(), words[1]), _OPERATIONS.get(words[2].lower(), words[2])
    key = _optional(part, "id") or _hash(realm, name, id_, operation, part.get("time") if at else None, loser)
    return Notified(realm, name, id_, operation, key, at, loser)


def _tried(read_one: Any, part: Mapping[str, Any]) -> Notified | Unreadable:
    try:
        return read_one(part)  # type: ignore[no-any-return]  # one of the two readers above
    except Unreadable as problem:
        return problem


def _text(part: Mapping[str, Any], name: str) -> str:
    return needed(part.get(name), name)


def _optional(part: Mapping[str, Any], name: str) -> str | None:
    return text(part.get(name), name)


def _moment(value: Any) -> datetime | None:
    """A time without a zone is UTC; what is none is left out: the time only helps, the read decides."""
    if not isinstance(value, str):
        return None
    try:
        read_as = datetime.fromisoformat(value)
        return read_as.astimezone(UTC) if read_as.tzinfo else read_as.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _hash(realm: str, name: str, id_: str, operation: str, at: str | None, loser: str | None) -> str:
    # Without a time two edits can't be told from one delivered twice: one read too many, but no change lost.
    parts = [realm, name, id_, operation, at or secrets.token_hex(16), loser]
    return "sha256:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _bad(what: str) -> FixTheData:
    return FixTheData(
        f"A signed webhook of QuickBooks can't be read: {what}.",
        code="bad_webhook",
        fix="Compare the format chosen on Intuit's developer portal with what is delivered.",
        who="data engineer",
    )
