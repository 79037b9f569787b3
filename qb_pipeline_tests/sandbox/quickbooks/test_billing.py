"""Invoices that bill estimates, hours and costs."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line


def link(kind: str, obj: Body) -> Body:
    return {"TxnId": obj["Id"], "TxnType": kind}


def estimate(books: Books, customer: Body, item: Body, *amounts: int, **fields: Any) -> Body:
    lines = [line(item, amount) for amount in amounts]
    return books.make("Estimate", {"CustomerRef": {"value": customer["Id"]}, "Line": lines, **fields})


def billing(customer: Body, source: Body, *parts: Body, kind: str = "Estimate") -> Body:
    """An invoice of lines that say where they come from."""
    lines = [{**part, "LinkedTxn": [link(kind, source)]} for part in parts]
    return {"CustomerRef": {"value": customer["Id"]}, "Line": lines}


def remove(books: Books, obj: Body, entity: str = "Invoice") -> None:
    current = books.again(entity, obj)
    body = {"Id": obj["Id"], "SyncToken": current["SyncToken"]}
    status, answer = books.post(entity.lower(), body, operation="delete")
    assert status == 200, answer


def progress(books: Books) -> None:
    books.ui(act="edit", entity="Preferences", id="1", fields={"SalesFormsPrefs": {"UsingProgressInvoicing": True}})


def test_an_invoice_made_from_an_estimate_closes_it_and_both_name_each_other(books: Books) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100, 50)
    invoice = books.make("Invoice", billing(customer, offered, line(item, 100), line(item, 50)))
    assert invoice["LinkedTxn"] == [link("Estimate", offered)]
    assert [part["LinkedTxn"] for part in invoice["Line"][:2]] == [[link("Estimate", offered)]] * 2
    closed = books.again("Estimate", offered)
    assert (closed["TxnStatus"], closed["LinkedTxn"]) == ("Closed", [link("Invoice", invoice)])
    # As recorded: billing moves the estimate's time, not its token.
    assert closed["SyncToken"] == offered["SyncToken"]


def test_a_link_in_the_head_alone_bills_the_estimate_too(books: Books) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100)
    books.invoice(customer, item, LinkedTxn=[link("Estimate", offered)])
    assert books.again("Estimate", offered)["TxnStatus"] == "Closed"


def test_with_progress_invoicing_an_estimate_closes_when_nothing_is_left_to_bill(books: Books) -> None:
    progress(books)
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100, 50, TxnStatus="Accepted")
    first = books.make("Invoice", billing(customer, offered, line(item, 60)))
    assert books.again("Estimate", offered)["TxnStatus"] == "Accepted"
    second = books.make("Invoice", billing(customer, offered, line(item, 90)))
    whole = books.again("Estimate", offered)
    assert (whole["TxnStatus"], len(whole["LinkedTxn"])) == ("Closed", 2)
    remove(books, second)
    again = books.again("Estimate", offered)
    assert (again["TxnStatus"], again["LinkedTxn"]) == ("Pending", [link("Invoice", first)])


def test_removing_or_voiding_the_invoice_opens_the_estimate_again(books: Books) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100)
    accepted = books.change("Estimate", offered, TxnStatus="Accepted", AcceptedBy="Ana")
    remove(books, books.make("Invoice", billing(customer, offered, line(item, 100))))
    opened = books.again("Estimate", offered)
    assert (opened["TxnStatus"], "LinkedTxn" in opened) == ("Accepted", False)
    invoice = books.make("Invoice", billing(customer, offered, line(item, 100)))
    voided = books.make("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, operation="void")
    assert (voided["LinkedTxn"], "LinkedTxn" in voided["Line"][0]) == ([], False)
    assert books.again("Estimate", offered)["TxnStatus"] == "Accepted"
    assert accepted["SyncToken"] == opened["SyncToken"]


def test_a_removed_estimate_is_unlinked_from_its_invoice(books: Books) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100)
    invoice = books.make("Invoice", billing(customer, offered, line(item, 100)))
    remove(books, offered, "Estimate")
    left = books.again("Invoice", invoice)
    assert left["LinkedTxn"] == []
    assert not left["Line"][0].get("LinkedTxn")


def test_links_survive_a_sparse_update_and_a_payment_and_go_with_their_line(books: Books) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100)
    invoice = books.make("Invoice", billing(customer, offered, line(item, 100)))
    payment = books.payment(customer, 30, (invoice, 30))
    current = books.again("Invoice", invoice)
    assert current["LinkedTxn"] == [link("Estimate", offered), link("Payment", payment)]
    noted = books.change("Invoice", current, PrivateNote="x")
    assert noted["LinkedTxn"] == current["LinkedTxn"]
    echoed = books.change("Invoice", noted, LinkedTxn=noted["LinkedTxn"], Line=noted["Line"])
    assert echoed["LinkedTxn"] == current["LinkedTxn"]
    bare = books.change("Invoice", echoed, Line=[line(item, 100)])
    assert bare["LinkedTxn"] == [link("Payment", payment)]
    assert books.again("Estimate", offered)["TxnStatus"] == "Pending"


@pytest.mark.parametrize("status", ["Rejected", "Closed"])
def test_an_estimate_that_is_over_cannot_be_billed(books: Books, status: str) -> None:
    customer, item = books.customer(), books.item()
    offered = estimate(books, customer, item, 100, TxnStatus=status)
    assert books.refused("invoice", billing(customer, offered, line(item, 100)))[:2] == (400, "620")


def test_only_the_customer_of_an_estimate_or_the_parent_it_is_billed_with_is_billed_for_it(books: Books) -> None:
    item, parent, stranger = books.item(), books.customer("Parent"), books.customer("Stranger")
    above = {"Job": True, "ParentRef": {"value": parent["Id"]}}
    own = books.customer("Own bill", **above)
    joint = books.customer("Joint bill", **above, BillWithParent=True)
    for customer, payer, code in ((own, stranger, "620"), (own, parent, "620"), (joint, stranger, "620")):
        offered = estimate(books, customer, item, 100)
        assert books.refused("invoice", billing(payer, offered, line(item, 100)))[:2] == (400, code)
    offered = estimate(books, joint, item, 100)
    books.make("Invoice", billing(parent, offered, line(item, 100)))
    assert books.again("Estimate", offered)["TxnStatus"] == "Closed"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"TxnId": "99", "TxnType": "Estimate"}, "2500"),
        ({"TxnId": "99", "TxnType": "TimeActivity"}, "2500"),
        ({"TxnId": "99", "TxnType": "Deposit"}, "620"),
    ],
)
def test_an_invoice_links_only_to_what_exists_and_can_be_billed(books: Books, sent: Body, code: str) -> None:
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [line(books.item())], "LinkedTxn": [sent]}
    assert books.refused("invoice", body)[:2] == (400, code)


def hours(books: Books, customer: Body, **fields: Any) -> Body:
    worker = books.make("Employee", {"GivenName": "Emily", "FamilyName": "Platt"})
    body = {
        "NameOf": "Employee",
        "EmployeeRef": {"value": worker["Id"]},
        "CustomerRef": {"value": customer["Id"]},
        "ItemRef": {"value": books.item("Hours")["Id"]},
        "BillableStatus": "Billable",
        "HourlyRate": 15,
        "Hours": 2,
        **fields,
    }
    return books.make("TimeActivity", body)


def test_billed_hours_say_so_until_the_invoice_or_its_line_is_gone(books: Books) -> None:
    customer, item = books.customer(), books.item()
    worked = hours(books, customer)
    body = billing(customer, worked, line(item, 30), kind="TimeActivity")
    invoice = books.make("Invoice", body)
    assert invoice["LinkedTxn"] == [link("TimeActivity", worked)]
    assert books.again("TimeActivity", worked)["BillableStatus"] == "HasBeenBilled"
    assert books.refused("invoice", body)[:2] == (400, "620")
    shorter = books.change("Invoice", invoice, Line=[line(item, 5)])
    assert shorter["LinkedTxn"] == []
    assert books.again("TimeActivity", worked)["BillableStatus"] == "Billable"
    again = books.make("Invoice", body)
    remove(books, again)
    assert books.again("TimeActivity", worked)["BillableStatus"] == "Billable"


def test_hours_that_are_not_billable_cannot_be_billed(books: Books) -> None:
    customer, item = books.customer(), books.item()
    worked = hours(books, customer, BillableStatus="NotBillable")
    body = billing(customer, worked, line(item, 30), kind="TimeActivity")
    assert books.refused("invoice", body)[:2] == (400, "620")


def billable_expense(books: Books, customer: Body) -> tuple[Body, Body]:
    """A billable cost and the charge QBO makes of it."""
    detail = {
        "AccountRef": {"value": "11"},
        "CustomerRef": {"value": customer["Id"]},
        "BillableStatus": "Billable",
    }
    cost = {"Amount": 40, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": detail}
    bought = books.make("Purchase", {"PaymentType": "Cash", "AccountRef": {"value": "25"}, "Line": [cost]})
    (charge,) = books.query("select * from ReimburseCharge")["ReimburseCharge"]
    return bought, charge


def status_of(books: Books, bought: Body) -> object:
    (cost,) = books.again("Purchase", bought)["Line"]
    return cost["AccountBasedExpenseLineDetail"]["BillableStatus"]


def test_a_billed_cost_says_so_on_its_charge_and_on_the_expense_until_the_invoice_is_gone(books: Books) -> None:
    customer, item = books.customer(), books.item()
    bought, charge = billable_expense(books, customer)
    invoice = books.invoice(customer, item, 40, LinkedTxn=[link("ReimburseCharge", charge)])
    passed_on = books.again("ReimburseCharge", charge)
    assert (passed_on["HasBeenInvoiced"], passed_on["LinkedTxn"]) == (True, [link("Invoice", invoice)])
    assert status_of(books, bought) == "HasBeenBilled"
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)]}
    assert books.refused("invoice", {**body, "LinkedTxn": [link("ReimburseCharge", charge)]})[1] == "620"
    remove(books, invoice)
    assert books.again("ReimburseCharge", charge)["HasBeenInvoiced"] is False
    assert status_of(books, bought) == "Billable"
