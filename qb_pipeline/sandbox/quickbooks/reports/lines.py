"""The postings a report is computed from, filtered, by one SQL statement each.

Invariant: accrual and cash reports ask the same questions of the same columns; only the source differs. Values travel
as parameters, and the fragments put together here are constants of this package.

    select(company, asked, ("p.account", "sum(p.amount)"), {"until": "2026-03-31"}, "GROUP BY p.account")
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import dumps
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.cash import CASH, UNAPPLIED, share
from qb_pipeline.sandbox.quickbooks.rows import SCALE

ACCRUAL = "WITH lines AS (SELECT * FROM postings WHERE c = :c)"
OBJECT = "LEFT JOIN objects o ON o.c = :c AND o.entity = p.entity AND o.id = p.id"
# Expense lines name the customer they were for, bills their vendor; neither is the party of the posting itself.
CUSTOMER = """CASE WHEN p.party = 'Customer' THEN p.party_id
 WHEN p.line IS NOT NULL AND p.entity IN ('Bill', 'Purchase', 'VendorCredit') THEN (
  SELECT coalesce(json_extract(l.value, '$.AccountBasedExpenseLineDetail.CustomerRef.value'),
   json_extract(l.value, '$.ItemBasedExpenseLineDetail.CustomerRef.value'))
  FROM objects x, json_each(x.body, '$.Line') l
  WHERE x.c = :c AND x.entity = p.entity AND x.id = p.id AND json_extract(l.value, '$.Id') = p.line) END"""
VENDOR = """CASE WHEN p.party = 'Vendor' THEN p.party_id
 WHEN p.entity IN ('Bill', 'VendorCredit', 'BillPayment') THEN (
  SELECT x.party FROM objects x WHERE x.c = :c AND x.entity = p.entity AND x.id = p.id) END"""
EMPLOYEE = "CASE WHEN p.party = 'Employee' THEN p.party_id END"
# What a filter or a column per member goes by.
MEMBER = {
    "customer": CUSTOMER,
    "vendor": VENDOR,
    "employee": EMPLOYEE,
    "item": "p.item",
    "class": "p.class",
    "department": "p.department",
    "account": "p.account",
}
BOUNDS = {
    "since": "p.date >= :since",
    "until": "p.date <= :until",
    "accounts": "p.account IN (SELECT value FROM json_each(:accounts))",
    "sales": "(p.part = 'own' AND (p.item IS NOT NULL OR p.account IN (SELECT value FROM json_each(:sales))))",
    "entities": "p.entity IN (SELECT value FROM json_each(:entities))",
}
Bounds = Mapping[str, object]


def select(
    company: Company, asked: Asked, columns: Sequence[str], bounds: Bounds, tail: str = "", join: str = ""
) -> list[tuple[Any, ...]]:
    """Rows of the (accrual or cash) postings `p`; `bounds` by the names of BOUNDS, lists as lists."""
    clauses = [BOUNDS[name] for name in bounds] + filters(asked)
    parameters: dict[str, object] = {"c": company.store.company}
    parameters |= {name: dumps(value) if isinstance(value, list) else value for name, value in bounds.items()}
    parameters |= {f"only_{name}": dumps(list(ids)) for name, ids in asked.filters.items()}
    if asked.cash:
        company.store.conn.create_function("share", 3, share, deterministic=True)
        parameters |= {kind: account_of_subtype(company, subtype) for kind, subtype in UNAPPLIED.items()}
    where = ["WHERE", " AND ".join(clauses)] if clauses else []
    parts = (CASH if asked.cash else ACCRUAL, "SELECT", ", ".join(columns), "FROM lines p", join, *where, tail)
    return company.store.conn.execute(" ".join(parts), parameters).fetchall()


def filters(asked: Asked) -> list[str]:
    """A condition for each filter parameter."""
    wanted = [name for name in asked.filters if name in MEMBER]
    # Both parts are constants of this package; the ids travel as a parameter.
    return [f"({MEMBER[name]}) IN (SELECT value FROM json_each(:only_{name}))" for name in wanted]  # noqa: S608


def amount(millionths: int) -> Decimal:
    """A stored amount."""
    return Decimal(millionths) / SCALE
