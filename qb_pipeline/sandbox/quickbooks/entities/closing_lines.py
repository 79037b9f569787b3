"""What stands below the subtotal: the discount, shipping and a gratuity.

Invariant: at most one of each, in that order, none with an Id, and none where the company does not use it.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.line_schema import DETAIL, DISCOUNT
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name

SHIPPING, GRATUITY = "SHIPPING_ITEM_ID", "GRATUITY_ITEM_ID"
LAYOUT = ("PercentBased", "DiscountPercent", "DiscountAccountRef", "ClassRef", "TaxCodeRef")


def special_item(line: JsonObject) -> str | None:
    """SHIPPING_ITEM_ID or GRATUITY_ITEM_ID where the line names one of them."""
    identifier = ref_value(line.get(DETAIL) or {}, "ItemRef")
    return identifier if identifier in (SHIPPING, GRATUITY) else None


def allowed(company: Company, preference: str) -> bool:
    """A switch of SalesFormsPrefs; what a company's preferences do not mention is allowed."""
    return (company.preferences().get("SalesFormsPrefs") or {}).get(preference) is not False


def complete_discounts(company: Company, lines: list[JsonObject], subtotal: Decimal) -> list[JsonObject]:
    """No discount or one. 5030, 6000."""
    if lines and not allowed(company, "AllowDiscount"):
        raise Fault(5030, "Feature not supported: discounts are switched off (AllowDiscount).", element="Line")
    if len(lines) > 1:
        raise business("A document can have one discount line only.", element="Line")
    return [complete_discount(company, line, subtotal) for line in lines]


def complete_discount(company: Company, line: JsonObject, subtotal: Decimal) -> JsonObject:
    """The discount's amount and account. 6090 when neither a percentage nor an amount is there, 2150, 2140."""
    detail = dict(line.get(DISCOUNT) or {})
    if detail.get("PercentBased"):
        amount = cents(subtotal * percentage(detail) / 100)
    elif "Amount" in line:
        amount = decimal_of(line["Amount"])
        detail.pop("DiscountPercent", None)
    else:
        raise Fault(6090, "A discount needs an Amount or a DiscountPercent.", element="Line.Amount")
    if amount < 0 <= subtotal:
        raise Fault(2140, f"The amount of a discount must be 0 or greater, not {amount}.", element="Line.Amount")
    detail.setdefault("PercentBased", False)
    if "DiscountAccountRef" not in detail:
        detail["DiscountAccountRef"] = discount_account(company)
    return {"Amount": number(amount), "DetailType": DISCOUNT, DISCOUNT: arranged(detail, LAYOUT)}


def percentage(detail: JsonObject) -> Decimal:
    """A percent between 0 and 100. 6090 without one, 2150 beyond."""
    if not detail.get("DiscountPercent"):
        raise Fault(6090, "DiscountPercent is required when PercentBased is true.", element="DiscountPercent")
    percent = decimal_of(detail["DiscountPercent"])
    if not 0 <= percent <= 100:
        raise Fault(2150, f"DiscountPercent must lie between 0 and 100, not {percent}.", element="DiscountPercent")
    return percent


def discount_account(company: Company) -> JsonObject:
    """The preference DefaultDiscountAccount. 6090 when there is none."""
    identifier = (company.preferences().get("SalesFormsPrefs") or {}).get("DefaultDiscountAccount")
    account = company.store.get("Account", str(identifier))
    if account is None:
        raise Fault(6090, "DiscountAccountRef is required: no default is set.", element="DiscountAccountRef")
    return {"value": account["Id"], "name": reference_name("Account", account)}


def complete_extras(company: Company, lines: list[JsonObject]) -> list[JsonObject]:
    """Shipping, then gratuity. 5030, 6000."""
    names = [special_item(line) for line in lines]
    for name in names:
        if names.count(name) > 1:
            raise business(f"A document can have one line with {name} only.", element="Line")
    if SHIPPING in names and not allowed(company, "AllowShipping"):
        raise Fault(5030, "Feature not supported: shipping is switched off (AllowShipping).", element="Line")
    return [complete_extra(line) for line in sorted(lines, key=lambda one: special_item(one) != SHIPPING)]


def complete_extra(line: JsonObject) -> JsonObject:
    """As recorded: an amount, the special item, and the tax code where one was sent."""
    if "Amount" not in line:
        raise missing("Line.Amount")
    if decimal_of(line["Amount"]) < 0:
        raise Fault(2290, f"A line with {special_item(line)} must not be negative.", element="Line.Amount")
    sent = line[DETAIL]
    detail = {"ItemRef": {"value": special_item(line)}}
    code = {"TaxCodeRef": sent["TaxCodeRef"]} if sent.get("TaxCodeRef") else {}
    return {"Amount": number(decimal_of(line["Amount"])), "DetailType": DETAIL, DETAIL: {**detail, **code}}
