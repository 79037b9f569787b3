"""What each transaction posts, by entity.

Invariant: a rule reads the stored object and its references alone, so posting it again gives the same postings.

An entity without a rule (Estimate, PurchaseOrder, TimeActivity, every name) posts nothing. A new one is one function in
a file of this folder and one line here.
"""

from collections.abc import Callable

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.deposits import deposit
from qb_pipeline.sandbox.quickbooks.ledger.rules.journal import credit_card_payment, journal_entry, transfer
from qb_pipeline.sandbox.quickbooks.ledger.rules.payments import bill_payment, payment
from qb_pipeline.sandbox.quickbooks.ledger.rules.purchases import bill, purchase, vendor_credit
from qb_pipeline.sandbox.quickbooks.ledger.rules.sales import credit_memo, invoice, refund_receipt, sales_receipt

Rule = Callable[[Company, JsonObject], list[Posting]]
RULES: dict[str, Rule] = {
    "Invoice": invoice,
    "CreditMemo": credit_memo,
    "SalesReceipt": sales_receipt,
    "RefundReceipt": refund_receipt,
    "Payment": payment,
    "Deposit": deposit,
    "Bill": bill,
    "VendorCredit": vendor_credit,
    "BillPayment": bill_payment,
    "Purchase": purchase,
    "CreditCardPaymentTxn": credit_card_payment,
    "JournalEntry": journal_entry,
    "Transfer": transfer,
}
