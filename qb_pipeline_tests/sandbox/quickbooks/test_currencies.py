"""Several currencies: rates, home amounts, accounts of their own, and what a change of rate gains or loses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

CHECKING, RECEIVABLE, PAYABLE, EXPENSE, FUNDS = "25", "31", "23", "14", "4"


@pytest.fixture
def world(books: Books) -> Books:
    """A company that keeps euros beside dollars."""
    books.ui(act="edit", entity="Preferences", id="1", fields={"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    books.make("CompanyCurrency", {"Code": "EUR"})
    books.make("ExchangeRate", rate("2026-01-01", "1.1"))
    return books


def rate(day: str, value: object, code: str = "EUR") -> Body:
    return {"SourceCurrencyCode": code, "TargetCurrencyCode": "USD", "AsOfDate": day, "Rate": value}


def euro_customer(books: Books) -> Body:
    return books.customer("Hof Berg", CurrencyRef={"value": "EUR"})


def worth(value: object) -> object:
    """A JSON number to compare with."""
    return Decimal(str(value))


def found(books: Books, name: str) -> Body:
    account: Body
    (account,) = books.query(f"select * from Account where Name = '{name}'")["Account"]
    account["CurrentBalance"] = worth(account["CurrentBalance"])
    return account


def test_a_company_with_one_currency_refuses_another_and_shows_no_rate(books: Books) -> None:
    assert books.refused("customer", {"DisplayName": "A", "CurrencyRef": {"value": "EUR"}})[1] == "6000"
    assert books.refused("companycurrency", {"Code": "EUR"})[1] == "5030"
    assert books.refused("exchangerate", rate("2026-01-01", 2))[1] == "5030"
    invoice = books.invoice(books.customer(), books.item(), ExchangeRate=3)
    assert not {"ExchangeRate", "HomeTotalAmt", "HomeBalance"} & set(invoice)


def test_multicurrency_once_on_stays_on(world: Books) -> None:
    current = world.read("Preferences", "1")
    off = {"Id": "1", "SyncToken": current["SyncToken"], "sparse": True}
    kept = world.make("Preferences", {**off, "CurrencyPrefs": {"MultiCurrencyEnabled": False}})
    assert kept["CurrencyPrefs"]["MultiCurrencyEnabled"] is True


def test_currencies_are_known_ones_and_there_once(world: Books) -> None:
    (euro,) = world.query("select * from CompanyCurrency where Code = 'EUR'")["CompanyCurrency"]
    assert (euro["Name"], euro["Active"], euro["SyncToken"]) == ("Euro", True, "0")
    assert world.refused("companycurrency", {"Code": "EUR"})[1] == "6240"
    assert world.refused("companycurrency", {"Code": "USD"})[1] == "6240"
    assert world.refused("companycurrency", {"Code": "XXX"})[1] == "2220"
    assert world.refused("companycurrency", {})[1] == "2020"
    customer = euro_customer(world)
    body = {"Id": euro["Id"], "SyncToken": "0", "sparse": True, "Active": False}
    assert world.refused("companycurrency", body)[1] == "6000"
    world.change("Customer", customer, Active=False)
    assert world.make("CompanyCurrency", body)["Active"] is False
    assert world.refused("customer", {"DisplayName": "B", "CurrencyRef": {"value": "EUR"}})[1] == "2500"


def test_a_rate_is_set_replaced_and_read_by_day(world: Books) -> None:
    again = world.make("ExchangeRate", rate("2026-01-01", "1.25"))
    assert (again["Rate"], again["SyncToken"], "Id" in again) == (Decimal("1.25"), "1", False)
    status, answer = world.get("exchangerate", sourcecurrencycode="EUR", asofdate="2026-02-01")
    assert (status, answer["ExchangeRate"]["Rate"]) == (200, Decimal("1.25"))
    assert answer["ExchangeRate"]["AsOfDate"] == "2026-02-01"
    _, answer = world.get("exchangerate", sourcecurrencycode="EUR", asofdate="2025-01-01")
    assert answer["ExchangeRate"]["Rate"] == 1
    rows = world.query("select * from ExchangeRate where SourceCurrencyCode = 'EUR'")["ExchangeRate"]
    assert rows == [again]
    assert world.refused("exchangerate", rate("2026-01-01", 0))[1] == "2140"
    assert world.refused("exchangerate", rate("2026-01-01", 2, "JPY"))[1] == "2220"
    assert world.get("exchangerate", sourcecurrencycode="JPY")[0] == 400
    assert world.get("exchangerate")[1]["Fault"]["Error"][0]["code"] == "2020"


def test_an_invoice_takes_currency_and_rate_and_lies_on_receivables_of_its_currency(world: Books) -> None:
    customer = euro_customer(world)
    made = world.invoice(customer, world.item(), 100, TxnDate="2026-02-01")
    assert made["CurrencyRef"] == {"value": "EUR", "name": "Euro"}
    assert (worth(made["ExchangeRate"]), worth(made["HomeTotalAmt"])) == (Decimal("1.1"), 110)
    assert worth(made["HomeBalance"]) == 110
    assert world.again("Customer", customer)["Balance"] == 100
    receivable = found(world, "Accounts Receivable (A/R) - EUR")
    assert (receivable["CurrentBalance"], receivable["CurrencyRef"]["value"]) == (100, "EUR")
    assert worth(world.read("Account", RECEIVABLE)["CurrentBalance"]) == 0


def test_a_transaction_cannot_be_in_another_currency_than_its_party(world: Books) -> None:
    body = {"CustomerRef": {"value": euro_customer(world)["Id"]}, "CurrencyRef": {"value": "USD"}}
    world.item()
    line = {"DetailType": "SalesItemLineDetail", "Amount": 5, "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    assert world.refused("invoice", {**body, "Line": [line]})[1] == "6000"
    assert world.refused("invoice", {**body, "CurrencyRef": {"value": "JPY"}, "Line": [line]})[1] == "2500"
    assert world.refused("invoice", {**body, "CurrencyRef": None, "ExchangeRate": -1, "Line": [line]})[1] == "2140"


def test_without_a_rate_for_the_day_a_transaction_counts_one_to_one(world: Books) -> None:
    made = world.invoice(euro_customer(world), world.item(), 100, TxnDate="2025-05-05")
    assert (made["ExchangeRate"], made["HomeTotalAmt"]) == (1, 100)


def test_a_payment_at_another_rate_realises_the_difference(world: Books) -> None:
    customer = euro_customer(world)
    invoice = world.invoice(customer, world.item(), 100, TxnDate="2026-02-01")
    funds = {"DepositToAccountRef": {"value": CHECKING}, "TxnDate": "2026-03-01", "ExchangeRate": "1.2"}
    world.payment(customer, 100, (invoice, 100), **funds)
    paid = world.again("Invoice", invoice)
    assert (worth(paid["Balance"]), worth(paid["HomeBalance"])) == (0, 0)
    assert worth(world.read("Account", CHECKING)["CurrentBalance"]) == 120
    assert found(world, "Accounts Receivable (A/R) - EUR")["CurrentBalance"] == 0
    assert world.again("Customer", customer)["Balance"] == 0
    status, report = world.get("reports/TrialBalance", start_date="2026-01-01", end_date="2026-12-31")
    assert status == 200
    rows = {row["ColData"][0]["value"]: row["ColData"][1:] for row in report["Rows"]["Row"] if "ColData" in row}
    assert Decimal(rows["Exchange Gain or Loss"][1]["value"]) == 10
    assert "Accounts Receivable (A/R) - EUR" not in rows


def test_payments_in_parts_leave_no_cent_on_receivables(world: Books) -> None:
    customer = euro_customer(world)
    invoice = world.invoice(customer, world.item(), "10.05", TxnDate="2026-02-01", ExchangeRate="1.3333")
    parts = ("3.35", "3.33", "3.37")
    payments = [world.payment(customer, part, (invoice, part), ExchangeRate="1.41") for part in parts]
    _, report = world.get("reports/TrialBalance", start_date="2026-01-01", end_date="2027-12-31")
    assert "A/R) - EUR" not in str(report)
    current = world.again("Payment", payments[0])
    world.make("Payment", {"Id": current["Id"], "SyncToken": current["SyncToken"]}, operation="delete")
    open_one = world.again("Invoice", invoice)
    assert (worth(open_one["Balance"]), worth(open_one["HomeBalance"])) == (Decimal("3.35"), Decimal("4.47"))


def test_a_bill_in_euros_is_owed_in_euros_and_costs_dollars(world: Books) -> None:
    vendor = world.make("Vendor", {"DisplayName": "Stein GmbH", "CurrencyRef": {"value": "EUR"}})
    detail = {"AccountRef": {"value": EXPENSE}}
    line = {"DetailType": "AccountBasedExpenseLineDetail", "Amount": 50, "AccountBasedExpenseLineDetail": detail}
    bill = world.make("Bill", {"VendorRef": {"value": vendor["Id"]}, "TxnDate": "2026-02-01", "Line": [line]})
    assert (bill["CurrencyRef"]["value"], worth(bill["HomeBalance"])) == ("EUR", 55)
    assert world.again("Vendor", vendor)["Balance"] == 50
    assert found(world, "Accounts Payable (A/P) - EUR")["CurrentBalance"] == -50


def test_a_voided_invoice_is_worth_nothing_at_home(world: Books) -> None:
    made = world.invoice(euro_customer(world), world.item(), 100, TxnDate="2026-02-01")
    gone = world.make("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="void")
    assert (gone["HomeTotalAmt"], gone["HomeBalance"]) == (0, 0)


def test_names_keep_their_currency_and_jobs_take_their_parents(world: Books) -> None:
    customer = euro_customer(world)
    body = {"Id": customer["Id"], "SyncToken": "0", "sparse": True, "CurrencyRef": {"value": "USD"}}
    assert world.refused("customer", body)[1] == "6000"
    job = world.customer("Roof", Job=True, ParentRef={"value": customer["Id"]})
    assert job["CurrencyRef"]["value"] == "EUR"
    vendor = world.make("Vendor", {"DisplayName": "Stein GmbH", "CurrencyRef": {"value": "EUR"}})
    full = world.make("Vendor", {"Id": vendor["Id"], "SyncToken": "0", "DisplayName": "Stein AG"})
    assert full["CurrencyRef"]["value"] == "EUR"
    expense = {"Name": "Fees", "AccountType": "Expense", "CurrencyRef": {"value": "EUR"}}
    assert world.refused("account", expense)[1] == "6000"


def test_a_bank_account_in_euros_shows_euros(world: Books) -> None:
    bank = world.make("Account", {"Name": "Girokonto", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}})
    customer = euro_customer(world)
    funds = {"DepositToAccountRef": {"value": bank["Id"]}, "TxnDate": "2026-02-01"}
    world.payment(customer, 100, **funds)
    assert worth(world.again("Account", bank)["CurrentBalance"]) == 100
    dollars = world.customer("Ridge Farm")
    body = {"CustomerRef": {"value": dollars["Id"]}, "TotalAmt": 5, **funds}
    assert world.refused("payment", body)[1] == "6000"


def test_a_deposit_takes_payments_at_their_own_rate_and_realises_the_difference(world: Books) -> None:
    bank = world.make("Account", {"Name": "Girokonto", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}})
    customer = euro_customer(world)
    payment = world.payment(customer, 100, TxnDate="2026-02-01", ExchangeRate="1.2")
    lines = [{"LinkedTxn": [{"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}]}]
    world.make("CompanyCurrency", {"Code": "JPY"})
    third = world.make("Account", {"Name": "Yen", "AccountType": "Bank", "CurrencyRef": {"value": "JPY"}})
    yen = {"DepositToAccountRef": {"value": third["Id"]}, "Line": lines}
    assert world.refused("deposit", yen)[1] == "6000"
    body = {"DepositToAccountRef": {"value": bank["Id"]}, "Line": lines, "ExchangeRate": "1.25"}
    made = world.make("Deposit", {**body, "TxnDate": "2026-03-01"})
    assert (made["CurrencyRef"]["value"], worth(made["HomeTotalAmt"])) == ("EUR", 125)
    assert worth(world.again("Account", bank)["CurrentBalance"]) == 100
    assert worth(world.read("Account", FUNDS)["CurrentBalance"]) == 0
    _, report = world.get("reports/TrialBalance", start_date="2026-01-01", end_date="2026-12-31")
    rows = {row["ColData"][0]["value"]: row["ColData"][1:] for row in report["Rows"]["Row"] if "ColData" in row}
    assert Decimal(rows["Exchange Gain or Loss"][1]["value"]) == 5


def test_an_invoice_at_a_corrected_rate_is_still_settled_to_the_cent(world: Books) -> None:
    customer = euro_customer(world)
    invoice = world.invoice(customer, world.item(), 100, TxnDate="2026-02-01")
    world.payment(customer, 100, (invoice, 100), TxnDate="2026-03-01", ExchangeRate="1.2")
    current = world.again("Invoice", invoice)
    changed = world.change("Invoice", current, ExchangeRate="1.15")
    assert (worth(changed["HomeTotalAmt"]), worth(changed["Balance"])) == (115, 0)
    _, report = world.get("reports/TrialBalance", start_date="2026-01-01", end_date="2026-12-31")
    rows = {row["ColData"][0]["value"]: row["ColData"][1:] for row in report["Rows"]["Row"] if "ColData" in row}
    assert Decimal(rows["Exchange Gain or Loss"][1]["value"]) == 5
    assert "Accounts Receivable (A/R) - EUR" not in rows
