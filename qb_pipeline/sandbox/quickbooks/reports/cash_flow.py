"""The cash flow statement, from net income to the money in the bank.

Invariant: cash at the end is cash at the beginning plus the three activities, and is what the balance sheet shows on
bank accounts and undeposited funds.
"""

from datetime import timedelta
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, movements
from qb_pipeline.sandbox.quickbooks.reports.profit_and_loss import FIRST_COLUMN
from qb_pipeline.sandbox.quickbooks.reports.shape import (
    Content,
    Row,
    Values,
    added,
    cell,
    data,
    figures,
    plus,
    section,
    total_row,
    zeroed,
)
from qb_pipeline.sandbox.quickbooks.reports.slices import DIMENSIONS, Slice, dimension, slices

OPERATING = (
    "Accounts Receivable", "Other Current Asset", "Accounts Payable", "Credit Card", "Other Current Liability",
)  # fmt: skip
INVESTING = ("Fixed Asset", "Other Asset")
FINANCING = ("Long Term Liability", "Equity")
ADJUSTMENTS = "Adjustments to reconcile Net Income to Net Cash provided by operations:"


def is_cash(account: Account) -> bool:
    """Bank accounts and undeposited funds."""
    return account.kind == "Bank" or account.subtype == "UndepositedFunds"


def cash_flow(company: Company, asked: Asked) -> Content:
    """The indirect method: net income, and what the other accounts took up or set free."""
    moves = movements(company, asked, asked.end, dimension(asked))
    members = names(company, DIMENSIONS[asked.summarize][1]) if dimension(asked) else {}
    columns = slices(asked, moves, members, profit_only=False)
    flow = Flow(moves, columns)
    return Content([FIRST_COLUMN, *(one.column() for one in columns)], flow.rows(), not flow.moved())


class Flow:
    """The sections of one statement."""

    def __init__(self, moves: Movements, columns: list[Slice]) -> None:
        self.moves, self.columns = moves, columns

    def moved(self) -> bool:
        """Whether anything was posted."""
        return any(
            self.moves.between(one, column.start, column.end) is not None
            for one in self.moves.keys
            for column in self.columns
        )

    def net_income(self) -> Values:
        """Of each column's range."""
        return [self.moves.profit(one.start, one.end, one.member) for one in self.columns]

    def accounts(self, kinds: tuple[str, ...]) -> tuple[list[Row], Values]:
        """What accounts of some types set free: credits less debits."""
        rows: list[Row] = []
        totals: list[Values] = []
        for kind in kinds:
            tree = {one.id: one for one in self.moves.accounts.values() if one.kind == kind and not is_cash(one)}
            values = {one: found for one in tree if (found := self.freed(one))}
            made, total = tree_rows(tree, values, len(self.columns))
            rows += made
            totals.append(total)
        return rows, added(totals, len(self.columns))

    def freed(self, account: str) -> Values | None:
        """One account's credits less debits."""
        found = [self.moves.between(account, one.start, one.end, one.member) for one in self.columns]
        return None if not any(found) else [None if value is None else -value for value in found]

    def rows(self) -> list[Row]:
        """The statement."""
        income = self.net_income()
        adjusted, change = self.accounts(OPERATING)
        head = data([cell("Net Income"), *figures(income)], group="NetIncome")
        adjustments = self.section(ADJUSTMENTS, adjusted, change, f"Total {ADJUSTMENTS}", "OperatingAdjustments")
        operating = zeroed(plus(income, change))
        inside = [head, adjustments] if adjusted else [head]
        rows = [self.activity("operating", inside, operating)]
        increase = operating
        for name, kinds in (("investing", INVESTING), ("financing", FINANCING)):
            made, total = self.accounts(kinds)
            increase = zeroed(plus(increase, total))
            rows += [self.activity(name, made, total)] if made else []
        rows.append(total_row("Net cash increase for period", increase, "CashIncrease"))
        begun = [self.cash(one, before=True) for one in self.columns]
        if any(begun):
            rows.append(total_row("Cash at beginning of period", begun, "BeginningCash"))
        return [*rows, total_row("Cash at end of period", [self.cash(one) for one in self.columns], "EndingCash")]

    def activity(self, name: str, rows: list[Row], total: Values) -> Row:
        """One of the three activities."""
        title = f"Net cash provided by {name} activities"
        return self.section(f"{name.upper()} ACTIVITIES", rows, total, title, f"{name.capitalize()}Activities")

    def section(self, title: str, rows: list[Row], total: Values, summary: str, group: str) -> Row:
        """Rows with their sum."""
        header = [cell(title), *(cell("") for _ in self.columns)]
        return section(header, rows, [cell(summary), *figures(total)], group)

    def cash(self, one: Slice, *, before: bool = False) -> Decimal:
        """Money at the end of a column's range, or on the day before it."""
        day = one.start - timedelta(days=1) if before else one.end
        accounts = (account.id for account in self.moves.accounts.values() if is_cash(account))
        parts = (self.moves.between(account, None, day, one.member) for account in accounts)
        return sum((part for part in parts if part is not None), Decimal(0))
