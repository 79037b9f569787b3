"""After any work on both sides, a sync brings agreement or says why not; and the work that once broke it.

Invariant: for every record the judge finds either the same words on both sides or an open entry that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, QuickBooksDesk, Raw, instance, is_write
from qb_pipeline_tests.end_to_end.harness_editor import Editor
from qb_pipeline_tests.end_to_end.harness_judge import Judge, copies

ACTS = 60


@pytest.fixture
def between(tmp_path: Path, database_url: str) -> Iterator[Instance]:
    """A connected company, synchronised once."""
    with instance(tmp_path, database_url) as made:
        made.connect()
        synced(made)
        yield made


def synced(made: Instance) -> int:
    """One sync that must succeed; the number of writes."""
    return int(made.sync()["writes"])


def settled(made: Instance) -> None:
    """One sync; another one right after it must send no write to either side, not even one that is refused."""
    synced(made)
    assert writes_of_one_more_sync(made) == []


def writes_of_one_more_sync(made: Instance) -> list[str]:
    boxes = (made.contractor, made.quickbooks)
    before = [box.requests_since(0)[1] for box in boxes]
    synced(made)
    logged = [r for box, number in zip(boxes, before, strict=True) for r in box.requests_since(number)[0]]
    return [f"{r['method']} {r['path']}" for r in logged if is_write(r)]


@pytest.mark.parametrize("seed", [12, 44])
def test_whatever_both_offices_do_ends_in_agreement_or_in_a_named_exception(between: Instance, seed: int) -> None:
    editor = Editor(between, seed)
    editor.settle_in()
    for _ in range(2):
        editor.work(ACTS)
        settled(between)
        judge = Judge(between)
        assert judge.judge().wrong == []
        assert copies(judge, editor.entered) == []
    assert sum(editor.done.values()) > ACTS


def _sold_on_both_sides(made: Instance) -> tuple[Raw, Raw, str]:
    """A customer and an item of the contractor's, and the item's id in QuickBooks."""
    desk = ContractorDesk(made.contractor)
    customer = desk.create("customers", {"name": "Ann Ashby", "email": "ann@example.com"})
    item = desk.create("items", {"name": "Labor", "unit_price": "85", "taxable": False})
    settled(made)
    return customer, item, str(QuickBooksDesk(made.quickbooks).all("Item")[0]["Id"])


def test_a_quickbooks_invoice_with_a_discount_of_nothing_reaches_the_contractor(between: Instance) -> None:
    _, _, item = _sold_on_both_sides(between)
    desk = QuickBooksDesk(between.quickbooks)
    detail = {"ItemRef": {"value": item}, "Qty": 0, "UnitPrice": 85, "TaxCodeRef": {"value": "NON"}}
    desk.create("Invoice", {
        "CustomerRef": {"value": desk.all("Customer")[0]["Id"]},
        "Line": [
            {"DetailType": "SalesItemLineDetail", "Amount": 0, "SalesItemLineDetail": detail},
            {"DetailType": "DiscountLineDetail", "Amount": Decimal(0), "DiscountLineDetail": {"PercentBased": False}},
        ],
    })  # fmt: skip
    settled(between)
    lines = ContractorDesk(between.contractor).all("invoices")[0]["lines"]
    assert [line["quantity"] for line in lines] == ["0"]
    assert Judge(between).judge().wrong == []


def test_a_price_emptied_by_the_contractor_becomes_the_zero_that_quickbooks_holds(between: Instance) -> None:
    _, item, _ = _sold_on_both_sides(between)
    desk = ContractorDesk(between.contractor)
    desk.edit("items", item["id"], {"unit_price": None})
    settled(between)
    assert Decimal(desk.get("items", item["id"])["unit_price"]) == 0
    assert Judge(between).judge().wrong == []
    assert between.rows("select code from exception where state <> 'resolved'") == []


def test_an_update_that_quickbooks_accepts_in_vain_is_said_once_and_not_written_by_every_run(between: Instance) -> None:
    """The customer of an invoice for a job is the job's in QuickBooks, whatever else is asked."""
    customer, item, _ = _sold_on_both_sides(between)
    desk = ContractorDesk(between.contractor)
    other = desk.create("customers", {"name": "Bob Birch", "email": "bob@example.com"})
    job = desk.create("jobs", {"name": "Kitchen", "customer_id": customer["id"]})
    line = {"item_id": item["id"], "quantity": "1", "unit_price": "85"}
    body = {
        "number": "1",
        "customer_id": customer["id"],
        "job_id": job["id"],
        "issue_date": "2026-10-10",
        "lines": [line],
    }
    invoice = desk.create("invoices", body)
    settled(between)
    desk.edit("invoices", invoice["id"], {"customer_id": other["id"]})
    settled(between)
    assert [r["code"] for r in between.rows("select code from exception where state <> 'resolved'")] == ["not_taken"]


def test_what_quickbooks_refused_is_not_sent_again_because_the_same_run_moved_its_customer(between: Instance) -> None:
    customer, item, _ = _sold_on_both_sides(between)
    desk = ContractorDesk(between.contractor)
    line = {"item_id": item["id"], "quantity": "1", "unit_price": "85"}
    body = {"customer_id": customer["id"], "issue_date": "2026-10-10", "lines": [line]}
    paid = desk.create("invoices", {**body, "number": "1"})
    settled(between)
    there = QuickBooksDesk(between.quickbooks)
    there.create("Payment", {
        "CustomerRef": there.all("Invoice")[0]["CustomerRef"], "TotalAmt": 85,
        "Line": [{"Amount": 85, "LinkedTxn": [{"TxnId": there.all("Invoice")[0]["Id"], "TxnType": "Invoice"}]}],
    })  # fmt: skip
    desk.edit("invoices", paid["id"], {"lines": [{**line, "unit_price": "10"}]})
    desk.create("invoices", {**body, "number": "2"})
    settled(between)
    codes = {r["code"] for r in between.rows("select code from exception where state <> 'resolved'")}
    assert "qbo_6000" in codes
    assert len(there.all("Invoice")) == 2


def test_an_invoice_without_a_number_is_named_by_date_and_total_where_it_waits(between: Instance) -> None:
    desk = ContractorDesk(between.contractor)
    customer = desk.create("customers", {"name": "Ann: Ashby"})
    item = desk.create("items", {"name": "Labor", "unit_price": "85", "taxable": False})
    line = {"item_id": item["id"], "quantity": "2", "unit_price": "85"}
    desk.create("invoices", {"customer_id": customer["id"], "issue_date": "2026-10-10", "lines": [line]})
    settled(between)
    blocked = [
        name for row in between.rows("select blocks from exception where state <> 'resolved'") for name in row["blocks"]
    ]
    assert blocked == ["Invoice of 2026-10-10 (170.00)"]
