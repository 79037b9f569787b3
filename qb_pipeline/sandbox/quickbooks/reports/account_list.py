"""The list of accounts.

Invariant: every active account is listed once, with the balance the trial balance shows.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, loads
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked, enumeration
from qb_pipeline.sandbox.quickbooks.reports.balance_sheet import position
from qb_pipeline.sandbox.quickbooks.reports.chart import Account
from qb_pipeline.sandbox.quickbooks.reports.dates import fiscal_start
from qb_pipeline.sandbox.quickbooks.reports.movements import Movements, movements
from qb_pipeline.sandbox.quickbooks.reports.profit_and_loss import signed
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, bare, cell, column, data

DEFAULT = ("account_name", "account_type", "detail_acc_type", "account_desc", "account_bal")
TITLES = {
    "account_name": "Account",
    "account_type": "Type",
    "detail_acc_type": "Detail type",
    "account_desc": "Description",
    "account_bal": "Balance",
    "account_num": "Account #",
    "create_date": "Create Date",
    "last_mod_date": "Last Modified",
}
Show = Callable[[Account, JsonObject], str]


def account_list(company: Company, asked: Asked) -> Content:
    """Active accounts in the chart's order, with the columns asked for."""
    keys = asked.listed("columns") or DEFAULT
    unknown = next((key for key in keys if key not in TITLES), None)
    if unknown is not None:
        raise enumeration("columns", unknown)
    moves = movements(company, asked, asked.today)
    bodies, kinds = active(company), {kind.replace(" ", "").lower() for kind in asked.listed("account_type")}
    shown = [
        one
        for one in moves.accounts.values()
        if one.id in bodies and (not kinds or one.kind.replace(" ", "").lower() in kinds)
    ]
    rows = [
        data([cell(text(key, one, bodies[one.id], moves, asked.today, asked.first_month)) for key in keys])
        for one in (shown[::-1] if asked.descending else shown)
    ]
    return Content([column(TITLES[key], key) for key in keys], rows, not rows)


def active(company: Company) -> dict[str, JsonObject]:
    """The active accounts by id."""
    statement = "SELECT id, body FROM objects WHERE c = ? AND entity = 'Account' AND active = 1"
    return {
        identifier: loads(body) for identifier, body in company.store.conn.execute(statement, (company.store.company,))
    }


def text(key: str, account: Account, body: JsonObject, moves: Movements, day: date, first_month: int) -> str:
    """One cell."""
    meta = body.get("MetaData") or {}
    plain = {
        "account_name": account.full_name,
        "account_type": account.kind,
        "detail_acc_type": account.subtype,
        "account_desc": body.get("Description"),
        "account_num": body.get("AcctNum"),
        "create_date": meta.get("CreateTime"),
        "last_mod_date": meta.get("LastUpdatedTime"),
    }
    if key != "account_bal":
        return str(plain[key] or "")
    if account.profit:
        return ""
    return bare(signed(account, position(moves, account, day, fiscal_start(day, first_month))) or Decimal(0))
