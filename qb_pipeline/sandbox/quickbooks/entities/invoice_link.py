"""The address under which a customer sees and pays an invoice.

Invariant: it is shown only to a request that asks for it (include=invoiceLink), on invoices that can be paid online and
have somebody to send them to; it never changes for an invoice and is never stored.
"""

from hashlib import sha256

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

ONLINE = ("AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")


def with_invoice_link(company: Company, invoice: JsonObject) -> JsonObject:
    """The invoice as this request is to see it."""
    payable = any(invoice.get(key) for key in ONLINE)
    if "invoicelink" not in company.include or not payable or not invoice.get("BillEmail"):
        return invoice
    token = sha256(f"{company.realm}/{invoice['Id']}".encode()).hexdigest()
    link = f"https://connect.intuit.test/view/scs-v1-{token}?locale=en_US&cta=v3invoicelink"
    return {**invoice, "InvoiceLink": link}
