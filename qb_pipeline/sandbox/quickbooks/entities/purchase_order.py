"""PurchaseOrder: what was ordered from a vendor and posts nothing.

Invariant: bills and purchases that name the order close it (see purchase_links.py); a person may close it as well.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, CUSTOM_FIELDS, HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import Form
from qb_pipeline.sandbox.quickbooks.entities.payable import KEPT, PAYABLE, complete_payable
from qb_pipeline.sandbox.quickbooks.entities.purchase_links import covered
from qb_pipeline.sandbox.quickbooks.entities.transaction import (
    custom_numbers,
    refuse_closed,
    refuse_duplicate,
    refuse_foreign_links,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Group, Property, Ref, Text

FORM = Form(linked=False, posts=False)
# Orders count on their own, apart from sales forms.
NUMBERS = "purchase_order_numbers"
OWN: dict[str, Property] = {
    "POStatus": Choice(("Open", "Closed")),
    "EmailStatus": Choice(("NotSet", "NeedToSend", "EmailSent")),
    "POEmail": Group({"Address": Text(200, email=True)}),
    "ShipAddr": ADDRESS,
    "ShipTo": Ref("Customer"),
    "ShipMethodRef": Ref(""),
    "SalesTermRef": Ref("Term", named=False),
    "ClassRef": Ref("Class"),
    "TaxCodeRef": Ref("", named=False),
    "DueDate": Day(),
    "Memo": Text(4000),
    "CustomField": CUSTOM_FIELDS,
}
LAYOUT = (
    "SalesTermRef", "DueDate", "VendorAddr", "ShipAddr", "ShipTo", "ShipMethodRef", "POEmail", "EmailStatus",
    "POStatus", "ClassRef", *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef",
    "ExchangeRate", "PrivateNote", "LinkedTxn", "Line", "TxnTaxDetail", "VendorRef", "APAccountRef", "TotalAmt",
    "Memo", "GlobalTaxCalculation",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a purchase order. 2020, 2500, 3000, 6000, 6140, 6210, 6430."""
    obj = draft.obj
    complete_payable(company, draft, FORM)
    complete_order_number(company, draft)
    refuse_foreign_links(draft)
    obj.setdefault("LinkedTxn", [])
    complete_status(company, draft)
    obj.setdefault("EmailStatus", "NotSet")
    if obj["EmailStatus"] == "NeedToSend" and not obj.get("POEmail"):
        raise business("EmailStatus NeedToSend needs a POEmail.", element="POEmail")
    complete_custom_fields(company, obj)
    complete_ship_address(company, draft)
    return obj


def complete_status(company: Company, draft: Draft) -> None:
    """Open at first; new lines open an order again that was billed whole, unless the client says otherwise."""
    obj, before = draft.obj, draft.before
    if before is not None and obj["LinkedTxn"] and "Line" in draft.sent and not draft.given("POStatus"):
        obj["POStatus"] = "Closed" if covered(company, {**obj, "Id": before["Id"]}, obj["LinkedTxn"]) else "Open"
    obj.setdefault("POStatus", "Open")


def complete_order_number(company: Company, draft: Draft) -> None:
    """The next number unless the order has its own. 6140 for one that another order has."""
    obj = draft.obj
    given = obj.get("DocNumber")
    if given is None:
        while given is None or company.store.holders_of_number("PurchaseOrder", given):
            given = str(company.store.next_number(NUMBERS, 1000))
        obj["DocNumber"] = given
    elif given != (draft.before or {}).get("DocNumber"):
        refuse_duplicate(company, "PurchaseOrder", str(given), custom_numbers(company))


def complete_custom_fields(company: Company, obj: JsonObject) -> None:
    """Every defined field appears, with a value or without. 3000 for one there is not."""
    fields = {
        str(n): {"DefinitionId": str(n), "Name": name, "Type": "StringType"} for n, name in definitions(company).items()
    }
    for field in obj.get("CustomField") or []:
        identifier = str(field.get("DefinitionId"))
        if identifier not in ("1", "2", "3"):
            raise Fault(3000, f"There is no custom field {identifier}: orders have 1, 2 and 3.", element="CustomField")
        fields[identifier] = {**fields.get(identifier, {}), **field, "Type": "StringType"}
    obj["CustomField"] = [fields[identifier] for identifier in sorted(fields)]


def definitions(company: Company) -> dict[int, str]:
    """The custom fields of orders that are switched on: number -> label."""
    groups = (company.preferences().get("VendorAndPurchasesPrefs") or {}).get("POCustomField") or []
    entries = {entry.get("Name"): entry for group in groups for entry in group.get("CustomField") or []}
    return {
        n: str(entries[f"PurchasePrefs.PurchaseCustomName{n}"].get("StringValue", ""))
        for n in (1, 2, 3)
        if entries.get(f"PurchasePrefs.UsePurchaseCustom{n}", {}).get("BooleanValue")
        and f"PurchasePrefs.PurchaseCustomName{n}" in entries
    }


def complete_ship_address(company: Company, draft: Draft) -> None:
    """A new address gets an Id."""
    if draft.given("ShipAddr"):
        address = draft.obj["ShipAddr"]
        known = ((draft.before or {}).get("ShipAddr") or {}).get("Id") or address.get("Id")
        rest = {part: value for part, value in address.items() if part != "Id"}
        draft.obj["ShipAddr"] = {"Id": known or str(company.store.next_number("addresses")), **rest}


PURCHASE_ORDER = Entity(
    name="PurchaseOrder",
    properties={**PAYABLE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=(*KEPT, "CustomField", "EmailStatus", "POStatus", "LinkedTxn"),
    guard=refuse_closed,
)
