"""Sales receipts and refund receipts: money on the spot, in and out."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money

CALIFORNIA = {"TxnTaxCodeRef": {"value": "2"}}
UNDEPOSITED, CHECKING, EXPENSE = "4", "25", "7"


def receipt(books: Books, amount: object = 100, **fields: Any) -> Body:
    return books.make("SalesReceipt", {"Line": [line(books.item(), amount)], **fields})


def refund(books: Books, amount: object = 100, **fields: Any) -> Body:
    body = {"Line": [line(books.item("Rework"), amount)], "DepositToAccountRef": {"value": CHECKING}, **fields}
    return books.make("RefundReceipt", body)


def balance(books: Books, account: str) -> object:
    return books.read("Account", account)["CurrentBalance"]


def test_a_sales_receipt_lies_in_undeposited_funds_and_owes_nothing(books: Books) -> None:
    customer = books.customer(BillAddr={"Line1": "1 Mill Ln"}, PrimaryEmailAddr={"Address": "a@b.test"})
    sold = [line(books.item(), 100, "TAX")]
    made = books.make(
        "SalesReceipt",
        {
            "CustomerRef": {"value": customer["Id"]},
            "Line": sold,
            "TxnTaxDetail": CALIFORNIA,
            "PaymentMethodRef": {"value": "2"},
            "PaymentRefNum": "10264",
        },
    )
    assert (made["TotalAmt"], made["Balance"], made["DocNumber"]) == (108, 0, "1001")
    assert made["DepositToAccountRef"] == {"value": UNDEPOSITED, "name": "Undeposited Funds"}
    assert made["PaymentMethodRef"] == {"value": "2", "name": "Check"}
    assert (made["BillAddr"]["Line1"], "BillEmail" in made) == ("1 Mill Ln", False)
    assert "LinkedTxn" not in made
    assert balance(books, UNDEPOSITED) == 108
    assert balance(books, "36") == -8
    assert books.again("Customer", customer)["Balance"] == 0


def test_a_sales_receipt_needs_no_customer_and_a_full_update_takes_a_left_out_one_away(books: Books) -> None:
    customer = books.customer()
    made = receipt(books, CustomerRef={"value": customer["Id"]})
    base = {"Id": made["Id"], "SyncToken": made["SyncToken"]}
    full = books.make("SalesReceipt", {**base, "Line": made["Line"]})
    assert "CustomerRef" not in full
    assert (full["TotalAmt"], full["DocNumber"]) == (100, made["DocNumber"])


def test_a_sparse_update_of_a_sales_receipt_moves_its_money(books: Books) -> None:
    made = receipt(books)
    moved = books.change("SalesReceipt", made, DepositToAccountRef={"value": CHECKING}, CustomerMemo={"value": "x"})
    assert moved["DepositToAccountRef"] == {"value": CHECKING, "name": "Checking"}
    assert moved["CustomerMemo"] == {"value": "x"}
    assert (balance(books, UNDEPOSITED), balance(books, CHECKING)) == (0, 100)


def test_a_voided_sales_receipt_stays_with_nothing_on_it(books: Books) -> None:
    made = receipt(books, PrivateNote="sync:1")
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True}
    voided = books.make("SalesReceipt", body, operation="update", include="void")
    assert (voided["TotalAmt"], voided["Balance"], voided["SyncToken"]) == (0, 0, "1")
    assert voided["PrivateNote"].startswith("Voided")
    assert [part["Amount"] for part in voided["Line"]] == [0, 0]
    assert balance(books, UNDEPOSITED) == 0
    assert books.again("SalesReceipt", made) == voided


def test_a_deleted_sales_receipt_is_gone_and_cdc_says_so(books: Books) -> None:
    made = receipt(books)
    status, answer = books.post("salesreceipt", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert (status, answer["SalesReceipt"]["status"]) == (200, "Deleted")
    assert balance(books, UNDEPOSITED) == 0
    status, answer = books.get("cdc", entities="SalesReceipt", changedSince=made["MetaData"]["CreateTime"])
    assert status == 200
    (found,) = answer["CDCResponse"][0]["QueryResponse"][0]["SalesReceipt"]
    assert (found["Id"], found["status"]) == (made["Id"], "Deleted")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Line": []}, "2020"),
        ({"CustomerRef": {"value": "999"}}, "2500"),
        ({"DepositToAccountRef": {"value": EXPENSE}}, "6430"),
        ({"PaymentRefNum": "x" * 22}, "2050"),
        ({"LinkedTxn": [{"TxnId": "9", "TxnType": "Estimate"}]}, "620"),
        ({"SalesReceiptEx": {}}, "2010"),
        ({"EmailStatus": "NeedToSend"}, "6000"),
    ],
)
def test_a_sales_receipt_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    body = {"Line": [line(books.item())], **change}
    assert books.refused("salesreceipt", body)[:2] == (400, code)
    assert books.query("select count(*) from SalesReceipt") == {"totalCount": 0}


def test_receipts_are_found_by_number_customer_date_and_total(books: Books) -> None:
    customer = books.customer()
    receipt(books, 10, DocNumber="S-1", TxnDate="2026-03-01", CustomerRef={"value": customer["Id"]})
    for where in ("DocNumber = 'S-1'", f"CustomerRef = '{customer['Id']}'", "TxnDate = '2026-03-01'", "TotalAmt = 10"):
        assert len(books.query(f"select * from SalesReceipt where {where}")["SalesReceipt"]) == 1, where


def test_a_refund_leaves_the_named_account_and_has_no_e_mail_status(books: Books) -> None:
    customer = books.customer()
    made = refund(books, CustomerRef={"value": customer["Id"]}, PaymentMethodRef={"value": "2"}, PaymentType="Check")
    assert (made["TotalAmt"], made["Balance"]) == (100, 0)
    assert made["DepositToAccountRef"] == {"value": CHECKING, "name": "Checking"}
    assert "EmailStatus" not in made
    assert balance(books, CHECKING) == -100
    changed = books.change("RefundReceipt", made, Line=[{**made["Line"][0], "Amount": 60}])
    assert (changed["TotalAmt"], balance(books, CHECKING)) == (60, -60)
    books.post("refundreceipt", {"Id": made["Id"], "SyncToken": "1"}, operation="delete")
    assert balance(books, CHECKING) == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DepositToAccountRef": None}, "2020"),
        ({"DepositToAccountRef": {"value": EXPENSE}}, "6430"),
        ({"DepositToAccountRef": {"value": UNDEPOSITED}, "PaymentType": "Check"}, "6430"),
        ({"PaymentType": "Barter"}, "2170"),
        ({"Line": []}, "2020"),
    ],
)
def test_a_refund_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    body = {"Line": [line(books.item())], "DepositToAccountRef": {"value": CHECKING}, **change}
    assert books.refused("refundreceipt", body)[:2] == (400, code)


def test_a_refund_has_no_void_at_the_api(books: Books) -> None:
    made = refund(books)
    assert books.refused("refundreceipt", {"Id": made["Id"], "SyncToken": "0"}, operation="void")[1] == "500"


def test_a_deposit_takes_a_sales_receipt_whole_and_freezes_it(books: Books) -> None:
    made = receipt(books, "78.75", PaymentMethodRef={"value": "1"})
    linked = {"LinkedTxn": [{"TxnId": made["Id"], "TxnType": "SalesReceipt", "TxnLineId": "0"}]}
    deposit = books.make("Deposit", {"DepositToAccountRef": {"value": CHECKING}, "Line": [linked]})
    (part,) = deposit["Line"]
    assert (money(part["Amount"]), part["DepositLineDetail"]) == (
        money("78.75"),
        {"PaymentMethodRef": {"value": "1"}},
    )
    frozen = books.again("SalesReceipt", made)
    assert frozen["LinkedTxn"] == [{"TxnId": deposit["Id"], "TxnType": "Deposit"}]
    base = {"Id": made["Id"], "SyncToken": frozen["SyncToken"], "sparse": True}
    assert books.refused("salesreceipt", {**base, "PrivateNote": "x"})[:2] == (400, "6540")
    assert books.refused("salesreceipt", base, operation="delete")[1] == "6540"
    assert books.refused("salesreceipt", base, operation="update", include="void")[1] == "6540"
    assert (balance(books, UNDEPOSITED), money(balance(books, CHECKING))) == (0, money("78.75"))
    books.post("deposit", {"Id": deposit["Id"], "SyncToken": "0"}, operation="delete")
    free = books.again("SalesReceipt", made)
    assert "LinkedTxn" not in free
    assert books.change("SalesReceipt", free, PrivateNote="x")["PrivateNote"] == "x"


def test_a_refund_out_of_undeposited_funds_lowers_the_deposit(books: Books) -> None:
    sold, given_back = receipt(books, 100), refund(books, 30, DepositToAccountRef={"value": UNDEPOSITED})
    links = [
        {"LinkedTxn": [{"TxnId": one["Id"], "TxnType": kind, "TxnLineId": "0"}]}
        for one, kind in ((sold, "SalesReceipt"), (given_back, "RefundReceipt"))
    ]
    deposit = books.make("Deposit", {"DepositToAccountRef": {"value": CHECKING}, "Line": links})
    assert [part["Amount"] for part in deposit["Line"]] == [100, -30]
    assert (deposit["TotalAmt"], balance(books, CHECKING), balance(books, UNDEPOSITED)) == (70, 70, 0)
    assert books.again("RefundReceipt", given_back)["LinkedTxn"][0]["TxnType"] == "Deposit"
    current = books.again("RefundReceipt", given_back)
    body = {"Id": current["Id"], "SyncToken": current["SyncToken"]}
    assert books.refused("refundreceipt", body, operation="delete")[1] == "6540"
