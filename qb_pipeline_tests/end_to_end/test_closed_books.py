"""Books that close and open again: one cause, whatever it holds back."""

from __future__ import annotations

from typing import Any

import requests

from qb_pipeline_tests.end_to_end.cli_running import Instance
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.end_to_end.test_exception_sentences import labor, sold
from qb_pipeline_tests.end_to_end.test_exceptions_commands import books, document, instance, named, office, servers

__all__ = ["books", "instance", "office", "servers"]  # the fixtures


def act(instance: Instance, name: str, **more: Any) -> dict[str, Any]:
    """What a person does in QuickBooks' browser."""
    address = f"{instance.quickbooks.info['base_url']}/_sandbox/ui"
    answer = requests.post(address, json={"act": name, **more}, timeout=10)
    answer.raise_for_status()
    return dict(answer.json())


def close(instance: Instance, through: str | None) -> None:
    """Set the closing date; None opens the books."""
    act(instance, "close_books", date=through)


def blocked(instance: Instance) -> list[tuple[str, list[str]]]:
    found = document(instance, "errors", "list")["errors"]
    return sorted((one["code"], sorted(one["blocks"])) for one in found)


def test_closed_books_are_one_exception_for_new_and_edited_documents_and_reopened_books_release_all(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    payer, item = office.create("customers", {"name": "Payer Closed"}), labor(office, "Gables")
    sold(office, "3001", payer, item)
    instance.sync()
    close(instance, "2026-10-31")
    own = named(office.all("invoices"), "3001", "number")
    office.edit("invoices", own["id"], {"memo": "changed after closing"})
    sold(office, "3002", payer, item)
    instance.sync()
    assert instance.sync()["writes"] == 0
    assert blocked(instance) == [("books_closed", ["Invoice 3001", "Invoice 3002"])]
    close(instance, None)
    instance.sync()
    assert blocked(instance) == []
    assert named(books.all("Invoice"), "3001", "DocNumber")["CustomerMemo"]["value"] == "changed after closing"
    assert named(books.all("Invoice"), "3002", "DocNumber")["CustomerRef"]["name"] == "Payer Closed"


def test_a_deposit_that_holds_a_payment_is_told_by_itself_until_only_the_closed_books_hold_it(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    payer, item = office.create("customers", {"name": "Payer Deposited"}), labor(office, "Dormers")
    sold(office, "3101", payer, item)
    bill = named(office.all("invoices"), "3101", "number")
    paid = {"amount": "80.00", "allocations": [{"invoice_id": bill["id"], "amount": "80.00"}]}
    own = office.create("payments", {"customer_id": payer["id"], "date": "2026-10-11", "reference": "77", **paid})
    instance.sync()
    [payment] = [p for p in books.all("Payment") if p.get("PaymentRefNum") == "77"]
    slip = act(instance, "deposit", payments=[payment["Id"]])["Deposit"]["Id"]
    close(instance, "2026-10-31")
    less = {"amount": "70.00", "allocations": [{"invoice_id": bill["id"], "amount": "70.00"}]}
    office.edit("payments", own["id"], less)
    office.edit("invoices", bill["id"], {"memo": "changed after closing"})
    instance.sync()
    assert blocked(instance) == [("books_closed", ["Invoice 3101"]), ("frozen", [])]
    close(instance, None)
    books.delete("Deposit", slip)
    close(instance, "2026-10-31")
    instance.sync()
    assert blocked(instance) == [("books_closed", ["Invoice 3101", "Payment 77"])]
    close(instance, None)
