"""The trial balance.

Invariant: debits equal credits on every day and on both bases.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.balance_sheet import position
from qb_pipeline.sandbox.quickbooks.reports.dates import fiscal_start
from qb_pipeline.sandbox.quickbooks.reports.movements import movements
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, cell, column, data, money, total_row


def trial_balance(company: Company, asked: Asked) -> Content:
    """Every account with a balance at the end of the range; income and expenses since the fiscal year began."""
    moves = movements(company, asked, asked.end)
    year = fiscal_start(asked.end, asked.first_month)
    positions = ((one, position(moves, one, asked.end, year)) for one in moves.accounts.values())
    balances = [(account, balance) for account, balance in positions if balance]
    rows = [
        data([cell(account.full_name, account.id), *sides(balance)], typed=False)
        for account, balance in (reversed(balances) if asked.descending else balances)
    ]
    debited = sum((balance for _, balance in balances if balance > 0), Decimal(0))
    credited = -sum((balance for _, balance in balances if balance < 0), Decimal(0))
    if rows:
        rows.append(total_row("TOTAL", [debited, credited], "GrandTotal"))
    columns = [column("", "Account"), column("Debit", "Money"), column("Credit", "Money")]
    return Content(columns, rows, not balances)


def sides(balance: Decimal) -> list[dict[str, str]]:
    """A balance in the debit or the credit column."""
    return [cell(money(balance) if balance > 0 else ""), cell(money(-balance) if balance < 0 else "")]
