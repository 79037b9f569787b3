"""Bank deposits: undeposited funds and other money into a bank account.

Invariant: a linked line takes exactly what the linked transaction had put where it lay.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import on_account
from qb_pipeline.sandbox.quickbooks.rows import ref_value


def deposit(company: Company, obj: JsonObject) -> list[Posting]:
    """The bank against undeposited funds and the lines' own accounts; cash back goes elsewhere."""
    bank = ref_value(obj, "DepositToAccountRef") or account_for(company, "Checking")
    result = [Posting(bank, decimal_of(obj.get("TotalAmt")), department=ref_value(obj, "DepartmentRef"))]
    result += [source(company, obj, line) for line in obj.get("Line") or []]
    cash_back = obj.get("CashBack") or {}
    if cash_back.get("Amount"):
        account = ref_value(cash_back, "AccountRef") or account_for(company, "OtherMiscellaneousServiceCost")
        result.append(Posting(account, decimal_of(cash_back["Amount"]), memo=cash_back.get("Memo")))
    return result


def source(company: Company, obj: JsonObject, line: JsonObject) -> Posting:
    """Where one line's money came from."""
    amount, detail = -decimal_of(line.get("Amount")), line.get("DepositLineDetail") or {}
    if line.get("LinkedTxn"):
        return Posting(account_for(company, "UndepositedFunds"), amount)
    account = ref_value(detail, "AccountRef") or account_for(company, "OtherMiscellaneousIncome")
    return on_account(
        company, account, amount, detail.get("Entity"), ("Deposit", str(obj["Id"])),
        klass=ref_value(detail, "ClassRef"), line=line.get("Id"), memo=line.get("Description"),
    )  # fmt: skip
