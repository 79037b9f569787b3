"""Lines that sell an item.

Invariant: a stored item line names an item that can be sold and a tax code its company may use there, and its Amount
is what is earned: without tax, also where prices include it.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.line_schema import DETAIL, DETAIL_LAYOUT, LINE_LAYOUT, TEXT_ONLY
from qb_pipeline.sandbox.quickbooks.entities.tax_rates import AST, INCLUSIVE, PSEUDO, US, WITHOUT, percent_of
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name


def complete_item_line(company: Company, line: JsonObject, old_items: set[str | None], mode: str) -> JsonObject:
    """Amount, item, account and tax code. 2020, 2500, 610, 6000, 6070, 6100."""
    if "Amount" not in line:
        raise missing("Line.Amount")
    if line.get("LinkedTxn") == []:
        line.pop("LinkedTxn")
    detail = line.setdefault(DETAIL, {})
    drop_zeros(detail)
    line["Amount"] = number(decimal_of(line["Amount"]))
    check_amount(line, detail)
    item = complete_item(company, detail, old_items)
    complete_tax_code(company, detail, item, mode)
    take_tax_out(company, line, detail, mode)
    for key in ("DescriptionLineDetail", "GroupLineDetail"):
        line.pop(key, None)
    line[DETAIL] = arranged(detail, DETAIL_LAYOUT)
    return {**arranged(line, LINE_LAYOUT), "CustomExtensions": []}


def text_line(line: JsonObject) -> JsonObject:
    """A line of words alone: no amount, no item."""
    kept = {key: value for key, value in line.items() if key not in ("Amount", DETAIL)}
    return arranged(
        {**kept, "DetailType": TEXT_ONLY, "DescriptionLineDetail": line.get("DescriptionLineDetail") or {}},
        LINE_LAYOUT,
    )


def drop_zeros(detail: JsonObject) -> None:
    """Clients with fixed classes send Qty 0 and UnitPrice 0 for "not given"."""
    if not detail.get("Qty") and not detail.get("UnitPrice"):
        detail.pop("Qty", None)
        detail.pop("UnitPrice", None)


def check_amount(line: JsonObject, detail: JsonObject) -> None:
    """6070 unless Amount (or the amount with tax) is Qty x UnitPrice to the cent, where both are given."""
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    if not quantity or price is None:
        return
    expected, amount = cents(decimal_of(quantity) * decimal_of(price)), cents(decimal_of(line["Amount"]))
    if expected != amount and expected != detail.get("TaxInclusiveAmt"):
        raise Fault(
            6070,
            f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}, expected {expected}",
            element="Line.Amount",
        )


def complete_item(company: Company, detail: JsonObject, old_items: set[str | None]) -> JsonObject:
    """Put in the item with its current name and its income account; returns it. 2500, 610, 6000."""
    identifier = ref_value(detail, "ItemRef") or default_item(company)
    if identifier is None:
        raise missing("SalesItemLineDetail.ItemRef")
    item = company.require("Item", identifier)
    if item.get("Active") is False and identifier not in old_items:
        raise Fault(610, f"Object Not Found : Item {identifier} has been made inactive.")
    if item.get("Type") in ("Category", "Group"):
        raise business(f"Item {identifier} is a {item['Type']} and cannot stand on a line.", element="ItemRef")
    detail["ItemRef"] = {"value": identifier, "name": reference_name("Item", item)}
    income = ref_value(item, "IncomeAccountRef")
    if income is None:
        raise business(f"Item {identifier} has no income account, so it cannot be sold.", element="ItemRef")
    account = company.store.get("Account", income)
    detail["ItemAccountRef"] = {"value": income, "name": reference_name("Account", account) if account else ""}
    return item


def default_item(company: Company) -> str | None:
    """The item of lines that name none: the preference DefaultItem, else the item QBO begins with. None without one."""
    others = (company.preferences().get("OtherPrefs") or {}).get("NameValue") or []
    for pair in others:
        if pair.get("Name") == "SalesFormsPrefs.DefaultItem" and company.store.text("Item", str(pair["Value"])):
            return str(pair["Value"])
    holder = company.store.holder_of_name("Item//services")
    return None if holder is None else holder[1]


def complete_tax_code(company: Company, detail: JsonObject, item: JsonObject, mode: str) -> None:
    """TAX or NON in the United States, elsewhere a code of the company's own, none where tax does not apply."""
    sent = ref_value(detail, "TaxCodeRef")
    if sent == "CustomSalesTax":
        raise Fault(6160, "CustomSalesTax is not allowed on a line.", element="TaxCodeRef")
    if mode in (US, AST):
        check_american_code(sent or "NON")
        detail["TaxCodeRef"] = {"value": sent or "NON"}
    elif mode == WITHOUT:
        detail.pop("TaxCodeRef", None)
    else:
        detail["TaxCodeRef"] = {"value": own_code(company, sent or ref_value(item, "SalesTaxCodeRef"))}


def check_american_code(code: str) -> None:
    """6100 for anything but the two words."""
    if code not in ("TAX", "NON"):
        raise Fault(6100, f"Invalid Line TaxCode {code}: in the United States it is TAX or NON.", element="TaxCodeRef")


def own_code(company: Company, code: str | None) -> str:
    """A real tax code. 6000 without one, 2500 for one the company does not have."""
    if code is None:
        raise business("Make sure all your transactions have a tax rate before you save.", element="TaxCodeRef")
    if code in PSEUDO or company.store.text("TaxCode", code) is None:
        raise Fault(2500, f"Invalid Reference Id : Tax codes element id {code} not found", element="TaxCodeRef")
    return code


def take_tax_out(company: Company, line: JsonObject, detail: JsonObject, mode: str) -> None:
    """Where prices include tax, what was sent is kept as TaxInclusiveAmt and Amount becomes the part without tax."""
    if mode != INCLUSIVE:
        detail.pop("TaxInclusiveAmt", None)
        return
    gross = decimal_of(detail.get("TaxInclusiveAmt", line["Amount"]))
    percent = percent_of(company, str(ref_value(detail, "TaxCodeRef")))
    detail["TaxInclusiveAmt"] = number(gross)
    line["Amount"] = number(cents(gross * Decimal(100) / (100 + percent)))
