"""Payments from customers and to vendors: money moves, open items are settled.

Invariant: each line settles the open item of the document it links to, in the name of that document's party; what is
left stays open as the payment's own.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import owner_of, settled
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Documents a payment uses up rather than pays.
CREDITS = ("CreditMemo", "VendorCredit")


def payment(company: Company, obj: JsonObject) -> list[Posting]:
    """A debit where the money went, a credit for each invoice paid, a debit for each credit used."""
    receivable = ref_value(obj, "ARAccountRef") or account_for(company, "AccountsReceivable")
    own: Reference = ("Payment", str(obj["Id"]))
    payer: Reference = ("Customer", ref_value(obj, "CustomerRef") or "")
    total = decimal_of(obj.get("TotalAmt"))
    money = ref_value(obj, "DepositToAccountRef") or account_for(company, "UndepositedFunds")
    result = [Posting(money, total, party=payer)]
    left = total
    for document, amount in settled(obj):
        credit = amount if document[0] in CREDITS else -amount
        left += credit
        party = owner_of(company, document) or payer
        result.append(Posting(receivable, credit, party=party, document=document))
    return [*result, Posting(receivable, -left, party=payer, document=own)]


def bill_payment(company: Company, obj: JsonObject) -> list[Posting]:
    """A credit where the money came from, a debit for each bill paid, a credit for each vendor credit used."""
    payable = ref_value(obj, "APAccountRef") or account_for(company, "AccountsPayable")
    own: Reference = ("BillPayment", str(obj["Id"]))
    vendor: Reference = ("Vendor", ref_value(obj, "VendorRef") or "")
    total = decimal_of(obj.get("TotalAmt"))
    result = [Posting(paid_from(company, obj), -total, party=vendor)]
    left = total
    for document, amount in settled(obj):
        debit = -amount if document[0] in CREDITS else amount
        left -= debit
        result.append(Posting(payable, debit, party=owner_of(company, document) or vendor, document=document))
    return [*result, Posting(payable, left, party=vendor, document=own)]


def paid_from(company: Company, obj: JsonObject) -> str:
    """The bank or credit card account of a bill payment."""
    bank = ref_value(obj.get("CheckPayment") or {}, "BankAccountRef")
    card = ref_value(obj.get("CreditCardPayment") or {}, "CCAccountRef")
    return bank or card or account_for(company, "Checking")
