"""What lies in stock: quantity, worth and average cost of each inventory item.

Invariant: the worth is what receipts up to the day brought, less what issues up to it took, as the stock's own records
have it.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.aged import options
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.lines import amount
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, Row, cell, column, data, money

STOCK = """SELECT o.id, coalesce(json_extract(o.body, '$.FullyQualifiedName'), o.name),
 coalesce(json_extract(o.body, '$.Sku'), ''),
 coalesce(sum(CASE s.kind WHEN 'in' THEN s.quantity ELSE -s.quantity END), 0),
 coalesce(sum(CASE s.kind WHEN 'in' THEN s.value ELSE -s.cost END), 0)
FROM objects o LEFT JOIN stock s ON s.c = :c AND s.item = o.id AND s.date <= :until
WHERE o.c = :c AND o.entity = 'Item' AND json_extract(o.body, '$.Type') = 'Inventory'
 AND (o.active OR s.item IS NOT NULL)
GROUP BY o.id ORDER BY 2 COLLATE NOCASE"""


def inventory_valuation(company: Company, asked: Asked) -> Content:
    """Every inventory item at the day of the report, and what all are worth."""
    rows: list[Row] = []
    total = Decimal(0)
    found = company.store.conn.execute(STOCK, {"c": company.store.company, "until": asked.as_of.isoformat()})
    wanted = asked.filters.get("item")
    for identifier, name, sku, quantity, worth in found:
        if wanted is None or identifier in wanted:
            rows.append(item_row(identifier, name, sku, amount(quantity), amount(worth)))
            total += amount(worth)
    empty = not rows
    if rows:
        sums = [cell("TOTAL"), cell(" "), cell(""), cell(money(total)), cell("")]
        rows.append(data(sums, typed=False, group="GrandTotal"))
    titles = ("SKU", "Qty", "Asset Value", "Avg Cost")
    columns = [column("", "ProductsAndService"), *(column(title, "Money") for title in titles)]
    return Content(columns, rows, empty, options(asked))


def item_row(identifier: str, name: str, sku: str, quantity: Decimal, worth: Decimal) -> Row:
    """One item; no average of nothing."""
    average = money(worth / quantity) if quantity else ""
    texts = (sku, money(quantity), money(worth), average)
    return data([cell(name, identifier), *(cell(text) for text in texts)], typed=False)
