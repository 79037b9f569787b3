"""Purchase orders: they post nothing and are closed by what bills them."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import (
    PAYABLES,
    RECEIVABLES,
    balance,
    bought,
    cost,
    goods,
    key,
    owed,
    spent,
    vendor,
)


def order(books: Books, seller: Body, **fields: Any) -> Body:
    """An order of two lines."""
    item = books.query("select * from Item where Name = 'Gravel'").get("Item", [None])[0] or goods(books)
    return books.make("PurchaseOrder", owed(seller, bought(item, 30), bought(item, 20), **fields))


def linked(line: Body, made: Body, of: str | None = None) -> Body:
    """A line that takes over the order, or one line of it."""
    link = {"TxnId": made["Id"], "TxnType": "PurchaseOrder"}
    return {**line, "LinkedTxn": [{**link, "TxnLineId": of} if of else link]}


def test_an_order_is_numbered_open_and_posts_nothing(books: Books) -> None:
    seller = vendor(books, BillAddr={"Line1": "1 Mill Ln"})
    made = order(books, seller, ShipAddr={"Line1": "Yard"}, Memo="soon")
    assert (made["DocNumber"], made["POStatus"], made["EmailStatus"]) == ("1001", "Open", "NotSet")
    assert (made["TotalAmt"], made["LinkedTxn"], made["CustomField"], made["Memo"]) == (50, [], [], "soon")
    assert made["VendorAddr"] == seller["BillAddr"]
    assert made["APAccountRef"]["value"] == PAYABLES
    assert books.again("Vendor", seller)["Balance"] == 0
    assert balance(books, PAYABLES) == 0
    assert order(books, seller)["DocNumber"] == "1002"


def test_the_keys_of_an_order_come_in_the_recorded_order(books: Books) -> None:
    assert list(order(books, vendor(books))) == [
        "EmailStatus", "POStatus", "domain", "sparse", "Id", "SyncToken", "MetaData", "CustomField", "DocNumber",
        "TxnDate", "CurrencyRef", "LinkedTxn", "Line", "VendorRef", "APAccountRef", "TotalAmt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"VendorRef": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"APAccountRef": {"value": "99"}}, "2500"),
        ({"POStatus": "Lost"}, "2170"),
        ({"EmailStatus": "NeedToSend"}, "6000"),
        ({"POEmail": {"Address": "nowhere"}}, "2210"),
        ({"CustomField": [{"DefinitionId": "9", "StringValue": "x"}]}, "3000"),
        ({"LinkedTxn": [{"TxnId": "1", "TxnType": "Bill"}]}, "620"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    assert books.refused("purchaseorder", owed(vendor(books)) | change)[:2] == (400, code)


def test_an_order_may_name_any_account_because_it_posts_nothing(books: Books) -> None:
    made = order(books, vendor(books), APAccountRef={"value": RECEIVABLES})
    assert made["APAccountRef"] == {"value": RECEIVABLES, "name": "Accounts Receivable (A/R)"}
    assert balance(books, RECEIVABLES) == 0


def test_an_orders_number_is_its_own(books: Books) -> None:
    seller = vendor(books)
    order(books, seller, DocNumber="PO 5")
    assert books.refused("purchaseorder", owed(seller, DocNumber="PO 5"))[1] == "6140"


def test_a_bill_that_takes_an_order_over_closes_it_and_its_removal_opens_it_again(books: Books) -> None:
    seller = vendor(books)
    made = order(books, seller)
    taken = books.make("Bill", owed(seller, linked(cost(50), made)))
    assert taken["Line"][0]["LinkedTxn"] == [{"TxnId": made["Id"], "TxnType": "PurchaseOrder"}]
    closed = books.again("PurchaseOrder", made)
    assert (closed["POStatus"], closed["SyncToken"]) == ("Closed", "1")
    assert closed["LinkedTxn"] == [{"TxnId": taken["Id"], "TxnType": "Bill"}]
    assert books.refused("bill", owed(seller, linked(cost(50), made)))[1] == "620"
    books.post("bill", key(taken), operation="delete")
    opened = books.again("PurchaseOrder", made)
    assert (opened["POStatus"], opened["LinkedTxn"]) == ("Open", [])


def test_an_order_stays_open_until_all_its_lines_are_billed(books: Books) -> None:
    seller = vendor(books)
    made = order(books, seller)
    first = books.make("Bill", owed(seller, linked(cost(30), made, "1")))
    assert books.again("PurchaseOrder", made)["POStatus"] == "Open"
    way = spent(EntityRef={"value": seller["Id"], "type": "Vendor"})
    second = books.make("Purchase", {**way, "Line": [linked(cost(20), made, "2")]})
    closed = books.again("PurchaseOrder", made)
    assert closed["POStatus"] == "Closed"
    assert [(link["TxnId"], link["TxnType"]) for link in closed["LinkedTxn"]] == [
        (first["Id"], "Bill"),
        (second["Id"], "Purchase"),
    ]
    books.change("Bill", first, VendorRef=first["VendorRef"], Line=[cost(30)])
    opened = books.again("PurchaseOrder", made)
    assert (opened["POStatus"], len(opened["LinkedTxn"])) == ("Open", 1)


def test_a_line_added_to_a_billed_order_opens_it_again(books: Books) -> None:
    seller = vendor(books)
    made = order(books, seller)
    lines = [linked(cost(30), made, "1"), linked(cost(20), made, "2")]
    books.make("Bill", owed(seller, *lines))
    closed = books.again("PurchaseOrder", made)
    assert closed["POStatus"] == "Closed"
    noted = books.change("PurchaseOrder", closed, VendorRef=closed["VendorRef"], Memo="x")
    assert noted["POStatus"] == "Closed"
    more = [*noted["Line"], bought({"Id": noted["Line"][0]["ItemBasedExpenseLineDetail"]["ItemRef"]["value"]}, 5)]
    assert books.change("PurchaseOrder", noted, VendorRef=noted["VendorRef"], Line=more)["POStatus"] == "Open"


def test_another_vendors_order_cannot_be_billed_nor_one_that_a_person_closed(books: Books) -> None:
    seller = vendor(books)
    made = order(books, seller)
    stranger = vendor(books, "Stranger")
    assert books.refused("bill", owed(stranger, cost(50), LinkedTxn=linked({}, made)["LinkedTxn"]))[1] == "620"
    books.change("PurchaseOrder", made, VendorRef=made["VendorRef"], POStatus="Closed")
    assert books.refused("bill", owed(seller, cost(50), LinkedTxn=linked({}, made)["LinkedTxn"]))[1] == "620"


def test_a_deleted_order_is_unlinked_from_its_bill(books: Books) -> None:
    seller = vendor(books)
    made = order(books, seller)
    taken = books.make("Bill", owed(seller, cost(50), LinkedTxn=linked({}, made)["LinkedTxn"]))
    current = books.again("PurchaseOrder", made)
    assert books.post("purchaseorder", key(current), operation="delete")[0] == 200
    assert not books.again("Bill", taken).get("LinkedTxn")
