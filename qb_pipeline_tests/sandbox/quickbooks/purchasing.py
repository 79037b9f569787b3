"""What the tests of purchasing need: a vendor, lines, bills and payments in a fresh company's chart of accounts."""

from __future__ import annotations

from typing import Any

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

# Accounts of a fresh company.
EXPENSE, BANK, CARD, PAYABLES, RECEIVABLES, INCOME = "11", "25", "27", "23", "31", "1"


def vendor(books: Books, name: str = "Hill Supply", **fields: Any) -> Body:
    return books.make("Vendor", {"DisplayName": name, **fields})


def cost(amount: object = 100, account: str = EXPENSE, **fields: Any) -> Body:
    """A line on an account; `fields` go into its detail."""
    detail = {"AccountRef": {"value": account}, **fields}
    kind = "AccountBasedExpenseLineDetail"
    return {"Amount": amount, "DetailType": kind, kind: detail}


def bought(item: Body, amount: object, **fields: Any) -> Body:
    """A line on an item."""
    kind = "ItemBasedExpenseLineDetail"
    return {"Amount": amount, "DetailType": kind, kind: {"ItemRef": {"value": item["Id"]}, **fields}}


def goods(books: Books, name: str = "Gravel") -> Body:
    """An item that is bought and sold."""
    return books.item(name, Type="NonInventory", ExpenseAccountRef={"value": EXPENSE})


def owed(seller: Body, *lines: Body, **fields: Any) -> Body:
    """The body of a bill, vendor credit or order."""
    return {"VendorRef": {"value": seller["Id"]}, "Line": list(lines or [cost()]), **fields}


def bill(books: Books, seller: Body, amount: object = 100, **fields: Any) -> Body:
    return books.make("Bill", owed(seller, cost(amount), **fields))


def credit(books: Books, seller: Body, amount: object = 30, **fields: Any) -> Body:
    return books.make("VendorCredit", owed(seller, cost(amount), **fields))


def part(kind: str, document: Body, amount: object) -> Body:
    """A payment's line."""
    return {"Amount": amount, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}]}


def paying(seller: Body, total: object, *parts: Body, **fields: Any) -> Body:
    """The body of a bill payment by check."""
    source = {"PayType": "Check", "CheckPayment": {"BankAccountRef": {"value": BANK}}}
    return {"VendorRef": {"value": seller["Id"]}, "TotalAmt": total, "Line": list(parts), **source, **fields}


def spent(amount: object = 100, way: str = "Cash", account: str = BANK, **fields: Any) -> Body:
    """The body of a purchase."""
    return {"PaymentType": way, "AccountRef": {"value": account}, "Line": [cost(amount)], **fields}


def balance(books: Books, account: str) -> Any:
    return books.read("Account", account)["CurrentBalance"]


def key(obj: Body) -> Body:
    """What names the version of an object."""
    return {"Id": obj["Id"], "SyncToken": obj["SyncToken"]}
