"""The indexed columns of a stored object.

Invariant: the columns are derived from the JSON body alone, so that body and index cannot disagree.
"""

from decimal import Decimal
from typing import NamedTuple

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.times import epoch

PEOPLE = ("Customer", "Vendor", "Employee")
TREES = ("Item", "Account", "Class", "Department")
NAMED = (
    *TREES, "Term", "PaymentMethod", "TaxCode", "TaxRate", "CustomerType", "Budget", "JournalCode", "CompanyCurrency",
)  # fmt: skip
# What an entity calls the amount that is open on it, where it is not Balance.
BALANCES = {"Account": "CurrentBalance", "Payment": "UnappliedAmt"}
# Millionths: integers compare exactly in SQL, where a REAL would not.
SCALE = 10**6
# What SQLite can hold; recorded attachments have ids beyond it.
LARGEST_NUM = 2**63


class Row(NamedTuple):
    """What the table `objects` keeps beside the body, in the order of its columns."""

    num: int | None
    active: int
    name: str | None
    name_key: str | None
    created: int | None
    updated: int
    doc_number: str | None
    party: str | None
    txn_date: str | None
    total: int | None
    balance: int | None


def core(obj: JsonObject) -> JsonObject:
    """The part that has the Id: the object itself, or what a recurring transaction wraps."""
    return obj if "Id" in obj else next(part for part in obj.values() if isinstance(part, dict) and "Id" in part)


def identity(entity: str, obj: JsonObject) -> str:
    """What an object is found by: its Id, or the currency and day of an exchange rate, which has none."""
    if entity == "ExchangeRate":
        return f"{obj['SourceCurrencyCode']}:{obj['AsOfDate']}"
    return str(core(obj)["Id"])


def display_name(entity: str, obj: JsonObject) -> str | None:
    """The name a record is listed and found by."""
    if entity == "RecurringTransaction":
        return str((obj.get("RecurringInfo") or {}).get("Name"))
    name = obj.get("Name") if entity in NAMED else obj.get("DisplayName")
    return None if name is None else str(name)


def name_key(entity: str, obj: JsonObject) -> str | None:
    """What must be unique within a company; None for records without such a name.

    Customer, Vendor and Employee share one space; names in a tree are unique below the same parent.
    """
    name = display_name(entity, obj)
    if name is None:
        return None
    if entity in PEOPLE:
        return f"people//{name.casefold()}"
    parent = ref_value(obj, "ParentRef") or "" if entity in TREES else ""
    return f"{entity}/{parent}/{name.casefold()}"


def reference_name(entity: str, obj: JsonObject) -> str | None:
    """How the record is named in a reference: people by DisplayName, trees by their full path."""
    if entity in TREES:
        return str(obj.get("FullyQualifiedName") or obj.get("Name"))
    return display_name(entity, obj)


def row_of(entity: str, obj: JsonObject) -> Row:
    """The columns of one object."""
    identifier = identity(entity, obj)
    obj = obj if entity == "ExchangeRate" else core(obj)
    meta = obj.get("MetaData") or {}
    created = epoch(meta.get("CreateTime"))
    updated = epoch(meta.get("LastUpdatedTime"))
    return Row(
        num=int(identifier) if identifier.isdecimal() and int(identifier) < LARGEST_NUM else None,
        active=0 if obj.get("Active") is False else 1,
        name=display_name(entity, obj),
        name_key=name_key(entity, obj),
        created=created,
        updated=updated if updated is not None else created or 0,
        doc_number=text_or_none(obj.get("DocNumber")),
        party=ref_value(obj, "CustomerRef") or ref_value(obj, "VendorRef"),
        txn_date=text_or_none(obj.get("TxnDate")),
        total=scaled(obj.get("TotalAmt")),
        balance=scaled(obj.get(BALANCES.get(entity, "Balance"))),
    )


def ref_value(obj: JsonObject, key: str) -> str | None:
    """The id in a reference; None when there is none."""
    ref = obj.get(key)
    return str(ref["value"]) if isinstance(ref, dict) and ref.get("value") is not None else None


def text_or_none(value: object) -> str | None:
    """The value as text."""
    return None if value is None else str(value)


def scaled(value: object) -> int | None:
    """An amount in millionths."""
    return None if value is None else int(Decimal(str(value)) * SCALE)
