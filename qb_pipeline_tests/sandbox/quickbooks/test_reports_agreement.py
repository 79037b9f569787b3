"""Whatever is posted, on whatever day: the reports agree with each other and with the balances the API shows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qb_pipeline_tests.sandbox.quickbooks.agreeing_reports import check_day, total
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, application, line, money, open_books
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import (
    CHECKING,
    MATERIALS,
    RECEIVABLE,
    RENT,
    UNDEPOSITED,
    expense,
    run,
    vendor,
)

REALMS = count(9130350000000300000)
FIRST = date(2024, 10, 1)
DAYS = st.integers(min_value=0, max_value=600)
AMOUNTS = st.integers(min_value=1, max_value=50_000).map(lambda cents: Decimal(cents) / 100)
PICK = st.integers(min_value=0, max_value=9)
KINDS = (
    "Invoice", "Invoice", "CreditMemo", "SalesReceipt", "Payment", "Payment", "Bill", "Bill", "VendorCredit",
    "BillPayment", "Purchase", "JournalEntry", "Transfer", "Deposit",
)  # fmt: skip
WORK = st.lists(st.tuples(st.sampled_from(KINDS), DAYS, AMOUNTS, AMOUNTS, PICK), min_size=6, max_size=16)


class Maker:
    """Turns drawn numbers into requests."""

    def __init__(self, books: Books) -> None:
        self.books, self.item, self.vendor = books, books.item(), vendor(books)
        parent = books.customer("Parent")
        job = books.customer("Job", Job=True, ParentRef={"value": parent["Id"]})
        self.customers = [parent, job]
        self.made = 0

    def listed(self, entity: str) -> list[Body]:
        found: list[Body] = self.books.query(f"select * from {entity} orderby Id maxresults 1000").get(entity, [])
        return found

    def do(self, kind: str, day: int, amount: Decimal, part: Decimal, pick: int) -> None:
        """Send one; QBO's rules may refuse it, the server must not fail."""
        body = getattr(self, kind.lower())(amount, part, pick)
        body["TxnDate"] = (FIRST + timedelta(days=day)).isoformat()
        status, answer = self.books.post(kind.lower(), body)
        assert status in (200, 400), answer
        self.made += status == 200

    def sale(self, amount: Decimal, part: Decimal, pick: int) -> Body:
        lines = [line(self.item, amount, "TAX" if pick % 2 else "NON"), line(self.item, part, "NON")]
        tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}} if pick % 2 else {}
        return {"CustomerRef": {"value": self.customers[pick % 2]["Id"]}, "Line": lines, **tax}

    invoice = creditmemo = salesreceipt = sale

    def payment(self, amount: Decimal, part: Decimal, pick: int) -> Body:
        open_ones = [one for one in self.listed("Invoice") if one["Balance"]]
        memos = [one for one in self.listed("CreditMemo") if one["Balance"]]
        lines = [application(one, min(part, money(one["Balance"]))) for one in open_ones[pick:][:2]]
        lines += [application(one, min(part, money(one["Balance"]))) for one in memos[:1] if lines and pick % 3 == 0]
        return {"CustomerRef": {"value": self.customers[0]["Id"]}, "TotalAmt": amount + 2 * part, "Line": lines}

    def bill(self, amount: Decimal, part: Decimal, pick: int) -> Body:
        lines = [expense(MATERIALS, amount), expense(RENT if pick % 2 else "36", part)]
        return {"VendorRef": {"value": self.vendor["Id"]}, "Line": lines}

    vendorcredit = bill

    def billpayment(self, amount: Decimal, _part: Decimal, pick: int) -> Body:
        owed = [one for one in self.listed("Bill") if one["Balance"]][pick % 3 :][:1]
        paid = [(one, min(amount, money(one["Balance"]))) for one in owed]
        return {
            "VendorRef": {"value": self.vendor["Id"]},
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": {"value": CHECKING}},
            "TotalAmt": sum((value for _, value in paid), Decimal(0)),
            "Line": [{"Amount": value, "LinkedTxn": [{"TxnId": one["Id"], "TxnType": "Bill"}]} for one, value in paid],
        }

    def purchase(self, amount: Decimal, part: Decimal, _pick: int) -> Body:
        lines = [expense(RENT, amount), expense(MATERIALS, part)]
        return {"PaymentType": "Check", "AccountRef": {"value": CHECKING}, "Line": lines}

    def journalentry(self, amount: Decimal, _part: Decimal, pick: int) -> Body:
        entity = {"Type": "Customer", "EntityRef": {"value": self.customers[0]["Id"]}}
        sides: tuple[tuple[str, str, Body], ...] = (
            ("Debit", RECEIVABLE, {"Entity": entity}),
            ("Credit", CHECKING if pick % 2 else "1", {}),
        )
        return {
            "Line": [
                {
                    "DetailType": "JournalEntryLineDetail",
                    "Amount": amount,
                    "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}, **more},
                }
                for side, account, more in sides
            ]
        }

    def transfer(self, amount: Decimal, _part: Decimal, _pick: int) -> Body:
        return {"FromAccountRef": {"value": CHECKING}, "ToAccountRef": {"value": "26"}, "Amount": amount}

    def deposit(self, amount: Decimal, _part: Decimal, _pick: int) -> Body:
        detail = {"AccountRef": {"value": UNDEPOSITED}}
        sources = [{"DetailType": "DepositLineDetail", "Amount": amount, "DepositLineDetail": detail}]
        return {"DepositToAccountRef": {"value": CHECKING}, "Line": sources}


@pytest.mark.timeout(120)
@settings(
    max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    print_blob=True,
)  # fmt: skip
@given(work=WORK, days=st.lists(DAYS, min_size=2, max_size=2))
def test_the_reports_of_any_books_agree_on_any_day(
    server: Body, work: list[tuple[str, int, Decimal, Decimal, int]], days: list[int]
) -> None:
    books = open_books(server, str(next(REALMS)))
    maker = Maker(books)
    for one in work:
        maker.do(*one)
    assert maker.made >= len(work) // 2
    for day in {*days, 640}:
        check_day(books, (FIRST + timedelta(days=day)).isoformat())
    customers = books.query("select * from Customer maxresults 1000")["Customer"]
    assert total(run(books, "CustomerBalance")) == sum(money(one["Balance"]) for one in customers)
    vendors = books.query("select * from Vendor maxresults 1000")["Vendor"]
    assert total(run(books, "VendorBalance")) == sum(money(one["Balance"]) for one in vendors)
    for account in books.query("select * from Account where Classification = 'Asset' maxresults 1000")["Account"]:
        found = run(books, "TrialBalance", end_date="2030-12-31").by_id().get(account["Id"], [Decimal(0)] * 2)
        assert found[0] - found[1] == money(account["CurrentBalance"])
