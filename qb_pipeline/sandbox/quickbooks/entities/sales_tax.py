"""Sales tax of a document.

Invariant: TotalTax equals the sum of the tax lines where there are any, and is either what the client said (where that
is honoured) or the codes' rates on what is sold under them, rounded per rate.

    United States   the document's code taxes the lines marked TAX; Automated Sales Tax finds that code by address
    elsewhere       every line has a code of its own; prices are without tax, with tax, or tax does not apply
"""

from collections import defaultdict
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import RO
from qb_pipeline.sandbox.quickbooks.entities.sale_lines import Lines
from qb_pipeline.sandbox.quickbooks.entities.tax_by_address import code_by_address
from qb_pipeline.sandbox.quickbooks.entities.tax_rates import AST, INCLUSIVE, US, WITHOUT, Rate, rates_of, spread
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Flag, Group, Number, Ref

TAX_DETAIL = Group(
    {
        "TxnTaxCodeRef": Ref("TaxCode", named=False),
        "TotalTax": Number(),
        "TaxLine": RO,
        "DefaultTaxCodeRef": RO,
        "TaxReviewStatus": RO,
        "UseAutomatedSalesTax": Flag(),
    }
)
# A rate with what it is charged on and what it comes to.
Taxed = tuple[Rate, Decimal, Decimal]


def complete_tax(company: Company, draft: Draft, lines: Lines, mode: str) -> JsonObject:
    """The document's TxnTaxDetail. 6170, 6160, 6000."""
    if mode == US:
        return by_document(company, draft, lines, code_of_document(draft))
    if mode == AST:
        return by_address(company, draft, lines)
    return by_lines(company, draft, lines, mode)


def code_of_document(draft: Draft) -> str | None:
    """The code sent, else the stored one."""
    return ref_value(draft.sent.get("TxnTaxDetail") or {}, "TxnTaxCodeRef") or ref_value(
        stored_detail(draft), "TxnTaxCodeRef"
    )


def stored_detail(draft: Draft) -> JsonObject:
    """What holds on in a sparse update; a full one without a tax detail clears it."""
    return ((draft.before or {}).get("TxnTaxDetail") if draft.sparse else None) or {}


def by_document(company: Company, draft: Draft, lines: Lines, code: str | None) -> JsonObject:
    """A new tax detail rules; without one the stored code is applied again."""
    sent = draft.sent.get("TxnTaxDetail")
    total = (sent or {}).get("TotalTax") if company.switches.ast == "honour" else None
    if sent is None and code is None:
        total = stored_detail(draft).get("TotalTax")
    base = after_discount(draft, lines, lines.by_code.get("TAX", Decimal(0)))
    rates = [] if code is None else rates_of(company, code)
    return detail_of(code, taxed(company, base, rates, None if total is None else decimal_of(total)), total)


def taxed(company: Company, base: Decimal, rates: list[Rate], total: Decimal | None) -> list[Taxed]:
    """Each rate's share of a given total, or its percentage of the base."""
    if total is not None:
        amounts = spread(total, rates)
    else:
        amounts = [jittered(company, cents(base * percent / 100)) for _, percent in rates]
    return [(rate, base, amount) for rate, amount in zip(rates, amounts, strict=True)]


def jittered(company: Company, amount: Decimal) -> Decimal:
    """A cent more, where the switch asks for the deviation that was seen in real books."""
    return amount + Decimal("0.01") if company.switches.tax_jitter == "cent" and amount > 0 else amount


def after_discount(draft: Draft, lines: Lines, amount: Decimal) -> Decimal:
    """What is taxed of an amount: less its share of the discount when tax comes after it."""
    whole = lines.subtotal + lines.extra
    if not draft.obj.get("ApplyTaxAfterDiscount") or whole == 0:
        return amount
    return cents(amount - lines.discount * amount / whole)


