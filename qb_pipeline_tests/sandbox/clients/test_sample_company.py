"""The sample company is what suites written against Intuit's own expect to find, and its books balance."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books


@pytest.fixture(scope="module")
def books(sample: Body) -> Iterator[Books]:
    yield open_books(sample)


def rows(books: Books, entity: str, where: str = "") -> list[Body]:
    found: list[Body] = books.query(f"select * from {entity} {where} maxresults 1000").get(entity, [])
    return found


@pytest.mark.parametrize(
    ("identifier", "name", "subtype"),
    [
        ("4", "Undeposited Funds", "UndepositedFunds"),
        ("22", "Travel", "Travel"),
        ("33", "Accounts Payable (A/P)", "AccountsPayable"),
        ("35", "Checking", "Checking"),
        ("36", "Savings", "Savings"),
        ("41", "Mastercard", "CreditCard"),
        ("42", "Visa", "CreditCard"),
        ("79", "Sales of Product Income", "SalesOfProductIncome"),
        ("80", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
        ("81", "Inventory Asset", "Inventory"),
        ("84", "Accounts Receivable (A/R)", "AccountsReceivable"),
        ("86", "Discounts given", "DiscountsRefundsGiven"),
    ],
)
def test_the_usual_accounts_have_their_usual_ids(books: Books, identifier: str, name: str, subtype: str) -> None:
    account = books.read("Account", identifier)
    assert (account["Name"], account["AccountSubType"], account["Active"]) == (name, subtype, True)


def test_there_is_one_account_travel_and_it_is_an_expense(books: Books) -> None:
    assert [account["AccountType"] for account in rows(books, "Account", "where Name = 'Travel'")] == ["Expense"]


def test_items_of_each_type_are_there_and_the_tenth_is_a_service(books: Books) -> None:
    kinds = {item["Type"] for item in rows(books, "Item")}
    assert kinds == {"Service", "NonInventory", "Inventory", "Category", "Group"}
    assert books.read("Item", "10")["Type"] == "Service"


def test_what_a_suite_finds_first_can_be_used(books: Books) -> None:
    customer, item = rows(books, "Customer")[0], rows(books, "Item")[0]
    assert "ParentRef" not in customer
    assert item["IncomeAccountRef"]
    assert rows(books, "Invoice", f"where CustomerRef = '{customer['Id']}'")
    assert rows(books, "Account")[0]["AccountType"] == "Accounts Payable"
    assets = rows(books, "Account", "where Classification = 'Asset' and Name != 'Accounts Receivable (A/R)'")
    assert assets[0]["Name"] == "Checking"
    vendor, bill = rows(books, "Vendor")[0], rows(books, "Bill")[0]
    assert bill["VendorRef"]["value"] == vendor["Id"]
    assert bill["Balance"] == bill["TotalAmt"] >= 200


def test_jobs_stand_below_their_customers(books: Books) -> None:
    jobs = [customer for customer in rows(books, "Customer") if customer["Job"]]
    assert len(jobs) >= 5
    assert all(job["FullyQualifiedName"].count(":") == 1 for job in jobs)


def test_documents_refer_to_what_they_came_from(books: Books) -> None:
    billed = {link["TxnType"] for invoice in rows(books, "Invoice") for link in invoice["LinkedTxn"]}
    assert billed == {"Estimate", "Payment"}
    assert {order["POStatus"] for order in rows(books, "PurchaseOrder")} == {"Open", "Closed"}
    assert {estimate["TxnStatus"] for estimate in rows(books, "Estimate")} >= {"Pending", "Closed"}


def test_control_accounts_equal_what_customers_and_vendors_owe(books: Books) -> None:
    receivable, payable = (Decimal(str(books.read("Account", one)["CurrentBalance"])) for one in ("84", "33"))
    tops = [customer for customer in rows(books, "Customer") if not customer["Job"]]
    assert receivable == sum(Decimal(str(customer["BalanceWithJobs"])) for customer in tops)
    assert -payable == sum(Decimal(str(vendor["Balance"])) for vendor in rows(books, "Vendor"))
    assert receivable > 0 > payable


def test_the_trial_balance_balances(books: Books) -> None:
    status, report = books.get("reports/TrialBalance")
    assert status == 200
    _, debit, credit = report["Rows"]["Row"][-1]["Summary"]["ColData"]
    assert Decimal(debit["value"]) == Decimal(credit["value"]) > 0


def test_no_bank_account_is_overdrawn(books: Books) -> None:
    assert all(account["CurrentBalance"] > 0 for account in rows(books, "Account", "where AccountType = 'Bank'"))


def test_every_page_of_the_sample_reads_back_as_it_was_listed(books: Books) -> None:
    for entity in ("Customer", "Item", "Invoice", "Payment", "Bill", "Estimate", "Purchase", "JournalEntry"):
        for listed in rows(books, entity):
            assert books.again(entity, listed) == listed


def test_attachments_budgets_and_customer_types_are_empty(books: Books) -> None:
    for entity in ("Attachable", "Budget", "CustomerType"):
        assert rows(books, entity) == []
