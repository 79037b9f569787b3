"""Whatever is invoiced and paid in another currency, at whatever rates, the books agree in both currencies.

Invariant: the customer owes what is open in euros; receivables hold at home what every open item is worth at its own
rate; debits equal credits.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, application, line, money, open_books

REALMS = count(9130350000000400000)
AMOUNTS = st.integers(min_value=1, max_value=9999).map(lambda cents: Decimal(cents) / 100)
RATES = st.integers(min_value=5000, max_value=20000).map(lambda parts: Decimal(parts) / 10000)
PICK = st.integers(min_value=0, max_value=1000)
RECEIVABLE = "Accounts Receivable (A/R) - EUR"


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


class CurrencyMachine(RuleBasedStateMachine):
    """Random work with one customer in euros."""

    server: Body

    @initialize()
    def open(self) -> None:
        self.books: Books = open_books(self.server, str(next(REALMS)))
        fields = {"CurrencyPrefs": {"MultiCurrencyEnabled": True}}
        self.books.ui(act="edit", entity="Preferences", id="1", fields=fields)
        self.books.make("CompanyCurrency", {"Code": "EUR"})
        self.customer = self.books.customer("Hof Berg", CurrencyRef={"value": "EUR"})
        self.item = self.books.item()

    def listed(self, entity: str) -> list[Body]:
        found: list[Body] = self.books.query(f"select * from {entity} orderby Id maxresults 1000").get(entity, [])
        return found

    def send(self, entity: str, body: Body, **params: str) -> None:
        """A write that may be refused, but never by a failure of the server."""
        status, answer = self.books.post(entity.lower(), {**body, "TxnDate": "2026-02-01"}, **params)
        assert status in (200, 400), answer

    @rule(amount=AMOUNTS, rate=RATES)
    def invoice(self, amount: Decimal, rate: Decimal) -> None:
        self.books.invoice(self.customer, self.item, amount, ExchangeRate=rate, TxnDate="2026-02-01")

    @rule(pick=PICK, amount=AMOUNTS, part=AMOUNTS, rate=RATES, whole=st.booleans())
    def pay(self, pick: int, amount: Decimal, part: Decimal, rate: Decimal, whole: bool) -> None:
        invoices = self.listed("Invoice")
        lines = []
        if invoices:
            invoice = invoices[pick % len(invoices)]
            still = money(invoice["Balance"])
            applied = still if whole else min(part, still)
            lines, amount = [application(invoice, applied)], max(amount, applied)
        reference = {"CustomerRef": {"value": self.customer["Id"]}}
        self.send("Payment", {**reference, "TotalAmt": amount, "ExchangeRate": rate, "Line": lines})

    @rule(pick=PICK, rate=RATES)
    def correct_a_rate(self, pick: int, rate: Decimal) -> None:
        invoices = self.listed("Invoice")
        if invoices:
            one = invoices[pick % len(invoices)]
            head = {"Id": one["Id"], "SyncToken": one["SyncToken"], "sparse": True}
            self.send("Invoice", {**head, "ExchangeRate": rate})

    @rule(entity=st.sampled_from(["Invoice", "Payment"]), pick=PICK)
    def remove(self, entity: str, pick: int) -> None:
        found = self.listed(entity)
        if found:
            one = found[pick % len(found)]
            self.send(entity, {"Id": one["Id"], "SyncToken": one["SyncToken"]}, operation="delete")

    @rule(pick=PICK, amount=AMOUNTS)
    def change_an_invoice(self, pick: int, amount: Decimal) -> None:
        invoices = self.listed("Invoice")
        if invoices:
            one = invoices[pick % len(invoices)]
            head = {"Id": one["Id"], "SyncToken": one["SyncToken"], "sparse": True}
            self.send("Invoice", {**head, "Line": [line(self.item, amount)]})

    @invariant()
    def the_books_agree(self) -> None:
        invoices, payments = self.listed("Invoice"), self.listed("Payment")
        open_euros = sum(money(one["Balance"]) for one in invoices) - sum(money(p["UnappliedAmt"]) for p in payments)
        assert money(self.books.again("Customer", self.customer)["Balance"]) == open_euros
        for one in invoices:
            assert money(one["HomeBalance"]) == cents(money(one["Balance"]) * money(one["ExchangeRate"]))
        worth = sum((money(one["HomeBalance"]) for one in invoices), Decimal(0))
        worth -= sum((cents(money(p["UnappliedAmt"]) * money(p["ExchangeRate"])) for p in payments), Decimal(0))
        _, report = self.books.get("reports/TrialBalance", start_date="2026-01-01", end_date="2026-12-31")
        rows = [[cell["value"] for cell in row["ColData"]] for row in report["Rows"].get("Row", []) if "ColData" in row]
        sides = {name: (Decimal(debit or 0), Decimal(credit or 0)) for name, debit, credit in rows}
        assert sum(debit for debit, _ in sides.values()) == sum(credit for _, credit in sides.values())
        debit, credit = sides.get(RECEIVABLE, (Decimal(0), Decimal(0)))
        assert debit - credit == worth


@pytest.mark.timeout(120)
def test_after_any_work_in_two_currencies_the_books_agree(server: Body) -> None:
    CurrencyMachine.server = server
    run_state_machine_as_test(
        CurrencyMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            # A shrunk example costs minutes over HTTP and tells little more.
            phases=[Phase.generate],
        ),
    )
