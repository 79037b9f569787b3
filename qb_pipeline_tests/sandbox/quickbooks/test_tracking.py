"""Classes and locations where the company's settings and plan have them, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line
from qb_pipeline_tests.sandbox.quickbooks.loaded import loaded, service


def track(books: Books, **values: bool) -> None:
    books.change("Preferences", books.read("Preferences", "1"), AccountingInfoPrefs=values)


def sent(books: Books, *, by_line: bool = False, by_form: bool = False, location: bool = False) -> Body:
    """An invoice with a class on its line, a class in its head, a location."""
    klass = {"value": books.make("Class", {"Name": "Lawn"})["Id"]}
    tracked: Body = {"ClassRef": klass} if by_line else {}
    sold = line(books.item(), 100, **tracked)
    body: Body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [sold]}
    if by_form:
        body["ClassRef"] = klass
    if location:
        body["DepartmentRef"] = {"value": books.make("Department", {"Name": "North"})["Id"]}
    return body


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"ClassTrackingPerTxnLine": True, "ClassTrackingPerTxn": False}, {"by_form"}),
        ({"ClassTrackingPerTxnLine": False, "ClassTrackingPerTxn": True}, {"by_line"}),
        ({"ClassTrackingPerTxnLine": False, "ClassTrackingPerTxn": False}, {"by_line", "by_form"}),
        ({"TrackDepartments": False}, {"location", "by_form"}),
        ({"TrackDepartments": True}, {"by_form"}),
    ],
)
def test_a_class_or_location_is_taken_only_where_it_is_tracked(
    books: Books, settings: dict[str, bool], refused: set[str]
) -> None:
    track(books, **settings)
    codes = {}
    for number, part in enumerate(("by_line", "by_form", "location")):
        body = sent_once(books, number, part)
        status, answer = books.post("invoice", body)
        codes[part] = None if status == 200 else answer["Fault"]["Error"][0]["code"]
    assert codes == {part: "5030" if part in refused else None for part in codes}


def sent_once(books: Books, number: int, part: str) -> Body:
    """As `sent`, with names that are not taken yet."""
    klass = {"value": books.make("Class", {"Name": f"Class {number}"})["Id"]}
    place = {"value": books.make("Department", {"Name": f"Place {number}"})["Id"]}
    tracked: Body = {"ClassRef": klass} if part == "by_line" else {}
    sold = line(books.item(f"Item {number}"), 100, **tracked)
    body: Body = {"CustomerRef": {"value": books.customer(f"Customer {number}")["Id"]}, "Line": [sold]}
    head = {"by_form": {"ClassRef": klass}, "location": {"DepartmentRef": place}}.get(part, {})
    return {**body, **head}


def test_a_class_that_stood_there_before_tracking_ended_may_stay(books: Books) -> None:
    made = books.make("Invoice", sent(books, by_line=True, location=True))
    track(books, ClassTrackingPerTxnLine=False, TrackDepartments=False)
    again = books.change("Invoice", made, Line=made["Line"], DepartmentRef=made["DepartmentRef"], PrivateNote="x")
    assert again["Line"][0]["SalesItemLineDetail"]["ClassRef"]["name"] == "Lawn"


def test_a_receipt_a_deposit_a_bill_and_a_journal_entry_follow_the_same_settings(books: Books) -> None:
    body = sent(books, by_line=True)
    track(books, ClassTrackingPerTxnLine=False)
    assert books.refused("salesreceipt", body)[:2] == (400, "5030")
    klass = body["Line"][0]["SalesItemLineDetail"]["ClassRef"]
    vendor = {"value": books.make("Vendor", {"DisplayName": "Hill Supply"})["Id"]}
    cost = {"AccountRef": {"value": "11"}, "ClassRef": klass}
    bought = {"Amount": 5, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": cost}
    assert books.refused("bill", {"VendorRef": vendor, "Line": [bought]})[1] == "5030"
    posted = {"AccountRef": {"value": "25"}, "PostingType": "Debit", "ClassRef": klass}
    entry = {"Amount": 5, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": posted}
    assert books.refused("journalentry", {"Line": [entry, entry]})[1] == "5030"
    own = {"Amount": 5, "DepositLineDetail": {"AccountRef": {"value": "24"}, "ClassRef": klass}}
    assert books.refused("deposit", {"DepositToAccountRef": {"value": "25"}, "Line": [own]})[1] == "5030"


def test_a_small_plan_knows_neither_classes_nor_locations(tmp_path: Path) -> None:
    sku = [{"Name": "OfferingSku", "Value": "QuickBooks Online Essentials"}]
    info = {"Id": "1", "CompanyName": "Small", "Country": "US", "NameValue": sku}
    klass = {"Id": "5", "Name": "Lawn", "FullyQualifiedName": "Lawn", "Active": True}
    with loaded(tmp_path, CompanyInfo=[info], Item=[service("1", "Labor")], Class=[klass]) as books:
        body = {"CustomerRef": {"value": books.customer()["Id"]}}
        sold = line({"Id": "1"}, 100, ClassRef={"value": "5"})
        assert books.refused("invoice", {**body, "Line": [sold]})[:2] == (400, "2010")
        assert books.make("Invoice", {**body, "Line": [line({"Id": "1"}, 100)]})["TotalAmt"] == 100
