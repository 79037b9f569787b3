"""A real-sized list of customers, invoices and payments, and the month-end figures of both sides.

Invariant: the figures come from different sources, what each system holds by itself and the reports QuickBooks makes of
its ledger, and are compared in whole cents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import simplejson

from qb_pipeline_tests.end_to_end.harness import QuickBooksDesk, Raw, cents
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import Report, data_rows
from qb_pipeline_tests.trial.buyer import Buyer
from qb_pipeline_tests.trial.paperwork import paid, paid_there, sold

FIRST_DAY, DAYS = date(2026, 8, 1), 112
MONTH_ENDS = ("2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-31")
_ROADS = ("Mill", "Church", "Harbour", "Quarry", "Orchard", "Station", "Bridge", "Meadow", "Castle", "Garden")
_Paid = tuple[Raw, Decimal, str, str]  # invoice, amount, day, reference
Sums = Counter[tuple[str, str]]
"""(customer, month) -> cents; a Counter, so that what sums to nothing and what is not there are the same."""


@dataclass
class Office:
    """What an office has on file, so that more work can be added to it."""

    seed: int = 4
    customers: list[Raw] = field(default_factory=list)
    invoices: list[Raw] = field(default_factory=list)
    _unpaid: list[Raw] = field(default_factory=list)
    payments: int = 0

    def customers_come(self, buyer: Buyer, count: int) -> None:
        for _ in range(count):
            n = len(self.customers)
            name = f"{_word(Random(f'{self.seed} {n}'))} {_ROADS[n % 10]} {n}"
            self.customers.append(buyer.enters("customer", name=name, email=f"c{n}@example.com"))

    def work_is_billed(self, buyer: Buyer, items: Sequence[Raw], count: int) -> None:
        for _ in range(count):
            n = len(self.invoices)
            random = Random(f"{self.seed} invoice {n}")
            lines = [
                sold(
                    random.choice(items),
                    str(random.randrange(1, 40)),
                    str(Decimal(random.randrange(100, 99_999)) / 100),
                )
                for _ in range(random.randrange(1, 4))
            ]
            made = buyer.enters(
                "invoice", number=f"M{n:05d}", customer_id=random.choice(self.customers)["id"], lines=lines,
                issue_date=str(FIRST_DAY + timedelta(days=random.randrange(DAYS))), status="sent",
            )  # fmt: skip
            self.invoices.append(made)
            self._unpaid.append(made)

    def money_comes_in(self, buyer: Buyer, count: int) -> None:
        """Half is taken at the contractor's desk, half by the bookkeeper; every third time only a part is paid."""
        there = {i["DocNumber"]: i for i in buyer.quickbooks("invoice")}
        by_hand: list[_Paid] = []
        by_post: list[_Paid] = []
        for _ in range(count):
            n, self.payments = self.payments, self.payments + 1
            random = Random(f"{self.seed} payment {n}")
            bill = self._unpaid.pop(random.randrange(len(self._unpaid)))
            amount = cents(Decimal(bill["total"]) / (3 if n % 3 == 0 else 1))
            day = str(date.fromisoformat(bill["issue_date"]) + timedelta(days=random.randrange(1, 30)))
            (by_post if n % 2 else by_hand).append((bill, amount, day, f"P{n:05d}"))
        for bill, amount, day, reference in by_hand:
            buyer.enters("payment", **paid([(bill, amount)], day, reference))
        for bill, amount, day, reference in by_post:
            buyer.books_enter("payment", **paid_there([(there[bill["number"]], amount)], day, reference))


def _word(random: Random) -> str:
    return "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(4)).title()


# Figures, per customer and month.


@dataclass(frozen=True)
class Figures:
    """What one side says: billed and received by (customer, month), and what each customer owes in the end."""

    billed: Sums
    received: Sums
    owed: Counter[str]

    def owed_on(self, day: str) -> Counter[str]:
        """What each customer owes at the end of a month, from what was billed and received until then."""
        open_: Counter[str] = Counter()
        for sums, sign in ((self.billed, 1), (self.received, -1)):
            for (customer, month), amount in sums.items():
                if month <= day[:7]:
                    open_[customer] += sign * amount
        return Counter({customer: amount for customer, amount in open_.items() if amount})


def contractors(buyer: Buyer) -> Figures:
    """By the names that customers have there."""
    names = {c["id"]: c["name"].strip() for c in buyer.own.all("customers")}
    bills = [i for i in buyer.contractors("invoice") if i["status"] not in ("void", "draft")]
    money = [p for p in buyer.contractors("payment") if p.get("status") != "void"]
    return Figures(
        _sums((names[i["customer_id"]], i["issue_date"], i["total"]) for i in bills),
        _sums((names[p["customer_id"]], p["date"], p["amount"]) for p in money),
        _owed(
            [(names[i["customer_id"]], i["balance"]) for i in bills],
            [(names[p["customer_id"]], _unapplied(p)) for p in money],
        ),
    )


def quickbooks(buyer: Buyer) -> Figures:
    """By the names that customers have there."""
    names = {c["Id"]: c["DisplayName"] for c in buyer.quickbooks("customer")}
    bills, money = buyer.quickbooks("invoice"), buyer.quickbooks("payment")
    return Figures(
        _sums((names[i["CustomerRef"]["value"]], i["TxnDate"], i["TotalAmt"]) for i in bills),
        _sums((names[p["CustomerRef"]["value"]], p["TxnDate"], p["TotalAmt"]) for p in money),
        _owed(
            [(names[i["CustomerRef"]["value"]], i["Balance"]) for i in bills],
            [(names[p["CustomerRef"]["value"]], p["UnappliedAmt"]) for p in money],
        ),
    )


def receivables(buyer: Buyer, day: str) -> tuple[Counter[str], int]:
    """QuickBooks' own report of what customers owe on a day: cents by name, and the grand total."""
    body = _report(buyer.books, "AgedReceivables", report_date=day)
    report = Report(body)
    rows = {cells[0]["value"]: _cents(cells[-1]["value"]) for cells in (r["ColData"] for r in data_rows(report.rows))}
    total = _cents(report.group("GrandTotal")[-1]) if report.rows else 0
    return Counter({name: owed for name, owed in rows.items() if owed}), total


def _report(books: QuickBooksDesk, name: str, **params: str) -> dict[str, Any]:
    url = f"{books.sandbox.info['base_url']}/v3/company/{books.realm}/reports/{name}"
    answer = books.sandbox.http.get(url, params=params, headers=books.headers, timeout=60)
    answer.raise_for_status()
    return dict(simplejson.loads(answer.content, use_decimal=True))


def _sums(rows: Iterable[tuple[str, str, Any]]) -> Sums:
    found: Sums = Counter()
    for customer, day, amount in rows:
        found[customer, day[:7]] += _cents(amount)
    return found


def _owed(bills: Iterable[tuple[str, Any]], unapplied: Iterable[tuple[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for sign, rows in ((1, bills), (-1, unapplied)):
        for customer, amount in rows:
            found[customer] += sign * _cents(amount)
    return Counter({customer: amount for customer, amount in found.items() if amount})


def _unapplied(payment: Raw) -> Decimal:
    return Decimal(payment["amount"]) - sum(Decimal(a["amount"]) for a in payment["allocations"])


def _cents(amount: Any) -> int:
    return int(cents(amount) * 100)
