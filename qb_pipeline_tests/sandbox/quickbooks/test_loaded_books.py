"""A loaded company in two currencies, with a bundle: balances are as recorded and the rest comes out of postings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import simplejson

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

MADE = {"CreateTime": "2026-01-01T00:00:00-08:00", "LastUpdatedTime": "2026-01-01T00:00:00-08:00"}
EURO = {"CurrencyRef": {"value": "EUR", "name": "Euro"}}
CUSTOMER = {"CustomerRef": {"value": "1", "name": "Hof Berg"}}
PAID = {"Amount": 30, "LinkedTxn": [{"TxnId": "5", "TxnType": "Invoice"}]}
PARTS = {"ItemGroupLine": [{"Qty": 2, "ItemRef": {"value": "2", "name": "Lamp", "type": "Service"}}]}
RECORDED: dict[str, list[Body]] = {
    "Preferences": [{"Id": "1", "CurrencyPrefs": {"MultiCurrencyEnabled": True, "HomeCurrency": {"value": "USD"}}}],
    "CompanyCurrency": [{"Id": "1", "Code": "EUR", "Name": "Euro", "Active": True}],
    "Customer": [{"Id": "1", "DisplayName": "Hof Berg", "Active": True, **EURO, "Balance": 60, "BalanceWithJobs": 60}],
    "Invoice": [
        {"Id": "5", "ExchangeRate": 1.1, "TotalAmt": 100, "Balance": 40, "TxnDate": "2026-01-02"},
        {"Id": "7", "ExchangeRate": 1.2, "TotalAmt": 20, "Balance": 20, "TxnDate": "2026-01-02"},
    ],
    "Payment": [{"Id": "6", "ExchangeRate": 1.3, "TotalAmt": 30, "TxnDate": "2026-01-03", "Line": [PAID]}],
    "Item": [
        {"Id": "2", "Name": "Lamp", "Type": "Service", "Active": True, "FullyQualifiedName": "Lamp"},
        {"Id": "3", "Name": "Set", "Type": "Group", "Active": True, "ItemGroupDetail": PARTS},
    ],
    "CustomerType": [{"Id": "5000000000000003466", "Name": "Value", "Active": True}],
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder: Path = tmp_path_factory.mktemp("recorded")
    for entity, objects in RECORDED.items():
        common = {**EURO, **CUSTOMER} if entity in ("Invoice", "Payment") else {}
        rows = [{**common, "SyncToken": "0", "MetaData": MADE, **one} for one in objects]
        (folder / f"{entity}.jsonl").write_text("\n".join(map(simplejson.dumps, rows)), encoding="utf-8")
    with running(data=folder, empty=False) as info:
        yield open_books(info)


def test_what_is_open_in_another_currency_stands_on_its_receivables_in_that_currency(books: Books) -> None:
    (account,) = books.query("select * from Account where Name = 'Accounts Receivable (A/R) - EUR'")["Account"]
    assert (account["CurrentBalance"], account["CurrencyRef"]["value"]) == (60, "EUR")
    assert books.read("Customer", "1")["Balance"] == 60


def test_a_loaded_invoice_is_settled_to_nothing(books: Books) -> None:
    last = books.read("Invoice", "7")
    books.payment({"Id": "1"}, 20, (last, 20), ExchangeRate="1.5", TxnDate="2026-02-01")
    assert books.read("Customer", "1")["Balance"] == 40
    _, report = books.get("reports/TrialBalance", start_date="2025-01-01", end_date="2026-12-31")
    rows = {row["ColData"][0]["value"]: row["ColData"][1]["value"] for row in report["Rows"]["Row"] if "ColData" in row}
    assert rows["Accounts Receivable (A/R) - EUR"] == "44.00"


def test_a_bundle_is_read_as_recorded_and_not_written(books: Books) -> None:
    found = books.query("select * from Item where Type = 'Group'")["Item"]
    assert [one["ItemGroupDetail"] for one in found] == [PARTS]
    body = {"Id": "3", "SyncToken": "0", "sparse": True, "Description": "New"}
    assert books.refused("item", body)[:2] == (400, "500")


def test_a_customer_shows_the_name_of_its_type(books: Books) -> None:
    made = books.customer("Ridge Farm", CustomerTypeRef={"value": "5000000000000003466"})
    assert made["CustomerTypeRef"] == {"value": "5000000000000003466", "name": "Value"}
    wrong = {"DisplayName": "Other", "CustomerTypeRef": {"value": "7"}}
    assert books.refused("customer", wrong)[1] == "2500"
