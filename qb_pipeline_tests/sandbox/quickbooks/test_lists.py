"""Lists: what their records may hold, how they begin, and what happens to them when they are made inactive."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money

INCOME, EQUITY, CHECKING, SAVINGS, COGS, ASSET, RECEIVABLE, PAYABLE = "1", "24", "25", "26", "29", "30", "31", "23"


def balance(books: Books, account: str) -> object:
    return money(books.read("Account", account)["CurrentBalance"])


def test_a_customer_made_with_a_balance_has_an_open_invoice(books: Books) -> None:
    made = books.customer(Balance=250, OpenBalanceDate="2026-01-31")
    assert (made["Balance"], made["BalanceWithJobs"]) == (250, 250)
    assert books.again("Customer", made)["Balance"] == 250
    (invoice,) = books.query("select * from Invoice")["Invoice"]
    assert (invoice["TotalAmt"], invoice["Balance"], invoice["TxnDate"]) == (250, 250, "2026-01-31")
    assert balance(books, RECEIVABLE) == 250
    books.payment(made, 250, (invoice, 250))
    assert books.again("Customer", made)["Balance"] == 0
    changed = books.change("Customer", books.again("Customer", made), Balance=99, OpenBalanceDate="2026-05-05")
    assert (changed["Balance"], changed["OpenBalanceDate"]) == (0, "2026-01-31")


def test_a_job_made_with_a_balance_adds_to_its_parents_sum(books: Books) -> None:
    parent = books.customer("Parent")
    above = {"Job": True, "ParentRef": {"value": parent["Id"]}}
    books.customer("Job", Balance=40, OpenBalanceDate="2026-01-31", **above)
    found = books.again("Customer", parent)
    assert (found["Balance"], found["BalanceWithJobs"]) == (0, 40)


def test_a_vendor_made_with_a_balance_has_an_open_bill(books: Books) -> None:
    made = books.make("Vendor", {"DisplayName": "Hill Supply", "Balance": 80, "OpenBalanceDate": "2026-01-31"})
    assert books.again("Vendor", made)["Balance"] == 80
    (bill,) = books.query("select * from Bill")["Bill"]
    assert (bill["Balance"], bill["VendorRef"]["name"]) == (80, "Hill Supply")
    assert balance(books, PAYABLE) == -80


def test_an_opening_balance_needs_its_date_in_an_open_period(books: Books) -> None:
    assert books.refused("customer", {"DisplayName": "A", "Balance": 5})[1] == "6060"
    assert books.refused("vendor", {"DisplayName": "A", "Balance": 5})[1] == "6060"
    dated = {"DisplayName": "A", "OpenBalanceDate": "2026-01-31"}
    assert books.refused("customer", {**dated, "Balance": -5})[1] == "2140"
    books.ui(act="close_books", date="2026-01-31")
    assert books.refused("customer", {**dated, "Balance": 5})[1] == "6210"
    assert books.query("select * from Customer") == {}


def test_an_account_made_with_a_balance_is_posted_against_opening_balance_equity(books: Books) -> None:
    bank = {"Name": "Giro", "AccountType": "Bank", "OpeningBalance": 500, "OpeningBalanceDate": "2026-01-02"}
    made = books.make("Account", bank)
    assert (made["CurrentBalance"], balance(books, EQUITY)) == (500, -500)
    (deposit,) = books.query("select * from Deposit")["Deposit"]
    assert (deposit["PrivateNote"], deposit["TxnDate"]) == ("Opening Balance", "2026-01-02")
    loan = {"Name": "Truck loan", "AccountType": "Long Term Liability", "OpeningBalance": 300}
    owed = books.make("Account", loan)
    assert (books.again("Account", owed)["CurrentBalance"], balance(books, EQUITY)) == (-300, -200)
    assert len(books.query("select * from JournalEntry")["JournalEntry"]) == 1
    expense = {"Name": "Fees", "AccountType": "Expense", "OpeningBalance": 5}
    assert books.refused("account", expense)[1] == "6000"


def test_an_inactive_account_shows_nothing_and_its_true_balance_when_it_is_back(books: Books) -> None:
    top = books.make("Account", {"Name": "Cash", "AccountType": "Bank"})
    body = {"Name": "Till", "AccountType": "Bank", "SubAccount": True, "ParentRef": {"value": top["Id"]}}
    till = books.make("Account", {**body, "OpeningBalance": 70})
    made = books.make("Transfer", move(till["Id"], CHECKING, 20))
    gone = books.change("Account", books.again("Account", till), Active=False)
    assert (gone["CurrentBalance"], gone["CurrentBalanceWithSubAccounts"]) == (0, 0)
    assert books.again("Account", top)["CurrentBalanceWithSubAccounts"] == 50
    books.make("Transfer", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert books.again("Account", till)["CurrentBalance"] == 0
    back = books.change("Account", books.again("Account", till), Active=True)
    assert (back["Name"], back["CurrentBalance"], back["CurrentBalanceWithSubAccounts"]) == ("Till", 70, 70)
    assert books.again("Account", top)["CurrentBalanceWithSubAccounts"] == 70


def move(source: str, target: str, amount: object) -> Body:
    return {"FromAccountRef": {"value": source}, "ToAccountRef": {"value": target}, "Amount": amount}


@pytest.mark.parametrize(
    ("subtype", "kind"),
    [
        ("CommissionsAndFees", "Expense"),
        ("TrustAccounts", "Bank"),
        ("AllowanceForBadDebts", "Other Current Asset"),
        ("Land", "Fixed Asset"),
        ("LineOfCredit", "Other Current Liability"),
        ("CommonStock", "Equity"),
        ("DividendIncome", "Other Income"),
        ("ExchangeGainOrLoss", "Other Expense"),
    ],
)
def test_every_documented_subtype_tells_its_type(books: Books, subtype: str, kind: str) -> None:
    assert books.make("Account", {"Name": "New", "AccountSubType": subtype})["AccountType"] == kind


def test_a_subtype_of_two_types_goes_with_either(books: Books) -> None:
    for kind in ("Expense", "Other Expense"):
        made = books.make("Account", {"Name": kind, "AccountType": kind, "AccountSubType": "Utilities"})
        assert (made["AccountType"], made["AccountSubType"]) == (kind, "Utilities")


def test_account_numbers_are_unique_where_the_company_uses_them(books: Books) -> None:
    books.make("Account", {"Name": "A", "AccountType": "Bank", "AcctNum": "1010"})
    books.make("Account", {"Name": "B", "AccountType": "Bank", "AcctNum": "1010"})
    books.ui(act="edit", entity="Preferences", id="1", fields={"AccountingInfoPrefs": {"UseAccountNumbers": True}})
    body = {"Name": "C", "AccountType": "Bank", "AcctNum": "1010"}
    assert books.refused("account", body)[1] == "6240"
    assert books.refused("account", {**body, "AcctNum": "12345678"})[1] == "2050"
    made = books.make("Account", {**body, "AcctNum": "1020"})
    assert books.change("Account", made, Description="same number")["AcctNum"] == "1020"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"DueDays": 1000}, "2180"),
        ({"DayOfMonthDue": 32}, "2180"),
        ({"DayOfMonthDue": 5, "DiscountDayOfMonth": 32}, "2180"),
        ({"DueDays": 10, "DiscountPercent": 101}, "2150"),
        ({"DiscountPercent": 2}, "2020"),
        ({"Name": "x" * 32, "DueDays": 1}, "2050"),
    ],
)
def test_a_term_that_breaks_a_rule_is_refused_with_its_code(books: Books, body: Body, code: str) -> None:
    assert books.refused("term", {"Name": "Odd", **body})[:2] == (400, code)


def test_a_term_counts_days_or_names_a_day(books: Books) -> None:
    zeros = {"DiscountPercent": 0, "DayOfMonthDue": 0, "DueNextMonthDays": 0}
    term = books.make("Term", {"Name": "2/10 net 30", "DueDays": 30, "DiscountDays": 10, **zeros})
    assert (term["Type"], "DayOfMonthDue" in term) == ("STANDARD", False)
    dated = books.change("Term", term, DayOfMonthDue=15)
    assert (dated["Type"], "DueDays" in dated) == ("DATE_DRIVEN", False)


def test_how_a_job_is_billed_stays_once_there_are_invoices(books: Books) -> None:
    parent = books.customer("Parent")
    job = books.customer("Job", Job=True, ParentRef={"value": parent["Id"]})
    job = books.change("Customer", job, BillWithParent=True)
    books.invoice(job, books.item())
    current = books.again("Customer", job)
    body = {"Id": job["Id"], "SyncToken": current["SyncToken"], "sparse": True}
    assert books.refused("customer", {**body, "BillWithParent": False})[1] == "6130"
    assert books.make("Customer", {**body, "Notes": "same"})["BillWithParent"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"TaxExemptionReasonId": "16"}, "2180"),
        ({"ResaleNum": "1" * 17}, "2050"),
        ({"PreferredDeliveryMethod": "Pigeon"}, "2170"),
        ({"PreferredDeliveryMethod": "Email"}, "6420"),
        ({"BillWithParent": True}, "6000"),
        ({"Job": True}, "6150"),
    ],
)
def test_a_customer_outside_the_limits_is_refused_with_its_code(books: Books, body: Body, code: str) -> None:
    assert books.refused("customer", {"DisplayName": "Ridge Farm", **body})[:2] == (400, code)


def inventory(**more: object) -> Body:
    refs = {"AssetAccountRef": ASSET, "IncomeAccountRef": INCOME, "ExpenseAccountRef": COGS}
    tracked = {"TrackQtyOnHand": True, "QtyOnHand": 1, "InvStartDate": "2026-01-01"}
    return {"Name": "Pump", "Type": "Inventory", **{key: {"value": at} for key, at in refs.items()}, **tracked, **more}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (inventory(AssetAccountRef={"value": CHECKING}), "6430"),
        (inventory(ExpenseAccountRef={"value": INCOME}), "6430"),
        (inventory(QtyOnHand=-1), "2160"),
        (inventory(TrackQtyOnHand=False), "6000"),
        ({"Name": "Kit", "Type": "Group"}, "500"),
        ({"Name": "Kit", "Type": "Assembly"}, "2170"),
        ({"Name": "Kit", "Type": "Other Charge"}, "2170"),
        ({"Name": "Kit", "Type": "Service", "ExpenseAccountRef": {"value": RECEIVABLE}}, "6430"),
    ],
)
def test_an_item_that_breaks_a_rule_is_refused_with_its_code(books: Books, body: Body, code: str) -> None:
    assert books.refused("item", body)[:2] == (400, code)


def test_a_starting_value_follows_its_start_date(books: Books) -> None:
    item = books.make("Item", inventory(PurchaseCost=5))
    books.change("Item", item, InvStartDate="2025-06-01")
    customer = books.customer()
    body = {"CustomerRef": {"value": customer["Id"]}, "TxnDate": "2025-07-01", "Line": [line(item, 20, Qty=1)]}
    books.make("Invoice", body)
    assert balance(books, ASSET) == 0
