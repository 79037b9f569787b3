"""Aged receivables and payables, in sums by party and in detail by age.

Invariant: both end with what the control accounts show on the balance sheet of the same day.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import NOBODY, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.dates import LATEST
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import OPEN, Chosen, chosen, in_order
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry
from qb_pipeline.sandbox.quickbooks.reports.open_items import Side, aged, open_items
from qb_pipeline.sandbox.quickbooks.reports.party_lines import party_entries, titles
from qb_pipeline.sandbox.quickbooks.reports.shape import (
    Content,
    Row,
    Values,
    added,
    bare,
    column,
    data,
    section,
    total_row,
    zeroed,
)

Builder = Callable[[Company, Asked], Content]
DETAIL = {
    "Customer": ("tx_date", "txn_type", "doc_num", "cust_name", "due_date", "subt_amount", "subt_open_bal"),
    "Vendor": (
        "tx_date", "txn_type", "doc_num", "vend_name", "due_date", "past_due", "subt_neg_amount", "subt_neg_open_bal",
    ),
}  # fmt: skip


def summary(side: Side) -> Builder:
    """AgedReceivables or AgedPayables."""
    return lambda company, asked: aged_summary(company, asked, side)


def detail(side: Side) -> Builder:
    """AgedReceivableDetail or AgedPayableDetail."""
    return lambda company, asked: aged_detail(company, asked, side)


def limits(asked: Asked) -> tuple[int, ...]:
    """The last day of each bucket but the last: 30, 60, 90 unless asked otherwise."""
    length = asked.number("aging_period", 30, 1, 10_000)
    return tuple(length * number for number in range(1, asked.number("num_periods", 4, 1, 50)))


def reference(asked: Asked) -> tuple[date, date]:
    """(open as of, aged to). Method Current tells the state of today whatever the report's date."""
    day = asked.today if asked.as_of == LATEST else asked.as_of
    return (asked.today, asked.today) if asked.choices["aging_method"] == "Current" else (asked.as_of, day)


def options(asked: Asked) -> dict[str, str]:
    """The day of the report."""
    return {"report_date": (asked.today if asked.as_of == LATEST else asked.as_of).isoformat()}


def bucket_titles(ends: tuple[int, ...]) -> list[str]:
    """Current, 1 - 30, 31 - 60, …, 91 and over."""
    starts = (0, *ends)
    return [
        "Current",
        *(f"{start + 1} - {end}" for start, end in zip(starts, ends, strict=False)),
        f"{starts[-1] + 1} and over",
    ]


def aged_summary(company: Company, asked: Asked, side: Side) -> Content:
    """One row a customer or vendor, one column an age; jobs below their customers."""
    ends = limits(asked)
    found = aged(company, asked, side, *reference(asked), ends)
    width = len(ends) + 3
    values = {party: with_total(buckets, width) for party, buckets in found.items()}
    people = {**names(company, side.party), "": NOBODY}
    rows, _ = tree_rows(people, values, width, typed=False, reverse=asked.descending)
    if rows:
        rows.append(total_row("TOTAL", zeroed(added(values.values(), width)), "GrandTotal"))
    columns = [column("", side.party), *(column(title, "Money") for title in (*bucket_titles(ends), "Total"))]
    return Content(columns, rows, not values, options(asked))


def with_total(buckets: dict[int, Decimal], width: int) -> Values:
    """A row's figures and their sum."""
    return [*(buckets.get(number) for number in range(width - 1)), sum(buckets.values(), Decimal(0))]


def aged_detail(company: Company, asked: Asked, side: Side) -> Content:
    """Every open item, the oldest ages first."""
    ends, shown = limits(asked), chosen(asked, DETAIL[side.party], titles(company))
    as_of, day = reference(asked)
    lines = shown.fitting(party_entries(company, side, open_items(company, asked, side, as_of, day)))
    rows: list[Row] = []
    for number in range(len(ends) + 1, -1, -1):
        inside = [one for one in lines if bucket(one, ends) == number]
        if inside:
            rows.append(age_section(age_title(number, ends), in_order(asked, inside), shown))
    if rows:
        rows.append(section(None, None, shown.summary("TOTAL", sums(lines)), "GrandTotal"))
    return Content(shown.columns, rows, not lines, options(asked))


def bucket(one: Entry, ends: tuple[int, ...]) -> int:
    """Which age a line belongs to."""
    past = one.past_due or 0
    return next((number for number, end in enumerate((0, *ends)) if past <= end), len(ends) + 1)


def age_title(number: int, ends: tuple[int, ...]) -> str:
    """`31 - 60 days past due`, `91 or more days past due`, `Current`."""
    if number == 0:
        return "Current"
    start = (0, *ends)[number - 1] + 1
    return f"{start} - {ends[number - 1]} days past due" if number <= len(ends) else f"{start} or more days past due"


def age_section(title: str, lines: list[Entry], shown: Chosen) -> Row:
    """The lines of one age and their sum."""
    rows = [data(shown.cells(one)) for one in lines]
    return section(shown.heading(title), rows, shown.summary(f"Total for {title}", sums(lines)))


def sums(lines: list[Entry]) -> dict[str, str]:
    """Amounts and what is open of them."""
    amounts = ("subt_amount", "subt_nat_amount", "subt_neg_amount", "subt_nat_home_amount")
    result = {key: bare(sum((one.amount for one in lines), Decimal(0))) for key in amounts}
    return result | {key: bare(sum((one.open or Decimal(0) for one in lines), Decimal(0))) for key in OPEN}
