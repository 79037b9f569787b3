"""What is open on receivables or payables at a date.

Invariant: the open items of a date add up to the control accounts' balance of that date, because both are sums of the
same postings: what was applied later does not count, and a posting that names no party is an item of nobody.

    open_items(company, asked, RECEIVABLE, as_of) -> [OpenItem, ...]
    aged(company, asked, RECEIVABLE, as_of, reference, (30, 60, 90)) -> {party id: {bucket: amount}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import dumps
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.lines import amount


@dataclass(frozen=True)
class Side:
    """Receivables or payables. `sign` makes what is shown positive: owed to the company, or by it."""

    kind: str
    party: str
    sign: int


RECEIVABLE = Side("Accounts Receivable", "Customer", 1)
PAYABLE = Side("Accounts Payable", "Vendor", -1)
# One row an open item: the document's date and due date, or the first posting's where there is no document to read.
ITEMS = """
WITH control AS MATERIALIZED (
  SELECT id FROM objects WHERE c = :c AND entity = 'Account' AND json_extract(body, '$.AccountType') = :kind
), item AS (
  SELECT coalesce(doc, entity) AS entity, coalesce(doc_id, id) AS id, coalesce(party_id, '') AS party,
    coalesce(party, '') AS sort, min(date) AS first, sum(amount) AS open, max(department) AS department
  FROM postings
  WHERE c = :c AND account IN (SELECT id FROM control) AND date <= :until
  GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
), seen AS (
  SELECT i.*, coalesce(o.txn_date, i.first) AS day,
    CASE WHEN :by_transaction THEN NULL ELSE json_extract(o.body, '$.DueDate') END AS due,
    o.doc_number AS number, o.total AS total, o.num AS num, o.body AS body
  FROM item i LEFT JOIN objects o ON o.c = :c AND o.entity = i.entity AND o.id = i.id
), dated AS (
  SELECT *, julianday(:reference) - julianday(coalesce(due, day)) AS past FROM seen
)
"""
FOUND = (
    "PaymentRefNum",
    "PaymentType",
    "Credit",
    "PayType",
    "PrivateNote",
    "DepartmentRef.value",
    "MetaData.CreateTime",
    "MetaData.LastUpdatedTime",
)
COLUMNS = "entity, id, party, sort, day, coalesce(due, ''), number, open, total, CAST(past AS INTEGER), " + ", ".join(
    f"json_extract(body, '$.{path}')" for path in FOUND
)
PARTY = "(:parties IS NULL OR party IN (SELECT value FROM json_each(:parties)))"
PLACE = "(:departments IS NULL OR department IN (SELECT value FROM json_each(:departments)))"
WHERE = f"WHERE {PARTY} AND {PLACE} AND (:least IS NULL OR past >= :least)"


@dataclass(frozen=True)
class OpenItem:
    """One document with something open on it, both amounts as the side shows them. `past_due` in days, may be < 0."""

    entity: str
    id: str
    party: str
    sort: str
    day: str
    due: str
    number: str
    open: Decimal
    total: Decimal | None
    past_due: int
    # What is written on the document, by the paths of FOUND.
    written: Mapping[str, Any]


def parameters(company: Company, asked: Asked, side: Side, as_of: date, reference: date) -> dict[str, object]:
    """What both statements need."""
    report = company.preferences().get("ReportPrefs") or {}
    parties = asked.filters.get(side.party.lower())
    departments = asked.filters.get("department")
    return {
        "c": company.store.company,
        "kind": side.kind,
        # A posting of somebody of another kind belongs to nobody here: ids of vendors and customers may be the same.
        "sort": side.party,
        "until": as_of.isoformat(),
        "reference": reference.isoformat(),
        "by_transaction": 1 if report.get("CalcAgingReportFromTxnDate") else 0,
        "parties": None if parties is None else dumps(list(parties)),
        "departments": None if departments is None else dumps(list(departments)),
        "least": asked.number("past_due", 0, -100_000, 100_000) if asked.values.get("past_due") else None,
    }


def open_items(company: Company, asked: Asked, side: Side, as_of: date, reference: date) -> list[OpenItem]:
    """Every open item by day."""
    statement = " ".join((ITEMS, "SELECT", COLUMNS, "FROM dated", WHERE, "ORDER BY day, num, id"))
    found = company.store.conn.execute(statement, parameters(company, asked, side, as_of, reference))
    return [item(row, side) for row in found]


def item(row: tuple[Any, ...], side: Side) -> OpenItem:
    """One row of `open_items`."""
    entity, identifier, party, sort, day, due, number, millionths, total, past = row[:10]
    written = dict(zip(FOUND, row[10:], strict=True))
    shown = amount(millionths) * side.sign
    whole = None if total is None else amount(total).copy_sign(shown)
    reference = number or written["PaymentRefNum"] or ""
    return OpenItem(entity, identifier, party, sort, day, due, reference, shown, whole, past, written)


def aged(
    company: Company, asked: Asked, side: Side, as_of: date, reference: date, limits: tuple[int, ...]
) -> dict[str, dict[int, Decimal]]:
    """What each party owes, by how long it is past due: bucket 0 is not yet, the last one is over the last limit."""
    steps = (f"WHEN past <= {limit} THEN {number}" for number, limit in enumerate((0, *limits)))
    bucket = f"CASE {' '.join(steps)} ELSE {len(limits) + 1} END"
    statement = " ".join(
        (
            ITEMS,
            "SELECT CASE sort WHEN :sort THEN party ELSE '' END,",
            bucket,
            ", sum(open) FROM dated",
            WHERE,
            "GROUP BY 1, 2",
        )
    )
    found = company.store.conn.execute(statement, parameters(company, asked, side, as_of, reference))
    result: dict[str, dict[int, Decimal]] = {}
    for party, bucket, millionths in found:
        result.setdefault(party, {})[bucket] = amount(millionths) * side.sign
    return result
