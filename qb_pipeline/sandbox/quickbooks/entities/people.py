"""Rules that Customer, Vendor and Employee share, whose names are unique across all three.

Invariant: a person always has a DisplayName, its own or one made of the name's parts.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
ADDRESSES = ("BillAddr", "ShipAddr", "PrimaryAddr", "OtherAddr", "RemitToAddr", "ShipFromAddr")


def settle_display_name(draft: Draft) -> None:
    """6080 when neither DisplayName nor a part of the name is there."""
    obj = draft.obj
    if draft.before is not None and draft.sparse and "DisplayName" not in obj:
        raise Fault(6080, "DisplayName cannot be removed.", element="DisplayName")
    if not str(obj.get("DisplayName") or "").strip():
        obj["DisplayName"] = " ".join(str(obj[part]) for part in PARTS if obj.get(part))
    if not str(obj["DisplayName"]).strip():
        raise Fault(
            6080,
            "At least one of DisplayName, Title, GivenName, MiddleName, FamilyName, Suffix is required.",
            element="DisplayName",
        )


def number_addresses(company: Company, obj: JsonObject, before: JsonObject | None) -> None:
    """Give every address an Id; one that stands keeps its own."""
    for key in ADDRESSES:
        if not isinstance(obj.get(key), dict):
            continue
        known = ((before or {}).get(key) or {}).get("Id")
        rest = {part: value for part, value in obj[key].items() if part != "Id"}
        obj[key] = {"Id": known or str(company.store.next_number("addresses")), **rest}
