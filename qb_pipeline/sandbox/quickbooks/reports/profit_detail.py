"""Profit and loss in detail: every posting on an account of profit and loss.

Invariant: its Net Income is that of the summary for the same range, basis and filters.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, chart, with_parents
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import AMOUNTS, chosen
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import in_order as sorted_lines
from qb_pipeline.sandbox.quickbooks.reports.entries import entries
from qb_pipeline.sandbox.quickbooks.reports.general_ledger import DEFAULT, Book, by_account, in_order
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, Row, bare, section

ORDINARY = (("Income", "Income"), ("Cost of Goods Sold", "Cost of Goods Sold"), ("Expenses", "Expense"))
OTHER = (("Other Income", "Other Income"), ("Other Expenses", "Other Expense"))


def profit_and_loss_detail(company: Company, asked: Asked) -> Content:
    """Postings of the range by account, with the sums of the summary report."""
    accounts = chart(company)
    bounds = {"since": asked.start.isoformat(), "until": asked.end.isoformat()}
    shown = chosen(asked, DEFAULT)
    lines = shown.fitting(entries(company, asked, accounts, bounds, shown.most, profit=True))
    posted = by_account(sorted_lines(asked, lines))
    detail = Detail(accounts, Book(posted, {}, shown))
    return Content(shown.columns, detail.sections() if posted else [], not posted)


class Detail:
    """The sections of one report."""

    def __init__(self, accounts: dict[str, Account], book: Book) -> None:
        self.accounts, self.book = accounts, book

    def net(self, *kinds: str) -> Decimal:
        """Credits less debits on accounts of some types."""
        lines = (
            one for account, found in self.book.posted.items() if self.accounts[account].kind in kinds for one in found
        )
        return -sum((one.debit for one in lines), Decimal(0))

    def sections(self) -> list[Row]:
        """Ordinary income and expenses, other ones where there are any, and the result."""
        gross = self.net("Income", "Cost of Goods Sold")
        ordinary, other = gross + self.net("Expense"), self.net("Other Income", "Other Expense")
        first = [{"Rows": {}, "Summary": {"ColData": self.sum("Gross Profit", gross)}, "type": "Section"}]
        rows = [*first, *self.parts(ORDINARY)]
        heading = self.book.chosen.heading("Ordinary Income/Expenses")
        others = self.parts(OTHER)
        if not others:
            return [section(heading, rows, self.sum("Net Income", ordinary))]
        return [
            section(heading, rows, self.sum("Net Ordinary Income", ordinary)),
            section(self.book.chosen.heading("Other Income/Expense"), others, self.sum("Net Other Income", other)),
            section(None, None, self.sum("Net Income", ordinary + other)),
        ]

    def sum(self, title: str, value: Decimal) -> list[dict[str, str]]:
        """A line of totals."""
        return self.book.chosen.summary(title, {key: bare(value) for key in AMOUNTS})

    def parts(self, kinds: tuple[tuple[str, str], ...]) -> list[Row]:
        """A section for each type of account that has lines."""
        return [row for title, kind in kinds if (row := self.part(title, kind)) is not None]

    def part(self, title: str, kind: str) -> Row | None:
        """The accounts of one type."""
        shown = [one for one in self.book.posted if self.accounts[one].kind == kind]
        if not shown:
            return None
        children = with_parents(self.accounts, shown)
        rows = [self.book.account(one, children) for one in in_order(self.accounts, children)]
        value = self.net(kind) * (-1 if kind in ("Cost of Goods Sold", "Expense", "Other Expense") else 1)
        return section(self.book.chosen.heading(title), rows, self.sum(f"Total for {title}", value))