def by_address(company: Company, draft: Draft, lines: Lines) -> JsonObject:
    """QBO finds the code itself; a TotalTax sent overrides its result, unless it must not."""
    sent = draft.sent.get("TxnTaxDetail") or {}
    kept = {} if sent or not draft.sparse else stored_detail(draft)
    code = code_by_address(company, draft.obj)
    base = after_discount(draft, lines, lines.by_code.get("TAX", Decimal(0)))
    rates = [] if code is None else rates_of(company, code)
    own = taxed(company, base, rates, None)
    computed = sum((amount for *_, amount in own), Decimal(0))
    overridden = sent.get("TotalTax") if overriding(company, sent) else None
    if overridden is None and kept.get("TaxReviewStatus") and "Line" not in draft.sent:
        overridden = kept.get("TotalTax")
    if overridden is None or decimal_of(overridden) == computed:
        return detail_of(code, own, None)
    given = decimal_of(overridden)
    return {**detail_of(code, taxed(company, base, rates, given), given), "TaxReviewStatus": "AST_TAX_OVERRIDE"}


def overriding(company: Company, sent: JsonObject) -> bool:
    """Whether a TotalTax counts against Automated Sales Tax."""
    return company.switches.ast == "honour" and not sent.get("UseAutomatedSalesTax")


def by_lines(company: Company, draft: Draft, lines: Lines, mode: str) -> JsonObject:
    """Rates of all lines' codes, each on the sum of what is sold under it."""
    sent = draft.sent.get("TxnTaxDetail") or {}
    if mode == WITHOUT:
        if sent.get("TotalTax") or sent.get("TxnTaxCodeRef"):
            raise Fault(6170, "TxnTaxDetail must not be sent with NotApplicable.", element="TxnTaxDetail")
        return {"TotalTax": 0}
    found = [one for code, amount in lines.by_code.items() if code for one in taxed_by(company, draft, lines, code)]
    total = included(draft, lines) if mode == INCLUSIVE else None
    if total is None and sent.get("TotalTax") is not None and company.switches.ast == "honour":
        total = decimal_of(sent["TotalTax"])
    merged = merge(found)
    if total is not None:
        merged = weighted(merged, total)
    return detail_of(None, merged, total, own_lines=True)


def taxed_by(company: Company, draft: Draft, lines: Lines, code: str) -> list[Taxed]:
    """The rates of one line code."""
    return taxed(company, after_discount(draft, lines, lines.by_code[code]), rates_of(company, code), None)


def included(draft: Draft, lines: Lines) -> Decimal:
    """The tax that prices hold, less the discount's share when tax comes after it."""
    return after_discount(draft, lines, lines.included) if lines.included else Decimal(0)


def merge(found: list[Taxed]) -> list[Taxed]:
    """One entry a rate, though several codes may share it."""
    bases: defaultdict[Rate, Decimal] = defaultdict(Decimal)
    amounts: defaultdict[Rate, Decimal] = defaultdict(Decimal)
    for rate, base, amount in found:
        bases[rate] += base
        amounts[rate] += amount
    return [(rate, bases[rate], amounts[rate]) for rate in bases]


def weighted(found: list[Taxed], total: Decimal) -> list[Taxed]:
    """A given total over the entries, in proportion to what each would come to."""
    amounts = spread(total, [(rate[0], amount) for rate, _, amount in found])
    return [(rate, base, amount) for (rate, base, _), amount in zip(found, amounts, strict=True)]


def detail_of(code: str | None, found: list[Taxed], total: object, *, own_lines: bool = False) -> JsonObject:
    """`{TxnTaxCodeRef, TotalTax, TaxLine}`; an untaxed document has only TotalTax."""
    whole = sum((amount for *_, amount in found), Decimal(0)) if total is None else decimal_of(total)
    if code is None and not (own_lines and found):
        return {"TotalTax": number(whole)}
    named = {} if code is None else {"TxnTaxCodeRef": {"value": code}}
    return {**named, "TotalTax": number(whole), "TaxLine": [tax_line(*one) for one in found]}


def tax_line(rate: Rate, base: Decimal, amount: Decimal) -> JsonObject:
    """One rate, as recorded."""
    return {
        "Amount": number(amount),
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": rate[0]},
            "PercentBased": True,
            "TaxPercent": number(rate[1]),
            "NetAmountTaxable": number(base),
        },
    }
