"""United States sales tax of a document.

Invariant: TotalTax equals the sum of the tax lines, and is either what the client said or the code's rates on the
taxable lines, rounded per rate.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import RO
from qb_pipeline.sandbox.quickbooks.entities.sale_lines import Lines
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Group, Number, Ref

TAX_DETAIL = Group(
    {
        "TxnTaxCodeRef": Ref("TaxCode", named=False),
        "TotalTax": Number(),
        "TaxLine": RO,
        "DefaultTaxCodeRef": RO,
        "TaxReviewStatus": RO,
        "UseAutomatedSalesTax": RO,
    }
)
PSEUDO = ("TAX", "NON", "CustomSalesTax")
Rate = tuple[str, Decimal]


def complete_tax(company: Company, draft: Draft, lines: Lines) -> JsonObject:
    """The document's TxnTaxDetail. A new tax detail rules; without one the stored code is applied again."""
    sent = draft.sent.get("TxnTaxDetail")
    stored = (draft.before or {}).get("TxnTaxDetail") if draft.sparse or draft.before is None else None
    code = ref_value(sent or {}, "TxnTaxCodeRef") or ref_value(stored or {}, "TxnTaxCodeRef")
    total = (sent or {}).get("TotalTax") if company.switches.ast == "honour" else None
    if sent is None and stored and code is None:
        total = stored.get("TotalTax")
    base = taxable_base(draft, lines)
    rates = [] if code is None else rates_of(company, code)
    if total is not None:
        return detail_of(code, decimal_of(total), spread(decimal_of(total), rates), base, rates)
    amounts = [cents(base * rate / 100) for _, rate in rates]
    return detail_of(code, sum(amounts, Decimal(0)), amounts, base, rates)


def taxable_base(draft: Draft, lines: Lines) -> Decimal:
    """The taxable lines' sum, less their share of the discount when tax comes after it."""
    if not draft.obj.get("ApplyTaxAfterDiscount") or lines.subtotal == 0:
        return lines.taxable
    return cents(lines.taxable - lines.discount * lines.taxable / lines.subtotal)


def rates_of(company: Company, code: str) -> list[Rate]:
    """The code's sales rates as (TaxRate id, percent). 6000 for a code that has none."""
    if code in PSEUDO:
        raise Fault(6160, f"{code} cannot be the tax code of a document.", element="TxnTaxCodeRef")
    listed = (company.require("TaxCode", code).get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    if not listed:
        raise business(f"TaxCode {code} has no sales tax rate.", element="TxnTaxCodeRef")
    identifiers = [str(entry["TaxRateRef"]["value"]) for entry in listed]
    return [(rate, decimal_of(company.require("TaxRate", rate).get("RateValue"))) for rate in identifiers]


def spread(total: Decimal, rates: list[Rate]) -> list[Decimal]:
    """A given total over the rates in proportion; the last one takes the rounding."""
    whole = sum((rate for _, rate in rates), Decimal(0))
    amounts = [cents(total * rate / whole) if whole else Decimal(0) for _, rate in rates[:-1]]
    return [*amounts, total - sum(amounts, Decimal(0))] if rates else []


def detail_of(code: str | None, total: Decimal, amounts: list[Decimal], base: Decimal, rates: list[Rate]) -> JsonObject:
    """`{TxnTaxCodeRef, TotalTax, TaxLine}`; an untaxed document has only TotalTax 0."""
    if code is None:
        return {"TotalTax": number(total)}
    return {
        "TxnTaxCodeRef": {"value": code},
        "TotalTax": number(total),
        "TaxLine": [
            {
                "Amount": number(amount),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": rate},
                    "PercentBased": True,
                    "TaxPercent": number(percent),
                    "NetAmountTaxable": number(base),
                },
            }
            for (rate, percent), amount in zip(rates, amounts, strict=True)
        ],
    }
