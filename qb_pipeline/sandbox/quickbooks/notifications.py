"""Webhook notifications in Intuit's two formats, signed.

Invariant: the signature covers the exact bytes sent.
"""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps
from qb_pipeline.sandbox.quickbooks.times import utc_millis

FORMATS = ("legacy", "cloudevents")
MOST_EVENTS = 100
COVERED = frozenset(
    {
        "Account", "Bill", "BillPayment", "Budget", "Class", "CompanyCurrency", "CreditMemo", "Customer", "Department",
        "Deposit",
        "Employee", "Estimate", "Invoice", "Item", "JournalCode", "JournalEntry", "Payment", "PaymentMethod",
        "Preferences", "Purchase", "PurchaseOrder", "RefundReceipt", "SalesReceipt", "TaxAgency", "Term",
        "TimeActivity", "Transfer", "Vendor", "VendorCredit",
    }
)  # fmt: skip
# Webhooks know one entity by another name than the API.
WEBHOOK_NAMES = {"CompanyCurrency": "Currency"}
PAST = {
    "Create": "created",
    "Update": "updated",
    "Delete": "deleted",
    "Merge": "merged",
    "Void": "voided",
    "Emailed": "emailed",
}


def render(events: list[dict[str, Any]], wanted: str, verifier_token: str) -> tuple[bytes, dict[str, str]]:
    """The body and its headers."""
    if wanted == "cloudevents":
        body, kind = dumps([cloud_event(event) for event in events]), "application/cloudevents+json"
    else:
        body, kind = dumps({"eventNotifications": legacy(events)}), "application/json"
    raw = body.encode()
    return raw, {"content-type": kind, "intuit-signature": signature(raw, verifier_token)}


def signature(body: bytes, verifier_token: str) -> str:
    """base64 of the HMAC-SHA256."""
    return base64.b64encode(hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()).decode()


def legacy(events: list[dict[str, Any]]) -> list[JsonObject]:
    """Events grouped by realm."""
    by_realm: dict[str, list[JsonObject]] = {}
    for event in events:
        by_realm.setdefault(event["realm"], []).append(legacy_entity(event))
    return [{"realmId": realm, "dataChangeEvent": {"entities": entities}} for realm, entities in by_realm.items()]


def legacy_entity(event: dict[str, Any]) -> JsonObject:
    """One change."""
    entry = {
        "name": webhook_name(event),
        "id": event["id"],
        "operation": event["operation"],
        "lastUpdated": utc_millis(datetime.fromisoformat(event["at"])),
    }
    return {**entry, "deletedId": event["deleted_id"]} if "deleted_id" in event else entry


def webhook_name(event: dict[str, Any]) -> str:
    """The entity as notifications call it."""
    entity = str(event["entity"])
    return WEBHOOK_NAMES.get(entity, entity)


def cloud_event(event: dict[str, Any]) -> JsonObject:
    """One change as a CloudEvent; its id is the same in every delivery."""
    identity = f"{event['realm']}/{event['entity']}/{event['id']}/{event['operation']}/{event['at']}"
    account = base64.b64encode(hashlib.sha256(event["realm"].encode()).digest()).decode()
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, identity)),
        "source": f"intuit.{account}",
        "type": f"qbo.{webhook_name(event).lower()}.{PAST[event['operation']]}.v1",
        "datacontenttype": "application/json",
        "time": utc_millis(datetime.fromisoformat(event["at"])),
        "intuitentityid": event["id"],
        "intuitaccountid": event["realm"],
        "data": {"deletedid": event["deleted_id"]} if "deleted_id" in event else {},
    }
