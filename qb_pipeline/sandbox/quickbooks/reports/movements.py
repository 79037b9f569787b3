"""What each account moved, day by day: the figures under every statement.

Invariant: a balance at a date is the sum of all movements up to it, so statements of any two dates agree with what was
posted between them.

    moves = movements(company, asked, until)        moves.between("35", start, end)  None when nothing was posted
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, chart
from qb_pipeline.sandbox.quickbooks.reports.lines import MEMBER, amount, select

# Stands for every member of a dimension together.
ALL = "*"
# Where earlier profit is shown in a company that was loaded without such an account.
RETAINED = Account("", "Retained Earnings", "Retained Earnings", None, "Equity", "RetainedEarnings")


@dataclass
class Series:
    """Days in order, and the sum up to each."""

    days: list[str] = field(default_factory=list)
    sums: list[Decimal] = field(default_factory=list)

    def add(self, day: str, change: Decimal) -> None:
        """Days must come in order."""
        self.days.append(day)
        self.sums.append(change + (self.sums[-1] if self.sums else 0))

    def between(self, start: str, end: str) -> Decimal | None:
        """What was posted from one day through another; None for nothing."""
        first, last = bisect_left(self.days, start), bisect_right(self.days, end)
        if first >= last:
            return None
        return self.sums[last - 1] - (self.sums[first - 1] if first else 0)


@dataclass
class Movements:
    """Debits less credits by account, member and day."""

    accounts: dict[str, Account]
    series: dict[tuple[str, str], Series]
    # The accounts asked for, where only some are.
    only: frozenset[str] | None = None

    def shows(self, account: str) -> bool:
        """Whether the report is about this account."""
        return self.only is None or account in self.only

    def between(self, account: str, start: date | None, end: date, member: str = ALL) -> Decimal | None:
        """Debits less credits of a period; from the beginning when `start` is None."""
        return self.moved(account, start, end, member) if self.shows(account) else None

    def moved(self, account: str, start: date | None, end: date, member: str = ALL) -> Decimal | None:
        """As `between`, also for accounts that are not shown."""
        found = self.series.get((account, member))
        return None if found is None else found.between("" if start is None else start.isoformat(), end.isoformat())

    @property
    def keys(self) -> list[str]:
        """Everything that moved at all."""
        return sorted(key for key, member in self.series if member == ALL)

    def profit(self, start: date | None, end: date, member: str = ALL) -> Decimal:
        """Income less cost of a period."""
        parts = (self.moved(one.id, start, end, member) for one in self.accounts.values() if one.profit)
        return -sum((part for part in parts if part is not None), Decimal(0))

    def bounds(self, today: date) -> tuple[date, date]:
        """The first and the last day anything was posted, or today where that is later."""
        ends = (day for one in self.series.values() for day in (one.days[0], one.days[-1]))
        # A recorded transaction without a date counts before all others.
        days = [today.isoformat(), *(day for day in ends if day)]
        return date.fromisoformat(min(days)), date.fromisoformat(max(days))

    def members(self, start: date, end: date, *, profit_only: bool) -> list[str]:
        """Who has movements in a period; the empty text stands for none named."""
        return sorted(
            {
                member
                for (account, member), one in self.series.items()
                if member != ALL
                and self.shows(account)
                and (not profit_only or self.accounts[account].profit)
                and one.between(start.isoformat(), end.isoformat()) is not None
            }
        )


def movements(company: Company, asked: Asked, until: date, dimension: str | None = None) -> Movements:
    """Everything posted up to a day; with a dimension (a key of MEMBER) also by its members."""
    member = f"coalesce({MEMBER[dimension]}, '')" if dimension else "'*'"
    only = asked.filters.get("account")
    rows = select(
        company,
        # Retained earnings are made of the accounts that are not asked for, too.
        replace(asked, filters={name: ids for name, ids in asked.filters.items() if name != "account"}),
        ("p.account", member, "p.date", "sum(p.amount)"),
        {"until": until.isoformat()},
        "GROUP BY 1, 2, 3 ORDER BY 3",
    )
    accounts = known(chart(company), (row[0] for row in rows))
    series = series_of(rows, by_member=dimension is not None)
    return Movements(accounts, series, None if only is None else frozenset(only))


def series_of(rows: Iterable[tuple[str, str, str, int]], *, by_member: bool) -> dict[tuple[str, str], Series]:
    """The series of each account, together and by member. Rows come by day."""
    result: defaultdict[tuple[str, str], Series] = defaultdict(Series)
    for account, member, day, millionths in rows:
        change = amount(millionths)
        result[(account, ALL)].add(day, change)
        if by_member:
            result[(account, member)].add(day, change)
    return dict(result)


def known(accounts: dict[str, Account], used: Iterable[str]) -> dict[str, Account]:
    """The chart, with what a recording may lack: accounts its transactions name, and retained earnings."""
    missing = {identifier for identifier in used if identifier not in accounts}
    lost = {one: Account(one, f"Account {one}", f"Account {one}", None, "Other Current Asset", "") for one in missing}
    whole = {**accounts, **lost}
    if any(one.subtype == RETAINED.subtype for one in whole.values()):
        return whole
    return {**whole, RETAINED.id: RETAINED}
