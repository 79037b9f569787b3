"""Whole pieces of work through python-quickbooks: what one write does to the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects.account import Account
from quickbooks.objects.bill import Bill
from quickbooks.objects.billpayment import BillPayment
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.deposit import Deposit
from quickbooks.objects.estimate import Estimate
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.journalentry import JournalEntry
from quickbooks.objects.payment import Payment
from quickbooks.objects.purchaseorder import PurchaseOrder
from quickbooks.objects.timeactivity import TimeActivity
from quickbooks.objects.vendor import Vendor

from qb_pipeline_tests.sandbox.clients.bodies import BODIES, Sample, bought, fresh, sold, spent
from qb_pipeline_tests.sandbox.quickbooks.books import Body


def saved(kind: Any, body: Body, qb: Any) -> Any:
    """A new object, read back."""
    obj = kind.from_json(body)
    obj.save(qb=qb)
    return kind.get(obj.Id, qb=qb)


def again(obj: Any, qb: Any) -> Any:
    """The object as it is now."""
    return type(obj).get(obj.Id, qb=qb)


@pytest.fixture
def customer(qb: Any) -> Any:
    return saved(Customer, {"DisplayName": fresh("Work for")}, qb)


@pytest.fixture
def vendor(qb: Any) -> Any:
    return saved(Vendor, {"DisplayName": fresh("Work by")}, qb)


def invoiced(customer: Any, names: Sample, qb: Any, amount: int = 120, **more: Any) -> Any:
    body = {"CustomerRef": {"value": customer.Id}, "Line": sold(names, amount), **more}
    return saved(Invoice, body, qb)


def paid(customer: Any, amount: int, qb: Any, *applied: tuple[Any, int]) -> Any:
    lines = [{"Amount": part, "LinkedTxn": [vars(doc.to_linked_txn())]} for doc, part in applied]
    return saved(Payment, {"CustomerRef": {"value": customer.Id}, "TotalAmt": amount, "Line": lines}, qb)


def links(obj: Any) -> set[tuple[str, str]]:
    return {(link.TxnType, link.TxnId) for link in obj.LinkedTxn}


def test_a_payment_lowers_the_balance_and_a_void_brings_it_back(customer: Any, names: Sample, qb: Any) -> None:
    invoice = invoiced(customer, names, qb)
    payment = paid(customer, 100, qb, (invoice, 70))
    assert (again(invoice, qb).Balance, payment.UnappliedAmt) == (50, 30)
    assert links(again(invoice, qb)) == {("Payment", payment.Id)}
    assert again(customer, qb).Balance == 20
    payment.void(qb=qb)
    assert (again(invoice, qb).Balance, again(customer, qb).Balance) == (120, 120)


def test_a_payment_without_lines_frees_what_it_had_paid(customer: Any, names: Sample, qb: Any) -> None:
    invoice = invoiced(customer, names, qb)
    payment = paid(customer, 120, qb, (invoice, 120))
    payment.Line = []
    payment.save(qb=qb)
    assert (again(invoice, qb).Balance, again(payment, qb).UnappliedAmt) == (120, 120)


def test_more_than_an_invoice_owes_cannot_be_applied(customer: Any, names: Sample, qb: Any) -> None:
    with pytest.raises(QuickbooksException) as refused:
        paid(customer, 500, qb, (invoiced(customer, names, qb), 500))
    assert refused.value.error_code == 6000


def test_a_credit_memo_settles_an_invoice_by_a_payment_of_nothing(customer: Any, names: Sample, qb: Any) -> None:
    invoice = invoiced(customer, names, qb)
    memo = saved(CreditMemo, {"CustomerRef": {"value": customer.Id}, "Line": sold(names, 40)}, qb)
    assert again(customer, qb).Balance == 80
    lines = [
        {"Amount": 40, "LinkedTxn": [{"TxnId": invoice.Id, "TxnType": "Invoice"}]},
        {"Amount": 40, "LinkedTxn": [{"TxnId": memo.Id, "TxnType": "CreditMemo"}]},
    ]
    saved(Payment, {"CustomerRef": {"value": customer.Id}, "TotalAmt": 0, "Line": lines}, qb)
    assert (again(invoice, qb).Balance, again(memo, qb).RemainingCredit) == (80, 0)
    assert again(customer, qb).Balance == 80


def test_a_deposited_payment_is_frozen_until_the_deposit_goes(customer: Any, names: Sample, qb: Any) -> None:
    payment = paid(customer, 60, qb)
    body = {
        "DepositToAccountRef": names.ref("Account", "Checking"),
        "Line": [{"Amount": 60, "LinkedTxn": [{"TxnId": payment.Id, "TxnType": "Payment", "TxnLineId": "0"}]}],
    }
    deposit = saved(Deposit, body, qb)
    deposited = qb.get_single_object("Payment", payment.Id)["Payment"]
    assert {link["TxnType"] for link in deposited["LinkedTxn"]} == {"Deposit"}
    frozen = again(payment, qb)
    for act in (frozen.delete, frozen.void):
        with pytest.raises(QuickbooksException) as refused:
            act(qb=qb)
        assert refused.value.error_code == 6540
    deposit.delete(qb=qb)
    again(payment, qb).delete(qb=qb)


def test_a_discount_comes_off_before_the_tax(customer: Any, names: Sample, qb: Any) -> None:
    line = sold(names, 100)[0]
    line["SalesItemLineDetail"]["TaxCodeRef"] = {"value": "TAX"}
    discount = {
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10,
                               "DiscountAccountRef": names.ref("Account", "Discounts given")},
    }  # fmt: skip
    taxed = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}, "ApplyTaxAfterDiscount": True}
    body = {"CustomerRef": {"value": customer.Id}, "Line": [line, discount], **taxed}
    # The library's own class would send TotalTax 0, which is honoured as an override.
    made = qb.create_object("Invoice", json.dumps(body))["Invoice"]
    invoice = Invoice.get(made["Id"], qb=qb)
    kinds = [one.DetailType for one in invoice.Line]
    assert kinds == ["SalesItemLineDetail", "SubTotalLineDetail", "DiscountLineDetail"]
    assert (invoice.Line[2].Amount, invoice.TxnTaxDetail.TotalTax, invoice.TotalAmt) == (10, 7.2, 97.2)


def test_a_bundle_is_sold_as_its_parts(customer: Any, names: Sample, qb: Any) -> None:
    group = {"GroupItemRef": names.ref("Item", "Deck starter kit"), "Quantity": 1}
    line = {"DetailType": "GroupLineDetail", "GroupLineDetail": group}
    invoice = qb.get_single_object("Invoice", invoiced(customer, names, qb, Line=[line]).Id)["Invoice"]
    parts = invoice["Line"][0]["GroupLineDetail"]["Line"]
    assert [part["SalesItemLineDetail"]["Qty"] for part in parts] == [40, 6, 16]
    assert invoice["TotalAmt"] == sum(part["Amount"] for part in parts)


def test_stock_goes_down_when_it_is_sold_and_up_when_it_is_bought(
    customer: Any, vendor: Any, names: Sample, qb: Any
) -> None:
    board = Item.get(names.ref("Item", "Deck board")["value"], qb=qb)
    detail = {"ItemRef": {"value": board.Id}, "Qty": 3, "UnitPrice": 28}
    line = {"DetailType": "SalesItemLineDetail", "Amount": 84, "SalesItemLineDetail": detail}
    invoice = invoiced(customer, names, qb, Line=[line])
    assert again(board, qb).QtyOnHand == board.QtyOnHand - 3
    saved(Bill, {"VendorRef": {"value": vendor.Id}, "Line": bought(names)}, qb)
    assert again(board, qb).QtyOnHand == board.QtyOnHand + 2
    invoice.delete(qb=qb)
    assert again(board, qb).QtyOnHand == board.QtyOnHand + 5


def test_an_estimate_is_closed_by_the_invoice_that_bills_it(customer: Any, names: Sample, qb: Any) -> None:
    estimate = saved(Estimate, {"CustomerRef": {"value": customer.Id}, "Line": sold(names)}, qb)
    assert estimate.TxnStatus == "Pending"
    link = [{"TxnId": estimate.Id, "TxnType": "Estimate"}]
    invoice = invoiced(customer, names, qb, LinkedTxn=link)
    assert ("Estimate", estimate.Id) in links(invoice)
    assert again(estimate, qb).TxnStatus == "Closed"
    assert links(again(estimate, qb)) == {("Invoice", invoice.Id)}


def test_a_bill_is_paid_and_open_again_after_the_void(vendor: Any, names: Sample, qb: Any) -> None:
    bill = saved(Bill, {"VendorRef": {"value": vendor.Id}, "Line": spent(names, 90)}, qb)
    body = {
        "VendorRef": {"value": vendor.Id},
        "PayType": "Check",
        "TotalAmt": 90,
        "CheckPayment": {"BankAccountRef": names.ref("Account", "Checking")},
        "Line": [{"Amount": 90, "LinkedTxn": [{"TxnId": bill.Id, "TxnType": "Bill"}]}],
    }
    payment = saved(BillPayment, body, qb)
    assert (again(bill, qb).Balance, again(vendor, qb).Balance) == (0, 0)
    assert links(again(bill, qb)) == {("BillPaymentCheck", payment.Id)}
    payment.void(qb=qb)
    assert (again(bill, qb).Balance, again(vendor, qb).Balance) == (90, 90)


def test_an_order_is_closed_by_the_bill_that_delivers_it(vendor: Any, names: Sample, qb: Any) -> None:
    body = {"VendorRef": {"value": vendor.Id}, "Line": bought(names)}
    payable = {"APAccountRef": names.ref("Account", "Accounts Payable (A/P)")}
    order = saved(PurchaseOrder, {**body, **payable}, qb)
    bill = saved(Bill, {**body, "LinkedTxn": [{"TxnId": order.Id, "TxnType": "PurchaseOrder"}]}, qb)
    assert again(order, qb).POStatus == "Closed"
    bill.delete(qb=qb)
    assert again(order, qb).POStatus == "Open"


def test_billed_hours_say_so(customer: Any, names: Sample, qb: Any) -> None:
    hours = {
        **BODIES["TimeActivity"](names),
        "CustomerRef": {"value": customer.Id},
        "ItemRef": names.ref("Item", "Hours"),
        "BillableStatus": "Billable",
        "HourlyRate": 60,
    }
    activity = saved(TimeActivity, hours, qb)
    detail = {"ItemRef": names.ref("Item", "Hours"), "Qty": 2.5, "UnitPrice": 60}
    line = {
        "DetailType": "SalesItemLineDetail",
        "Amount": 150,
        "SalesItemLineDetail": detail,
        "LinkedTxn": [{"TxnId": activity.Id, "TxnType": "TimeActivity"}],
    }
    invoice = invoiced(customer, names, qb, Line=[line])
    assert again(activity, qb).BillableStatus == "HasBeenBilled"
    invoice.delete(qb=qb)
    assert again(activity, qb).BillableStatus == "Billable"


def test_a_journal_entry_must_balance_and_moves_its_accounts(names: Sample, qb: Any) -> None:
    body = BODIES["JournalEntry"](names)
    body["Line"][0]["Amount"] = 61
    with pytest.raises(QuickbooksException) as refused:
        saved(JournalEntry, body, qb)
    assert refused.value.error_code == 2300
    checking = Account.get(names.ref("Account", "Checking")["value"], qb=qb)
    entry = saved(JournalEntry, BODIES["JournalEntry"](names), qb)
    assert again(checking, qb).CurrentBalance == pytest.approx(checking.CurrentBalance - 60)
    entry.delete(qb=qb)
    assert again(checking, qb).CurrentBalance == pytest.approx(checking.CurrentBalance)


def test_a_customer_who_owes_cannot_be_made_inactive(customer: Any, names: Sample, qb: Any) -> None:
    invoiced(customer, names, qb)
    owing = again(customer, qb)
    owing.Active = False
    with pytest.raises(QuickbooksException) as refused:
        owing.save(qb=qb)
    assert refused.value.error_code == 6220


def test_a_new_name_shows_in_every_reference(customer: Any, names: Sample, qb: Any) -> None:
    invoice, renamed = invoiced(customer, names, qb), again(customer, qb)
    renamed.DisplayName = fresh("Renamed")
    renamed.save(qb=qb)
    assert again(invoice, qb).CustomerRef.name == renamed.DisplayName


def test_a_deleted_invoice_leaves_its_payment_unapplied(customer: Any, names: Sample, qb: Any) -> None:
    invoice = invoiced(customer, names, qb)
    payment = paid(customer, 120, qb, (invoice, 120))
    again(invoice, qb).delete(qb=qb)
    left = again(payment, qb)
    assert (left.UnappliedAmt, left.Line) == (120, [])
    assert again(customer, qb).Balance == -120
