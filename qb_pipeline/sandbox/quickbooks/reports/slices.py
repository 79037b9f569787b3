"""The columns of a statement: one for the whole, one for each period, or one for each customer, class and so on.

Invariant: the columns of a report do not overlap and cover its whole range, so they add up to the Total column.

    slices(asked, moves, names) -> [Slice, ...]          the last one is the total, unless it is the only one
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Named
from qb_pipeline.sandbox.quickbooks.reports.dates import unit_span, unit_start
from qb_pipeline.sandbox.quickbooks.reports.movements import ALL, Movements
from qb_pipeline.sandbox.quickbooks.reports.shape import Column, column

# summarize_column_by -> (filter name, entity)
DIMENSIONS = {
    "Customers": ("customer", "Customer"),
    "Vendors": ("vendor", "Vendor"),
    "Employees": ("employee", "Employee"),
    "Classes": ("class", "Class"),
    "Departments": ("department", "Department"),
    "ProductsAndServices": ("item", "Item"),
}
PERIODS = {"Month": "month", "Week": "week", "Quarter": "quarter", "Year": "year", "Days": "day"}
MOST_COLUMNS = 400


@dataclass(frozen=True)
class Slice:
    """One column of amounts."""

    title: str
    key: str
    start: date
    end: date
    member: str = ALL
    dated: bool = False

    def column(self) -> Column:
        """As the report declares it."""
        dates = {"StartDate": self.start.isoformat(), "EndDate": self.end.isoformat()} if self.dated else {}
        return column(self.title, "Money", self.key, **dates)


def dimension(asked: Asked) -> str | None:
    """What the columns go by, as the filters call it; None for periods."""
    found = DIMENSIONS.get(asked.summarize)
    return None if found is None else found[0]


def slices(asked: Asked, moves: Movements, members: Mapping[str, Named], *, profit_only: bool) -> list[Slice]:
    """The columns; those of all dates end where the books do."""
    start, end = moves.bounds(asked.today) if asked.macro == "all" else (asked.start, asked.end)
    if asked.summarize in DIMENSIONS:
        present = moves.members(start, end, profit_only=profit_only)
        return [*by_member(present, members, start, end), Slice("TOTAL", "total", start, end)]
    whole = Slice("Total", "total", start, end)
    if asked.summarize == "Total":
        return [whole]
    return [*by_period(PERIODS[asked.summarize], start, end, asked.first_month), whole]


def by_member(present: list[str], members: Mapping[str, Named], start: date, end: date) -> list[Slice]:
    """One column a member by name; what names none comes last."""
    named = sorted((members[one].full_name.casefold(), one) for one in present if one in members)
    result = [Slice(members[one].full_name, one, start, end, one) for _, one in named]
    return result + [Slice("Not Specified", "**", start, end, one) for one in present if one not in members]


def by_period(unit: str, start: date, end: date, first_month: int) -> list[Slice]:
    """One column a period; the first and the last may be cut short. 2180 for more than QBO would show."""
    result: list[Slice] = []
    for first, last in periods(unit, start, end, first_month):
        name = title(unit, first, last)
        result.append(Slice(name, name, first, last, dated=True))
        if len(result) > MOST_COLUMNS:
            raise Fault(2180, f"More than {MOST_COLUMNS} columns: shorten the range", element="summarize_column_by")
    return result


def periods(unit: str, start: date, end: date, first_month: int) -> Iterator[tuple[date, date]]:
    """The parts of a range, in order."""
    day = start
    while day <= end:
        last = day if unit == "day" else unit_span(unit, unit_start(unit, day, first_month))[1]
        yield day, min(last, end)
        day = min(last, end) + timedelta(days=1)


def title(unit: str, first: date, last: date) -> str:
    """`Jul 20, 2021`, `Jul 2021`, `Jul 1 - 22, 2021`, `Jan - Mar, 2021`."""
    if unit == "day":
        return f"{first:%b} {first.day}, {first.year}"
    whole_months = first.day == 1 and (last + timedelta(days=1)).day == 1
    if whole_months and (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    if whole_months and first.year == last.year:
        return f"{first:%b} - {last:%b}, {last.year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%b} {first.day} - {last.day}, {last.year}"
    begin = f"{first:%b} {first.day}" + (f", {first.year}" if first.year != last.year else "")
    return f"{begin} - {last:%b} {last.day}, {last.year}"
