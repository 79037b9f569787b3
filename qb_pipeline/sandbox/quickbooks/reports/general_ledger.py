"""The general ledger: every posting, by account, between the balance before and the balance after.

Invariant: beginning balance plus the amounts shown is the account's balance on the trial balance of the last day, for
every range within one fiscal year (in a longer one the accounts of profit and loss go on from year to year).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.balance_sheet import position
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, Named, rank, with_parents
from qb_pipeline.sandbox.quickbooks.reports.dates import EARLIEST, fiscal_start
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import AMOUNTS, RUNNING, Chosen, chosen
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import in_order as sorted_lines
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry, entries
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, movements
from qb_pipeline.sandbox.quickbooks.reports.profit_and_loss import signed
from qb_pipeline.sandbox.quickbooks.reports.shape import Cell, Content, Row, bare, data, section

DEFAULT = ("tx_date", "txn_type", "doc_num", "name", "memo", "split_acc", "subt_nat_amount", "rbal_nat_amount")
Ledger = Mapping[str, list[Entry]]


def general_ledger(company: Company, asked: Asked) -> Content:
    """Accounts with a balance or a posting in the range."""
    moves = movements(company, asked, asked.end)
    bounds = {"since": asked.start.isoformat(), "until": asked.end.isoformat()}
    shown = chosen(asked, DEFAULT)
    lines = shown.fitting(entries(company, asked, moves.accounts, bounds, shown.most))
    posted = by_account(sorted_lines(asked, lines))
    begun = {one.id: balance for one in moves.accounts.values() if (balance := before(moves, one, asked))}
    book = Book(posted, begun, shown)
    children = with_parents(moves.accounts, [*posted, *begun])
    rows = [book.account(moves.accounts[one.id], children) for one in in_order(moves.accounts, children)]
    return Content(shown.columns, rows, not rows)


def in_order(accounts: Mapping[str, Account], children: Mapping[str | None, list[Named]]) -> list[Named]:
    """Top-level accounts in the chart's order, not by name alone."""
    return sorted(children.get(None, []), key=lambda one: rank(accounts[one.id]))


def before(moves: Movements, account: Account, asked: Asked) -> Decimal | None:
    """The balance an account begins the range with: income and expenses since the fiscal year of its first day."""
    if asked.start == EARLIEST:
        return None
    year = fiscal_start(asked.start, asked.first_month)
    return signed(account, position(moves, account, asked.start - timedelta(days=1), year))


def by_account(lines: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Lines in order, by account."""
    result: defaultdict[str, list[Entry]] = defaultdict(list)
    for one in lines:
        result[one.account[1]].append(one)
    return dict(result)


class Book:
    """The sections of the ledger."""

    def __init__(self, posted: Ledger, begun: Mapping[str, Decimal], columns: Chosen) -> None:
        self.posted, self.begun, self.chosen = posted, begun, columns

    def account(self, node: Named, children: Mapping[str | None, list[Named]], *, top: bool = True) -> Row:
        """One account with those below it."""
        own, below = list(self.rows(node.id)), children.get(node.id, [])
        if not below:
            identifier = node.id if top or self.chosen.modern else None
            return section(self.chosen.heading(node.name, identifier), own, self.total(node, [node.id]))
        rows = [self.account(child, children, top=False) for child in below]
        if own:
            rows.insert(0, section(None, own, self.total(node, [node.id])))
        family = [node.id, *descendants(node, children)]
        title = f"{node.name} with sub-accounts" if own else node.name
        return section(
            self.chosen.heading(node.name, self.head_id(node, own, family)), rows, self.total(node, family, title)
        )

    def head_id(self, node: Named, own: list[Row], family: list[str]) -> str | None:
        """The account's id where it has lines of its own.

        Without any, the older layout was recorded to show the id of the first account below; the newer shows none.
        """
        if own:
            return node.id
        used = (one for one in family if one in self.posted or one in self.begun)
        return None if self.chosen.modern else next(used, None)

    def rows(self, account: str) -> Iterator[Row]:
        """Beginning balance and lines with their running balance."""
        running = self.begun.get(account, Decimal(0))
        if running:
            yield data(self.chosen.summary("Beginning Balance", {key: bare(running) for key in RUNNING}))
        for one in self.posted.get(account, []):
            running += one.amount
            yield data(self.chosen.cells(replace(one, balance=running)))

    def total(self, node: Named, family: list[str], title: str | None = None) -> list[Cell]:
        """The sum of the lines; empty where there are none."""
        lines = [one for account in family for one in self.posted.get(account, [])]
        debit = sum((one.debit for one in lines if one.debit > 0), Decimal(0))
        credited = -sum((one.debit for one in lines if one.debit < 0), Decimal(0))
        sums = {key: bare(sum((one.amount for one in lines), Decimal(0))) for key in AMOUNTS}
        sums |= {"debt_amt": bare(debit), "credit_amt": bare(credited)}
        return self.chosen.summary(f"Total for {title or node.name}", sums if lines else {})


def descendants(node: Named, children: Mapping[str | None, list[Named]]) -> Iterator[str]:
    """Ids of everything below."""
    for child in children.get(node.id, []):
        yield child.id
        yield from descendants(child, children)
