"""The contractor voids or deletes an invoice that was paid in QuickBooks meanwhile: the money stays where it is."""

from __future__ import annotations

from typing import Any

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions
from qb_pipeline.sync import deciding
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.reading import hints
from qb_pipeline.sync.reading.hints import Hint
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY
from qb_pipeline_tests.end_to_end.test_credit_memos import World, applied_by_hand, office, sold, stack

__all__ = ["office", "stack"]  # the fixtures


def invoiced(office: World, *numbers: str) -> list[dict[str, Any]]:
    """Invoices of 100.00 that both systems have."""
    desk = office.contractor
    customer = desk.create("customers", {"name": "Ann Hale"})["id"]
    item = desk.create("items", {"name": "Roofing", "kind": "service", "unit_price": "100", "taxable": False})["id"]
    made = [sold(desk, "invoices", number, customer, item, status="sent") for number in numbers]
    office.sync()
    return made


def paid_there(office: World, invoice: dict[str, Any], reference: str) -> str:
    twin = office.quickbooks.get("Invoice", office.partner("invoice", Side.CONTRACTOR, invoice["id"]))
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": twin["Id"], "TxnType": "Invoice"}]}
    body = {"CustomerRef": twin["CustomerRef"], "TotalAmt": 100, "PaymentRefNum": reference, "Line": [line]}
    return str(office.quickbooks.create("Payment", body)["Id"])


def voided_though_paid(office: World) -> str:
    """An invoice of the contractor's that was voided there and paid in QuickBooks, unseen; the payment's id."""
    [invoice] = invoiced(office, "1")
    office.contractor.void("invoices", invoice["id"])
    return paid_there(office, invoice, "CHK")


def paid_here(office: World, invoice: dict[str, Any]) -> str:
    """The id of the contractor's payment, which both systems have."""
    share = [{"invoice_id": invoice["id"], "amount": "100.00"}]
    body = {"customer_id": invoice["customer_id"], "date": "2026-11-02", "amount": "100.00", "reference": "CHK"}
    payment = office.contractor.create("payments", {**body, "allocations": share})
    office.sync()
    return str(payment["id"])


def deposit(office: World, payment: str) -> str:
    """The id of the deposit."""
    made = office.quickbooks.sandbox.control("ui", {"act": "deposit", "payments": [payment]})
    return str(made["Deposit"]["Id"])


def totals(office: World) -> dict[str, tuple[float, float]]:
    """Total and open balance of each invoice in QuickBooks."""
    return {i["DocNumber"]: (i["TotalAmt"], i["Balance"]) for i in office.quickbooks.all("Invoice")}


def said(office: World, entity: str) -> dict[str, str]:
    return {p.code: p.cause for p in office.problems() if p.entity == entity}


def test_invoices_that_were_paid_in_quickbooks_meanwhile_stay_there_and_their_payments_are_named(office: World) -> None:
    first, second, third = invoiced(office, "1", "2", "3")
    office.contractor.void("invoices", first["id"])
    office.contractor.delete("invoices", second["id"])
    office.contractor.void("invoices", third["id"])
    deposit(office, paid_there(office, first, "CHK-1"))
    paid_there(office, second, "CHK-2")
    office.sync()
    assert totals(office) == {"1": (100, 0), "2": (100, 0), "3": (0, 0)}
    assert [p["UnappliedAmt"] for p in office.quickbooks.all("Payment")] == [0, 0]
    found = said(office, "invoice")
    assert found.keys() == {"frozen", "removed_but_edited"}
    assert "Payment CHK-1 (100.00) is applied to it, and" in found["frozen"]
    assert "deposit" in found["frozen"]
    assert "but Payment CHK-2 (100.00) is applied to it in QuickBooks." in found["removed_but_edited"]
    assert office.writes_of_a_sync() == []
    assert said(office, "invoice") == found


def test_a_deposit_made_later_takes_the_place_of_the_conflict_and_gives_it_back_when_it_is_gone(office: World) -> None:
    payment = voided_though_paid(office)
    office.sync()
    assert said(office, "invoice").keys() == {"removed_but_edited"}
    entry = deposit(office, payment)
    office.sync()
    assert said(office, "invoice").keys() == {"frozen"}
    office.quickbooks.delete("Deposit", entry)
    office.sync()
    assert said(office, "invoice").keys() == {"removed_but_edited"}
    assert totals(office) == {"1": (100, 0)}


def test_a_run_that_looks_at_the_contractors_invoice_alone_reads_the_payment_it_stumbles_upon(office: World) -> None:
    deposit(office, voided_though_paid(office))
    [invoice] = office.contractor.all("invoices")
    hint = Hint(Side.CONTRACTOR, "invoice", invoice["id"])
    with session(office.engine, office.settings, COMPANY, "test") as ctx:
        steps.sync(ctx, reading=lambda c: hints.read(c, [hint]))
    assert totals(office) == {"1": (100, 0)}
    assert "Payment CHK (100.00)" in said(office, "invoice")["frozen"]


def test_a_credit_memo_that_was_applied_in_quickbooks_meanwhile_holds_the_removal_too(office: World) -> None:
    [invoice] = invoiced(office, "1")
    line = invoice["lines"][0]
    memo = sold(office.contractor, "credit_memos", "2", invoice["customer_id"], line["item_id"])
    office.sync()
    office.contractor.void("invoices", invoice["id"])
    applied_by_hand(office, invoice["id"], memo["id"])
    office.sync()
    assert totals(office) == {"1": (100, 0)}
    assert "Credit memo 2 (100.00) is applied to it" in said(office, "invoice")["removed_but_edited"]
    assert office.writes_of_a_sync() == []


def test_the_invoice_goes_and_its_payment_arrives_unapplied_when_a_person_says_so(office: World) -> None:
    voided_though_paid(office)
    office.sync()
    with office.engine.begin() as conn:
        [conflict] = exceptions.listing(conn, COMPANY, codes=["removed_but_edited"])
        deciding.take(conn, COMPANY, conflict, Side.CONTRACTOR)
    office.sync()
    assert totals(office) == {"1": (0, 0)}
    [copied] = office.contractor.all("payments")
    assert (copied["reference"], copied["amount"], copied["allocations"]) == ("CHK", "100.00", [])
    assert (office.problems(), office.writes_of_a_sync()) == ([], [])


def test_an_invoice_removed_with_its_payment_at_the_contractors_goes_with_it_in_quickbooks(office: World) -> None:
    [invoice] = invoiced(office, "1")
    payment = paid_here(office, invoice)
    office.contractor.void("payments", payment)
    office.contractor.void("invoices", invoice["id"])
    office.sync()
    assert totals(office) == {"1": (0, 0)}
    assert [p["TotalAmt"] for p in office.quickbooks.all("Payment")] == [0]
    assert (office.problems(), office.writes_of_a_sync()) == ([], [])


def test_an_invoice_removed_with_a_payment_that_was_deposited_since_stays_with_it(office: World) -> None:
    [invoice] = invoiced(office, "1")
    payment = paid_here(office, invoice)
    office.contractor.void("payments", payment)
    office.contractor.void("invoices", invoice["id"])
    deposit(office, office.partner("payment", Side.CONTRACTOR, payment))
    office.sync()
    assert totals(office) == {"1": (100, 0)}
    assert {(p.entity, p.code) for p in office.problems()} == {("invoice", "frozen"), ("payment", "frozen")}
    assert office.writes_of_a_sync() == []
