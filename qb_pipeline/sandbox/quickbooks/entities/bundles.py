"""Lines that sell a bundle: one item that stands for several.

Invariant: a stored bundle line holds an item line for each of its parts, and its Amount is their sum.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.item_lines import complete_item_line
from qb_pipeline.sandbox.quickbooks.entities.line_schema import BUNDLE, DETAIL, LINE_LAYOUT
from qb_pipeline.sandbox.quickbooks.entities.tax_rates import AST, US
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

LAYOUT = ("Line", "GroupItemRef", "Quantity")


def expand(company: Company, line: JsonObject, mode: str) -> JsonObject:
    """A bundle line with its parts, before anything is numbered. 2020, 6000."""
    detail = dict(line.get(BUNDLE) or {})
    identifier = ref_value(detail, "GroupItemRef")
    if identifier is None:
        raise missing("GroupLineDetail.GroupItemRef")
    item = company.require("Item", identifier)
    if item.get("Type") != "Group":
        raise business(f"Item {identifier} is no bundle but a {item.get('Type')}.", element="GroupItemRef")
    quantity = decimal_of(detail.get("Quantity", 1))
    if quantity <= 0:
        raise Fault(2160, f"Quantity of a bundle must be above 0, not {quantity}.", element="GroupLineDetail.Quantity")
    detail["Quantity"] = number(quantity)
    detail["Line"] = [part for part in detail.get("Line") or [] if part] or parts_of(company, item, quantity, mode)
    return {**line, BUNDLE: detail}


def parts_of(company: Company, bundle: JsonObject, quantity: Decimal, mode: str) -> list[JsonObject]:
    """The lines a bundle comes to, by its definition. 6000 for a bundle of nothing."""
    listed = (bundle.get("ItemGroupDetail") or {}).get("ItemGroupLine") or []
    if not listed:
        raise business(f"Item {bundle['Id']} is a bundle without parts.", element="GroupItemRef")
    return [part_line(company, entry, quantity, mode) for entry in listed]


def part_line(company: Company, entry: JsonObject, quantity: Decimal, mode: str) -> JsonObject:
    """One part at the price of its item."""
    item = company.require("Item", str(ref_value(entry, "ItemRef")))
    count, price = decimal_of(entry.get("Qty", 1)) * quantity, decimal_of(item.get("UnitPrice"))
    detail: JsonObject = {"ItemRef": {"value": item["Id"]}, "UnitPrice": number(price), "Qty": number(count)}
    if mode in (US, AST):
        detail["TaxCodeRef"] = {"value": "TAX" if item.get("Taxable") else "NON"}
    line: JsonObject = {"Amount": number(cents(count * price)), "DetailType": DETAIL, DETAIL: detail}
    return {"Description": item["Description"], **line} if item.get("Description") else line


def complete_bundle(company: Company, line: JsonObject, old_items: set[str | None], mode: str) -> JsonObject:
    """The bundle line with its parts checked and filled in."""
    detail = line[BUNDLE]
    detail["Line"] = [complete_item_line(company, amount_of(part), old_items, mode) for part in detail["Line"]]
    total = sum((decimal_of(part["Amount"]) for part in detail["Line"]), Decimal(0))
    kept = {key: value for key, value in line.items() if key not in (DETAIL, "DescriptionLineDetail")}
    return arranged({**kept, "Amount": number(total), BUNDLE: arranged(detail, LAYOUT)}, LINE_LAYOUT)


def amount_of(part: JsonObject) -> JsonObject:
    """A part sent with quantity and price alone gets its amount. 6000 for a part that is no item line."""
    if part.get("DetailType", DETAIL) != DETAIL:
        raise business("The lines of a bundle are item lines.", element="GroupLineDetail.Line")
    detail = part.get(DETAIL) or {}
    if "Amount" not in part and {"Qty", "UnitPrice"} <= set(detail):
        part["Amount"] = number(cents(decimal_of(detail["Qty"]) * decimal_of(detail["UnitPrice"])))
    return {**part, "DetailType": DETAIL}
