"""Journal entries and transfers: amounts between accounts somebody chose."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, money

# Accounts of a fresh company.
INCOME, FUNDS, EXPENSE, PAYABLE, CHECKING, SAVINGS, RECEIVABLE = "1", "4", "14", "23", "25", "26", "31"


def posting(side: str, account: str, amount: object = 100, **more: Any) -> Body:
    """A journal line; `party` is a (type, record) pair."""
    detail: Body = {"PostingType": side, "AccountRef": {"value": account}}
    if "party" in more:
        kind, record = more.pop("party")
        detail["Entity"] = {"Type": kind, "EntityRef": {"value": record["Id"]}}
    detail.update(more)
    return {"DetailType": "JournalEntryLineDetail", "Amount": amount, "JournalEntryLineDetail": detail}


def simple(**more: Any) -> Body:
    return {"Line": [posting("Debit", CHECKING), posting("Credit", SAVINGS)], **more}


def balance(books: Books, account: str) -> object:
    return money(books.read("Account", account)["CurrentBalance"])


def test_a_journal_entry_moves_the_balances_of_its_accounts(books: Books) -> None:
    made = books.make("JournalEntry", simple(DocNumber="JE-001", TxnDate="2026-03-04", PrivateNote="Move"))
    assert (balance(books, CHECKING), balance(books, SAVINGS)) == (100, -100)
    assert list(made)[:7] == ["Adjustment", "TotalAmt", "domain", "sparse", "Id", "SyncToken", "MetaData"]
    assert (made["Adjustment"], made["TotalAmt"], made["TxnTaxDetail"]) == (False, 0, {})
    assert [line["Id"] for line in made["Line"]] == ["0", "1"]
    detail = made["Line"][0]["JournalEntryLineDetail"]
    assert detail == {"PostingType": "Debit", "AccountRef": {"value": CHECKING, "name": "Checking"}}
    again = books.make("JournalEntry", simple(DocNumber="JE-001"))
    assert again["DocNumber"] == "JE-001"
    assert books.query("select * from JournalEntry where DocNumber = 'JE-001'")["totalCount"] == 2


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "2020"),
        ([posting("Debit", CHECKING)], "2300"),
        ([posting("Debit", CHECKING), posting("Credit", SAVINGS, 99)], "2300"),
        ([posting("Debit", CHECKING, 0)], "6000"),
        ([posting("Debit", CHECKING), posting("Sideways", SAVINGS)], "2170"),
        ([posting("Debit", CHECKING), posting("", SAVINGS)], "2260"),
        ([posting("Debit", CHECKING), posting("Credit", "999")], "2500"),
        ([posting("Debit", CHECKING, -5), posting("Credit", SAVINGS, -5)], "2290"),
        ([posting("Debit", RECEIVABLE), posting("Credit", INCOME)], "6000"),
        ([posting("Credit", PAYABLE), posting("Debit", EXPENSE)], "6000"),
        ([{"DetailType": "SalesItemLineDetail", "Amount": 5}], "2170"),
        ([{"DetailType": "JournalEntryLineDetail", "Amount": 5}], "2260"),
    ],
)
def test_a_journal_entry_that_breaks_a_rule_is_refused_with_its_code(books: Books, lines: Any, code: str) -> None:
    assert books.refused("journalentry", {"Line": lines})[:2] == (400, code)
    assert balance(books, CHECKING) == 0


def test_a_line_on_receivables_needs_a_customer_and_becomes_an_open_item(books: Books) -> None:
    customer, vendor = books.customer(), books.make("Vendor", {"DisplayName": "Hill Supply"})
    wrong = [posting("Debit", RECEIVABLE, party=("Vendor", vendor)), posting("Credit", INCOME)]
    assert "customer" in books.refused("journalentry", {"Line": wrong})[2]
    right = [posting("Debit", RECEIVABLE, party=("Customer", customer)), posting("Credit", INCOME)]
    made = books.make("JournalEntry", {"Line": right})
    assert books.again("Customer", customer)["Balance"] == 100
    party = made["Line"][0]["JournalEntryLineDetail"]["Entity"]
    assert party == {"Type": "Customer", "EntityRef": {"value": customer["Id"], "name": "Ridge Farm"}}
    books.make("JournalEntry", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert books.again("Customer", customer)["Balance"] == 0
    assert balance(books, RECEIVABLE) == 0


def test_a_line_on_payables_is_owed_to_its_vendor(books: Books) -> None:
    vendor = books.make("Vendor", {"DisplayName": "Hill Supply"})
    lines = [posting("Debit", EXPENSE), posting("Credit", PAYABLE, party=("Vendor", vendor))]
    books.make("JournalEntry", {"Line": lines})
    assert books.again("Vendor", vendor)["Balance"] == 100
    assert balance(books, PAYABLE) == -100


def test_only_one_line_may_stand_on_receivables_or_payables(books: Books) -> None:
    customer, vendor = books.customer(), books.make("Vendor", {"DisplayName": "Hill Supply"})
    lines = [
        posting("Debit", RECEIVABLE, party=("Customer", customer)),
        posting("Credit", PAYABLE, party=("Vendor", vendor)),
    ]
    assert books.refused("journalentry", {"Line": lines})[1] == "6000"


def test_a_renamed_party_is_renamed_in_journal_lines_and_an_inactive_one_stays_where_it_stood(books: Books) -> None:
    customer = books.customer()
    lines = [posting("Debit", EXPENSE, party=("Customer", customer)), posting("Credit", CHECKING)]
    made = books.make("JournalEntry", {"Line": lines})
    renamed = books.change("Customer", customer, DisplayName="Ridge Orchard")
    found = books.again("JournalEntry", made)
    party = found["Line"][0]["JournalEntryLineDetail"]["Entity"]["EntityRef"]
    assert party == {"value": customer["Id"], "name": "Ridge Orchard"}
    books.change("Customer", renamed, Active=False)
    assert books.refused("journalentry", {"Line": lines})[1] == "610"
    assert books.change("JournalEntry", found, Line=found["Line"], PrivateNote="kept")["PrivateNote"] == "kept"


def test_lines_keep_their_ids_and_new_ones_count_on(books: Books) -> None:
    made = books.make("JournalEntry", simple())
    lines = [made["Line"][1], posting("Debit", CHECKING)]
    changed = books.change("JournalEntry", made, Line=lines, Adjustment=True)
    assert [line["Id"] for line in changed["Line"]] == ["1", "2"]
    assert (changed["SyncToken"], changed["Adjustment"]) == ("1", True)
    kept = books.change("JournalEntry", changed, PrivateNote="only this")
    assert kept["Line"] == changed["Line"]


def test_class_and_location_of_a_journal_line_come_back_with_their_names(books: Books) -> None:
    klass, place = books.make("Class", {"Name": "Lawn"}), books.make("Department", {"Name": "North"})
    where = {"ClassRef": {"value": klass["Id"]}, "DepartmentRef": {"value": place["Id"]}}
    made = books.make("JournalEntry", {"Line": [posting("Debit", EXPENSE, **where), posting("Credit", CHECKING)]})
    detail = made["Line"][0]["JournalEntryLineDetail"]
    assert (detail["ClassRef"]["name"], detail["DepartmentRef"]["name"]) == ("Lawn", "North")


@pytest.mark.parametrize("params", [{"operation": "void"}, {"operation": "update", "include": "void"}])
def test_a_void_of_a_journal_entry_answers_success_and_changes_nothing(books: Books, params: dict[str, str]) -> None:
    made = books.make("JournalEntry", simple())
    status, answer = books.post("journalentry", {"Id": made["Id"], "SyncToken": "0"}, **params)
    assert (status, answer["BatchItemResponse"], set(answer)) == (200, [], {"BatchItemResponse", "time"})
    assert books.again("JournalEntry", made) == made
    assert balance(books, CHECKING) == 100


def test_closed_books_refuse_journal_entries_and_transfers(books: Books) -> None:
    made = books.make("JournalEntry", simple(TxnDate="2026-01-10"))
    books.ui(act="close_books", date="2026-01-31")
    assert books.refused("journalentry", simple(TxnDate="2026-01-31"))[1] == "6210"
    body = {"Id": made["Id"], "SyncToken": "0"}
    assert books.refused("journalentry", body, operation="delete")[1] == "6210"
    assert books.refused("transfer", transfer(TxnDate="2026-01-31"))[1] == "6210"


def transfer(amount: object = 60, **more: Any) -> Body:
    ends = {"FromAccountRef": {"value": CHECKING}, "ToAccountRef": {"value": SAVINGS}}
    return {**ends, "Amount": amount, **more}


def test_a_transfer_moves_money_and_can_be_changed_and_removed(books: Books) -> None:
    made = books.make("Transfer", transfer(TxnDate="2026-02-06", PrivateNote="Monthly"))
    assert (balance(books, CHECKING), balance(books, SAVINGS)) == (-60, 60)
    assert made["FromAccountRef"] == {"value": CHECKING, "name": "Checking"}
    changed = books.change("Transfer", made, Amount=75)
    assert (changed["Amount"], changed["SyncToken"], balance(books, SAVINGS)) == (75, "1", 75)
    found = books.query("select * from Transfer where TxnDate = '2026-02-06'")["Transfer"]
    assert [one["Id"] for one in found] == [made["Id"]]
    gone = books.make("Transfer", {"Id": made["Id"], "SyncToken": "1"}, operation="delete")
    assert gone["status"] == "Deleted"
    assert (balance(books, CHECKING), balance(books, SAVINGS)) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Amount": None}, "2020"),
        ({"FromAccountRef": None}, "2020"),
        ({"Amount": 0}, "2140"),
        ({"Amount": -4}, "2140"),
        ({"ToAccountRef": {"value": CHECKING}}, "6000"),
        ({"ToAccountRef": {"value": INCOME}}, "6430"),
        ({"ToAccountRef": {"value": RECEIVABLE}}, "6430"),
        ({"ToAccountRef": {"value": "999"}}, "2500"),
    ],
)
def test_a_transfer_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    assert books.refused("transfer", {**transfer(), **change})[:2] == (400, code)


def test_changes_of_journal_entries_and_transfers_are_captured(books: Books) -> None:
    made, moved = books.make("JournalEntry", simple()), books.make("Transfer", transfer())
    books.make("Transfer", {"Id": moved["Id"], "SyncToken": "0"}, operation="delete")
    since = made["MetaData"]["CreateTime"]
    status, answer = books.get("cdc", entities="JournalEntry,Transfer", changedSince=since)
    journal, transfers = answer["CDCResponse"][0]["QueryResponse"]
    assert status == 200
    assert [one["Id"] for one in journal["JournalEntry"]] == [made["Id"]]
    assert [(one["Id"], one["status"]) for one in transfers["Transfer"]] == [(moved["Id"], "Deleted")]
