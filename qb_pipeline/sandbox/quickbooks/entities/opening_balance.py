"""What a customer, a vendor or an account begins with, when it is made with a balance.

Invariant: an opening balance is a transaction like any other, so the balance it leads to comes out of postings.

A customer's is an open invoice against uncategorized income, a vendor's an open bill against uncategorized expense; a
bank account's is a deposit, another account's a journal entry, both against opening balance equity.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_called, account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.currencies import priced
from qb_pipeline.sandbox.quickbooks.entities.bill import BILL
from qb_pipeline.sandbox.quickbooks.entities.deposit import DEPOSIT
from qb_pipeline.sandbox.quickbooks.entities.invoice import INVOICE, ONLINE
from qb_pipeline.sandbox.quickbooks.entities.journal_entry import DETAIL, JOURNAL_ENTRY
from qb_pipeline.sandbox.quickbooks.entities.transaction import next_doc_number, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.rows import reference_name
from qb_pipeline.sandbox.quickbooks.times import today

TEXT = "Opening Balance"
UNFIT = ("Accounts Receivable", "Accounts Payable")


def opening_of(draft: Draft) -> Decimal:
    """The balance a new customer or vendor is to begin with. 2140, 6060."""
    amount = decimal_of(draft.sent.get("Balance")) if draft.before is None else Decimal(0)
    if amount < 0:
        raise Fault(2140, f"An opening balance must not be negative: {amount}.", element="Balance")
    if amount and not draft.given("OpenBalanceDate"):
        raise Fault(6060, "OpenBalanceDate is required with an opening balance.", element="OpenBalanceDate")
    return amount


def opening_of_account(company: Company, draft: Draft) -> Decimal:
    """The debit a new account is to begin with. 6000 for an account that cannot have one."""
    obj = draft.obj
    amount = decimal_of(obj.pop("OpeningBalance", None))
    if draft.before is not None or not amount:
        obj.pop("OpeningBalanceDate", None)
        return Decimal(0)
    kind = obj["Classification"]
    if kind not in ("Asset", "Liability", "Equity") or obj["AccountType"] in UNFIT:
        raise business(f"An account of type {obj['AccountType']} has no opening balance.", element="OpeningBalance")
    obj.setdefault("OpeningBalanceDate", today(company.now).isoformat())
    return amount if kind == "Asset" else -amount


def open_customer(company: Company, customer: JsonObject) -> None:
    """Turn the balance a new customer was stored with into an invoice."""
    amount, day = customer["Balance"], str(customer["OpenBalanceDate"])
    company.store.put("Customer", {**customer, "Balance": 0, "BalanceWithJobs": 0}, customer)
    account = account_called(company, "Uncategorized Income", "Income", "Revenue", "ServiceFeeIncome")
    detail = {"ItemAccountRef": account_ref(company, account), "TaxCodeRef": {"value": "NON"}}
    line = {"Id": "1", "LineNum": 1, "Description": TEXT, "Amount": amount, "DetailType": "SalesItemLineDetail"}
    subtotal = {"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    keep(
        company,
        INVOICE,
        {
            **dict.fromkeys(ONLINE, False),
            "DocNumber": next_doc_number(company, "Invoice"),
            "TxnDate": day,
            "DueDate": day,
            "CurrencyRef": customer["CurrencyRef"],
            "PrivateNote": TEXT,
            "LinkedTxn": [],
            "Line": [{**line, "SalesItemLineDetail": detail, "CustomExtensions": []}, subtotal],
            "TxnTaxDetail": {"TotalTax": 0},
            "CustomerRef": {"value": customer["Id"], "name": reference_name("Customer", customer)},
            "CustomField": [],
            "TotalAmt": amount,
            "ApplyTaxAfterDiscount": False,
            "PrintStatus": "NotSet",
            "EmailStatus": "NotSet",
            "Balance": amount,
        },
    )


def open_vendor(company: Company, vendor: JsonObject) -> None:
    """Turn the balance a new vendor was stored with into a bill."""
    amount, day = vendor["Balance"], str(vendor["OpenBalanceDate"])
    company.store.put("Vendor", {**vendor, "Balance": 0}, vendor)
    expense = account_called(company, "Uncategorized Expense", "Expense", "Expense", "OtherMiscellaneousServiceCost")
    detail = {
        "AccountRef": account_ref(company, expense),
        "BillableStatus": "NotBillable",
        "TaxCodeRef": {"value": "NON"},
    }
    kind = "AccountBasedExpenseLineDetail"
    line = {"Id": "1", "LineNum": 1, "Description": TEXT, "Amount": amount, "LinkedTxn": [], "DetailType": kind}
    keep(
        company,
        BILL,
        {
            "TxnDate": day,
            "DueDate": day,
            "CurrencyRef": vendor["CurrencyRef"],
            "PrivateNote": TEXT,
            "LinkedTxn": [],
            "Line": [{**line, kind: detail, "CustomExtensions": []}],
            "VendorRef": {"value": vendor["Id"], "name": reference_name("Vendor", vendor)},
            "APAccountRef": account_ref(company, account_for(company, "AccountsPayable")),
            "TotalAmt": amount,
            "Balance": amount,
        },
    )


def open_account(company: Company, account: JsonObject) -> None:
    """Turn the debit balance a new account was stored with into a deposit or a journal entry."""
    debit = decimal_of(account["CurrentBalance"])
    company.store.put("Account", {**account, "CurrentBalance": 0, "CurrentBalanceWithSubAccounts": 0}, account)
    head: JsonObject = {
        "TxnDate": account["OpeningBalanceDate"],
        "CurrencyRef": account["CurrencyRef"],
        "PrivateNote": TEXT,
        "TxnTaxDetail": {},
    }
    own = account_ref(company, str(account["Id"]))
    equity = account_ref(company, account_for(company, "OpeningBalanceEquity"))
    if account["AccountType"] == "Bank" and debit > 0:
        line = {"Id": "1", "LineNum": 1, "Amount": number(debit), "DetailType": "DepositLineDetail"}
        lines = [{**line, "DepositLineDetail": {"AccountRef": equity}, "CustomExtensions": []}]
        keep(company, DEPOSIT, {"DepositToAccountRef": own, "TotalAmt": number(debit), **head, "Line": lines})
        return
    sides = (("Debit", own), ("Credit", equity)) if debit > 0 else (("Credit", own), ("Debit", equity))
    lines = [
        {
            "Id": str(position),
            "Description": TEXT,
            "Amount": number(abs(debit)),
            "DetailType": DETAIL,
            DETAIL: {"PostingType": side, "AccountRef": ref},
            "CustomExtensions": [],
        }
        for position, (side, ref) in enumerate(sides)
    ]
    keep(company, JOURNAL_ENTRY, {"Adjustment": False, "TotalAmt": 0, **head, "Line": lines})


def account_ref(company: Company, account: str) -> JsonObject:
    """A reference to an account with its name."""
    return {"value": account, "name": reference_name("Account", company.require("Account", account))}


def keep(company: Company, kind: Entity, obj: JsonObject) -> None:
    """Store and post a transaction that nobody sent. 6210."""
    refuse_closed(company, obj)
    # What is the record's currency is the transaction's, without the client having said so.
    obj = priced(company, kind.name, Draft(None, {"CurrencyRef": obj["CurrencyRef"]}, obj), obj)
    obj["Id"] = str(company.store.next_number(kind.sequence))
    settle(company, kind.name, None, company.save(kind.name, obj, None, kind.layout, "Create"))
