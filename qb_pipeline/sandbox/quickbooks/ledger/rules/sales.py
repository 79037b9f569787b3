"""Sales forms: income, discounts and sales tax against receivables.

Invariant: what the customer owes (or gets) is the sum of the lines, less discounts, plus tax.
"""

from collections.abc import Iterator
from dataclasses import replace

from qb_pipeline.sandbox.quickbooks.accounts import account_called, account_for, tax_account
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import customer_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value

ITEM, DISCOUNT, BUNDLE = "SalesItemLineDetail", "DiscountLineDetail", "GroupLineDetail"


# Items QBO has without listing them: the account they go to, made on first use (name, type, class, subtype).
EXTRAS = {
    "SHIPPING_ITEM_ID": ("Shipping Income", "Income", "Revenue", "OtherPrimaryIncome"),
    "GRATUITY_ITEM_ID": ("Undistributed Tips", "Other Current Liability", "Liability", "OtherCurrentLiabilities"),
}


def invoice(company: Company, obj: JsonObject) -> list[Posting]:
    """The customer owes TotalAmt, less what was paid down when it was written."""
    return [receivable(company, "Invoice", obj), *paid_down(company, obj), *earned(company, obj)]


def paid_down(company: Company, obj: JsonObject) -> list[Posting]:
    """The Deposit of an invoice's head: money in its account, and so much less to owe."""
    if not obj.get("Deposit"):
        return []
    taken = replace(receivable(company, "Invoice", obj), amount=-decimal_of(obj["Deposit"]))
    return [replace(money(company, obj), amount=decimal_of(obj["Deposit"])), taken]


def credit_memo(company: Company, obj: JsonObject) -> list[Posting]:
    """An invoice the other way round."""
    return [posting.reversed() for posting in (receivable(company, "CreditMemo", obj), *earned(company, obj))]


def sales_receipt(company: Company, obj: JsonObject) -> list[Posting]:
    """Paid on the spot: the money lies where the receipt says."""
    return [money(company, obj), *earned(company, obj)]


def refund_receipt(company: Company, obj: JsonObject) -> list[Posting]:
    """A sales receipt the other way round."""
    return [posting.reversed() for posting in (money(company, obj), *earned(company, obj))]


def money(company: Company, obj: JsonObject) -> Posting:
    """TotalAmt on the account of the receipt, undeposited funds unless it names one."""
    account = ref_value(obj, "DepositToAccountRef") or account_for(company, "UndepositedFunds")
    return Posting(
        account,
        decimal_of(obj.get("TotalAmt")),
        party=customer_of(obj),
        department=ref_value(obj, "DepartmentRef"),
    )


def receivable(company: Company, entity: str, obj: JsonObject) -> Posting:
    """TotalAmt as the open item of its customer."""
    return Posting(
        account_for(company, "AccountsReceivable"),
        decimal_of(obj.get("TotalAmt")),
        party=customer_of(obj),
        document=(entity, str(obj["Id"])),
        department=ref_value(obj, "DepartmentRef"),
    )


def earned(company: Company, obj: JsonObject) -> Iterator[Posting]:
    """Credits on income and tax, debits for discounts."""
    tax = obj.get("TxnTaxDetail") or {}
    for line in sale_lines(obj.get("Line") or []):
        yield earned_by(company, obj, line)
    if total := decimal_of(tax.get("TotalTax")):
        yield Posting(
            tax_account(company, tax), -total, party=customer_of(obj), department=ref_value(obj, "DepartmentRef")
        )


def earned_by(company: Company, obj: JsonObject, line: JsonObject) -> Posting:
    """An item line on its income account, or a discount line on its own."""
    is_item, amount = ITEM in line, decimal_of(line.get("Amount"))
    detail = line[ITEM] if is_item else line[DISCOUNT]
    return Posting(
        account_of_line(company, detail) if is_item else discount_account(company, detail),
        -amount if is_item else amount,
        party=customer_of(obj),
        item=None if ref_value(detail, "ItemRef") in EXTRAS else ref_value(detail, "ItemRef"),
        klass=ref_value(detail, "ClassRef") or ref_value(obj, "ClassRef"),
        department=ref_value(obj, "DepartmentRef"),
        line=line.get("Id"),
        memo=line.get("Description"),
    )


def account_of_line(company: Company, detail: JsonObject) -> str:
    """Where an item line is earned; shipping and gratuities have accounts of their own."""
    extra = EXTRAS.get(ref_value(detail, "ItemRef") or "")
    if extra is not None:
        return account_called(company, *extra)
    return ref_value(detail, "ItemAccountRef") or income_account(company, detail)


def discount_account(company: Company, detail: JsonObject) -> str:
    """Where a discount is lost."""
    return ref_value(detail, "DiscountAccountRef") or account_for(company, "DiscountsRefundsGiven")


def sale_lines(lines: list[JsonObject]) -> Iterator[JsonObject]:
    """The lines that post: items (also those inside bundles) and discounts."""
    for line in lines:
        if ITEM in line or DISCOUNT in line:
            yield line
        yield from sale_lines((line.get(BUNDLE) or {}).get("Line") or [])


def income_account(company: Company, detail: JsonObject) -> str:
    """The item's income account, for lines that do not show it themselves."""
    item = company.store.get("Item", ref_value(detail, "ItemRef") or "") or {}
    return ref_value(item, "IncomeAccountRef") or account_for(company, "ServiceFeeIncome")
