"""Postings on an account a person chose: on receivables and payables they are open items of the party named.

Invariant: whatever is posted to a control account with a party is an open item, so control account and parties agree.
"""

from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.references import LINK_TYPES, Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

CONTROL = ("Accounts Receivable", "Accounts Payable")


def on_account(
    company: Company, account: str, amount: Decimal, entity: JsonObject | None, document: Reference, **more: Any
) -> Posting:
    """`entity` is a reference with a type, as deposits and purchases carry it: {"value": "7", "type": "Customer"}."""
    party = party_of(entity)
    is_open = party is not None and is_control(company, account)
    return Posting(account, amount, party=party, document=document if is_open else None, **more)


def party_of(entity: JsonObject | None) -> Reference | None:
    """The party of an entity reference; None without one."""
    if not entity or entity.get("value") is None or not entity.get("type"):
        return None
    return str(entity["type"]).capitalize(), str(entity["value"])


def customer_of(obj: JsonObject) -> Reference | None:
    """The customer of a sales form or of a line's detail."""
    customer = ref_value(obj, "CustomerRef")
    return None if customer is None else ("Customer", customer)


def owner_of(company: Company, document: Reference) -> Reference | None:
    """Whose open item a document is; None where it names neither customer nor vendor in its head."""
    obj = company.store.get(*document) or {}
    vendor = ref_value(obj, "VendorRef")
    return customer_of(obj) or (None if vendor is None else ("Vendor", vendor))


def settled(obj: JsonObject) -> list[tuple[Reference, Decimal]]:
    """What each line of a payment settles: (document, amount as written, never signed)."""
    return [
        ((LINK_TYPES.get(link["TxnType"], link["TxnType"]), str(link["TxnId"])), decimal_of(line.get("Amount")))
        for line in obj.get("Line") or []
        for link in (line.get("LinkedTxn") or [])[:1]
    ]


def is_control(company: Company, account: str) -> bool:
    """Whether the account is one of receivables or payables."""
    found = company.store.get("Account", account)
    return found is not None and found.get("AccountType") in CONTROL
