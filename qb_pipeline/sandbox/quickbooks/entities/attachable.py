"""Attachable: a note, a file, or both, hung on transactions and names.

Invariant: an Attachable points only at what existed when it was written, and outlives it; what the server knows of the
file (size, addresses) never comes from a client.

Every update is a full one, as documented: a writable property that is left out is cleared, whatever `sparse` says.
"""

from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import CUSTOM_FIELDS, HEAD
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.schema import Anything, Choice, Flag, Group, Many, Property, Text

FIRST_ID = 5_000_000_000_000_000_001
CATEGORIES = ("Contact Photo", "Document", "Image", "Receipt", "Signature", "Sound", "Other")
# What a note or file can hang on, in the spelling of EntityRef.type; clients may write it in any case.
LINKABLE = (
    "Account", "Bill", "BillPayment", "CreditCardPaymentTxn", "CreditMemo", "Customer", "Deposit", "Employee",
    "Estimate", "InventoryAdjustment", "Invoice", "Item", "JournalEntry", "Payment", "Purchase", "PurchaseOrder",
    "RefundReceipt", "SalesReceipt", "TimeActivity", "Transfer", "Vendor", "VendorCredit",
)  # fmt: skip
SPELLINGS = {name.lower(): name for name in LINKABLE}
# Made by the server for a file.
OF_FILE = ("FileAccessUri", "TempDownloadUri", "Size", "ThumbnailFileAccessUri", "ThumbnailTempDownloadUri")
WRITABLE: dict[str, Property] = {
    "FileName": Text(1000),
    "ContentType": Text(100),
    "Category": Choice(CATEGORIES),
    "Lat": Text(100),
    "Long": Text(100),
    "PlaceName": Text(2000),
    "Note": Text(2000),
    "Tag": Text(2000),
    "AttachableRef": Many(
        Group(
            {
                "IncludeOnSend": Flag(),
                "LineInfo": Text(100),
                "NoRefOnly": Flag(),
                "Inactive": Flag(),
                "CustomField": CUSTOM_FIELDS,
                "EntityRef": Group({"type": Text(50), "value": Text(50), "name": Text(1000)}),
            }
        )
    ),
}
LAYOUT = (
    "FileName", "FileAccessUri", "TempDownloadUri", "Size", "ContentType", "Category", "Lat", "Long", "PlaceName",
    "Note", "Tag", "ThumbnailFileAccessUri", "ThumbnailTempDownloadUri", *HEAD, "AttachableRef",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """The writable properties sent, with what the server keeps of the file."""
    refuse_echo(company, draft)
    before = draft.before or {}
    obj = {key: draft.sent[key] for key in WRITABLE if draft.given(key)}
    obj |= {key: before[key] for key in OF_FILE if key in before}
    if not obj.get("Note") and not obj.get("FileName") and "FileAccessUri" not in obj:
        raise business("An attachment needs a Note or a file.", element="Note")
    links = [linked(company, ref, before) for ref in obj.pop("AttachableRef", [])]
    return {**obj, "AttachableRef": links} if links else obj


def refuse_echo(company: Company, draft: Draft) -> None:
    """2010 for a file's read-only properties sent back, unless the switch lets them pass."""
    for key in OF_FILE:
        if draft.sent.get(key) not in (None, "") and company.switches.attachable_echo == "refuse":
            raise Fault(
                2010,
                f"Property Name:{key} is read-only and must be left out of the request; "
                "a property specified is unsupported or invalid",
                element=None,
            )


def linked(company: Company, ref: JsonObject, before: JsonObject) -> JsonObject:
    """One AttachableRef. 6050 for a type nothing hangs on, 2020 without an id, 6000 when the record is not there."""
    sent: dict[str, Any] = ref.get("EntityRef") or {}
    entity = SPELLINGS.get(str(sent.get("type", "")).lower())
    if entity is None:
        raise Fault(
            6050, f"Attachments cannot refer to type {sent.get('type')}; known are {', '.join(LINKABLE)}.",
            element="AttachableRef.EntityRef.type",
        )  # fmt: skip
    if not sent.get("value"):
        raise missing("AttachableRef.EntityRef.value")
    target = (entity, str(sent["value"]))
    # What was deleted since stays named: attachments outlive their transaction.
    if company.store.text(*target) is None and target not in targets(before):
        raise business(
            f"The entity {entity} {target[1]} that you are trying to link does not exist. {entity} {target[1]}"
        )
    rest: JsonObject = {key: ref[key] for key in ("LineInfo", "NoRefOnly", "Inactive") if key in ref}
    return {
        "IncludeOnSend": bool(ref.get("IncludeOnSend")),
        **rest,
        "EntityRef": {"value": target[1], "type": entity},
    }


def targets(obj: JsonObject) -> set[Reference]:
    """What an Attachable hangs on."""
    refs = [ref.get("EntityRef") or {} for ref in obj.get("AttachableRef") or []]
    return {(SPELLINGS.get(str(ref.get("type")).lower(), ""), str(ref.get("value"))) for ref in refs}


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A transaction that gets an attachment gets its next SyncToken, as seen live; a removal takes the file along."""
    if after is None and before is not None:
        company.store.conn.execute(
            "DELETE FROM attachment_content WHERE c = ? AND id = ?", (company.store.company, before["Id"])
        )
    for entity, identifier in sorted(targets(after or {}) - targets(before or {})):
        stored = company.store.get(entity, identifier)
        if stored is not None and "TxnDate" in stored:
            company.save(entity, dict(stored), stored, tuple(stored), "Update")


ATTACHABLE = Entity(
    name="Attachable",
    properties={**WRITABLE, **{key: Anything() for key in OF_FILE}},
    layout=LAYOUT,
    sequence="Attachable",
    verbs=frozenset({"create", "update", "delete"}),
    complete=complete,
    effect=effect,
    first_id=FIRST_ID,
)
