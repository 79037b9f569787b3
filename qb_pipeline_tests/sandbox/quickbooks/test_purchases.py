"""Purchases by cash, check and card, payments to the card, and billable costs on them."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import (
    BANK,
    CARD,
    EXPENSE,
    PAYABLES,
    RECEIVABLES,
    balance,
    bill,
    bought,
    cost,
    goods,
    key,
    part,
    paying,
    spent,
    vendor,
)


def pair(purchase: Body) -> Body:
    """What the extension block of a purchase says."""
    (entry,) = purchase["PurchaseEx"]["any"]
    value: Body = entry["value"]
    return value


def test_a_purchase_takes_its_cost_from_the_account_it_was_paid_from(books: Books) -> None:
    seller = vendor(books)
    made = books.make("Purchase", spent("18.08", EntityRef={"value": seller["Id"], "type": "Vendor"}))
    assert made["EntityRef"] == {"value": seller["Id"], "name": "Hill Supply", "type": "Vendor"}
    assert str(balance(books, BANK)) == "-18.08"
    assert books.again("Vendor", seller)["Balance"] == 0
    assert list(made) == [
        "AccountRef", "PaymentType", "EntityRef", "TotalAmt", "PurchaseEx", "domain", "sparse", "Id", "SyncToken",
        "MetaData", "TxnDate", "CurrencyRef", "Line",
    ]  # fmt: skip
    assert list(made["Line"][0]) == [
        "Id", "Amount", "DetailType", "AccountBasedExpenseLineDetail", "CustomExtensions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("way", "account", "extra", "kind"),
    [
        ("Cash", BANK, {}, "54"),
        ("Check", BANK, {"PrintStatus": "NotSet"}, "3"),
        ("CreditCard", CARD, {"Credit": False}, "54"),
    ],
)
def test_each_way_of_payment_shows_its_own_marks(books: Books, way: str, account: str, extra: Body, kind: str) -> None:
    made = books.make("Purchase", spent(20, way, account))
    assert {name: made[name] for name in ("Credit", "PrintStatus") if name in made} == extra
    assert pair(made) == {"Name": "TxnType", "Value": kind}


def test_a_card_credit_gives_the_money_back_to_the_card_until_a_full_update_forgets_it(books: Books) -> None:
    made = books.make("Purchase", spent(20, "CreditCard", CARD, Credit=True))
    assert balance(books, CARD) == 20
    assert pair(made)["Value"] == "11"
    kept = books.change("Purchase", made, PaymentType="CreditCard", PrivateNote="x")
    assert (kept["Credit"], balance(books, CARD)) == (True, 20)
    full = books.make("Purchase", {**spent(20, "CreditCard", CARD), **key(kept)})
    assert (full["Credit"], balance(books, CARD)) == (False, -20)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PaymentType": None}, "2020"),
        ({"PaymentType": "Barter"}, "2170"),
        ({"AccountRef": None}, "2020"),
        ({"AccountRef": {"value": EXPENSE}}, "6430"),
        ({"PaymentType": "Check", "AccountRef": {"value": CARD}}, "6430"),
        ({"PaymentType": "CreditCard"}, "6430"),
        ({"Line": []}, "2020"),
        ({"Line": [cost(-5)]}, "6000"),
        ({"Credit": True}, "6000"),
        ({"EntityRef": {"value": "99"}}, "2500"),
        ({"EntityRef": {"value": "1", "type": "Cat"}}, "2170"),
        ({"PurchaseEx": {"any": []}}, "2010"),
        ({"LinkedTxn": [{"TxnId": "5", "TxnType": "Bill"}]}, "620"),
        ({"Line": [cost(5, PAYABLES)]}, "6000"),
    ],
)
def test_a_purchase_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    assert books.refused("purchase", spent() | change)[:2] == (400, code)


def test_the_way_of_payment_is_sent_with_every_update_and_never_changes(books: Books) -> None:
    made = books.make("Purchase", spent(20))
    base = {**key(made), "sparse": True}
    assert books.refused("purchase", {**base, "PrivateNote": "x"})[1] == "2020"
    assert books.refused("purchase", {**base, "PaymentType": "Check"})[1] == "6000"
    assert books.make("Purchase", {**base, "PaymentType": "Cash", "PrivateNote": "x"})["PrivateNote"] == "x"


def test_a_whole_read_is_refused_as_an_update_and_taken_as_a_delete(books: Books) -> None:
    made = books.make("Purchase", spent(20))
    assert books.refused("purchase", made)[1] == "2010"
    assert books.post("purchase", made, operation="delete")[0] == 200
    assert balance(books, BANK) == 0


def test_a_purchase_has_no_void(books: Books) -> None:
    made = books.make("Purchase", spent(20))
    status, answer = books.post("purchase", key(made), operation="void")
    (error,) = answer["Fault"]["Error"]
    assert (status, error["code"], error["element"]) == (400, "500", "Operation")
    assert error["Detail"] == "Operation void is not supported."
    assert books.again("Purchase", made) == made


def test_an_employee_or_customer_may_be_paid_and_shows_the_current_name(books: Books) -> None:
    employee = books.make("Employee", {"GivenName": "Ana", "FamilyName": "Cole"})
    made = books.make("Purchase", spent(20, EntityRef={"value": employee["Id"]}))
    assert made["EntityRef"] == {"value": employee["Id"], "name": "Ana Cole", "type": "Employee"}
    books.change("Employee", employee, GivenName="Anna", DisplayName="Anna Cole")
    assert books.again("Purchase", made)["EntityRef"]["name"] == "Anna Cole"
    gone = vendor(books, "Gone", Active=False)
    assert books.refused("purchase", spent(20, EntityRef={"value": gone["Id"], "type": "Vendor"}))[1] == "610"


def test_a_refund_to_a_customer_on_receivables_is_an_open_item_that_a_credit_pays(books: Books) -> None:
    customer, item = books.customer(), books.item()
    memo = books.make(
        "CreditMemo",
        {
            "CustomerRef": {"value": customer["Id"]},
            "Line": [
                {
                    "Amount": 40,
                    "DetailType": "SalesItemLineDetail",
                    "SalesItemLineDetail": {"ItemRef": {"value": item["Id"]}},
                }
            ],
        },
    )
    body = spent(40, "Check", EntityRef={"value": customer["Id"], "type": "Customer"})
    refund = books.make("Purchase", {**body, "Line": [cost(40, RECEIVABLES)]})
    assert books.again("Customer", customer)["Balance"] == 0
    parts = [part("Check", refund, 40), part("CreditMemo", memo, 40)]
    paid = {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": 0, "Line": parts}
    assert books.make("Payment", paid)["UnappliedAmt"] == 0
    assert books.again("CreditMemo", memo)["RemainingCredit"] == 0
    assert (books.again("Customer", customer)["Balance"], balance(books, RECEIVABLES)) == (0, 0)
    books.post("purchase", key(refund), operation="delete")
    assert books.again("CreditMemo", memo)["RemainingCredit"] == 40
    assert books.again("Customer", customer)["Balance"] == -40


def test_money_paid_to_a_vendor_on_payables_is_used_against_its_bill(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    advance = books.make(
        "Purchase", {**spent(60, EntityRef={"value": seller["Id"], "type": "Vendor"}), "Line": [cost(60, PAYABLES)]}
    )
    assert books.again("Vendor", seller)["Balance"] == 40
    # The live service drops such a link silently, so the bill stays open.
    books.make("BillPayment", paying(seller, 0, part("Purchase", advance, 60)))
    assert books.again("Bill", made)["Balance"] == 100
    assert (books.again("Vendor", seller)["Balance"], balance(books, PAYABLES)) == (40, -40)


def test_items_are_bought_on_a_purchase_too(books: Books) -> None:
    item = goods(books)
    made = books.make("Purchase", {**spent(), "Line": [bought(item, 30, Qty=12, UnitPrice="2.5")]})
    assert (made["TotalAmt"], balance(books, BANK)) == (30, -30)


def test_a_billable_cost_of_a_purchase_makes_a_charge_and_takes_it_along(books: Books) -> None:
    customer = books.customer()
    line = cost(20, CustomerRef={"value": customer["Id"]}, BillableStatus="Billable")
    made = books.make("Purchase", {**spent(), "Line": [line]})
    (charge,) = books.query("select * from ReimburseCharge")["ReimburseCharge"]
    assert made["LinkedTxn"] == [{"TxnId": charge["Id"], "TxnType": "ReimburseCharge"}]
    assert charge["Amount"] == 20
    books.post("purchase", key(made), operation="delete")
    assert books.query("select * from ReimburseCharge") == {}


def test_closed_books_take_no_purchase(books: Books) -> None:
    made = books.make("Purchase", spent(20, TxnDate="2026-01-15"))
    books.ui(act="close_books", date="2026-01-31")
    assert books.refused("purchase", spent(20, TxnDate="2026-01-15"))[1] == "6210"
    assert books.refused("purchase", key(made), operation="delete")[1] == "6210"


def test_a_card_is_paid_off_from_the_bank(books: Books) -> None:
    body = {"CreditCardAccountRef": {"value": CARD}, "BankAccountRef": {"value": BANK}, "Amount": 70}
    status, answer = books.post("creditcardpayment", body)
    assert status == 200
    made = answer["CreditCardPaymentTxn"]
    assert (balance(books, BANK), balance(books, CARD)) == (-70, 70)
    assert books.get(f"creditcardpayment/{made['Id']}")[1]["CreditCardPaymentTxn"] == made
    assert books.query("select * from creditcardpayment")["CreditCardPaymentTxn"] == [made]
    changed = books.post("creditcardpayment", {**body, **key(made), "Amount": 50})[1]["CreditCardPaymentTxn"]
    assert (changed["SyncToken"], balance(books, CARD)) == ("1", 50)
    answer = books.post("creditcardpayment", key(changed), operation="delete")[1]
    assert answer["CreditCardPaymentTxn"]["status"] == "Deleted"
    assert (balance(books, BANK), balance(books, CARD)) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Amount": None}, "2020"),
        ({"Amount": 0}, "2140"),
        ({"BankAccountRef": None}, "2020"),
        ({"BankAccountRef": {"value": CARD}}, "6430"),
        ({"CreditCardAccountRef": None}, "2020"),
        ({"CreditCardAccountRef": {"value": BANK}}, "6430"),
    ],
)
def test_a_card_payment_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    body = {"CreditCardAccountRef": {"value": CARD}, "BankAccountRef": {"value": BANK}, "Amount": 70}
    assert books.refused("creditcardpayment", body | change)[:2] == (400, code)
