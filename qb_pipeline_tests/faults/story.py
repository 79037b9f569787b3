"""A fixed story: an office that agrees on both sides, and a day's work on both sides that no sync has seen yet.

Invariant: the same calls in the same order every time; every kind of write the product knows is owed after it, in both
directions, among them more new customers than one batch holds.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, QuickBooksDesk, Raw, cents
from qb_pipeline_tests.end_to_end.test_killed_first_sync import differences, said
from qb_pipeline_tests.faults.stage import Stage, codes

NEW_CUSTOMERS = 32
_FIRST = ("Ada", "Ben", "Cleo", "Dirk", "Elsa", "Falk", "Gesa", "Hugo")
_LAST = ("Amberg", "Birkwood", "Corvane", "Dunmore", "Eskdale", "Farrow", "Grimsby", "Holt")


def settled_office(stage: Stage) -> None:
    """Names and documents that both sides hold, remembered as `settled`."""
    own, books = desks(stage.instance)
    house = [own.create("customers", _party(n)) for n in range(6)]
    own.create("jobs", {"name": "Kitchen", "number": "J-1", "customer_id": house[0]["id"]})
    own.create("divisions", {"name": "North", "active": True})
    items = [own.create("items", _item(n)) for n in range(3)]
    for n in range(8):
        _invoice(own, f"B-{n}", house[n % 6]["id"], items[n % 3]["id"], "2")
    stage.until_quiet()
    due = {i["number"]: i for i in own.all("invoices")}
    for n in range(3):
        _pay(own, due[f"B-{n}"], f"CHK {n}")
    _credit(own, "C-1", house[4]["id"], items[0]["id"])
    stage.until_quiet()
    assert codes(stage) == []
    assert len(books.all("Invoice")) == 8
    assert len(books.all("Payment")) == 3
    stage.remember("settled")


def days_work(stage: Stage) -> None:
    """Creations, edits, voids, deletions, payments, a credit memo and a deposit."""
    own, books = desks(stage.instance)
    _contractors_day(own)
    _bookkeepers_day(stage, books)


def desks(instance: Instance) -> tuple[ContractorDesk, QuickBooksDesk]:
    return ContractorDesk(instance.contractor), QuickBooksDesk(instance.quickbooks)


def _contractors_day(own: ContractorDesk) -> None:
    house = sorted(own.all("customers"), key=lambda c: c["name"])
    items = sorted(own.all("items"), key=lambda i: i["name"])
    due = {i["number"]: i for i in own.all("invoices")}
    paid = {p["reference"]: p for p in own.all("payments")}
    new = [own.create("customers", _party(10 + n)) for n in range(NEW_CUSTOMERS)]
    fresh = own.create("items", _item(7))
    own.create("jobs", {"name": "Porch", "number": "J-2", "customer_id": new[0]["id"]})
    for n, customer in enumerate((new[0], new[1], house[2])):
        _invoice(own, f"N-{n}", customer["id"], fresh["id"], "3")
    _credit(own, "C-2", house[5]["id"], items[1]["id"])
    _pay(own, due["B-3"], "CHK 3")
    own.edit("customers", house[0]["id"], {"phone": "302 555 0000"})
    own.edit("items", items[0]["id"], {"unit_price": "99.50"})
    line = {k: v for k, v in due["B-4"]["lines"][0].items() if k != "amount"}
    own.edit("invoices", due["B-4"]["id"], {"lines": [{**line, "quantity": "5"}]})
    own.edit("payments", paid["CHK 0"]["id"], {"memo": "brought by hand"})
    own.void("invoices", due["B-7"]["id"])


def _bookkeepers_day(stage: Stage, books: QuickBooksDesk) -> None:
    parties = {c["DisplayName"]: c["Id"] for c in books.all("Customer") if not c.get("Job")}
    item = min(books.all("Item"), key=lambda i: str(i["Name"]))["Id"]
    due = {i["DocNumber"]: i for i in books.all("Invoice")}
    paid = {p["PaymentRefNum"]: p for p in books.all("Payment")}
    parties["Walk-in"] = books.create("Customer", {"DisplayName": "Quentin Walker"})["Id"]
    books.create("Class", {"Name": "South"})
    detail = {"ItemRef": {"value": item}, "Qty": 2, "UnitPrice": Decimal("10.5"), "TaxCodeRef": {"value": "NON"}}
    line = {"DetailType": "SalesItemLineDetail", "Amount": 21, "SalesItemLineDetail": detail}
    body: Raw = {"CustomerRef": {"value": parties["Walk-in"]}, "TxnDate": "2026-10-05", "Line": [line]}
    books.create("Invoice", {**body, "DocNumber": "Q-1"})
    books.create("CreditMemo", {**body, "DocNumber": "QC-1"})
    _receive(books, due["B-5"])
    books.edit("Customer", parties[_party(1)["name"]], {"CompanyName": "Birkwood & Daughters"})
    books.edit("Invoice", due["B-0"]["Id"], {"CustomerMemo": {"value": "Thank you"}})
    books.delete("Payment", paid["CHK 1"]["Id"])
    books.void("Invoice", due["B-6"]["Id"])
    stage.instance.quickbooks.control("ui", {"act": "deposit", "payments": [paid["CHK 2"]["Id"]]})


def _party(n: int) -> Raw:
    name = f"{_FIRST[n % 8]} {_LAST[n // 8]}{chr(97 + n % 8)}"
    return {"name": name, "email": f"{name.replace(' ', '.').lower()}@example.com"}


def _item(n: int) -> Raw:
    work = ("Framing", "Roofing", "Plumbing", "Wiring", "Painting", "Tiling", "Glazing", "Paving")[n]
    return {"name": work, "kind": "service", "unit_price": f"{80 + n}.00", "taxable": False}


def _sold(number: str, customer: str, item: str, quantity: str) -> Raw:
    line = {"item_id": item, "description": "As agreed", "quantity": quantity, "unit_price": "80.00", "taxable": False}
    return {"number": number, "customer_id": customer, "issue_date": "2026-10-10", "lines": [line]}


def _invoice(own: ContractorDesk, number: str, customer: str, item: str, quantity: str) -> Raw:
    return own.create("invoices", {**_sold(number, customer, item, quantity), "status": "sent"})


def _credit(own: ContractorDesk, number: str, customer: str, item: str) -> Raw:
    return own.create("credit_memos", _sold(number, customer, item, "1"))


def _pay(own: ContractorDesk, invoice: Raw, reference: str) -> None:
    share = [{"invoice_id": invoice["id"], "amount": invoice["total"]}]
    own.create("payments", {
        "customer_id": invoice["customer_id"], "date": "2026-11-02", "amount": invoice["total"],
        "reference": reference, "allocations": share,
    })  # fmt: skip


def _receive(books: QuickBooksDesk, invoice: Raw) -> None:
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    books.create("Payment", {
        "CustomerRef": invoice["CustomerRef"], "TotalAmt": 100, "PaymentRefNum": "WIRE 1", "Line": [line],
        "TxnDate": "2026-11-03",
    })  # fmt: skip


# The outcome, in words.


def outcome(stage: Stage) -> dict[str, Any]:
    """What both sides hold, by content, and what stands open; ids play no part."""
    own, books = desks(stage.instance)
    return {
        **said(stage.instance),
        "credits": (_credits_here(own), _credits_there(books)),
        "balances": (
            Counter((i["number"], cents(i["balance"])) for i in own.all("invoices", deleted=False)),
            Counter((i["DocNumber"], cents(i["Balance"])) for i in books.all("Invoice")),
        ),
        "open": codes(stage),
    }


def _credits_here(own: ContractorDesk) -> Counter[Any]:
    named = {c["id"]: c["name"] for c in own.all("customers")}
    return Counter(
        (m["number"], named[m["customer_id"]], cents(m["total"]), cents(m["balance"]), m["deleted_at"] is None)
        for m in own.all("credit_memos")
    )


def _credits_there(books: QuickBooksDesk) -> Counter[Any]:
    found = books._call("GET", "query", query="select * from CreditMemo")["QueryResponse"].get("CreditMemo", [])
    return Counter(
        (m["DocNumber"], m["CustomerRef"]["name"], cents(m["TotalAmt"]), cents(m["RemainingCredit"])) for m in found
    )


def deviations(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Every way in which one outcome differs from the other, and whatever the judge calls wrong."""
    told = differences(found, expected)
    for what in ("credits", "balances", "open"):
        if found[what] != expected[what]:
            told.append(f"{what}: {found[what]} instead of {expected[what]}")
    return told
