"""Bills and vendor credits: what is owed, on which account, until it is paid."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import (
    EXPENSE,
    PAYABLES,
    RECEIVABLES,
    balance,
    bill,
    bought,
    cost,
    credit,
    goods,
    key,
    owed,
    part,
    paying,
    vendor,
)


def test_a_bill_is_owed_on_payables_and_to_its_vendor(books: Books) -> None:
    seller = vendor(books, BillAddr={"Line1": "1 Mill Ln"})
    made = books.make("Bill", owed(seller, cost("99.5"), cost("0.5"), TxnDate="2026-03-04", PrivateNote="March"))
    assert (made["TotalAmt"], made["Balance"], made["SyncToken"]) == (100, 100, "0")
    assert made["APAccountRef"] == {"value": PAYABLES, "name": "Accounts Payable (A/P)"}
    assert made["VendorAddr"] == seller["BillAddr"]
    assert [line["Id"] for line in made["Line"]] == ["1", "2"]
    assert "LinkedTxn" not in made
    assert books.again("Vendor", seller)["Balance"] == 100
    assert balance(books, PAYABLES) == -100


def test_the_keys_of_a_bill_come_in_the_recorded_order(books: Books) -> None:
    made = books.make("Bill", owed(vendor(books), DocNumber="7", PrivateNote="x"))
    assert list(made) == [
        "DueDate", "Balance", "domain", "sparse", "Id", "SyncToken", "MetaData", "DocNumber", "TxnDate", "CurrencyRef",
        "PrivateNote", "Line", "VendorRef", "APAccountRef", "TotalAmt",
    ]  # fmt: skip
    assert list(made["Line"][0]) == [
        "Id", "LineNum", "Amount", "LinkedTxn", "DetailType", "AccountBasedExpenseLineDetail", "CustomExtensions",
    ]  # fmt: skip
    assert made["Line"][0]["AccountBasedExpenseLineDetail"] == {
        "AccountRef": {"value": EXPENSE, "name": "Job Materials"},
        "BillableStatus": "NotBillable",
        "TaxCodeRef": {"value": "NON"},
    }


def test_a_bill_is_due_by_the_terms_of_its_vendor_and_on_its_own_day_without_any(books: Books) -> None:
    term = books.query("select * from Term where Name = 'Net 15'")["Term"][0]
    slow = vendor(books, "Slow", TermRef={"value": term["Id"]})
    made = books.make("Bill", owed(slow, TxnDate="2026-03-04"))
    assert (made["SalesTermRef"], made["DueDate"]) == ({"value": term["Id"]}, "2026-03-19")
    assert books.make("Bill", owed(vendor(books, "Fast"), TxnDate="2026-03-04"))["DueDate"] == "2026-03-04"
    moved = books.change("Bill", made, VendorRef=made["VendorRef"], TxnDate="2026-04-01")
    assert moved["DueDate"] == "2026-04-16"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"VendorRef": None}, "2020"),
        ({"VendorRef": {"value": "99"}}, "2500"),
        ({"Line": []}, "2020"),
        ({"Line": [{"Amount": 5}]}, "2020"),
        ({"Line": [{"Amount": 5, "DetailType": "SalesItemLineDetail"}]}, "2170"),
        ({"Line": [{"Amount": 5, "DetailType": "JournalEntryLineDetail"}]}, "2170"),
        ({"Line": [{**cost(), "Amount": None}]}, "2020"),
        ({"Line": [{**cost(), "ItemBasedExpenseLineDetail": {"ItemRef": {"value": "1"}}}]}, "6000"),
        ({"Line": [{"Amount": 5, "DetailType": "AccountBasedExpenseLineDetail"}]}, "6440"),
        ({"Line": [{"Amount": 5, "DetailType": "ItemBasedExpenseLineDetail"}]}, "6440"),
        ({"Line": [bought({"Id": "99"}, 5)]}, "2500"),
        ({"Line": [cost(-5)]}, "6000"),
        ({"Line": [cost(5, RECEIVABLES)]}, "6000"),
        ({"Line": [cost(5, PAYABLES)]}, "6000"),
        ({"Line": [cost(5, TaxCodeRef={"value": "9"})]}, "6100"),
        ({"Line": [cost(5, BillableStatus="HasBeenBilled")]}, "2170"),
        ({"Line": [cost(5, BillableStatus="Billable")]}, "6000"),
        ({"Line": [cost(5, BillableStatus="Perhaps")]}, "2170"),
        ({"APAccountRef": {"value": RECEIVABLES}}, "6430"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"LinkedTxn": [{"TxnId": "99", "TxnType": "PurchaseOrder"}]}, "2500"),
        ({"LinkedTxn": [{"TxnId": "99", "TxnType": "BillPaymentCheck"}]}, "620"),
        ({"PurchaseEx": {}}, "2010"),
    ],
)
def test_a_bill_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    assert books.refused("bill", owed(vendor(books)) | change)[:2] == (400, code)


def test_item_lines_are_bought_on_the_items_expense_account_and_must_multiply(books: Books) -> None:
    seller, item = vendor(books), goods(books)
    before = books.read("Account", EXPENSE)
    made = books.make("Bill", owed(seller, bought(item, 30, Qty=12, UnitPrice="2.5")))
    assert made["Line"][0]["ItemBasedExpenseLineDetail"]["ItemRef"] == {"value": item["Id"], "name": "Gravel"}
    assert before["CurrentBalance"] == 0
    wrong = owed(seller, bought(item, 31, Qty=12, UnitPrice="2.5"))
    assert books.refused("bill", wrong)[1] == "6070"
    only_sold = books.item("Advice")
    assert books.refused("bill", owed(seller, bought(only_sold, 5)))[1] == "6000"
    books.change("Item", item, Active=False)
    assert books.refused("bill", owed(seller, bought(item, 5)))[1] == "610"


def test_a_number_used_by_another_bill_is_refused_unless_the_request_allows_it(books: Books) -> None:
    seller = vendor(books)
    first = bill(books, seller, DocNumber="INV 7")
    status, code, detail = books.refused("bill", owed(seller, DocNumber="INV 7"))
    assert (status, code) == (400, "6140")
    assert f"TxnId={first['Id']}" in detail
    body = owed(seller, DocNumber="INV 7")
    assert books.make("Bill", body, include="allowduplicatedocnum")["DocNumber"] == "INV 7"


def test_every_update_of_a_bill_must_name_its_vendor(books: Books) -> None:
    made = bill(books, vendor(books))
    assert books.refused("bill", {**key(made), "sparse": True, "PrivateNote": "x"})[1] == "2020"
    changed = books.change("Bill", made, VendorRef=made["VendorRef"], PrivateNote="x")
    assert (changed["PrivateNote"], changed["Line"], changed["SyncToken"]) == ("x", made["Line"], "1")


def test_a_full_update_of_a_bill_clears_its_terms_and_keeps_payables_and_number(books: Books) -> None:
    term = books.query("select * from Term where Name = 'Net 15'")["Term"][0]
    seller = vendor(books)
    made = bill(books, seller, SalesTermRef={"value": term["Id"]}, DocNumber="8", PrivateNote="x")
    full = books.make("Bill", {**owed(seller, cost(40)), **key(made)})
    assert "SalesTermRef" not in full
    assert "PrivateNote" not in full
    assert (full["APAccountRef"], full["DocNumber"], full["Balance"]) == (made["APAccountRef"], "8", 40)
    assert books.again("Vendor", seller)["Balance"] == 40


def test_a_bill_cannot_fall_below_what_is_paid_nor_change_its_vendor_then(books: Books) -> None:
    seller, other = vendor(books), vendor(books, "Other")
    made = bill(books, seller, 100)
    books.make("BillPayment", paying(seller, 60, part("Bill", made, 60)))
    paid = books.again("Bill", made)
    base = {**key(paid), "sparse": True, "VendorRef": made["VendorRef"]}
    assert books.refused("bill", {**base, "Line": [cost(59)]})[1] == "6000"
    assert books.refused("bill", {**base, "VendorRef": {"value": other["Id"]}})[1] == "620"
    assert books.make("Bill", {**base, "Line": [cost(61)]})["Balance"] == 1


def test_a_bill_cannot_be_voided_and_says_so_inside_a_success(books: Books) -> None:
    made = bill(books, vendor(books))
    status, answer = books.post("bill", key(made), operation="void")
    assert status == 200
    assert answer["Fault"]["type"] == "SystemFault"
    (error,) = answer["Fault"]["Error"]
    assert (error["code"], error["element"]) == ("10000", "SystemFailureError")
    assert error["Detail"] == "System Failure Error: java.lang.UnsupportedOperationException"
    assert books.again("Bill", made) == made


def test_a_deleted_bill_is_owed_no_more_and_leaves_its_payment_with_the_vendor(books: Books) -> None:
    seller = vendor(books)
    made, kept = bill(books, seller, 100), bill(books, seller, 40)
    payment = books.make("BillPayment", paying(seller, 90, part("Bill", made, 60), part("Bill", kept, 30)))
    status, answer = books.post("bill", key(books.again("Bill", made)), operation="delete")
    assert (status, answer["Bill"]["status"]) == (200, "Deleted")
    freed = books.again("BillPayment", payment)
    assert (freed["TotalAmt"], freed["Line"], freed["SyncToken"]) == (90, [part("Bill", kept, 30)], "1")
    assert books.again("Bill", kept)["Balance"] == 10
    assert books.again("Vendor", seller)["Balance"] == 40 - 90
    assert balance(books, PAYABLES) == 50


def test_closed_books_take_neither_a_new_bill_nor_a_change_nor_a_removal(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, TxnDate="2026-01-15")
    books.ui(act="close_books", date="2026-01-31")
    assert books.refused("bill", owed(seller, TxnDate="2026-01-31"))[1] == "6210"
    change = {**key(made), "sparse": True, "VendorRef": made["VendorRef"], "TxnDate": "2026-02-01"}
    assert books.refused("bill", change)[1] == "6210"
    assert books.refused("bill", key(made), operation="delete")[1] == "6210"
    assert books.make("Bill", owed(seller, TxnDate="2026-02-01"))["Balance"] == 100


def test_a_vendor_credit_lowers_what_is_owed(books: Books) -> None:
    seller = vendor(books)
    made = credit(books, seller, 30)
    assert (made["TotalAmt"], made["Balance"]) == (30, 30)
    assert "DueDate" not in made
    assert books.again("Vendor", seller)["Balance"] == -30
    assert balance(books, PAYABLES) == 30
    changed = books.change("VendorCredit", made, VendorRef=made["VendorRef"], Line=[cost(20)])
    assert (changed["Balance"], books.again("Vendor", seller)["Balance"]) == (20, -20)
    assert books.refused("vendorcredit", key(changed), operation="void")[:2] == (400, "500")
    books.post("vendorcredit", key(changed), operation="delete")
    assert books.again("Vendor", seller)["Balance"] == 0


def test_a_deleted_vendor_credit_re_opens_the_bill_it_paid(books: Books) -> None:
    seller = vendor(books)
    made, used = bill(books, seller, 100), credit(books, seller, 30)
    payment = books.make("BillPayment", paying(seller, 0, part("Bill", made, 30), part("VendorCredit", used, 30)))
    books.post("vendorcredit", key(books.again("VendorCredit", used)), operation="delete")
    assert books.again("Bill", made)["Balance"] == 100
    assert "LinkedTxn" not in books.again("Bill", made)
    assert books.again("BillPayment", payment)["Line"] == []
    assert books.again("Vendor", seller)["Balance"] == 100


def test_bills_are_found_by_vendor_number_balance_and_due_date(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100, DocNumber="A1", DueDate="2026-03-09")
    bill(books, vendor(books, "Other"), 50)
    for condition in (f"VendorRef = '{seller['Id']}'", "DocNumber = 'A1'", "Balance > '99'", "DueDate = '2026-03-09'"):
        assert books.query(f"select * from Bill where {condition}")["Bill"] == [made]


def test_a_billable_line_makes_a_charge_that_follows_it(books: Books) -> None:
    seller, customer = vendor(books), books.customer()
    to: Body = {"CustomerRef": {"value": customer["Id"]}}
    made = books.make("Bill", owed(seller, cost(80, **to, MarkupInfo={"Percent": 10}), cost(20)))
    (link,) = made["LinkedTxn"]
    assert link["TxnType"] == "ReimburseCharge"
    assert [line["LinkedTxn"] for line in made["Line"]] == [[link], []]
    assert made["Line"][0]["AccountBasedExpenseLineDetail"]["BillableStatus"] == "Billable"
    assert made["SyncToken"] == "0"
    charge = books.read("ReimburseCharge", link["TxnId"])
    assert (charge["Amount"], charge["HasBeenInvoiced"]) == (88, False)
    assert charge["CustomerRef"] == {"value": customer["Id"], "name": "Ridge Farm"}
    assert [(line["Amount"], line.get("Description")) for line in charge["Line"]] == [(80, None), (8, "10% markup")]
    base = {"VendorRef": made["VendorRef"]}
    changed = books.change("Bill", made, **base, Line=[{**cost(50, **to), "Id": "1"}])
    assert changed["LinkedTxn"] == [link]
    assert books.read("ReimburseCharge", link["TxnId"])["Amount"] == 50
    plain = books.change("Bill", changed, **base, Line=[{**cost(50, **to, BillableStatus="NotBillable"), "Id": "1"}])
    assert "LinkedTxn" not in plain
    assert [one["SyncToken"] for one in (made, changed, plain, books.again("Bill", made))] == ["0", "1", "2", "2"]
    assert books.get(f"reimbursecharge/{link['TxnId']}")[0] == 400


def test_a_billable_line_that_is_left_out_takes_its_charge_along(books: Books) -> None:
    seller, customer = vendor(books), books.customer()
    made = books.make("Bill", owed(seller, cost(80, CustomerRef={"value": customer["Id"]}), cost(20)))
    changed = books.change("Bill", made, VendorRef=made["VendorRef"], Line=[{**cost(20), "Id": "2"}])
    assert ("LinkedTxn" in changed, changed["SyncToken"], changed["TotalAmt"]) == (False, "1", 20)
    assert books.query("select * from ReimburseCharge") == {}


def test_charges_go_with_their_bill_and_nobody_writes_them(books: Books) -> None:
    seller, customer = vendor(books), books.customer()
    made = books.make("Bill", owed(seller, cost(80, CustomerRef={"value": customer["Id"]})))
    charge = books.query("select * from ReimburseCharge")["ReimburseCharge"][0]
    assert books.refused("reimbursecharge", {"Amount": 5})[:2] == (400, "500")
    assert books.refused("reimbursecharge", {**key(charge), "Amount": 5})[:2] == (400, "500")
    assert books.refused("reimbursecharge", key(charge), operation="delete")[:2] == (400, "500")
    books.post("bill", key(made), operation="delete")
    assert books.query("select * from ReimburseCharge") == {}
