"""What `errors list` prints when a record refers to something that QuickBooks lacks: whose, what, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.end_to_end.test_exceptions_commands import books, document, instance, named, office, servers

__all__ = ["books", "instance", "office", "servers"]  # the fixtures


def printed(instance: Instance) -> str:
    """The list as a person reads it, without the breaks of its lines."""
    return " ".join(instance.prepare("errors", "list").out.split())


def labor(office: ContractorDesk, name: str, **more: Any) -> dict[str, Any]:
    return office.create("items", {"name": name, "kind": "service", "unit_price": "80.00", **more})


def sold(office: ContractorDesk, number: str, payer: dict[str, Any], item: dict[str, Any], **more: Any) -> None:
    line = {"item_id": item["id"], "quantity": "1", "unit_price": "80.00", "taxable": False}
    body = {"number": number, "customer_id": payer["id"], "issue_date": "2026-10-10", "lines": [line], **more}
    office.create("invoices", body)


def rules(instance: Instance, text: str) -> None:
    (instance.home / "companies").mkdir(exist_ok=True)
    (instance.home / "companies" / f"{COMPANY}.yaml").write_text(text)


def test_an_invoice_whose_customer_quickbooks_lacks_says_so_and_linking_it_releases_the_invoice(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    rules(instance, "entities:\n  customer:\n    direction: to_contractor\n")
    customer = office.create("customers", {"name": "ABC Corp"})
    sold(office, "1234", customer, labor(office, "Roofing S"))
    instance.sync()
    assert (
        "Invoice 1234: customer ABC Corp does not exist in QuickBooks. Fix (accountant): Create it there, or link "
        f"it to an existing customer (qb-pipeline review link {customer['id']} B --entity customer, where B is its id "
        "there)." in printed(instance)
    )
    there = books.create("Customer", {"DisplayName": "Alphabet Trading"})
    instance.sync()
    [copy] = [c for c in office.all("customers", deleted=False) if c["name"] == "Alphabet Trading"]
    instance.prepare("review", "unlink", copy["id"], there["Id"], "--entity", "customer")
    instance.prepare("review", "link", customer["id"], there["Id"], "--entity", "customer")
    instance.sync()
    [invoice] = [i for i in books.all("Invoice") if i["DocNumber"] == "1234"]
    assert invoice["CustomerRef"]["value"] == there["Id"]
    assert "customer ABC Corp does not exist" not in printed(instance)


def test_what_is_inactive_refused_or_unmapped_is_named_with_its_fix(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    payer = office.create("customers", {"name": "Sentences Inc"})
    refused = office.create("customers", {"name": "DEF: Corp"})
    term = office.create("terms", {"name": "Net 45", "due_days": 45})
    item, gone = labor(office, "Siding S"), labor(office, "Gutters S")
    instance.sync()
    twin = named(books.all("Item"), "Gutters S", "Name")
    books.edit("Item", twin["Id"], {"Active": False})
    sold(office, "1301", refused, item)
    sold(office, "1302", payer, item, terms_id=term["id"])
    sold(office, "1303", payer, gone)
    account = office.create("accounts", {"name": "Roof income", "code": "4711", "kind": "income"})
    labor(office, "Chimneys S", income_account_id=account["id"])
    instance.sync()
    said = printed(instance)
    for sentence in (
        "Customer 'DEF: Corp' has a colon in its display name, which QuickBooks refuses in names. 1 record waits for "
        "it: Invoice 1301. Fix (office): Remove a colon from the display name.",
        "Invoice 1302: payment term Net 45 does not exist in QuickBooks. Fix (accountant): Create it there, or link it "
        f"to an existing payment term (qb-pipeline review link {term['id']} B --entity term, where B is its id "
        "there).",
        "Invoice 1303: item Gutters S is inactive in QuickBooks. Fix (accountant): Make item Gutters S active again "
        "there, or choose another one in Invoice 1303.",
        "Item Chimneys S: account Roof income does not exist in QuickBooks. Fix (accountant): Create it there, or "
        f"link it to an existing account (qb-pipeline review link {account['id']} B --entity account, where B is its "
        "id there).",
    ):
        assert sentence in said, said
    assert "customer DEF: Corp does not exist" not in said, "one cause, one entry"
    assert document(instance, "errors", "list", "--code", "inactive_reference")["errors"][0]["who"] == "accountant"


def test_what_waits_for_a_refused_customer_stays_named_whatever_a_partial_run_looks_at_and_is_released_by_one_fix(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    refused, item = office.create("customers", {"name": "Pier: Seven"}), labor(office, "Decking S")
    for number in ("1401", "1402"):
        sold(office, number, refused, item)
    waits = ["Invoice 1401", "Invoice 1402"]
    for words in ((), ("--entity", "item"), ("--entity", "customer"), ("--entity", "invoice")):
        instance.sync(*words)
        told = document(instance, "errors", "list", "--entity", "customer")
        [entry] = [e for e in told["errors"] if e["record_id"] == refused["id"]]
        assert (entry["code"], sorted(entry["blocks"])) == ("bad-name", waits), words
        [cause] = [c for c in told["causes"] if entry["id"] in c["ids"]]
        assert sorted(cause["blocks"]) == ["Customer Pier: Seven", *waits]
    waiting = document(instance, "errors", "list", "--waiting")["waiting"]
    assert {w["record"]: w["why"] for w in waiting if w["number"] == entry["id"]} == {
        "Customer Pier: Seven": entry["cause"],
        **dict.fromkeys(waits, "Waits for Customer Pier: Seven."),
    }
    shown = " ".join(instance.prepare("errors", "show", str(entry["id"])).out.split())
    assert "2 records wait for it: " in shown
    office.edit("customers", refused["id"], {"name": "Pier Seven"})
    instance.sync()
    assert {"1401", "1402"} <= {i.get("DocNumber") for i in books.all("Invoice")}
    assert "Pier" not in printed(instance)


@pytest.mark.parametrize("code", ["620", "6540", "5010", "610", "2500", "2020", "6000", "6430"])
def test_the_row_of_a_refusal_says_what_the_page_of_codes_says_and_is_released_as_that_says(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk, code: str
) -> None:
    own = f"qbo_{code}"
    names = {f"Zinc {code} Roofing", f"Opal {code} Masonry"}  # two, so that they travel in a batch
    for name in names:
        office.create("customers", {"name": name})
    rule = {"action": "batch_item", "code": int(code), "times": 40, "match": {}}
    instance.quickbooks.control("faults", [{**rule, "position": 0}, {**rule, "position": 1}])
    instance.prepare("sync", "--json")
    [page] = [c for c in document(instance, "errors", "codes")["codes"] if c["code"] == own]
    rows = document(instance, "errors", "list", "--code", own)["errors"]
    assert {row["record_label"] for row in rows} == {f"Customer {name}" for name in names}
    for row in rows:
        assert (row["state"], row["who"]) == ("open", page["who"]) == ("open", "accountant")
        assert row["fix"] == page["fix"].format(what="the value that QuickBooks names")
    requests.delete(f"{instance.quickbooks.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()
    instance.prepare("errors", "retry", "--code", own)
    instance.sync()
    assert names <= {c["DisplayName"] for c in books.all("Customer")}
    assert document(instance, "errors", "list", "--code", own)["errors"] == []


def test_a_customer_called_like_a_vendor_or_an_employee_is_told_to_be_renamed_and_then_goes_through(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    books.create("Vendor", {"DisplayName": "Bob Plumbing"})
    books.create("Employee", {"DisplayName": "Ann Bee", "GivenName": "Ann", "FamilyName": "Bee"})
    clashing = [office.create("customers", {"name": name}) for name in ("Bob Plumbing", "Ann Bee")]
    instance.sync()
    said = printed(instance)
    for name in ("Bob Plumbing", "Ann Bee"):
        assert (
            f"Customer {name}: a customer, vendor or employee has this name in QuickBooks already. Fix (accountant): "
            f"Rename one of the two, for example to '{name} (customer)' in the contractor's system. If you rename the "
            "one in QuickBooks, then run qb-pipeline errors retry --code qbo_6240." in said
        ), said
    assert "supplied already exists" not in said
    for one in clashing:
        office.edit("customers", one["id"], {"name": f"{one['name']} (customer)"})
    instance.sync()
    assert {"Bob Plumbing (customer)", "Ann Bee (customer)"} <= {c["DisplayName"] for c in books.all("Customer")}
    assert "has this name" not in printed(instance)
