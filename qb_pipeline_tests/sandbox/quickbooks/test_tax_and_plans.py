"""Tax agencies and codes, budgets, recurring transactions, and the lists that are read only."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line

CHECKING, SAVINGS, INCOME = "25", "26", "1"


def rate(name: str, value: object = 7, **more: Any) -> Body:
    return {"TaxRateName": name, "RateValue": value, "TaxAgencyId": "1", "TaxApplicableOn": "Sales", **more}


def test_a_tax_agency_is_created_with_its_liability_account_and_never_changed(books: Books) -> None:
    made = books.make("TaxAgency", {"DisplayName": "County Treasurer"})
    assert (made["TaxTrackedOnSales"], made["TaxTrackedOnPurchases"], made["SyncToken"]) == (True, False, "0")
    (account,) = books.query("select * from Account where Name = 'County Treasurer Payable'")["Account"]
    assert account["AccountSubType"] == "GlobalTaxPayable"
    assert books.refused("taxagency", {"DisplayName": "county treasurer"})[1] == "6240"
    assert books.refused("taxagency", {"TaxTrackedOnSales": True})[1] == "2020"
    body = {"Id": made["Id"], "SyncToken": "0", "DisplayName": "Other"}
    assert books.refused("taxagency", body)[:2] == (400, "500")
    assert books.query("select * from TaxAgency where DisplayName = 'County Treasurer'")["TaxAgency"] == [made]


def test_the_tax_service_makes_a_code_of_new_and_known_rates(books: Books) -> None:
    status, first = books.post("taxservice/taxcode", {"TaxCode": "County", "TaxRateDetails": [rate("County 7")]})
    assert (status, first["TaxCode"]) == (200, "County")
    known = first["TaxRateDetails"][0]["TaxRateId"]
    body = {"TaxCode": "Town", "TaxRateDetails": [{"TaxRateId": known}, rate("Town 1", "1.5")]}
    status, second = books.post("taxservice/taxcode", body)
    assert status == 200, second
    code = books.read("TaxCode", second["TaxCodeId"])
    rates = [one["TaxRateRef"]["name"] for one in code["SalesTaxRateList"]["TaxRateDetail"]]
    assert rates == ["County 7", "Town 1"]
    assert books.read("TaxRate", second["TaxRateDetails"][1]["TaxRateId"])["RateValue"] == 1.5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"TaxRateDetails": [rate("A")]}, "2020"),
        ({"TaxCode": "B"}, "2020"),
        ({"TaxCode": "B", "TaxRateDetails": [{"TaxRateName": "C"}]}, "2020"),
        ({"TaxCode": "B", "TaxRateDetails": [rate("C", TaxAgencyId="99")]}, "2500"),
        ({"TaxCode": "B", "TaxRateDetails": [{"TaxRateId": "99"}]}, "2500"),
        ({"TaxCode": "B", "TaxRateDetails": [rate("C"), rate("c")]}, "6240"),
        ({"TaxCode": "B", "TaxRateDetails": [rate("C", 101)]}, "2150"),
        ({"TaxCode": "B", "TaxRateDetails": [rate("C", -1)]}, "2150"),
        ({"TaxCode": "B", "TaxRateDetails": [rate("C", TaxApplicableOn="Nowhere")]}, "2170"),
    ],
)
def test_a_tax_code_that_breaks_a_rule_is_refused_and_leaves_no_rate(books: Books, body: Body, code: str) -> None:
    before = books.query("select count(*) from TaxRate")
    assert books.refused("taxservice/taxcode", body)[:2] == (400, code)
    assert books.query("select count(*) from TaxRate") == before


def test_a_code_with_a_name_that_is_taken_is_refused(books: Books) -> None:
    books.post("taxservice/taxcode", {"TaxCode": "County", "TaxRateDetails": [rate("County 7")]})
    body = {"TaxCode": "county", "TaxRateDetails": [rate("Other")]}
    assert books.refused("taxservice/taxcode", body)[1] == "6240"


@pytest.mark.parametrize("entity", ["taxcode", "taxrate", "customertype", "journalcode", "taxpayment"])
def test_lists_that_are_read_only_refuse_every_write(books: Books, entity: str) -> None:
    assert books.refused(entity, {"Name": "New"})[:2] == (400, "500")
    assert books.refused(entity, {"Id": "2", "SyncToken": "0", "Name": "New"})[:2] == (400, "500")
    assert books.refused(entity, {"Id": "2", "SyncToken": "0"}, operation="delete")[:2] == (400, "500")
    assert isinstance(books.query(f"select * from {entity}"), dict)


def budget(**more: Any) -> Body:
    year = {"StartDate": "2026-01-01", "EndDate": "2026-12-31"}
    detail = {"Amount": 71, "BudgetDate": "2026-02-01", "AccountRef": {"value": INCOME}}
    kind = {"BudgetType": "ProfitAndLoss", "BudgetEntryType": "Monthly"}
    return {"Name": "Plan", **year, **kind, "BudgetDetail": [detail], **more}


def test_a_budget_is_made_changed_found_and_removed(books: Books) -> None:
    made = books.make("Budget", budget())
    assert made["BudgetDetail"][0]["AccountRef"] == {"value": INCOME, "name": "Services"}
    changed = books.change("Budget", made, Name="Plan B")
    assert (changed["SyncToken"], changed["BudgetDetail"]) == ("1", made["BudgetDetail"])
    assert books.query("select * from Budget where Name = 'Plan B'")["Budget"] == [changed]
    books.make("Budget", {"Id": made["Id"], "SyncToken": "1"}, operation="delete")
    assert books.query("select * from Budget") == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": None}, "2020"),
        ({"BudgetEntryType": None}, "6490"),
        ({"EndDate": "2026-11-30"}, "6510"),
        ({"BudgetType": "Wishes"}, "2170"),
        ({"BudgetDetail": [{"Amount": 1, "BudgetDate": "2026-02-01"}]}, "2020"),
        ({"BudgetDetail": [{"BudgetDate": "2027-02-01", "AccountRef": {"value": INCOME}}]}, "6510"),
        ({"BudgetDetail": [{"BudgetDate": "2026-02-01", "AccountRef": {"value": CHECKING}}]}, "6500"),
    ],
)
def test_a_budget_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    assert books.refused("budget", {**budget(), **change})[:2] == (400, code)


def template(books: Books, customer: Body, **info: Any) -> Body:
    schedule = {"StartDate": "2026-09-01", "IntervalType": "Monthly", "DayOfMonth": 1}
    recurring = {"Name": "Monthly care", "RecurType": "Automated", "ScheduleInfo": schedule, **info}
    lines = [line(books.item(f"Care {len(str(info))}"), 55)]
    return {"Invoice": {"CustomerRef": {"value": customer["Id"]}, "Line": lines, "RecurringInfo": recurring}}


def test_a_recurring_transaction_is_wrapped_in_its_kind_and_posts_nothing(books: Books) -> None:
    customer = books.customer()
    made = books.make("RecurringTransaction", template(books, customer))["Invoice"]
    assert made["RecurringInfo"]["ScheduleInfo"]["NextDate"] == "2026-09-01"
    assert (made["TotalAmt"], made["SyncToken"], made["RecurringInfo"]["Active"]) == (55, "0", True)
    assert not {"DocNumber", "TxnDate", "LinkedTxn"} & set(made)
    assert books.read("RecurringTransaction", made["Id"]) == {"Invoice": made}
    found = books.query("select * from RecurringTransaction")
    assert (found["RecurringTransaction"], found["maxResults"]) == ([{"Invoice": made}], 1)
    assert books.again("Customer", customer)["Balance"] == 0
    assert books.query("select * from Invoice") == {}
    assert books.invoice(customer, books.item())["DocNumber"] == "1001"


def test_a_recurring_transaction_is_changed_renamed_and_removed(books: Books) -> None:
    customer = books.customer()
    made = books.make("RecurringTransaction", template(books, customer))["Invoice"]
    sent = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "Front lawn"}
    changed = books.make("RecurringTransaction", {"Invoice": {**sent, "RecurringInfo": made["RecurringInfo"]}})
    assert (changed["Invoice"]["SyncToken"], changed["Invoice"]["Line"]) == ("1", made["Line"])
    books.change("Customer", customer, DisplayName="Ridge Orchard")
    assert books.read("RecurringTransaction", made["Id"])["Invoice"]["CustomerRef"]["name"] == "Ridge Orchard"
    stale = {"Invoice": {"Id": made["Id"], "SyncToken": "0"}}
    assert books.refused("recurringtransaction", stale, operation="delete")[1] == "5010"
    gone = {"Invoice": {"Id": made["Id"], "SyncToken": "1"}}
    answer = books.make("RecurringTransaction", gone, operation="delete")
    assert answer == {"status": "Deleted", "domain": "QBO", "Invoice": {"Id": made["Id"]}}
    assert books.query("select * from RecurringTransaction") == {}


def test_a_recurring_transaction_that_breaks_a_rule_is_refused_with_its_code(books: Books) -> None:
    customer = books.customer()
    good = template(books, customer)
    books.make("RecurringTransaction", good)
    invoice = good["Invoice"]
    assert books.refused("recurringtransaction", good)[1] == "6240"
    assert books.refused("recurringtransaction", {"Invoice": {**invoice, "RecurringInfo": None}})[1] == "2020"
    assert books.refused("recurringtransaction", {"Invoice": {**invoice, "Wrong": 1}})[1] == "2010"
    assert books.refused("recurringtransaction", {"Payment": invoice})[1] == "2170"
    assert books.refused("recurringtransaction", {"Invoice": invoice, "Bill": invoice})[1] == "2010"
    nobody = {"Invoice": {**invoice, "CustomerRef": {"value": "999"}, "RecurringInfo": {"Name": "X"}}}
    assert books.refused("recurringtransaction", nobody)[1] == "2500"
    vague = {"Invoice": {**invoice, "RecurringInfo": {"Name": "X", "RecurType": "Automated"}}}
    assert books.refused("recurringtransaction", vague)[1] == "2020"


def test_a_journal_entry_and_a_transfer_can_recur(books: Books) -> None:
    info = {"Name": "Sweep", "RecurType": "UnScheduled"}
    ends = {"FromAccountRef": {"value": CHECKING}, "ToAccountRef": {"value": SAVINGS}, "Amount": 5}
    made = books.make("RecurringTransaction", {"Transfer": {**ends, "RecurringInfo": info}})
    assert made["Transfer"]["ToAccountRef"]["name"] == "Savings"
    assert books.read("Account", SAVINGS)["CurrentBalance"] == 0
