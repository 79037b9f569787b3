"""The columns of detail reports, by the keys QBO gives them.

Invariant: a column asked for by key shows the same figure in every report that has it.

    chosen(asked, ("tx_date", "doc_num", ...), titles) -> [(key, Column, cell function), ...]
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.reports.asked import Asked, enumeration
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry
from qb_pipeline.sandbox.quickbooks.reports.shape import Cell, Column, bare, cell, column

# QBO's own limit for one report.
MOST_CELLS = 400_000
# How the older layout tells a column's type: by its key, by a kind of value, or not at all.
KEYS, KINDS, UNTYPED = "keys", "kinds", "untyped"
Show = Callable[[Entry], Cell]
# key -> (title, type in the newer layout, cell)
COLUMNS: dict[str, tuple[str, str, Show]] = {
    "tx_date": ("Date", "Date", lambda one: cell(one.date)),
    "txn_type": ("Transaction Type", "String", lambda one: cell(one.kind, one.id)),
    "doc_num": ("Num", "String", lambda one: cell(one.number)),
    "is_no_post": ("Posting", "Boolean", lambda one: cell("Yes" if one.posting else "No")),
    "name": ("Name", "String", lambda one: cell(*one.name)),
    "cust_name": ("Customer", "String", lambda one: cell(*named(one, "Customer"))),
    "vend_name": ("Vendor", "String", lambda one: cell(*named(one, "Vendor"))),
    "emp_name": ("Employee", "String", lambda one: cell(*named(one, "Employee"))),
    "dept_name": ("Department", "String", lambda one: cell(*one.department)),
    "klass_name": ("Class", "String", lambda one: cell(*one.klass)),
    "item_name": ("Product/Service", "String", lambda one: cell(*one.item)),
    "memo": ("Memo/Description", "String", lambda one: cell(one.memo)),
    "account_name": ("Account", "String", lambda one: cell(*one.account)),
    "other_account": ("Split", "String", lambda one: cell(*one.split)),
    "split_acc": ("Split", "String", lambda one: cell(*one.split)),
    "due_date": ("Due Date", "Date", lambda one: cell(one.due)),
    "past_due": ("Past Due", "String", lambda one: cell("" if one.past_due is None else str(one.past_due))),
    "create_date": ("Create Date", "Date", lambda one: cell(one.created)),
    "last_mod_date": ("Last Modified", "Date", lambda one: cell(one.updated)),
    "debt_amt": ("Debit", "Money", lambda one: cell(bare(one.debit) if one.debit > 0 else "")),
    "credit_amt": ("Credit", "Money", lambda one: cell(bare(-one.debit) if one.debit < 0 else "")),
}
AMOUNTS = (
    "amount", "nat_amount", "subt_amount", "subt_nat_amount", "subt_nat_home_amount", "subt_neg_amount",
    "subt_nat_amount_nt", "subt_nat_amount_home_nt",
)  # fmt: skip
OPEN = (
    "open_bal", "nat_open_bal", "subt_open_bal", "subt_nat_open_bal", "subt_neg_open_bal", "subt_neg_home_open_bal",
    "subt_nat_home_open_bal",
)  # fmt: skip
RUNNING = ("rbal_nat_amount", "rbal_nat_open_bal", "rbal_neg_open_bal", "rbal_nat_amount_nt", "rbal_nat_home_amount")
COLUMNS |= {key: ("Amount", "Money", lambda one: cell(bare(one.amount))) for key in AMOUNTS}
COLUMNS |= {key: ("Open Balance", "Money", lambda one: cell(bare(one.open))) for key in OPEN}
COLUMNS |= {key: ("Balance", "Money", lambda one: cell(bare(one.balance))) for key in RUNNING}


class TooMuch(Exception):
    """A report would have more cells than QBO shows; it says so under its columns instead."""

    def __init__(self, columns: list[Column]) -> None:
        super().__init__("too many cells for one report")
        self.columns = columns


def named(one: Entry, entity: str) -> tuple[str, str]:
    """The line's party where it is of this kind."""
    return one.name if one.party == entity else ("", "")


class Chosen:
    """The columns of one report, in order."""

    @property
    def most(self) -> int:
        """How many lines fit into a report."""
        return MOST_CELLS // len(self.keys)

    def fitting(self, lines: list[Entry]) -> list[Entry]:
        """The lines. TooMuch when they do not fit."""
        if len(lines) > self.most:
            raise TooMuch(self.columns)
        return lines

    def __init__(self, keys: Sequence[str], titles: Mapping[str, str], *, modern: bool, layout: str) -> None:
        self.keys, self.titles, self.modern, self.layout = tuple(keys), titles, modern, layout

    @property
    def columns(self) -> list[Column]:
        """As the report declares them: the key is the type in the older layout, and meta data in the newer."""
        return [self.declared(key) for key in self.keys]

    def declared(self, key: str) -> Column:
        """One of them."""
        title, kind, _ = COLUMNS[key]
        title = self.titles.get(key, title)
        if self.layout == UNTYPED:
            return column(title, None, key)
        if self.modern:
            return column(title, kind, key)
        return column(title, kind if self.layout == KINDS else key)

    def cells(self, one: Entry) -> list[Cell]:
        """A line."""
        return [COLUMNS[key][2](one) for key in self.keys]

    def heading(self, title: str, identifier: str | None = None) -> list[Cell]:
        """A section's header: its title, and nothing in the other columns."""
        return [cell(title, identifier), *(cell("") for _ in self.keys[1:])]

    def summary(self, title: str, figures: Mapping[str, str]) -> list[Cell]:
        """A section's sum: what `figures` says of each key."""
        return [cell(title), *(cell(figures.get(key, "")) for key in self.keys[1:])]


def chosen(
    asked: Asked, default: Sequence[str], titles: Mapping[str, str] | None = None, *, layout: str = KEYS
) -> Chosen:
    """The default columns, or those the request lists. 2170 for a key no column has."""
    wanted = asked.listed("columns") or tuple(default)
    for key in wanted:
        if key not in COLUMNS:
            raise enumeration("columns", key)
    return Chosen(wanted, titles or {}, modern=asked.modern, layout=layout)


def in_order(asked: Asked, lines: list[Entry]) -> list[Entry]:
    """Sorted by the column `sort_by` names, else as they are; falling when asked so. 2170 for no column."""
    key = asked.values.get("sort_by", "default")
    if key not in ("default", "name", "total"):
        if key not in COLUMNS:
            raise enumeration("sort_by", key)
        lines = sorted(lines, key=lambda one: sort_key(key, one))
    return lines[::-1] if asked.descending else lines


def sort_key(key: str, one: Entry) -> tuple[Decimal, str]:
    """Amounts by size, all else by its text."""
    text = COLUMNS[key][2](one)["value"]
    return (Decimal(text or 0), "") if COLUMNS[key][1] == "Money" else (Decimal(0), text.casefold())
