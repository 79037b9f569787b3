"""What each customer owes and each vendor is owed, in sums and document by document.

Invariant: the grand total is the control accounts' balance of the same day.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.aged import options, reference, sums
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import NOBODY, Named, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import RUNNING, Chosen, chosen
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry
from qb_pipeline.sandbox.quickbooks.reports.open_items import OpenItem, Side, aged, open_items
from qb_pipeline.sandbox.quickbooks.reports.party_lines import party_entries, titles
from qb_pipeline.sandbox.quickbooks.reports.shape import (
    Content,
    Row,
    Values,
    bare,
    column,
    data,
    section,
    total_row,
)

Builder = Callable[[Company, Asked], Content]
DETAIL = {
    "Customer": (
        "tx_date", "txn_type", "doc_num", "due_date", "subt_nat_amount", "subt_nat_open_bal", "rbal_nat_open_bal",
    ),
    "Vendor": (
        "tx_date", "txn_type", "doc_num", "due_date", "subt_neg_amount", "subt_neg_open_bal", "rbal_neg_open_bal",
    ),
}  # fmt: skip


def balances(side: Side) -> Builder:
    """CustomerBalance or VendorBalance."""
    return lambda company, asked: party_balances(company, asked, side)


def balance_detail(side: Side) -> Builder:
    """CustomerBalanceDetail or VendorBalanceDetail."""
    return lambda company, asked: party_detail(company, asked, side)


def party_balances(company: Company, asked: Asked, side: Side) -> Content:
    """One row a customer or vendor with something open; jobs below their customers."""
    found = aged(company, asked, side, *reference(asked), ())
    values: dict[str, Values] = {party: [sum(parts.values(), Decimal(0))] for party, parts in found.items()}
    people = {**names(company, side.party), "": NOBODY}
    rows, total = tree_rows(people, values, 1, typed=False, reverse=asked.descending)
    if rows:
        rows.append(total_row("TOTAL", total, "GrandTotal"))
    return Content([column("", side.party), column("Total", "Money")], rows, not values, options(asked))


def party_detail(company: Company, asked: Asked, side: Side) -> Content:
    """The open documents of each."""
    shown = chosen(asked, DETAIL[side.party], titles(company))
    items = wanted(asked, side, open_items(company, asked, side, *reference(asked)))
    lines = shown.fitting(party_entries(company, side, items))
    by_party: defaultdict[str, list[Entry]] = defaultdict(list)
    for one, source in zip(lines, items, strict=True):
        by_party[source.party if source.sort == side.party else ""].append(one)
    people = {**names(company, side.party), "": NOBODY}
    order = sorted(by_party, key=lambda party: name_of(people, party).casefold(), reverse=asked.descending)
    rows = [party_section(name_of(people, party), party, by_party[party], shown) for party in order]
    if len(rows) > 1:
        rows.append(section(None, None, shown.summary("TOTAL", sums(lines)), "GrandTotal"))
    return Content(shown.columns, rows, not lines, options(asked))


def wanted(asked: Asked, side: Side, items: list[OpenItem]) -> list[OpenItem]:
    """Everything listed here is unpaid, so asking for paid documents only leaves nothing."""
    name = "arpaid" if side.party == "Customer" else "appaid"
    return [] if asked.choices[name] == "Paid" else items


def name_of(people: dict[str, Named], party: str) -> str:
    """The full name."""
    return people[party].full_name if party in people else party


def party_section(name: str, party: str, lines: list[Entry], shown: Chosen) -> Row:
    """One party's lines with their running balance."""
    rows, running = [], Decimal(0)
    for one in lines:
        running += one.open or Decimal(0)
        rows.append(data(shown.cells(replace(one, balance=running))))
    total = {**sums(lines), **{key: bare(running) for key in RUNNING}}
    heading = shown.heading(name, party or None)
    # As recorded, these sections' headers hold the name alone.
    return section(heading[:1], rows, shown.summary(f"Total for {name}", total))
