"""Payments, credit memos and deposits: what is applied, what is left, what is frozen."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, application, line, money


def own_line(party: Body) -> Body:
    """A deposit's line from an account, by somebody."""
    detail = {"AccountRef": {"value": "24"}, "Entity": party}
    return {"Line": [{"Amount": 5, "DetailType": "DepositLineDetail", "DepositLineDetail": detail}]}


def test_a_deposit_line_names_who_the_money_came_from(books: Books) -> None:
    vendor = books.make("Vendor", {"DisplayName": "Hill Supply"})
    sent = own_line({"value": vendor["Id"], "type": "VENDOR"})
    made = books.make("Deposit", {"DepositToAccountRef": {"value": "25"}, **sent})
    party = made["Line"][0]["DepositLineDetail"]["Entity"]
    assert party == {"value": vendor["Id"], "type": "VENDOR", "name": "Hill Supply"}
    books.change("Vendor", vendor, DisplayName="Hill Supply LLC")
    assert books.again("Deposit", made)["Line"][0]["DepositLineDetail"]["Entity"]["name"] == "Hill Supply LLC"


def credit(books: Books, customer: Body, item: Body, amount: object) -> Body:
    return books.make("CreditMemo", {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, amount)]})


def test_a_payment_lowers_the_balance_and_raises_token_and_time_of_its_invoice(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 148)
    payment = books.payment(customer, 120, (invoice, 120))
    paid = books.again("Invoice", invoice)
    assert (paid["Balance"], paid["SyncToken"]) == (28, "1")
    assert paid["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "Payment"}]
    assert payment["UnappliedAmt"] == 0
    assert payment["DepositToAccountRef"] == {"value": "4"}
    assert payment["Line"][0]["LineEx"]["any"][2]["value"] == {"Name": "txnReferenceNumber", "Value": "1001"}
    assert int(payment["Id"]) == int(invoice["Id"]) + 1
    assert books.again("Customer", customer)["Balance"] == 28


def test_what_is_not_applied_is_the_customers_credit(books: Books) -> None:
    customer = books.customer()
    payment = books.payment(customer, 70)
    assert payment["UnappliedAmt"] == 70
    assert books.again("Customer", customer)["Balance"] == -70


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"TotalAmt": None}, "6000"),
        ({"TotalAmt": -5}, "6000"),
        ({"CustomerRef": None}, "2020"),
        ({"PaymentRefNum": "x" * 22}, "2050"),
        ({"DepositToAccountRef": {"value": "31"}}, "6430"),
        ({"Line": [{"Amount": 5}]}, "2020"),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "999", "TxnType": "Invoice"}]}]}, "2500"),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "1", "TxnType": "Estimate"}]}]}, "500"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "TotalAmt": 10, **change}
    assert books.refused("payment", body)[:2] == (400, code)


def test_more_than_the_payment_or_the_invoice_holds_cannot_be_applied(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 100)
    body: Body = {"CustomerRef": {"value": customer["Id"]}}
    assert books.refused("payment", {**body, "TotalAmt": 50, "Line": [application(invoice, 60)]})[1] == "6000"
    assert books.refused("payment", {**body, "TotalAmt": 200, "Line": [application(invoice, 101)]})[1] == "6000"
    twice = [application(invoice, 60), application(invoice, 60)]
    assert books.refused("payment", {**body, "TotalAmt": 200, "Line": twice})[1] == "6000"


def test_another_customers_invoice_cannot_be_paid_but_a_sub_customers_can(books: Books) -> None:
    parent, stranger, item = books.customer("Parent"), books.customer("Stranger"), books.item()
    job = books.customer("Job", Job=True, ParentRef={"value": parent["Id"]})
    invoice = books.invoice(job, item, 100)
    body = {"CustomerRef": {"value": stranger["Id"]}, "TotalAmt": 100, "Line": [application(invoice, 100)]}
    assert books.refused("payment", body)[1] == "620"
    assert books.again("Customer", parent)["BalanceWithJobs"] == 100
    books.payment(parent, 100, (invoice, 100))
    assert books.again("Customer", job)["Balance"] == 0
    assert books.again("Customer", parent)["BalanceWithJobs"] == 0


def test_sending_lines_again_replaces_all_applications(books: Books) -> None:
    customer, item = books.customer(), books.item()
    first, second = books.invoice(customer, item, 100), books.invoice(customer, item, 50)
    payment = books.payment(customer, 100, (first, 100))
    changed = books.change("Payment", payment, Line=[application(second, 50)])
    assert changed["UnappliedAmt"] == 50
    assert books.again("Invoice", first)["Balance"] == 100
    assert books.again("Invoice", first)["LinkedTxn"] == []
    assert books.again("Invoice", second)["Balance"] == 0
    freed = books.change("Payment", changed, Line=[])
    assert (freed["UnappliedAmt"], freed["Line"]) == (100, [])
    assert books.again("Customer", customer)["Balance"] == 50


