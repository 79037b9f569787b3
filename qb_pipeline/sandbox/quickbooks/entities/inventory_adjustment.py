"""InventoryAdjustment: what a count found to be more or less on the shelf.

Invariant: it moves quantities of inventory items only; its worth is the stock's, never the client's.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_called
from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.sale_lines import with_ids
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Day, Group, Many, Number, Property, Ref, Text
from qb_pipeline.sandbox.quickbooks.times import today

NAME = "InventoryAdjustment"
DETAIL = "ItemAdjustmentLineDetail"
SHRINKAGE = "Inventory Shrinkage"
UNFIT = ("Accounts Receivable", "Accounts Payable", "Bank", "Credit Card")
LINE = Group(
    {
        "Id": Text(20),
        "LineNum": RO,
        "Description": Text(4000),
        "Amount": RO,
        "DetailType": Text(50),
        DETAIL: Group(
            {"ItemRef": Ref("Item"), "QtyDiff": Number(), "SalesPrice": RO, "ClassRef": Ref("Class"), "NewQty": RO}
        ),
        "LineEx": RO,
        "CustomExtensions": RO,
    }
)
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "AdjustAccountRef": Ref("Account"),
    "Line": Many(LINE),
    "CustomerRef": Ref("Customer"),
}
LAYOUT = ("AdjustAccountRef", *HEAD, "DocNumber", "TxnDate", "PrivateNote", "DepartmentRef", "CustomerRef", "Line")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an adjustment. 2020, 2500, 6000, 6210, 6430."""
    obj, before = draft.obj, draft.before
    if "AdjustAccountRef" not in obj:
        raise missing("AdjustAccountRef")
    if not obj.get("Line"):
        raise missing("Line")
    kind = company.require("Account", str(ref_value(obj, "AdjustAccountRef"))).get("AccountType")
    if kind in UNFIT:
        raise Fault(6430, f"Stock cannot be adjusted against an account of type {kind}.", element="AdjustAccountRef")
    complete_date(company, obj)
    if "Line" in draft.sent:
        lines = with_ids(obj["Line"], (before or {}).get("Line") or [])
        obj["Line"] = [complete_line(company, line) for line in lines]
    if "DocNumber" not in obj:
        obj["DocNumber"] = (before or {}).get("DocNumber") or str(company.store.next_number("adjustment_numbers"))
    for key in ("LinkedTxn", "GlobalTaxCalculation", "CurrencyRef", "ExchangeRate"):
        obj.pop(key, None)
    return obj


def complete_line(company: Company, line: JsonObject) -> JsonObject:
    """One item and the difference of its quantity. 2020, 2170, 6000."""
    if line.get("DetailType", DETAIL) != DETAIL:
        kind = line["DetailType"]
        raise Fault(2170, f"DetailType {kind} cannot stand on an {NAME}.", element="Line.DetailType")
    detail = line.get(DETAIL) or {}
    for key in ("ItemRef", "QtyDiff"):
        if key not in detail:
            raise missing(f"{DETAIL}.{key}")
    item = company.require("Item", str(ref_value(detail, "ItemRef")))
    if item.get("Type") != "Inventory":
        raise business(
            f"Item {item['Id']} is of type {item.get('Type')}; only inventory is adjusted.", element="ItemRef"
        )
    entry = {key: value for key, value in line.items() if key != "LineNum"}
    return arranged({**entry, "DetailType": DETAIL}, ("Id", "Description", "DetailType", DETAIL))


def write_off(company: Company, item: JsonObject) -> None:
    """What QBO enters when an item with stock is made inactive: everything on hand leaves the books today."""
    quantity: Decimal = -decimal_of(item.get("QtyOnHand"))
    shrinkage = account_called(company, SHRINKAGE, "Cost of Goods Sold", "Expense", "SuppliesMaterialsCogs")
    account = company.require("Account", shrinkage)
    detail = {"ItemRef": {"value": item["Id"], "name": item["FullyQualifiedName"]}, "QtyDiff": number(quantity)}
    obj: JsonObject = {
        "AdjustAccountRef": {"value": account["Id"], "name": account["FullyQualifiedName"]},
        "DocNumber": str(company.store.next_number("adjustment_numbers")),
        "TxnDate": max(today(company.now).isoformat(), str(item.get("InvStartDate") or "")),
        "PrivateNote": f"Written off: {item['Name']} was made inactive",
        "Line": [{"Id": "1", "DetailType": DETAIL, DETAIL: detail}],
        "Id": str(company.store.next_number("transactions")),
    }
    settle(company, NAME, None, company.save(NAME, obj, None, LAYOUT, "Create"))


INVENTORY_ADJUSTMENT = Entity(
    name=NAME,
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    guard=refuse_closed,
)
