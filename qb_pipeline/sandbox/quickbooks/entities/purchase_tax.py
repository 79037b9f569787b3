"""Tax on what is bought, in companies outside the United States.

Invariant: TotalTax equals the sum of the tax lines; in the United States a purchase form has no tax.

    mode = purchase_mode(company, obj)                US, or the form's GlobalTaxCalculation
    complete_line_tax(company, line, detail, mode)    the line's own code; with prices that include tax, the net amount
    complete_purchase_tax(company, draft, mode)       TxnTaxDetail; returns TotalTax
"""

from collections import defaultdict
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.item_lines import check_american_code, own_code
from qb_pipeline.sandbox.quickbooks.entities.sales_tax import Taxed, detail_of, merge, taxed, weighted
from qb_pipeline.sandbox.quickbooks.entities.tax_rates import AST, INCLUSIVE, US, WITHOUT, Rate, tax_mode
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

DETAILS = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")


def purchase_mode(company: Company, obj: JsonObject) -> str:
    """How the form is taxed; it shows that outside the United States only."""
    mode = tax_mode(company, obj)
    if mode in (US, AST):
        for key in ("GlobalTaxCalculation", "TxnTaxDetail"):
            obj.pop(key, None)
        return US
    obj["GlobalTaxCalculation"] = mode
    return mode


def complete_line_tax(company: Company, line: JsonObject, detail: JsonObject, mode: str) -> None:
    """TAX or NON in the United States (6100), elsewhere a code of the company's own (2500, 6000), or none."""
    sent = ref_value(detail, "TaxCodeRef")
    if mode == US:
        check_american_code(sent or "NON")
        detail["TaxCodeRef"] = {"value": sent or "NON"}
    elif mode == WITHOUT:
        detail.pop("TaxCodeRef", None)
    else:
        detail["TaxCodeRef"] = {"value": own_code(company, sent)}
    gross = detail.pop("TaxInclusiveAmt", None)
    if mode == INCLUSIVE:
        take_tax_out(company, line, detail, decimal_of(gross or line["Amount"]))


def take_tax_out(company: Company, line: JsonObject, detail: JsonObject, gross: Decimal) -> None:
    """What was sent is kept as TaxInclusiveAmt, and Amount becomes the part without tax."""
    percent = sum((rate for _, rate in purchase_rates(company, detail["TaxCodeRef"]["value"])), Decimal(0))
    detail["TaxInclusiveAmt"] = number(gross)
    line["Amount"] = number(cents(gross * 100 / (100 + percent)))


def purchase_rates(company: Company, code: str) -> list[Rate]:
    """The code's rates on purchases as (TaxRate id, percent); none for a code that taxes sales only."""
    listed = (company.require("TaxCode", code).get("PurchaseTaxRateList") or {}).get("TaxRateDetail") or []
    identifiers = [str(entry["TaxRateRef"]["value"]) for entry in listed]
    return [(rate, decimal_of(company.require("TaxRate", rate).get("RateValue"))) for rate in identifiers]


def complete_purchase_tax(company: Company, draft: Draft, mode: str) -> Decimal:
    """The form's TxnTaxDetail: a TotalTax that is sent where that is honoured, else the codes' rates. 6170."""
    if mode == US:
        return Decimal(0)
    obj, sent = draft.obj, draft.sent.get("TxnTaxDetail") or {}
    if mode == WITHOUT:
        if sent.get("TotalTax"):
            raise Fault(6170, "TxnTaxDetail must not be sent with NotApplicable.", element="TxnTaxDetail")
        obj.pop("TxnTaxDetail", None)
        return Decimal(0)
    found = merge([one for code, base in bases(obj["Line"]).items() for one in of_code(company, code, base)])
    total = included(obj["Line"]) if mode == INCLUSIVE else None
    if total is None and sent.get("TotalTax") is not None and company.switches.ast == "honour":
        total = decimal_of(sent["TotalTax"])
    if total is not None:
        found = weighted(found, total)
    obj["TxnTaxDetail"] = detail_of(None, found, total, own_lines=True)
    return decimal_of(obj["TxnTaxDetail"]["TotalTax"])


def of_code(company: Company, code: str, base: Decimal) -> list[Taxed]:
    """The rates of one line code on what was bought under it."""
    return taxed(company, base, purchase_rates(company, code), None)


def bases(lines: list[JsonObject]) -> dict[str, Decimal]:
    """Net amounts by tax code."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        code = ref_value(detail_in(line), "TaxCodeRef")
        if code is not None:
            sums[code] += decimal_of(line.get("Amount"))
    return dict(sums)


def included(lines: list[JsonObject]) -> Decimal:
    """The tax that prices hold."""
    gross = [(decimal_of(detail_in(line).get("TaxInclusiveAmt", line.get("Amount"))), line) for line in lines]
    return sum((amount - decimal_of(line.get("Amount")) for amount, line in gross), Decimal(0))


def detail_in(line: JsonObject) -> JsonObject:
    """The account or item part of a line."""
    found: JsonObject = next((line[key] for key in DETAILS if key in line), {})
    return found
