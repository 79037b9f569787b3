"""A person merges two customers in QuickBooks; whether or not a webhook tells of it, everything follows."""

from __future__ import annotations

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, QuickBooksDesk, is_write


def invoice(desk: ContractorDesk, customer: str, number: str) -> str:
    [item] = desk.all("items") or [desk.create("items", {"name": "Labor", "kind": "labor", "unit_price": "80.00"})]
    line = {"item_id": item["id"], "quantity": "1", "unit_price": "80.00", "taxable": False}
    body = {
        "number": number, "customer_id": customer, "issue_date": "2026-03-02", "due_date": "2026-04-01",
        "lines": [line], "status": "sent",
    }  # fmt: skip
    return str(desk.create("invoices", body)["id"])


def test_after_a_merge_in_quickbooks_nothing_is_copied_back_and_new_work_goes_to_the_survivor(made: Instance) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    names = {n: str(own.create("customers", {"name": n})["id"]) for n in ("Hazel Roofing", "Birch Plumbing")}
    invoice(own, names["Hazel Roofing"], "M-1")
    invoice(own, names["Birch Plumbing"], "M-2")
    made.sync()
    there = {row["DisplayName"]: row["Id"] for row in books.all("Customer")}
    made.quickbooks.control(
        "ui",
        {"act": "merge", "entity": "Customer", "from": there["Hazel Roofing"], "into": there["Birch Plumbing"]},
    )
    _, seen = made.contractor.requests_since(0)
    assert made.sync()["writes"] == 0
    assert made.sync()["writes"] == 0
    assert [r for r in made.contractor.requests_since(seen)[0] if is_write(r)] == []
    invoice(own, names["Hazel Roofing"], "M-3")
    made.sync()
    payers = {row["DocNumber"]: row["CustomerRef"]["value"] for row in books.all("Invoice")}
    assert payers == dict.fromkeys(("M-1", "M-2", "M-3"), there["Birch Plumbing"])
    assert {row["customer_id"] for row in own.all("invoices")} == set(names.values())
    assert len(books.all("Customer")) == 1
    open_codes = {row["code"] for row in made.rows("select code from exception where state <> 'resolved'")}
    assert open_codes == {"merged_on_one_side"}


def test_a_material_whose_twin_was_merged_into_a_service_is_told_to_differ_until_both_say_the_same(
    made: Instance,
) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    sold = own.create("items", {"name": "Shingle", "kind": "material", "unit_price": "80.00"})
    invoice(own, str(own.create("customers", {"name": "Hazel Roofing"})["id"]), "M-1")
    made.sync()
    [twin] = books.all("Item")
    service = books.create("Item", {"Name": "Roofing", "Type": "Service", "IncomeAccountRef": twin["IncomeAccountRef"]})
    made.quickbooks.control("ui", {"act": "merge", "entity": "Item", "from": twin["Id"], "into": service["Id"]})
    made.sync()
    [link] = made.rows("select contractor_id, quickbooks_id from link where entity = 'item'")
    assert link == {"contractor_id": sold["id"], "quickbooks_id": service["Id"]}
    [told] = made.rows("select * from exception where state <> 'resolved'")
    assert (told["code"], told["record_id"]) == ("fixed_at_creation", service["Id"])
    assert told["cause"] == (
        "Item Roofing: the contractor's system says 'goods', QuickBooks says 'service'. Both said the same before, and "
        "service or goods is only chosen when an item is made, so neither is copied."
    )
    assert made.sync()["writes"] == 0
    own.edit("items", sold["id"], {"kind": "service"})
    assert made.sync()["writes"] == 0
    assert made.rows("select * from exception where state <> 'resolved'") == []
