"""Hours: whose, for whom, how long."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import goods, key, vendor


def worker(books: Books) -> Body:
    return books.make("Employee", {"GivenName": "Ana", "FamilyName": "Cole"})


def hours(person: Body, **fields: Any) -> Body:
    """The body of two and a half hours."""
    return {"NameOf": "Employee", "EmployeeRef": {"value": person["Id"]}, "Hours": 2, "Minutes": 30, **fields}


def test_hours_are_stored_with_defaults_and_names_in_the_recorded_order(books: Books) -> None:
    customer, item = books.customer(), books.item("Hours")
    made = books.make(
        "TimeActivity",
        hours(
            worker(books),
            TxnDate="2026-03-04",
            CustomerRef={"value": customer["Id"]},
            ItemRef={"value": item["Id"]},
            Description="Planting",
        ),
    )
    assert made["EmployeeRef"]["name"] == "Ana Cole"
    assert made["ItemRef"] == {"value": item["Id"], "name": "Hours"}
    assert (made["BillableStatus"], made["Taxable"], made["HourlyRate"]) == ("NotBillable", False, 0)
    assert list(made) == [
        "TxnDate", "NameOf", "EmployeeRef", "CustomerRef", "ItemRef", "BillableStatus", "Taxable", "HourlyRate",
        "Hours", "Minutes", "Description", "domain", "sparse", "Id", "SyncToken", "MetaData",
    ]  # fmt: skip
    assert made["Id"] == "1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"NameOf": None}, "2020"),
        ({"NameOf": "Cat"}, "2170"),
        ({"EmployeeRef": None}, "6300"),
        ({"NameOf": "Vendor"}, "6300"),
        ({"VendorRef": {"value": "2"}}, "6290"),
        ({"Hours": None, "Minutes": None}, "2020"),
        ({"Hours": -1}, "2180"),
        ({"Minutes": 60}, "2180"),
        ({"StartTime": "2026-03-04T08:00:00-08:00", "EndTime": "2026-03-04T09:00:00-08:00"}, "6390"),
        ({"Hours": None, "Minutes": None, "StartTime": "2026-03-04T08:00:00-08:00"}, "2020"),
        ({"Hours": None, "Minutes": None, "StartTime": "eight", "EndTime": "nine"}, "2060"),
        ({"Hours": None, "Minutes": None, "StartTime": "2026-03-04T08:00", "EndTime": "2026-03-04T07:00"}, "6000"),
        ({"BillableStatus": "Billable"}, "6310"),
        ({"BillableStatus": "HasBeenBilled"}, "2170"),
        ({"HourlyRate": -5}, "2190"),
        ({"Description": "x" * 4001}, "2050"),
        ({"ItemRef": {"value": "99"}}, "2500"),
        ({"CustomerRef": {"value": "99"}}, "2500"),
    ],
)
def test_hours_that_break_a_rule_are_refused_with_their_code(books: Books, change: Body, code: str) -> None:
    body = hours(worker(books))
    vendor(books)
    assert books.refused("timeactivity", body | change)[:2] == (400, code)


def test_a_vendor_works_by_the_clock(books: Books) -> None:
    seller = vendor(books)
    body = {"NameOf": "Vendor", "VendorRef": {"value": seller["Id"]}, "TxnDate": "2026-03-04"}
    times = {"StartTime": "2026-03-04T08:00:00-08:00", "EndTime": "2026-03-04T17:00:00-08:00", "BreakHours": 1}
    made = books.make("TimeActivity", {**body, **times})
    assert {name: made[name] for name in times} == times
    assert "Hours" not in made
    summed = books.change("TimeActivity", made, Hours=7, Minutes=0)
    assert (summed["Hours"], summed["Minutes"]) == (7, 0)
    assert "StartTime" not in summed


def test_billable_time_takes_the_price_of_its_service(books: Books) -> None:
    customer, item = books.customer(), books.item("Labour", UnitPrice=45)
    billable = {
        "BillableStatus": "Billable",
        "CustomerRef": {"value": customer["Id"]},
        "ItemRef": {"value": item["Id"]},
    }
    person = worker(books)
    assert books.make("TimeActivity", hours(person, **billable))["HourlyRate"] == 45
    assert books.make("TimeActivity", hours(person, **billable, HourlyRate=50))["HourlyRate"] == 50
    books.change("Item", item, Active=False)
    assert books.refused("timeactivity", hours(person, **billable))[1] == "610"
    assert books.make("TimeActivity", hours(person, ItemRef={"value": goods(books)["Id"]}))["Hours"] == 2


def test_hours_are_deleted_for_good_without_a_trace_in_cdc(books: Books) -> None:
    made = books.make("TimeActivity", hours(worker(books)))
    changed = books.change("TimeActivity", made, Hours=3)
    assert (changed["Hours"], changed["Minutes"], changed["SyncToken"]) == (3, 30, "1")
    status, answer = books.post("timeactivity", key(changed), operation="delete")
    assert (status, answer["TimeActivity"]["status"]) == (200, "Deleted")
    assert books.get(f"timeactivity/{made['Id']}")[0] == 400
    status, answer = books.get("cdc", entities="TimeActivity", changedSince="2026-01-01")
    assert "Fault" in answer


def test_hours_are_found_by_day(books: Books) -> None:
    person = worker(books)
    made = books.make("TimeActivity", hours(person, TxnDate="2026-03-04"))
    books.make("TimeActivity", hours(person, TxnDate="2026-03-05"))
    assert books.query("select * from TimeActivity where TxnDate = '2026-03-04'")["TimeActivity"] == [made]