def test_a_voided_payment_opens_its_invoice_again(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 100)
    payment = books.payment(customer, 100, (invoice, 100))
    body = {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True}
    voided = books.make("Payment", body, operation="update", include="void")
    assert (voided["TotalAmt"], voided["UnappliedAmt"], voided["Line"]) == (0, 0, [])
    assert "Voided" in voided["PrivateNote"]
    assert books.again("Invoice", invoice)["Balance"] == 100


def test_a_deleted_payment_opens_its_invoice_again(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 100)
    payment = books.payment(customer, 100, (invoice, 100))
    status, _ = books.post("payment", {"Id": payment["Id"], "SyncToken": "0"}, operation="delete")
    assert status == 200
    opened = books.again("Invoice", invoice)
    assert (opened["Balance"], opened["LinkedTxn"], opened["SyncToken"]) == (100, [], "2")
    assert books.again("Customer", customer)["Balance"] == 100


def test_a_credit_memo_is_applied_by_a_payment_of_zero(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice, memo = books.invoice(customer, item, 100), credit(books, customer, item, 40)
    assert (memo["RemainingCredit"], memo["Balance"]) == (40, 40)
    assert books.again("Customer", customer)["Balance"] == 60
    assert "DepositToAccountRef" not in books.payment(customer, 0, (invoice, 30), (memo, 30))
    assert books.again("Invoice", invoice)["Balance"] == 70
    used = books.again("CreditMemo", memo)
    assert (used["RemainingCredit"], used["Balance"]) == (10, 10)
    assert books.again("Customer", customer)["Balance"] == 60


def test_a_deleted_credit_memo_re_opens_what_it_paid(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice, memo = books.invoice(customer, item, 100), credit(books, customer, item, 40)
    linking = books.payment(customer, 0, (invoice, 40), (memo, 40))
    current = books.again("CreditMemo", memo)
    books.post("creditmemo", {"Id": memo["Id"], "SyncToken": current["SyncToken"]}, operation="delete")
    assert books.again("Invoice", invoice)["Balance"] == 100
    assert books.again("Payment", linking)["UnappliedAmt"] == 0
    assert books.again("Customer", customer)["Balance"] == 100


def test_a_credit_memo_has_no_void(books: Books) -> None:
    memo = credit(books, books.customer(), books.item(), 40)
    body = {"Id": memo["Id"], "SyncToken": "0"}
    assert books.refused("creditmemo", body, operation="void")[1] == "500"


def test_a_deposited_payment_is_frozen_until_its_deposit_is_removed(books: Books) -> None:
    customer = books.customer()
    payment = books.payment(customer, 80)
    links = [{"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}]
    fee = {
        "DetailType": "DepositLineDetail",
        "Amount": "-2.50",
        "DepositLineDetail": {"AccountRef": {"value": "7"}},
    }
    body = {"DepositToAccountRef": {"value": "25"}, "Line": [{"Amount": 80, "LinkedTxn": links}, fee]}
    deposit = books.make("Deposit", body)
    assert money(deposit["TotalAmt"]) == money("77.5")
    frozen = books.again("Payment", payment)
    assert frozen["LinkedTxn"] == [{"TxnId": deposit["Id"], "TxnType": "Deposit"}]
    base = {"Id": payment["Id"], "SyncToken": frozen["SyncToken"], "sparse": True}
    assert books.refused("payment", {**base, "PrivateNote": "x"})[1] == "6540"
    assert books.refused("payment", base, operation="delete")[1] == "6540"
    assert books.refused("payment", base, operation="update", include="void")[1] == "6540"
    assert books.refused("deposit", body)[1] == "6000"
    books.post("deposit", {"Id": deposit["Id"], "SyncToken": "0"}, operation="delete")
    free = books.again("Payment", payment)
    assert "LinkedTxn" not in free
    assert books.change("Payment", free, PrivateNote="x")["PrivateNote"] == "x"


def test_a_deposit_moves_money_from_undeposited_funds_to_the_bank(books: Books) -> None:
    payment = books.payment(books.customer(), 80)
    done = books.ui(act="deposit", payments=[payment["Id"]], account="25")
    assert done["Deposit"]["TotalAmt"] == 80
    assert books.read("Account", "4")["CurrentBalance"] == 0
    assert books.read("Account", "25")["CurrentBalance"] == 80


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DepositToAccountRef": None}, "2020"),
        ({"DepositToAccountRef": {"value": "31"}}, "6430"),
        ({"Line": []}, "2020"),
        (own_line({"value": "1"}), "2020"),
        (own_line({"value": "1", "type": "CAT"}), "2170"),
        (own_line({"value": "99", "type": "VENDOR"}), "2500"),
        ({"Line": [{"Amount": 5, "DetailType": "DepositLineDetail", "DepositLineDetail": {}}]}, "2020"),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "99", "TxnType": "Payment"}]}]}, "2500"),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "99", "TxnType": "Transfer"}]}]}, "2500"),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "99", "TxnType": "Estimate"}]}]}, "6000"),
    ],
)
def test_a_deposit_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    own = {"Amount": 5, "DetailType": "DepositLineDetail", "DepositLineDetail": {"AccountRef": {"value": "24"}}}
    body = {"DepositToAccountRef": {"value": "25"}, "Line": [own], **change}
    assert books.refused("deposit", body)[:2] == (400, code)
