"""Income by customer and expenses by vendor.

Invariant: what names nobody is shown as such in the expenses, so that their total is that of profit and loss.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import chart, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.lines import CUSTOMER, MEMBER, VENDOR, amount, select
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, series_of
from qb_pipeline.sandbox.quickbooks.reports.sales import member_report
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, Values, column, total_row, zeroed
from qb_pipeline.sandbox.quickbooks.reports.slices import dimension

INCOME, COST = ("Income", "Other Income"), ("Cost of Goods Sold", "Expense", "Other Expense")


def accounts_of(company: Company, kinds: tuple[str, ...]) -> list[str]:
    """Ids of the accounts of some types."""
    return [one.id for one in chart(company).values() if one.kind in kinds]


def customer_income(company: Company, asked: Asked) -> Content:
    """What each customer brought, cost and left; costs are negative, as recorded."""
    earned, spent = (by_customer(company, asked, kinds) for kinds in (INCOME, COST))
    values: dict[str, Values] = {}
    for one in {*earned, *spent}:
        income, expense = earned.get(one), spent.get(one)
        values[one] = [income, expense, (income or Decimal(0)) + (expense or Decimal(0))]
    rows, total = tree_rows(names(company, "Customer"), values, 3, typed=False, reverse=asked.descending)
    if rows:
        rows.append(total_row("TOTAL", zeroed(total), "GrandTotal"))
    titles = ("Income", "Expenses", "Net Income")
    return Content([column("", "Customer"), *(column(one, "Money") for one in titles)], rows, not values)


def by_customer(company: Company, asked: Asked, kinds: tuple[str, ...]) -> dict[str, Decimal]:
    """Credits less debits of the range by customer, on accounts of some types."""
    bounds = {
        "since": asked.start.isoformat(),
        "until": asked.end.isoformat(),
        "accounts": accounts_of(company, kinds),
    }
    rows = select(company, asked, (CUSTOMER, "sum(-p.amount)"), bounds, "GROUP BY 1")
    return {customer: amount(total) for customer, total in rows if customer is not None}


def vendor_expenses(company: Company, asked: Asked) -> Content:
    """What was spent with each vendor."""
    other = dimension(asked)
    rows = select(
        company,
        asked,
        (
            f"coalesce({VENDOR}, '')",
            f"coalesce({MEMBER[other]}, '')" if other else "'*'",
            "p.date",
            "sum(p.amount)",
        ),
        {"until": asked.end.isoformat(), "accounts": accounts_of(company, COST)},
        "GROUP BY 1, 2, 3 ORDER BY 3",
    )
    moves = Movements({}, series_of(rows, by_member=other is not None))
    return member_report(company, asked, moves, "Vendor", "Vendor", total="TOTAL", grouped=False)
