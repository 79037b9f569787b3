"""A job goes to another customer in QuickBooks, which tells of the job alone: its documents follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk, Raw
from qb_pipeline_tests.faults.indoors import IndoorStage, indoor_stage


@pytest.fixture
def office(tmp_path: Path, template_url: str) -> Iterator[IndoorStage]:
    """Two customers, a job of the first with an invoice, all of it older than any overlap."""
    with indoor_stage(tmp_path / "stage", template_url, "moved_jobs") as on:
        own = ContractorDesk(on.instance.contractor)
        house, _ = (own.create("customers", {"name": name})["id"] for name in ("House", "Barn"))
        job = own.create("jobs", {"name": "Roof", "number": "J-1", "customer_id": house})["id"]
        item = own.create("items", {"name": "Tiles", "kind": "service", "unit_price": "40.00", "taxable": False})["id"]
        line = {"item_id": item, "description": "Tiles", "quantity": "2", "unit_price": "40.00", "taxable": False}
        own.create("invoices", {
            "number": "R-1", "customer_id": house, "job_id": job, "issue_date": "2026-10-10", "lines": [line],
            "status": "sent",
        })  # fmt: skip
        on.until_quiet()
        assert on.instance.rows("select code from exception") == []
        on.let_age()
        yield on


def names(own: ContractorDesk, collection: str) -> list[str]:
    """To whom the records of a collection belong."""
    called = {c["id"]: c["name"] for c in own.all("customers")}
    return [called[row["customer_id"]] for row in own.all(collection)]


def in_books(books: QuickBooksDesk, name: str) -> Raw:
    return next(c for c in books.all("Customer") if c["DisplayName"].startswith(name))


def test_the_invoices_of_a_moved_job_follow_it(office: IndoorStage) -> None:
    own, books = ContractorDesk(office.instance.contractor), QuickBooksDesk(office.instance.quickbooks)
    assert names(own, "jobs") + names(own, "invoices") == ["House", "House"]
    books.edit("Customer", in_books(books, "Roof")["Id"], {"ParentRef": {"value": in_books(books, "Barn")["Id"]}})
    office.until_quiet()
    assert names(own, "jobs") + names(own, "invoices") == ["Barn", "Barn"]
    assert office.instance.rows("select code, cause from exception where state <> 'resolved'") == []


def test_a_merged_customers_job_keeps_its_invoices_in_agreement(office: IndoorStage) -> None:
    own, books = ContractorDesk(office.instance.contractor), QuickBooksDesk(office.instance.quickbooks)
    act = {"act": "merge", "entity": "Customer", "from": in_books(books, "House")["Id"],
           "into": in_books(books, "Barn")["Id"]}  # fmt: skip
    office.instance.quickbooks.control("ui", act)
    office.until_quiet()
    found = office.instance.rows("select code from exception where state <> 'resolved'")
    assert [row["code"] for row in found] == ["merged_on_one_side"], "the survivor was found out by what points to it"
    assert names(own, "jobs") == names(own, "invoices")


def test_a_customer_put_below_another_one_is_asked_about_and_no_edit_of_it_is_lost_in_silence(
    office: IndoorStage,
) -> None:
    own, books = ContractorDesk(office.instance.contractor), QuickBooksDesk(office.instance.quickbooks)
    house, barn = in_books(books, "House")["Id"], in_books(books, "Barn")["Id"]
    books.edit("Customer", house, {"Job": True, "ParentRef": {"value": barn}})
    office.until_quiet()
    assert codes(office) == ["name_gone"]
    assert {row["name"] for row in own.all("jobs")} == {"Roof", "House"}
    former = next(c["id"] for c in own.all("customers") if c["name"] == "House")
    own.edit("customers", former, {"phone": "302 555 0101"})
    office.until_quiet()
    assert codes(office) == ["removed_but_edited"], "one question at a time"
    own.edit("customers", former, {"active": False})
    assert [len(run.writes) for run in office.until_quiet()] == [0]
    assert codes(office) == []


def codes(office: IndoorStage) -> list[str]:
    return [row["code"] for row in office.instance.rows("select code from exception where state <> 'resolved'")]
