"""Bill payments: money to vendors and the use of their credits."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import (
    BANK,
    CARD,
    EXPENSE,
    INCOME,
    PAYABLES,
    balance,
    bill,
    credit,
    key,
    part,
    paying,
    spent,
    vendor,
)


def journal(books: Books, *sides: tuple[str, str, int, Body | None]) -> Body:
    """A journal entry of (PostingType, account, amount, vendor)."""
    lines = []
    for side, account, amount, party in sides:
        detail: Body = {"PostingType": side, "AccountRef": {"value": account}}
        if party is not None:
            detail["Entity"] = {"Type": "Vendor", "EntityRef": {"value": party["Id"]}}
        lines.append({"Amount": amount, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail})
    return books.make("JournalEntry", {"Line": lines})


def test_a_bill_payment_lowers_bill_vendor_payables_and_bank(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    payment = books.make("BillPayment", paying(seller, 60, part("Bill", made, 60), TxnDate="2026-03-05"))
    paid = books.again("Bill", made)
    assert (paid["Balance"], paid["SyncToken"]) == (40, "1")
    assert paid["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "BillPaymentCheck"}]
    assert list(paid).index("LinkedTxn") == list(paid).index("Line") - 1
    assert books.again("Vendor", seller)["Balance"] == 40
    assert (balance(books, PAYABLES), balance(books, BANK)) == (-40, -60)
    assert list(payment) == [
        "VendorRef", "PayType", "CheckPayment", "TotalAmt", "domain", "sparse", "Id", "SyncToken", "MetaData",
        "TxnDate", "CurrencyRef", "Line",
    ]  # fmt: skip
    assert payment["CheckPayment"] == {"BankAccountRef": {"value": BANK, "name": "Checking"}, "PrintStatus": "NotSet"}


def test_a_payment_by_credit_card_is_owed_to_the_card_and_named_like_a_check_on_the_bill(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    card = {"PayType": "CreditCard", "CreditCardPayment": {"CCAccountRef": {"value": CARD}}}
    payment = books.make("BillPayment", {**paying(seller, 100, part("Bill", made, 100)), **card})
    assert "CheckPayment" not in payment
    assert balance(books, CARD) == -100
    assert books.again("Bill", made)["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "BillPaymentCheck"}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"VendorRef": None}, "2020"),
        ({"TotalAmt": None}, "2020"),
        ({"TotalAmt": -1}, "6000"),
        ({"TotalAmt": 9}, "6000"),
        ({"PayType": None}, "2020"),
        ({"PayType": "Cash"}, "2170"),
        ({"CheckPayment": None}, "2020"),
        ({"CheckPayment": {"BankAccountRef": {"value": CARD}}}, "6430"),
        ({"PayType": "CreditCard", "CreditCardPayment": {"CCAccountRef": {"value": BANK}}}, "6430"),
        ({"PayType": "CreditCard"}, "2020"),
        ({"APAccountRef": {"value": BANK}}, "6430"),
        ({"Line": []}, "2020"),
        ({"Line": [{"Amount": 10}]}, "2020"),
        ({"Line": [part("Bill", {"Id": "999"}, 10)]}, "2500"),
        ({"Line": [part("Invoice", {"Id": "999"}, 10)]}, "500"),
        ({"Line": [{"LinkedTxn": [{"TxnId": "1", "TxnType": "Bill"}]}]}, "2020"),
        ({"LinkedTxn": [{"TxnId": "1", "TxnType": "Bill"}]}, "620"),
    ],
)
def test_a_bill_payment_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    seller = vendor(books)
    body = paying(seller, 10, part("Bill", bill(books, seller, 100), 10)) | change
    assert books.refused("billpayment", body)[:2] == (400, code)


def test_more_than_is_open_or_a_negative_part_or_another_vendors_bill_is_refused(books: Books) -> None:
    seller, other = vendor(books), vendor(books, "Other")
    made, foreign, used = bill(books, seller, 100), bill(books, other, 100), credit(books, seller, 30)
    assert books.refused("billpayment", paying(seller, 200, part("Bill", made, 101)))[1] == "6000"
    assert books.refused("billpayment", paying(seller, 200, part("Bill", made, -1)))[1] == "6000"
    assert books.refused("billpayment", paying(seller, 100, part("Bill", foreign, 10)))[1] == "620"
    too_much = paying(seller, 0, part("Bill", made, 20), part("VendorCredit", used, 30))
    assert books.refused("billpayment", too_much)[1] == "6000"
    assert books.again("Bill", made) == made


def test_a_payment_of_nothing_uses_a_vendor_credit_and_needs_no_bank_account(books: Books) -> None:
    seller = vendor(books)
    made, used = bill(books, seller, 100), credit(books, seller, 30)
    body = paying(seller, 0, part("Bill", made, 30), part("VendorCredit", used, 30))
    del body["CheckPayment"]
    payment = books.make("BillPayment", body)
    assert books.again("Bill", made)["Balance"] == 70
    after = books.again("VendorCredit", used)
    assert (after["Balance"], after["SyncToken"]) == (0, "1")
    assert after["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "BillPaymentCheck"}]
    assert books.again("Vendor", seller)["Balance"] == 70
    assert (balance(books, BANK), balance(books, PAYABLES)) == (0, -70)


def test_the_total_is_charges_less_credits_and_what_is_more_stays_with_the_vendor(books: Books) -> None:
    seller = vendor(books)
    made, used = bill(books, seller, 100), credit(books, seller, 30)
    parts = (part("Bill", made, 100), part("VendorCredit", used, 30))
    assert books.refused("billpayment", paying(seller, 69, *parts))[1] == "6000"
    books.make("BillPayment", paying(seller, 75, *parts))
    assert books.again("Bill", made)["Balance"] == 0
    assert books.again("Vendor", seller)["Balance"] == -5
    assert balance(books, BANK) == -75


def test_a_part_linked_to_a_purchase_vanishes_without_a_word(books: Books) -> None:
    seller = vendor(books)
    made, bought = bill(books, seller, 100), books.make("Purchase", spent(20))
    payment = books.make("BillPayment", paying(seller, 100, part("Bill", made, 100), part("Purchase", bought, 20)))
    assert payment["Line"] == [part("Bill", made, 100)]
    assert books.again("Purchase", bought) == bought


def test_sending_parts_again_replaces_them_all(books: Books) -> None:
    seller = vendor(books)
    first, second = bill(books, seller, 100), bill(books, seller, 50)
    payment = books.make("BillPayment", paying(seller, 100, part("Bill", first, 100)))
    changed = books.change("BillPayment", payment, Line=[part("Bill", second, 50)])
    assert changed["SyncToken"] == "1"
    assert (books.again("Bill", first)["Balance"], books.again("Bill", second)["Balance"]) == (100, 0)
    freed = books.change("BillPayment", changed, Line=[])
    assert freed["Line"] == []
    assert books.again("Bill", second)["Balance"] == 50
    assert books.again("Vendor", seller)["Balance"] == 50
    renamed = books.change("BillPayment", freed, PrivateNote="x")
    assert (renamed["PrivateNote"], renamed["TotalAmt"]) == ("x", 100)


def test_a_voided_bill_payment_opens_its_bill_again(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    payment = books.make("BillPayment", paying(seller, 100, part("Bill", made, 100), PrivateNote="March"))
    assert books.refused("billpayment", key(payment), operation="void") == (
        400,
        "500",
        "Operation void is not supported.",
    )
    voided = books.make("BillPayment", {**key(payment), "sparse": True}, operation="update", include="void")
    assert (voided["TotalAmt"], voided["Line"], voided["SyncToken"]) == (0, [], "1")
    assert voided["PrivateNote"].startswith("Voided")
    opened = books.again("Bill", made)
    assert (opened["Balance"], opened["SyncToken"]) == (100, "2")
    assert "LinkedTxn" not in opened
    assert (balance(books, BANK), books.again("Vendor", seller)["Balance"]) == (0, 100)


def test_a_deleted_bill_payment_opens_bill_and_credit_again(books: Books) -> None:
    seller = vendor(books)
    made, used = bill(books, seller, 100), credit(books, seller, 30)
    payment = books.make("BillPayment", paying(seller, 70, part("Bill", made, 100), part("VendorCredit", used, 30)))
    status, answer = books.post("billpayment", key(payment), operation="delete")
    assert (status, answer["BillPayment"]["status"]) == (200, "Deleted")
    assert (books.again("Bill", made)["Balance"], books.again("VendorCredit", used)["Balance"]) == (100, 30)
    assert books.again("Vendor", seller)["Balance"] == 70


def test_checks_share_one_space_of_numbers_whoever_writes_them(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    books.make("Purchase", spent(20, "Check", DocNumber="75"))
    body = paying(seller, 10, part("Bill", made, 10), DocNumber="75")
    assert books.refused("billpayment", body)[1] == "6140"
    books.make("BillPayment", {**body, "DocNumber": "76"})
    assert books.refused("purchase", spent(20, "Check", DocNumber="76"))[1] == "6140"
    assert books.make("Purchase", spent(20, "Cash", DocNumber="76"))["DocNumber"] == "76"
    assert books.make("BillPayment", body, include="allowduplicatedocnum")["DocNumber"] == "75"


def test_a_journal_entry_on_payables_is_paid_like_a_bill_and_used_like_a_credit(books: Books) -> None:
    seller = vendor(books)
    owed = journal(books, ("Debit", EXPENSE, 100, None), ("Credit", PAYABLES, 100, seller))
    back = journal(books, ("Debit", PAYABLES, 30, seller), ("Credit", INCOME, 30, None))
    assert books.again("Vendor", seller)["Balance"] == 70
    parts = (part("JournalEntry", owed, 100), part("JournalEntry", back, 30))
    assert books.refused("billpayment", paying(seller, 100, part("JournalEntry", owed, 101)))[1] == "6000"
    assert books.refused("billpayment", paying(seller, 69, *parts))[1] == "6000"
    books.make("BillPayment", paying(seller, 70, *parts))
    assert (books.again("Vendor", seller)["Balance"], balance(books, PAYABLES)) == (0, 0)
    twice = paying(seller, 10, part("JournalEntry", owed, 10))
    assert books.refused("billpayment", twice)[1] == "6000"


def test_a_journal_entry_that_is_removed_or_shrinks_leaves_its_payment_unapplied(books: Books) -> None:
    seller = vendor(books)
    sides = [("Debit", EXPENSE, 100, None), ("Credit", PAYABLES, 100, seller)]
    first, second = journal(books, *sides), journal(books, *sides)
    payment = books.make(
        "BillPayment", paying(seller, 200, part("JournalEntry", first, 100), part("JournalEntry", second, 100))
    )
    books.post("journalentry", key(first), operation="delete")
    assert books.again("BillPayment", payment)["Line"] == [part("JournalEntry", second, 100)]
    assert books.again("Vendor", seller)["Balance"] == -100
    smaller = [{**line, "Amount": 60} for line in second["Line"]]
    books.change("JournalEntry", second, Line=smaller)
    assert books.again("BillPayment", payment)["Line"] == []
    assert books.again("Vendor", seller)["Balance"] == 60 - 200
    assert balance(books, PAYABLES) == 140


def test_money_a_vendor_gave_back_is_set_against_its_credit(books: Books) -> None:
    seller = vendor(books)
    used = credit(books, seller, 30)
    detail = {"AccountRef": {"value": PAYABLES}, "Entity": {"value": seller["Id"], "type": "VENDOR"}}
    line = {"Amount": 30, "DetailType": "DepositLineDetail", "DepositLineDetail": detail}
    refund = books.make("Deposit", {"DepositToAccountRef": {"value": BANK}, "Line": [line]})
    assert books.again("Vendor", seller)["Balance"] == 0
    books.make("BillPayment", paying(seller, 0, part("Deposit", refund, 30), part("VendorCredit", used, 30)))
    assert books.again("VendorCredit", used)["Balance"] == 0
    assert (books.again("Vendor", seller)["Balance"], balance(books, PAYABLES)) == (0, 0)


def test_a_journal_entry_on_receivables_is_paid_by_its_customer(books: Books) -> None:
    customer = books.customer()
    party = {"Entity": {"Type": "Customer", "EntityRef": {"value": customer["Id"]}}}
    debit = {"PostingType": "Debit", "AccountRef": {"value": "31"}, **party}
    other = {"PostingType": "Credit", "AccountRef": {"value": INCOME}}
    lines = [
        {"Amount": 50, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": one} for one in (debit, other)
    ]
    entry = books.make("JournalEntry", {"Line": lines})
    stranger = books.customer("Stranger")
    body = {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": 50, "Line": [part("JournalEntry", entry, 50)]}
    assert books.refused("payment", {**body, "CustomerRef": {"value": stranger["Id"]}})[1] == "620"
    payment = books.make("Payment", body)
    assert payment["UnappliedAmt"] == 0
    assert books.again("Customer", customer)["Balance"] == 0
    books.post("journalentry", key(entry), operation="delete")
    assert books.again("Payment", payment)["UnappliedAmt"] == 50
    assert books.again("Customer", customer)["Balance"] == -50
