"""The JSON a report is made of: cells, rows, sections, columns.

Invariant: every cell's value is text; an amount has two decimals, and what has no figure is the empty text, not zero.

    data([cell("Checking", "35"), cell(money(balance))])        section(header, rows, summary, group="BankAccounts")
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.jsontext import cents

Cell = dict[str, str]
Row = dict[str, Any]
Column = dict[str, Any]
# One figure for each column of amounts; None where nothing was posted.
Values = list[Decimal | None]


@dataclass
class Content:
    """A report without its header. `empty` becomes the option NoReportData."""

    columns: list[Column]
    rows: list[Row]
    empty: bool
    options: dict[str, str] = field(default_factory=dict)


def money(amount: Decimal | None) -> str:
    """`1234.50`; empty for no figure."""
    return "" if amount is None else f"{cents(amount) + 0:.2f}"


def bare(amount: Decimal | None) -> str:
    """As detail reports print amounts: without a zero before the point (`.00`, `-.50`)."""
    text = money(amount)
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def cell(value: str, identifier: str | None = None) -> Cell:
    """One cell; with an id where it names a record."""
    return {"value": value} if identifier is None else {"value": value, "id": identifier}


def figures(values: Iterable[Decimal | None]) -> list[Cell]:
    """A cell for each amount."""
    return [cell(money(value)) for value in values]


def data(cells: list[Cell], *, typed: bool = True, group: str | None = None) -> Row:
    """A row of figures. Summary reports leave out the type at their top level (`typed=False`)."""
    row: Row = {"ColData": cells}
    if typed:
        row["type"] = "Data"
    return row if group is None else {**row, "group": group}


def section(
    header: list[Cell] | None, rows: list[Row] | None, summary: list[Cell] | None, group: str | None = None
) -> Row:
    """Rows under a header with their sum below; the parts that are None are left out."""
    row: Row = {}
    if header is not None:
        row["Header"] = {"ColData": header}
    if rows:
        row["Rows"] = {"Row": rows}
    if summary is not None:
        row["Summary"] = {"ColData": summary}
    row["type"] = "Section"
    return row if group is None else {**row, "group": group}


def total_row(title: str, values: Sequence[Decimal | None], group: str | None) -> Row:
    """A section that is only a sum: gross profit, the grand total."""
    return section(None, None, [cell(title), *figures(values)], group)


def column(title: str, kind: str | None, key: str | None = None, **more: str) -> Column:
    """One column; `more` stands in its MetaData before the key."""
    made: Column = {"ColTitle": title}
    if kind is not None:
        made["ColType"] = kind
    meta = [{"Name": name, "Value": value} for name, value in more.items()]
    if key is not None:
        meta.append({"Name": "ColKey", "Value": key})
    return {**made, "MetaData": meta} if meta else made


def plus(one: Values, other: Values) -> Values:
    """Column by column; no figure plus no figure is none."""
    return [b if a is None else a if b is None else a + b for a, b in zip(one, other, strict=True)]


def minus(one: Values, other: Values) -> Values:
    """`one` less `other`."""
    return plus(one, [None if value is None else -value for value in other])


def added(rows: Iterable[Values], width: int) -> Values:
    """The sum of many; none at all where there are none."""
    result: Values = [None] * width
    for row in rows:
        result = plus(result, row)
    return result


def zeroed(values: Values) -> Values:
    """With zero for no figure."""
    return [value if value is not None else Decimal(0) for value in values]
