"""Purchases: costs against payables, a bank or a credit card.

Invariant: what is owed (or was paid) is the sum of the lines plus the tax on them.
"""

from collections.abc import Iterator

from qb_pipeline.sandbox.quickbooks.accounts import account_for, tax_account
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import on_account
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

BY_ACCOUNT, BY_ITEM = "AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"


def bill(company: Company, obj: JsonObject) -> list[Posting]:
    """The vendor is owed TotalAmt."""
    return [payable(company, "Bill", obj).reversed(), *costs(company, "Bill", obj)]


def vendor_credit(company: Company, obj: JsonObject) -> list[Posting]:
    """A bill the other way round."""
    spent = (posting.reversed() for posting in costs(company, "VendorCredit", obj))
    return [payable(company, "VendorCredit", obj), *spent]


def payable(company: Company, entity: str, obj: JsonObject) -> Posting:
    """TotalAmt as a debit on the vendor's account."""
    return Posting(
        ref_value(obj, "APAccountRef") or account_for(company, "AccountsPayable"),
        decimal_of(obj.get("TotalAmt")),
        party=("Vendor", ref_value(obj, "VendorRef") or ""),
        document=(entity, str(obj["Id"])),
        department=ref_value(obj, "DepartmentRef"),
    )


def purchase(company: Company, obj: JsonObject) -> list[Posting]:
    """Paid at once from a bank or card; with Credit the card gets it back."""
    entity, account = obj.get("EntityRef"), ref_value(obj, "AccountRef") or account_for(company, "Checking")
    document: Reference = ("Purchase", str(obj["Id"]))
    amount, department = -decimal_of(obj.get("TotalAmt")), ref_value(obj, "DepartmentRef")
    result = [on_account(company, account, amount, entity, document, department=department)]
    result += costs(company, "Purchase", obj)
    return [posting.reversed() for posting in result] if obj.get("Credit") else result


def costs(company: Company, kind: str, obj: JsonObject) -> Iterator[Posting]:
    """A debit for each line, and for the tax."""
    department, document = ref_value(obj, "DepartmentRef"), (kind, str(obj["Id"]))
    for line in expense_lines(obj.get("Line") or []):
        detail = line.get(BY_ACCOUNT) or line.get(BY_ITEM) or {}
        account = ref_value(detail, "AccountRef") if BY_ACCOUNT in line else item_account(company, detail)
        yield on_account(
            company,
            account or account_for(company, "OtherMiscellaneousServiceCost"),
            decimal_of(line.get("Amount")),
            obj.get("EntityRef"),
            document,
            item=ref_value(detail, "ItemRef"),
            klass=ref_value(detail, "ClassRef"),
            department=department,
            line=line.get("Id"),
            memo=line.get("Description"),
        )
    tax = obj.get("TxnTaxDetail") or {}
    if total := decimal_of(tax.get("TotalTax")):
        yield Posting(tax_account(company, tax), total, department=department)


def expense_lines(lines: list[JsonObject]) -> Iterator[JsonObject]:
    """The lines that post, also those inside bundles."""
    for line in lines:
        if BY_ACCOUNT in line or BY_ITEM in line:
            yield line
        yield from expense_lines((line.get("GroupLineDetail") or {}).get("Line") or [])


def item_account(company: Company, detail: JsonObject) -> str | None:
    """What is bought for stock is an asset, everything else an expense."""
    item = company.store.get("Item", ref_value(detail, "ItemRef") or "") or {}
    return ref_value(item, "AssetAccountRef" if item.get("Type") == "Inventory" else "ExpenseAccountRef")
