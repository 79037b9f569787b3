"""Profit and loss.

Invariant: Net Income is income less every cost of the period, and is what the balance sheet's equity grew by.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, movements
from qb_pipeline.sandbox.quickbooks.reports.shape import (
    Content,
    Row,
    Values,
    cell,
    column,
    figures,
    minus,
    plus,
    section,
    total_row,
    zeroed,
)
from qb_pipeline.sandbox.quickbooks.reports.slices import DIMENSIONS, Slice, dimension, slices

FIRST_COLUMN = column("", "Account", "account")
STANDARD = {"AccountingStandard": "GAAP"}


def profit_and_loss(company: Company, asked: Asked) -> Content:
    """Income, cost of goods sold and expenses of a period, by account."""
    moves = movements(company, asked, asked.end, dimension(asked))
    members = names(company, DIMENSIONS[asked.summarize][1]) if dimension(asked) else {}
    columns = slices(asked, moves, members, profit_only=True)
    values = account_values(moves, columns)
    return Content(
        [FIRST_COLUMN, *(one.column() for one in columns)],
        statement(moves, values, columns, reverse=asked.descending),
        not values,
        dict(STANDARD),
    )


def account_values(moves: Movements, columns: list[Slice]) -> dict[str, Values]:
    """The figures of every account of profit and loss that has any."""
    result: dict[str, Values] = {}
    for account in moves.accounts.values():
        if account.profit:
            found = [signed(account, moves.between(account.id, one.start, one.end, one.member)) for one in columns]
            if any(value is not None for value in found):
                result[account.id] = found
    return result


def signed(account: Account, debit: Decimal | None) -> Decimal | None:
    """As the report shows it: income and debts positive where they are credits."""
    return None if debit is None else debit * account.sign


def statement(moves: Movements, values: dict[str, Values], columns: list[Slice], *, reverse: bool) -> list[Row]:
    """The sections in QBO's order; those without accounts are left out, but for income and expenses."""
    width = len(columns)

    def part(kind: str) -> tuple[list[Row], Values]:
        tree = {one.id: one for one in moves.accounts.values() if one.kind == kind}
        return tree_rows(tree, {one: values[one] for one in tree if one in values}, width, reverse=reverse)

    income, sold, spent, other, other_spent = (part(kind) for kind in KINDS)
    gross = minus(income[1], sold[1])
    operating = minus(gross, spent[1])
    net_other = minus(other[1], other_spent[1])
    rows = [kind_section("Income", *income, "Income", width)]
    if sold[0]:
        rows.append(kind_section("Cost of Goods Sold", *sold, "COGS", width))
    rows.append(computed("Gross Profit", gross, "GrossProfit"))
    rows.append(kind_section("Expenses", *spent, "Expenses", width))
    rows.append(computed("Net Operating Income", operating, "NetOperatingIncome"))
    if other[0]:
        rows.append(kind_section("Other Income", *other, "OtherIncome", width))
    if other_spent[0]:
        rows.append(kind_section("Other Expenses", *other_spent, "OtherExpenses", width))
    if other[0] or other_spent[0]:
        rows.append(computed("Net Other Income", net_other, "NetOtherIncome"))
    return [*rows, computed("Net Income", plus(operating, net_other), "NetIncome")]


KINDS = ("Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense")


def kind_section(title: str, rows: list[Row], total: Values, group: str, width: int) -> Row:
    """One kind of account; with several columns the total's is never empty, as recorded."""
    shown = total if width == 1 else [*total[:-1], total[-1] if total[-1] is not None else Decimal(0)]
    header = [cell(title), *(cell("") for _ in range(width))]
    return section(header, rows, [cell(f"Total {title}"), *figures(shown)], group)


def computed(title: str, values: Values, group: str) -> Row:
    """A line between the sections: empty for no figures at all, but 0.00 where there are several columns."""
    return total_row(title, values if len(values) == 1 else zeroed(values), group)
