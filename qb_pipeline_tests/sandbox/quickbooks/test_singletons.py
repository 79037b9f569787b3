"""CompanyInfo and Preferences: one of each, never made, never removed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running


def company(books: Books) -> Body:
    status, answer = books.get(f"companyinfo/{books.realm}")
    assert status == 200, answer
    found: Body = answer["CompanyInfo"]
    return found


def test_the_company_is_read_under_its_realm_its_id_and_by_query(books: Books) -> None:
    found = company(books)
    assert (found["Id"], found["domain"], found["sparse"]) == ("1", "QBO", False)
    assert books.read("CompanyInfo", "1") == found
    assert books.query("select * from CompanyInfo")["CompanyInfo"] == [found]
    assert books.get("companyinfo/999")[1]["Fault"]["Error"][0]["code"] == "610"


def test_a_sparse_update_changes_what_is_sent_and_an_address_keeps_its_id(books: Books) -> None:
    before = company(books)
    address = {"Line1": "2 Quarry Road", "City": "Davis"}
    changed = books.change("CompanyInfo", before, CompanyAddr=address, Email={"Address": "office@quarry.test"})
    assert changed["CompanyAddr"] == {**address, "Id": before["CompanyAddr"]["Id"]}
    assert (changed["LegalName"], changed["SyncToken"]) == (before["LegalName"], "1")
    assert company(books) == changed


def test_a_full_update_clears_what_is_left_out_and_keeps_what_intuit_decides(books: Books) -> None:
    before = company(books)
    body = {key: before[key] for key in ("Id", "SyncToken", "CompanyAddr")}
    changed = books.make("CompanyInfo", {**body, "CompanyName": "Quarry Works", "Country": "CA", "NameValue": []})
    assert "LegalName" not in changed
    assert (changed["CompanyName"], changed["Country"]) == ("Quarry Works", before["Country"])
    assert changed["NameValue"] == before["NameValue"]


def test_the_whole_company_can_be_sent_back(books: Books) -> None:
    before = company(books)
    changed = books.make("CompanyInfo", before)
    assert {**changed, "SyncToken": "0", "MetaData": before["MetaData"]} == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"CompanyName": ""}, "2020"),
        ({"CompanyName": "x" * 1025}, "2050"),
        ({"Email": {"Address": "nobody"}}, "2210"),
        ({"FiscalYearStartMonth": "Brumaire"}, "2170"),
        ({"Motto": "Dig"}, "2010"),
        ({"SyncToken": "7"}, "5010"),
    ],
)
def test_a_company_that_breaks_a_rule_is_refused_by_its_code(books: Books, fields: Body, code: str) -> None:
    body = {"Id": "1", "SyncToken": "0", "sparse": True, **fields}
    assert books.refused("companyinfo", body)[:2] == (400, code)


@pytest.mark.parametrize("entity", ["companyinfo", "preferences"])
def test_neither_is_made_or_deleted(books: Books, entity: str) -> None:
    assert books.refused(entity, {"CompanyName": "Second"} if entity == "companyinfo" else {})[:2] == (400, "500")
    assert books.refused(entity, {"Id": "1", "SyncToken": "0"}, operation="delete")[:2] == (400, "500")


def test_preferences_change_group_by_group(books: Books) -> None:
    before = books.read("Preferences", "1")
    sent = {"ReportBasis": "Cash"}
    changed = books.change("Preferences", before, ReportPrefs=sent, SalesFormsPrefs={"CustomTxnNumbers": True})
    assert changed["ReportPrefs"] == {**before["ReportPrefs"], **sent}
    assert changed["SalesFormsPrefs"] == {**before["SalesFormsPrefs"], "CustomTxnNumbers": True}
    assert changed["AccountingInfoPrefs"] == before["AccountingInfoPrefs"]
    status, answer = books.get("preferences")
    assert (status, answer["Preferences"]) == (200, changed)


def test_all_preferences_can_be_sent_back(books: Books) -> None:
    before = books.read("Preferences", "1")
    changed = books.make("Preferences", before)
    assert {**changed, "SyncToken": "0", "MetaData": before["MetaData"]} == before


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"ReportPrefs": {"ReportBasis": "Hunch"}}, "2170"),
        ({"ReportPrefs": {"Colour": "red"}}, "2010"),
        ({"PartyPrefs": {}}, "2010"),
        ({"SalesFormsPrefs": {"CustomTxnNumbers": "perhaps"}}, "2230"),
        ({"SalesFormsPrefs": {"DefaultTerms": {"value": "999"}}}, "2500"),
        ({"SalesFormsPrefs": {"SalesEmailCc": {"Address": "nobody"}}}, "2210"),
        ({"EmailMessagesPrefs": {"InvoiceMessage": {"Subject": "x" * 1001}}}, "2050"),
    ],
)
def test_preferences_that_break_a_rule_are_refused_by_their_code(books: Books, groups: Body, code: str) -> None:
    body = {"Id": "1", "SyncToken": "0", "sparse": True, **groups}
    assert books.refused("preferences", body)[:2] == (400, code)
    assert books.read("Preferences", "1")["SyncToken"] == "0"


def test_what_is_read_only_is_changed_by_a_person_and_by_no_app(books: Books) -> None:
    before = books.read("Preferences", "1")
    fields = {"AccountingInfoPrefs": {"UseAccountNumbers": True}, "TimeTrackingPrefs": {"WorkWeekStartDate": "Sunday"}}
    changed = books.change("Preferences", before, **fields)
    assert changed["AccountingInfoPrefs"]["UseAccountNumbers"] is False
    edited = books.ui(act="edit", entity="Preferences", id="1", fields=fields)["Preferences"]
    assert edited["AccountingInfoPrefs"]["UseAccountNumbers"] is True
    assert edited["TimeTrackingPrefs"]["WorkWeekStartDate"] == "Sunday"


def test_the_closing_date_is_never_moved_by_an_update(books: Books) -> None:
    books.ui(act="close_books", date="2026-01-31")
    before = books.read("Preferences", "1")
    changed = books.change("Preferences", before, AccountingInfoPrefs={"BookCloseDate": "2020-01-01"})
    assert changed["AccountingInfoPrefs"]["BookCloseDate"] == "2026-01-31"


def test_a_setting_that_a_loaded_company_has_can_be_sent_back(tmp_path: Path) -> None:
    loaded = {"Id": "1", "SyncToken": "3", "SalesFormsPrefs": {"BrandNewSetting": True, "AllowDiscount": True}}
    (tmp_path / "Preferences.jsonl").write_text(json.dumps(loaded) + "\n")
    with running(data=tmp_path) as own:
        books = open_books(own)
        changed = books.make("Preferences", books.read("Preferences", "1"))
        assert (changed["SyncToken"], changed["SalesFormsPrefs"]) == ("4", loaded["SalesFormsPrefs"])


def test_recorded_preferences_and_company_can_be_sent_back(tmp_path: Path) -> None:
    named = os.environ.get("QB_RECORDED")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "recorded"
    if not (folder / "craigs").is_dir():
        pytest.skip("no recorded company; name its folder with QB_RECORDED")
    data = shutil.copytree(folder / "craigs", tmp_path / "data")
    (data / "CompanyInfo.jsonl").write_text((folder / "objects" / "CompanyInfo.jsonl").read_text().splitlines()[0])
    with running(data=data) as own:
        books = open_books(own)
        for entity in ("CompanyInfo", "Preferences"):
            before = books.read(entity, "1")
            after = books.make(entity, before)
            assert {**after, "SyncToken": before["SyncToken"], "MetaData": before["MetaData"]} == before
