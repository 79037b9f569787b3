"""Payments from customers and to vendors: money moves, open items are settled.

Invariant: each line settles the open item of the document it links to, in the name of that document's party; what is
left stays open as the payment's own.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting, difference
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import settled
from qb_pipeline.sandbox.quickbooks.ledger.rules.settling import open_item
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value


def payment(company: Company, obj: JsonObject) -> list[Posting]:
    """A debit where the money went, a credit for each invoice paid, a debit for each credit used."""
    receivable = ref_value(obj, "ARAccountRef") or account_for(company, "AccountsReceivable")
    own: Reference = ("Payment", str(obj["Id"]))
    payer: Reference = ("Customer", ref_value(obj, "CustomerRef") or "")
    total = decimal_of(obj.get("TotalAmt"))
    money = ref_value(obj, "DepositToAccountRef") or account_for(company, "UndepositedFunds")
    settling = [settle_line(company, receivable, payer, *part) for part in settled(obj)]
    left = total + difference(settling)
    return [
        Posting(money, total, party=payer),
        *settling,
        Posting(receivable, -left, party=payer, document=own),
    ]


def bill_payment(company: Company, obj: JsonObject) -> list[Posting]:
    """A credit where the money came from, a debit for each bill paid, a credit for each vendor credit used."""
    payable = ref_value(obj, "APAccountRef") or account_for(company, "AccountsPayable")
    own: Reference = ("BillPayment", str(obj["Id"]))
    vendor: Reference = ("Vendor", ref_value(obj, "VendorRef") or "")
    total = decimal_of(obj.get("TotalAmt"))
    department = ref_value(obj, "DepartmentRef")
    settling = [settle_line(company, payable, vendor, *part) for part in settled(obj)]
    left = total - difference(settling)
    money = [Posting(paid_from(company, obj), -total, party=vendor, department=department)] if total else []
    return [*money, *settling, Posting(payable, left, party=vendor, document=own)]


def settle_line(company: Company, control: str, payer: Reference, document: Reference, amount: Decimal) -> Posting:
    """What one line posts to the open item of its document."""
    item = open_item(company, document, payer)
    return Posting(item.account or control, item.sign * amount, party=item.party, document=document)


def paid_from(company: Company, obj: JsonObject) -> str:
    """The bank or credit card account of a bill payment."""
    bank = ref_value(obj.get("CheckPayment") or {}, "BankAccountRef")
    card = ref_value(obj.get("CreditCardPayment") or {}, "CCAccountRef")
    return bank or card or account_for(company, "Checking")
