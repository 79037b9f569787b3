"""python-quickbooks, unmodified but for its base address, buys and pays at the sandbox."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import requests
from intuitlib.client import AuthClient
from quickbooks import QuickBooks
from quickbooks.objects import (
    Bill,
    BillPayment,
    BillPaymentLine,
    CheckPayment,
    Customer,
    Employee,
    Item,
    Purchase,
    PurchaseOrder,
    Ref,
    TimeActivity,
    Vendor,
    VendorCredit,
)
from quickbooks.objects.creditcardpayment_entity import CreditCardPayment
from quickbooks.objects.detailline import (
    AccountBasedExpenseLine,
    AccountBasedExpenseLineDetail,
    ItemBasedExpenseLine,
    ItemBasedExpenseLineDetail,
)

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import BANK, CARD, EXPENSE, balance, goods, vendor


@pytest.fixture
def client(books: Books, server: Body, monkeypatch: pytest.MonkeyPatch) -> QuickBooks:
    """The library, pointed at the company of `books` with a token of its own."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    for environment in ("api_url_v3", "sandbox_api_url_v3"):
        monkeypatch.setattr(QuickBooks, environment, f"{books.base}/v3")
    pair = requests.post(f"{books.base}/_sandbox/token", json={"realm_id": books.realm}, timeout=20).json()
    auth = AuthClient(
        server["client_id"],
        server["client_secret"],
        "http://localhost:8000/callback",
        server["discovery_url"],
        access_token=pair["access_token"],
        refresh_token=pair["refresh_token"],
    )
    return QuickBooks(auth_client=auth, refresh_token=pair["refresh_token"], company_id=books.realm, minorversion=75)


def ref(identifier: str) -> Ref:
    made = Ref()
    made.value = identifier
    return made


def line(amount: object = 100) -> AccountBasedExpenseLine:
    made = AccountBasedExpenseLine()
    made.Amount = amount
    made.AccountBasedExpenseLineDetail = AccountBasedExpenseLineDetail()
    made.AccountBasedExpenseLineDetail.AccountRef = ref(EXPENSE)
    return made


def form(kind: Any, books: Books, *lines: Any) -> Any:
    """A bill, vendor credit or order of a new vendor."""
    made = kind()
    made.VendorRef = ref(vendor(books, f"{kind.__name__} vendor")["Id"])
    made.Line = list(lines or [line()])
    return made


@pytest.mark.parametrize("kind", [Bill, VendorCredit])
def test_what_is_owed_is_saved_read_changed_and_deleted(books: Books, client: QuickBooks, kind: Any) -> None:
    made = form(kind, books)
    made.save(qb=client)
    read = kind.get(made.Id, qb=client)
    assert (read.TotalAmt, read.Balance) == (100, 100)
    read.PrivateNote = "changed"
    read.save(qb=client)
    again = kind.get(made.Id, qb=client)
    assert (again.PrivateNote, again.SyncToken, again.Line[0].Id) == ("changed", "1", "1")
    again.delete(qb=client)
    assert kind.filter(Id=made.Id, qb=client) == []


def test_a_bill_is_paid_by_its_own_link_and_the_payment_voided(books: Books, client: QuickBooks) -> None:
    bill = form(Bill, books)
    bill.save(qb=client)
    payment = BillPayment()
    payment.PayType, payment.TotalAmt, payment.VendorRef = "Check", 100, bill.VendorRef
    payment.CheckPayment = CheckPayment()
    payment.CheckPayment.BankAccountRef = ref(BANK)
    part = BillPaymentLine()
    part.LinkedTxn.append(bill.to_linked_txn())
    part.Amount = 100
    payment.Line.append(part)
    payment.save(qb=client)
    assert Bill.get(bill.Id, qb=client).Balance == 0
    payment.void(qb=client)
    voided = BillPayment.get(payment.Id, qb=client)
    assert (voided.TotalAmt, "Voided" in voided.PrivateNote) == (0, True)
    assert Bill.get(bill.Id, qb=client).Balance == 100


def test_a_purchase_is_saved_with_the_librarys_defaults_and_deleted(books: Books, client: QuickBooks) -> None:
    made = Purchase()
    made.PaymentType, made.AccountRef, made.Line = "CreditCard", ref(CARD), [line(40)]
    made.save(qb=client)
    read = Purchase.get(made.Id, qb=client)
    assert (read.TotalAmt, read.Credit, balance(books, CARD)) == (40, False, -40)
    read.delete(qb=client)
    assert balance(books, CARD) == 0


def test_an_order_of_items_is_saved_and_found_by_its_number(books: Books, client: QuickBooks) -> None:
    item = Item.get(int(goods(books)["Id"]), qb=client)
    bought = ItemBasedExpenseLine()
    bought.Amount = 30
    bought.ItemBasedExpenseLineDetail = ItemBasedExpenseLineDetail()
    bought.ItemBasedExpenseLineDetail.ItemRef = item.to_ref()
    bought.ItemBasedExpenseLineDetail.Qty, bought.ItemBasedExpenseLineDetail.UnitPrice = 12, 2.5
    made = form(PurchaseOrder, books, bought)
    made.save(qb=client)
    (found,) = PurchaseOrder.filter(DocNumber="1001", qb=client)
    assert (found.Id, found.POStatus, found.TotalAmt) == (made.Id, "Open", 30)
    found.Memo = "soon"
    found.save(qb=client)
    assert PurchaseOrder.get(made.Id, qb=client).Memo == "soon"


def test_a_card_is_paid_off_under_the_name_of_its_address(books: Books, client: QuickBooks) -> None:
    made = CreditCardPayment()
    made.Amount, made.BankAccountRef, made.CreditCardAccountRef = 70, ref(BANK), ref(CARD)
    made.TxnDate = date(2026, 3, 4).isoformat()
    made.save(qb=client)
    assert CreditCardPayment.get(made.Id, qb=client).Amount == 70
    assert balance(books, CARD) == 70


def test_hours_are_saved_and_deleted(books: Books, client: QuickBooks) -> None:
    worker = Employee()
    worker.GivenName, worker.FamilyName = "Ana", "Cole"
    worker.save(qb=client)
    customer = Customer()
    customer.DisplayName = "Ridge Farm"
    customer.save(qb=client)
    made = TimeActivity()
    made.NameOf, made.EmployeeRef, made.CustomerRef = "Employee", worker.to_ref(), customer.to_ref()
    made.Hours, made.Minutes, made.TxnDate = 2, 30, date(2026, 3, 4).isoformat()
    made.save(qb=client)
    read = TimeActivity.get(made.Id, qb=client)
    assert (read.Hours, read.CustomerRef.name) == (2, "Ridge Farm")
    read.delete(qb=client)
    assert TimeActivity.all(qb=client) == []


def test_a_vendor_is_read_changed_and_made_inactive(books: Books, client: QuickBooks) -> None:
    made = Vendor()
    made.DisplayName, made.TaxIdentifier = "Hill Supply", "22-2222222"
    made.save(qb=client)
    read = Vendor.get(made.Id, qb=client)
    read.AcctNum, read.Active = "77", False
    read.save(qb=client)
    (gone,) = Vendor.where("Active = false", qb=client)
    assert (gone.DisplayName, gone.AcctNum, gone.TaxIdentifier) == ("Hill Supply (deleted)", "77", "XXXXXX2222")
