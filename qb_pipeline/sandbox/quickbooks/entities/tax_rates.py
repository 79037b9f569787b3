"""Which way a company's sales are taxed, and the rates of its tax codes.

Invariant: a code that taxes names at least one rate, and every rate exists.

    tax_mode(company, obj)   US, AST, or the GlobalTaxCalculation of a company outside the United States
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of

# A US company that keeps its own codes, and one that lets QBO find rates by address (Automated Sales Tax).
US, AST = "US", "AST"
EXCLUDED, INCLUSIVE, WITHOUT = "TaxExcluded", "TaxInclusive", "NotApplicable"
AMERICAN = ("US", "USA", "UNITED STATES")
PSEUDO = ("TAX", "NON", "CustomSalesTax")
Rate = tuple[str, Decimal]


def tax_mode(company: Company, obj: JsonObject) -> str:
    """The way this document is taxed."""
    country = (company.store.get("CompanyInfo", "1") or {}).get("Country") or "US"
    if str(country).upper() not in AMERICAN:
        return str(obj.get("GlobalTaxCalculation") or EXCLUDED)
    return AST if (company.preferences().get("TaxPrefs") or {}).get("PartnerTaxEnabled") else US


def rates_of(company: Company, code: str) -> list[Rate]:
    """The code's sales rates as (TaxRate id, percent). 6160 for a pseudo code, 6000 for a code without rates."""
    if code in PSEUDO:
        raise Fault(6160, f"{code} cannot be the tax code of a document.", element="TxnTaxCodeRef")
    found = company.require("TaxCode", code)
    listed = (found.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    if not listed and found.get("Taxable") is not False:
        raise business(f"TaxCode {code} has no sales tax rate.", element="TxnTaxCodeRef")
    identifiers = [str(entry["TaxRateRef"]["value"]) for entry in listed]
    return [(rate, decimal_of(company.require("TaxRate", rate).get("RateValue"))) for rate in identifiers]


def percent_of(company: Company, code: str) -> Decimal:
    """All rates of a code together."""
    return sum((percent for _, percent in rates_of(company, code)), Decimal(0))


def spread(total: Decimal, rates: list[Rate]) -> list[Decimal]:
    """A given total over the rates in proportion; the last one takes the rounding."""
    whole = sum((rate for _, rate in rates), Decimal(0))
    amounts = [cents(total * rate / whole) if whole else Decimal(0) for _, rate in rates[:-1]]
    return [*amounts, total - sum(amounts, Decimal(0))] if rates else []
