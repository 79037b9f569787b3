"""Lists of transactions: plain, by customer, by vendor, and with the lines of each.

Invariant: a list shows every transaction of its range that passes the filters exactly once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked, enumeration
from qb_pipeline.sandbox.quickbooks.reports.chart import chart
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import AMOUNTS, KINDS, UNTYPED, Chosen, chosen, in_order
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry, entries
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, Row, bare, data, section
from qb_pipeline.sandbox.quickbooks.reports.transactions import transactions

PLAIN = (
    "tx_date", "txn_type", "doc_num", "is_no_post", "name", "dept_name", "memo", "account_name", "other_account",
    "subt_nat_amount",
)  # fmt: skip
WITH_SPLITS = ("tx_date", "txn_type", "doc_num", "is_no_post", "name", "memo", "account_name", "nat_amount")
BY_PARTY = ("tx_date", "txn_type", "doc_num", "is_no_post", "memo", "account_name")
Group = Callable[[Entry], tuple[str, str]]
GROUPS: dict[str, Group] = {
    "name": lambda one: one.name,
    "customer": lambda one: one.name if one.party == "Customer" else ("", ""),
    "vendor": lambda one: one.name if one.party == "Vendor" else ("", ""),
    "employee": lambda one: one.name if one.party == "Employee" else ("", ""),
    "account": lambda one: one.account,
    "department": lambda one: one.department,
    "location": lambda one: one.department,
    "transaction type": lambda one: (one.kind, ""),
    "day": lambda one: (one.date, ""),
    "month": lambda one: (f"{date.fromisoformat(one.date):%B %Y}", ""),
    "year": lambda one: (one.date[:4], ""),
}
# What a group without a name is called.
NAMELESS = "Not Specified"


def transaction_list(company: Company, asked: Asked) -> Content:
    """One row a transaction, in groups where `group_by` names one."""
    prefs = company.preferences().get("AccountingInfoPrefs") or {}
    places = {"dept_name": str(prefs.get("DepartmentTerminology") or "Department")}
    keys = PLAIN if prefs.get("TrackDepartments") else tuple(key for key in PLAIN if key != "dept_name")
    shown = chosen(asked, keys, places)
    lines = shown.fitting(transactions(company, asked))
    group = asked.values.get("group_by", "none").replace("_", " ").strip().lower()
    if group == "none":
        return Content(shown.columns, [data(shown.cells(one)) for one in lines], not lines)
    if group not in GROUPS:
        raise enumeration("group_by", asked.values["group_by"])
    return Content(shown.columns, grouped(lines, GROUPS[group], shown), not lines)


def by_party(party: str, amount_key: str, title: str) -> Callable[[Company, Asked], Content]:
    """TransactionListByCustomer or TransactionListByVendor; transactions of nobody are left out."""

    def build(company: Company, asked: Asked) -> Content:
        shown = chosen(asked, (*BY_PARTY, amount_key), {amount_key: title}, layout=UNTYPED)
        lines = shown.fitting([one for one in transactions(company, asked) if one.party == party])
        return Content(shown.columns, grouped(lines, GROUPS["name"], shown), not lines)

    return build


def grouped(lines: Iterable[Entry], group: Group, shown: Chosen) -> list[Row]:
    """A section a group, by name; the nameless one last."""
    by_key: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for one in lines:
        by_key[group(one)].append(one)
    order = sorted(by_key, key=lambda key: (not key[0], key[0].casefold()))
    return [group_section(key, by_key[key], shown) for key in order]


def group_section(key: tuple[str, str], lines: list[Entry], shown: Chosen) -> Row:
    """The transactions of one group and their sum."""
    name, identifier = key[0] or NAMELESS, key[1] or None
    sums = {column: bare(sum((one.amount for one in lines), Decimal(0))) for column in AMOUNTS}
    rows = [data(shown.cells(one)) for one in lines]
    return section(shown.heading(name, identifier)[:1], rows, shown.summary(f"Total for {name}", sums))


def with_splits(company: Company, asked: Asked) -> Content:
    """Every posting of every transaction, below the account where the transaction's money is."""
    shown = chosen(asked, WITH_SPLITS, layout=KINDS)
    bounds = {"since": asked.start.isoformat(), "until": asked.end.isoformat()}
    lines = shown.fitting(entries(company, replace(asked, cash=False), chart(company), bounds, shown.most))
    sections: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for _, found in groupby(lines, key=lambda one: (one.date, one.entity, one.id)):
        parts = list(found)
        sections[parts[0].account] += [data(shown.cells(one)) for one in in_order(asked, parts)]
    order = sorted(sections, key=lambda key: key[0].casefold())
    return Content(shown.columns, [section(shown.heading(*key), sections[key], None) for key in order], not lines)
