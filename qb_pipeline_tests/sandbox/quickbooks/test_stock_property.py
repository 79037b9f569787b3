"""Whatever is bought, sold, counted, changed and removed, the stock and the books agree.

Invariant: QtyOnHand = everything that came in less everything that went out; the asset account holds the cost of the
units that are left, counted here unit by unit; debits equal credits.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money, open_books

REALMS = count(9130350000000300000)
SALES, COGS, ASSET, EXPENSE, CHECKING = "28", "29", "30", "14", "25"
PICK = st.integers(min_value=0, max_value=1000)
UNITS = st.integers(min_value=1, max_value=9)
CENTS = st.integers(min_value=0, max_value=5000).map(lambda cents: Decimal(cents) / 100)
DAYS = st.integers(min_value=1, max_value=28).map(lambda day: f"2026-02-{day:02}")
OUT = ("Invoice", "SalesReceipt", "VendorCredit", "InventoryAdjustment")
BACK = ("CreditMemo", "RefundReceipt")
KINDS = ("Purchase", "Bill", *OUT, *BACK)
START, PRICE = 5, Decimal("1.37")


class StockMachine(RuleBasedStateMachine):
    """Random work with one inventory item, in any order of dates."""

    server: Body

    @initialize()
    def open(self) -> None:
        self.books: Books = open_books(self.server, str(next(REALMS)))
        refs = {"AssetAccountRef": ASSET, "IncomeAccountRef": SALES, "ExpenseAccountRef": COGS}
        tracked = {"TrackQtyOnHand": True, "QtyOnHand": START, "InvStartDate": "2026-01-01", "PurchaseCost": PRICE}
        body = {"Name": "Pump", "Type": "Inventory", **{key: {"value": at} for key, at in refs.items()}, **tracked}
        self.item = self.books.make("Item", body)
        self.customer = {"value": self.books.customer()["Id"]}
        self.vendor = {"value": self.books.make("Vendor", {"DisplayName": "Hill Supply"})["Id"]}
        # (kind, id) -> (day, units, amount)
        self.done: dict[tuple[str, str], tuple[str, int, Decimal]] = {}

    def body(self, kind: str, day: str, units: int, amount: Decimal) -> Body:
        reference = {"ItemRef": {"value": self.item["Id"]}}
        bought = {
            "DetailType": "ItemBasedExpenseLineDetail",
            "Amount": amount,
            "ItemBasedExpenseLineDetail": {**reference, "Qty": units},
        }
        counted = {"ItemAdjustmentLineDetail": {**reference, "QtyDiff": -units}}
        sold = line(self.item, units * 20, Qty=units, UnitPrice=20)
        heads: dict[str, tuple[Body, Body]] = {
            "Purchase": ({"AccountRef": {"value": CHECKING}, "PaymentType": "Cash"}, bought),
            "Bill": ({"VendorRef": self.vendor}, bought),
            "VendorCredit": ({"VendorRef": self.vendor}, bought),
            "InventoryAdjustment": ({"AdjustAccountRef": {"value": EXPENSE}}, counted),
            "RefundReceipt": ({"CustomerRef": self.customer, "DepositToAccountRef": {"value": CHECKING}}, sold),
        }
        head, one = heads.get(kind, ({"CustomerRef": self.customer}, sold))
        return {**head, "TxnDate": day, "Line": [one]}

    @rule(kind=st.sampled_from(KINDS), day=DAYS, units=UNITS, amount=CENTS)
    def make(self, kind: str, day: str, units: int, amount: Decimal) -> None:
        made = self.books.make(kind, self.body(kind, day, units, amount))
        self.done[(kind, made["Id"])] = (day, units, amount)

    @rule(pick=PICK, day=DAYS, units=UNITS, amount=CENTS)
    def change(self, pick: int, day: str, units: int, amount: Decimal) -> None:
        if self.done:
            kind, identifier = sorted(self.done)[pick % len(self.done)]
            current = self.books.read(kind, identifier)
            head = {"Id": identifier, "SyncToken": current["SyncToken"], "sparse": True}
            self.books.make(kind, {**self.body(kind, day, units, amount), **head})
            self.done[(kind, identifier)] = (day, units, amount)

    @rule(pick=PICK)
    def remove(self, pick: int) -> None:
        if self.done:
            kind, identifier = sorted(self.done)[pick % len(self.done)]
            current = self.books.read(kind, identifier)
            self.books.make(kind, {"Id": identifier, "SyncToken": current["SyncToken"]}, operation="delete")
            del self.done[(kind, identifier)]

    def receipts(self) -> list[tuple[int, Decimal]]:
        """(units, what they cost) in order."""
        bought = [
            (day, int(identifier), units, amount)
            for (kind, identifier), (day, units, amount) in self.done.items()
            if kind in ("Purchase", "Bill")
        ]
        return [(START, START * PRICE), *((units, amount) for _, _, units, amount in sorted(bought))]

    @invariant()
    def the_quantity_is_what_came_in_less_what_went_out(self) -> None:
        came = sum(units for units, _ in self.receipts())
        assert money(self.books.again("Item", self.item)["QtyOnHand"]) == came - self.gone()

    def gone(self) -> int:
        moved = [(kind, units) for (kind, _), (_, units, _) in self.done.items()]
        out = sum(units for kind, units in moved if kind in OUT)
        return out - sum(units for kind, units in moved if kind in BACK)

    @invariant()
    def the_asset_account_holds_the_cost_of_what_is_left(self) -> None:
        receipts, gone = self.receipts(), self.gone()
        prices = [amount / units for units, amount in receipts for _ in range(units)]
        used = sum(prices[: max(gone, 0)], Decimal(0)) + min(gone, 0) * prices[0]
        used += max(gone - len(prices), 0) * prices[-1]
        cost = used.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        held = money(self.books.read("Account", ASSET)["CurrentBalance"])
        # A third of a cent summed up unit by unit may round the other way.
        assert abs(held - (sum(amount for _, amount in receipts) - cost)) <= Decimal("0.01")

    @invariant()
    def debits_equal_credits(self) -> None:
        _, report = self.books.get("reports/TrialBalance", start_date="2026-01-01", end_date="2026-12-31")
        rows = [row["ColData"] for row in report["Rows"]["Row"] if "ColData" in row]
        debit, credit = (sum(Decimal(row[at]["value"] or 0) for row in rows) for at in (1, 2))
        assert debit == credit


@pytest.mark.timeout(120)
def test_after_any_work_stock_and_books_agree(server: Body) -> None:
    StockMachine.server = server
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            # A shrunk example costs minutes over HTTP and tells little more.
            phases=[Phase.generate],
        ),
    )
