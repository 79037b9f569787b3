"""An undo stops at what a bookkeeper has finished: deposits, closed books. One line says so, the rest is taken back,
also names, which QuickBooks lets nobody bear twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qb_pipeline_tests.end_to_end.cli_running import Instance
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.end_to_end.test_exceptions_commands import books, document, instance, named, office, servers

__all__ = ["books", "instance", "office", "servers"]  # the fixtures


def sold(office: ContractorDesk, payer: str, number: str, dated: str) -> dict[str, Any]:
    item = office.create("items", {"name": f"Labor {number}", "kind": "service", "unit_price": "80.00"})
    line = {"item_id": item["id"], "quantity": "1", "unit_price": "80.00", "taxable": False}
    body = {"number": number, "customer_id": payer, "issue_date": dated, "lines": [line], "status": "sent"}
    return office.create("invoices", body)


def paid(office: ContractorDesk, invoice: dict[str, Any], reference: str) -> dict[str, Any]:
    share = [{"invoice_id": invoice["id"], "amount": invoice["total"]}]
    body = {"customer_id": invoice["customer_id"], "date": invoice["issue_date"], "amount": invoice["total"]}
    return office.create("payments", {**body, "reference": reference, "allocations": share})


@pytest.fixture
def open_books(instance: Instance) -> Iterator[None]:
    yield
    instance.quickbooks.control("ui", {"act": "close_books"})


@pytest.mark.usefixtures("open_books")
def test_what_was_deposited_or_lies_in_closed_books_stays_and_the_rest_is_taken_back(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    payer = office.create("customers", {"name": "Deposited & Closed"})
    first = sold(office, payer["id"], "U-1", "2026-10-10")
    instance.sync()
    paid(office, first, "CHK-1")
    old = sold(office, payer["id"], "U-2", "2026-09-10")
    fresh = sold(office, payer["id"], "U-3", "2026-10-12")
    run = instance.sync()["run_id"]
    money = named(books.all("Payment"), "CHK-1", "PaymentRefNum")
    instance.quickbooks.control("ui", {"act": "deposit", "payments": [money["Id"]]})
    instance.quickbooks.control("ui", {"act": "close_books", "date": "2026-09-30"})
    before = instance.quickbooks.seen

    planned = document(instance, "undo", run, "--dry-run")
    assert instance.quickbooks.writes_since(before) == []
    done = document(instance, "undo", run)
    assert {(x["record"], x["why"]) for x in done["refused"]} == {(x["record"], x["why"]) for x in planned["refused"]}
    why = {x["record"]: x["why"] for x in done["refused"]}
    assert "deposit" in why.pop("Payment CHK-1")
    assert "closed through 2026-09-30" in why.pop(f"Invoice {old['number']}")
    assert f"Invoice {fresh['number']}" in {x["record"] for x in done["undone"]}

    kept = {i["DocNumber"]: i["TotalAmt"] for i in books.all("Invoice")}
    assert (kept["U-1"], kept["U-2"], kept["U-3"]) == (80, 80, 0)
    assert books.get("Payment", money["Id"])["TotalAmt"] == 80
    told = instance.prepare("undo", run, "--dry-run").out
    assert [line for line in told.splitlines() if "NOT Payment CHK-1" in line]


@pytest.mark.usefixtures("open_books")
def test_an_update_in_books_that_were_closed_since_is_not_put_back(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    payer = office.create("customers", {"name": "Closed Since", "notes": "old"})
    invoice = sold(office, payer["id"], "U-9", "2026-08-10")
    instance.sync()
    office.edit("invoices", invoice["id"], {"memo": "as agreed by phone"})
    office.edit("customers", payer["id"], {"notes": "new"})
    run = instance.sync()["run_id"]
    instance.quickbooks.control("ui", {"act": "close_books", "date": "2026-08-31"})
    done = document(instance, "undo", run)
    [refused] = done["refused"]
    assert (refused["record"], "closed through 2026-08-31" in refused["why"]) == ("Invoice U-9", True)
    assert [x["record"] for x in done["undone"]] == ["Customer Closed Since"]
    assert named(books.all("Invoice"), "U-9", "DocNumber")["CustomerMemo"] == {"value": "as agreed by phone"}
    assert named(books.all("Customer"), "Closed Since", "DisplayName")["Notes"] == "old"
    held = document(instance, "errors", "list", "--code", "undone")["errors"]
    assert "Invoice U-9" not in {e["record_label"] for e in held}


@pytest.mark.parametrize("planned", [False, True])
def test_an_invoice_that_was_paid_and_deposited_in_quickbooks_since_is_not_taken_back(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk, planned: bool
) -> None:
    """Whether a plan has shown the payment already, or nobody has read it yet."""
    payer = office.create("customers", {"name": f"Paid Since {planned}"})
    number = f"U-2{planned:d}"
    sold(office, payer["id"], number, "2026-10-10")
    run = instance.sync()["run_id"]
    twin = named(books.all("Invoice"), number, "DocNumber")
    line = {"Amount": 80, "LinkedTxn": [{"TxnId": twin["Id"], "TxnType": "Invoice"}]}
    money = books.create("Payment", {"CustomerRef": twin["CustomerRef"], "TotalAmt": 80, "Line": [line]})
    instance.quickbooks.control("ui", {"act": "deposit", "payments": [money["Id"]]})
    if planned:
        document(instance, "plan")
    done = document(instance, "undo", run)
    why = {x["record"]: x["why"] for x in done["refused"]}
    assert why[f"Invoice {number}"] == "1 payments refer to it"
    assert books.get("Invoice", twin["Id"])["TotalAmt"] == 80
    assert books.get("Payment", money["Id"])["UnappliedAmt"] == 0


def trade(books: QuickBooksDesk, name: str) -> None:
    """A customer, an item, an invoice and its payment, made by the bookkeeper."""
    payer = books.create("Customer", {"DisplayName": name})
    income = named(books.all("Account"), "Services", "Name")
    item = books.create(
        "Item", {"Name": f"{name} labor", "Type": "Service", "IncomeAccountRef": {"value": income["Id"]}}
    )
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": 1, "UnitPrice": 80}
    line = {"Amount": 80, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    ref = {"value": payer["Id"]}
    invoice = books.create("Invoice", {"CustomerRef": ref, "TxnDate": "2026-10-10", "Line": [line]})
    settles = {"Amount": 80, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    books.create("Payment", {"CustomerRef": ref, "TotalAmt": 80, "TxnDate": "2026-10-11", "Line": [settles]})


@pytest.mark.parametrize("side", ["contractor", "quickbooks"])
def test_an_invoice_and_its_payment_of_one_run_go_with_their_customer_as_the_dry_run_promised(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk, side: str
) -> None:
    name = f"All Of It {side}"
    instance.sync()
    if side == "contractor":
        payer = office.create("customers", {"name": name})
        paid(office, sold(office, payer["id"], "U-30", "2026-10-10"), "CHK-30")
    else:
        trade(books, name)
    run = instance.sync()["run_id"]
    planned = document(instance, "undo", run, "--dry-run")
    done = document(instance, "undo", run)
    assert (planned["refused"], done["refused"]) == ([], [])
    assert done["undone"] == planned["undone"]
    order = [x["entity"] for x in done["undone"] if x["removes"]]
    assert [e for e in order if e in ("payment", "invoice", "customer")] == ["payment", "invoice", "customer"]
    records = {x["record"] for x in done["undone"]}
    left = [e for e in document(instance, "errors", "list")["errors"] if e["record_label"] in records]
    assert {e["code"] for e in left} == {"undone"}
    assert instance.sync()["writes"] == 0
    still = [e for e in document(instance, "errors", "list")["errors"] if e["record_label"] in records]
    assert {e["id"]: e for e in still} == {e["id"]: e for e in left}, "what they rest on reads the same again"
    again = document(instance, "undo", run)
    assert (again["undone"], again["refused"]) == ([], [])
    assert len(again["undone_before"]) == len(done["undone"])


BODIES = {"customers": {"notes": "by phone"}, "items": {"kind": "service", "unit_price": "80.00"}}
OBJECTS = {"customers": ("Customer", "DisplayName"), "items": ("Item", "Name")}


def shown(books: QuickBooksDesk, collection: str, *ids: str) -> list[tuple[str, bool]]:
    """Name and activity of these records in QuickBooks."""
    kind, key = OBJECTS[collection]
    return [(found[key], found["Active"]) for found in (books.get(kind, i) for i in ids)]


def test_a_name_that_one_run_handed_on_goes_back_to_whom_it_was_taken_from(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    first = {c: office.create(c, {"name": "Handed On", **body})["id"] for c, body in BODIES.items()}
    instance.sync()
    former = {c: named(books.all(kind), "Handed On", key)["Id"] for c, (kind, key) in OBJECTS.items()}
    for collection, body in BODIES.items():
        office.edit(collection, first[collection], {"name": "Renamed"})
        office.create(collection, {"name": "Handed On", **body})
    run = instance.sync()["run_id"]
    made = {c: named(books.all(kind), "Handed On", key)["Id"] for c, (kind, key) in OBJECTS.items()}

    planned = document(instance, "undo", run, "--dry-run")
    done = document(instance, "undo", run)
    assert (done["undone"], done["refused"]) == (planned["undone"], [])
    for collection in BODIES:
        assert shown(books, collection, former[collection], made[collection]) == [
            ("Handed On", True), ("Handed On (deleted)", False),
        ]  # fmt: skip
    assert instance.sync()["writes"] == 0
