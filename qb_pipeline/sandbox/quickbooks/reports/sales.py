"""Sales by customer, by product, by class and by department.

Invariant: all four are sums of the same postings: the lines of invoices, receipts, credit memos and refunds, less
discounts, without tax; so their totals agree.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import NOBODY, Named, chart, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.lines import MEMBER, select
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, series_of
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, Row, Values, added, column, money, total_row
from qb_pipeline.sandbox.quickbooks.reports.slices import DIMENSIONS, Slice, dimension, slices

SALES = ["Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt"]
NOT_SPECIFIED = "**"
Builder = Callable[[Company, Asked], Content]


def by(member: str, entity: str, first: str, *, total: str = "TOTAL", grouped: bool = False) -> Builder:
    """A report with a row for each member (a key of MEMBER); `grouped` ones carry the id as the row's group."""

    def build(company: Company, asked: Asked) -> Content:
        moves = sold(company, asked, member)
        return member_report(company, asked, moves, entity, first, total=total, grouped=grouped)

    return build


def member_report(
    company: Company, asked: Asked, moves: Movements, entity: str, first: str, *, total: str, grouped: bool
) -> Content:
    """Rows by member, columns by period or by another dimension."""
    others = names(company, DIMENSIONS[asked.summarize][1]) if dimension(asked) else {}
    columns = slices(asked, moves, others, profit_only=False)
    values = {one: found for one in moves.keys if (found := figures_of(moves, one, columns)) is not None}
    rows, sums = tree_rows({**names(company, entity), "": NOBODY}, values, len(columns), typed=False)
    rows.sort(key=lambda row: name_of(row) == NOBODY.name)
    rows = [regrouped(row) for row in rows] if grouped else rows
    if asked.descending:
        rows.reverse()
    if rows:
        rows.append(total_row(total, sums, "GrandTotal"))
    declared = [one.column() for one in columns] if asked.summarize != "Total" else [column("Total", "Money")]
    return Content([column("", first), *declared], rows, not values)


def sold(company: Company, asked: Asked, member: str, changes: str = "sum(-p.amount)") -> Movements:
    """What was sold, by member, second dimension and day."""
    incomes = [one.id for one in chart(company).values() if one.kind in ("Income", "Other Income")]
    other = dimension(asked)
    rows = select(
        company,
        asked,
        (f"coalesce({MEMBER[member]}, '')", f"coalesce({MEMBER[other]}, '')" if other else "'*'", "p.date", changes),
        {"until": asked.end.isoformat(), "entities": SALES, "sales": incomes},
        "GROUP BY 1, 2, 3 ORDER BY 3",
    )
    return Movements({}, series_of(rows, by_member=other is not None))


def figures_of(moves: Movements, key: str, columns: list[Slice]) -> Values | None:
    """One row's amounts; None where it has none."""
    found = [moves.between(key, one.start, one.end, one.member) for one in columns]
    return None if all(value is None for value in found) else found


def name_of(row: Row) -> str:
    """What stands in the first column."""
    cells = row.get("ColData") or row["Header"]["ColData"]
    return str(cells[0]["value"])


def regrouped(row: Row) -> Row:
    """As recorded for classes and departments: the id is the row's group, `**` for none, and no cell's."""
    cells = row.get("ColData") or row["Header"]["ColData"]
    identifier = cells[0].pop("id", "") or NOT_SPECIFIED
    return {**row, "group": identifier}


def item_sales(company: Company, asked: Asked) -> Content:
    """Quantity, amount, share, price, cost and margin of each product, for the range as a whole."""
    whole = replace(asked, cash=False, choices={**asked.choices, "summarize_column_by": "Total"})
    sales, cost, count = (
        sold(company, whole, "item"),
        cost_of_stock(company, whole),
        sold(company, whole, "item", UNITS),
    )
    keys = [one for one in sales.keys if sales.between(one, asked.start, asked.end) is not None]
    figures = {one: tuple(moves.between(one, asked.start, asked.end) for moves in (count, sales, cost)) for one in keys}
    total = sum((row[1] or Decimal(0) for row in figures.values()), Decimal(0))
    products = {**names(company, "Item"), "": NOBODY}
    order = sorted(keys, key=lambda one: (one == "", products[one].full_name.casefold() if one in products else one))
    rows = [product_row(products.get(one, NOBODY), figures[one], total) for one in order]
    if rows:
        quantity, amount, costs = added((list(row) for row in figures.values()), 3)
        cells = product_cells((quantity, amount, costs), total)
        # An average price over different products would say nothing.
        cells[3] = {"value": ""}
        rows.append({"ColData": [{"value": "TOTAL"}, *cells], "group": "GrandTotal"})
    return Content([column("", "ProductsAndService"), item_columns(asked)], rows, not keys)


def item_columns(asked: Asked) -> dict[str, object]:
    """The seven columns stand inside one."""
    span = {"StartDate": asked.start.isoformat(), "EndDate": asked.end.isoformat()}
    parts = [
        column("Quantity", "Money", **span), column("Amount", "Money", **span), column("% of Sales", "Money"),
        column("Avg Price", "Money"), column("COGS", "Money", **span), column("Gross Margin", "Money"),
        column("Gross Margin %", "Money"),
    ]  # fmt: skip
    return {**column("Total", "Money"), "Columns": {"Column": parts}}


Figures = tuple[Decimal | None, ...]


def product_row(product: Named, row: Figures, total: Decimal) -> Row:
    """One product."""
    head = {"value": product.full_name, "id": product.id} if product.id else {"value": product.full_name}
    made: Row = {"ColData": [head, *product_cells(row, total)]}
    return made if product.id else {**made, "group": NOT_SPECIFIED}


def product_cells(row: Figures, total: Decimal) -> list[dict[str, str]]:
    """Quantity, amount, share of all, price, cost, margin and its share; cost is empty where nothing lay in stock."""
    quantity, amount, cost = row
    sold_for = amount or Decimal(0)
    margin = None if cost is None else sold_for - cost
    texts = (
        money(quantity or None),
        money(amount),
        percent(sold_for, total),
        money(sold_for / quantity) if quantity else "",
        money(cost),
        money(margin),
        "" if margin is None else percent(margin, sold_for),
    )
    return [{"value": text} for text in texts]


def percent(part: Decimal, whole: Decimal) -> str:
    """`0.56 %`."""
    return f"{money(part * 100 / whole)} %" if whole else ""


def cost_of_stock(company: Company, asked: Asked) -> Movements:
    """What sold units had cost, by item."""
    costs = [one.id for one in chart(company).values() if one.kind == "Cost of Goods Sold"]
    bounds = {"until": asked.end.isoformat(), "entities": SALES, "accounts": costs}
    columns = ("coalesce(p.item, '')", "'*'", "p.date", "sum(p.amount)")
    rows = select(company, asked, columns, bounds, "GROUP BY 1, 2, 3 ORDER BY 3")
    return Movements({}, series_of(rows, by_member=False))


UNITS = """coalesce(sum(CASE WHEN p.entity IN ('CreditMemo', 'RefundReceipt') THEN -1 ELSE 1 END * (
 SELECT CAST(round(json_extract(l.value, '$.SalesItemLineDetail.Qty') * 1000000) AS INTEGER)
 FROM objects x, json_tree(x.body, '$.Line') l
 WHERE x.c = :c AND x.entity = p.entity AND x.id = p.id AND l.type = 'object'
  AND json_extract(l.value, '$.Id') = p.line AND json_extract(l.value, '$.SalesItemLineDetail') IS NOT NULL
 LIMIT 1)), 0)"""
