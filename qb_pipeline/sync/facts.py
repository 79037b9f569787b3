"""What the codecs must know of the QBO company, gathered from its preferences and from staging.

Invariant: facts are refreshed whenever a list they rest on was read or written, before anything is decoded with them.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection, text

from qb_pipeline.entities.spec import Direction
from qb_pipeline.errors import Misconfigured
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.rules import Override

# QBO's own defaults for what its browser creates; a company may name others under `defaults` in its file.
_SUBTYPE = {
    "income_account": "ServiceFeeIncome",
    "goods_income_account": "SalesOfProductIncome",
    "expense_account": "SuppliesMaterialsCogs",
    "discount_account": "DiscountsRefundsGiven",
}


def read_preferences(ctx: Context) -> None:
    """Ask QuickBooks once per run; the closing date may have moved since the last one."""
    ctx.preferences = ctx.quickbooks.client.preferences()


def refresh_facts(ctx: Context) -> None:
    """Rebuild the port's facts from staging, and the rules that rest on them."""
    with ctx.begin() as conn:
        accounts = {name: _default_account(ctx, conn, name) for name in _SUBTYPE}
        facts = Facts.from_preferences(
            ctx.preferences,
            job_parents=_job_parents(conn, ctx.company),
            rate_percents=_rate_percents(conn, ctx.company),
            default_income_account=accounts["income_account"],
            default_goods_income_account=accounts["goods_income_account"],
            default_expense_account=accounts["expense_account"],
            discount_account=accounts["discount_account"],
        )
    ctx.quickbooks.facts = facts
    ctx.rules = replace(ctx.rules, closed_through=facts.book_close_date, overrides=_with_unsupported(ctx))


def _with_unsupported(ctx: Context) -> dict[str, Override]:
    """Fields that one side can't show are out of the comparison, whatever the company's file says."""
    missing = {
        f"{entity.name}.{name}": Override(direction=Direction.NONE)
        for entity in ctx.two_sided()
        for port in (ctx.contractor, ctx.quickbooks)
        for name in port.unsupported(entity)
    }
    untracked = {"division": Override(direction=Direction.NONE)} if ctx.quickbooks.facts.class_tracking == "off" else {}
    return {**ctx.rules.overrides, **missing, **untracked}


def _job_parents(conn: Connection, company: str) -> dict[str, str]:
    """Every sub-customer, however deep, to its top-level customer."""
    rows = conn.execute(
        text("SELECT id, raw->'ParentRef'->>'value' FROM staging_quickbooks.job WHERE company = :company"),
        {"company": company},
    ).tuples()
    parent = {job: up for job, up in rows if up}
    return {job: _top(job, parent) for job in parent}


def _top(job: str, parent: dict[str, str]) -> str:
    """QBO allows five levels; the bound keeps a corrupt cycle from running for ever."""
    current = job
    for _ in range(10):
        if current not in parent:
            return current
        current = parent[current]
    return current


def _rate_percents(conn: Connection, company: str) -> dict[str, Decimal]:
    rows = conn.execute(
        text("SELECT id, percent FROM staging_quickbooks.tax_rate WHERE company = :company AND percent IS NOT NULL"),
        {"company": company},
    ).tuples()
    return {rate: Decimal(percent) for rate, percent in rows}


def _default_account(ctx: Context, conn: Connection, name: str) -> str | None:
    """The account the company's file names, otherwise the oldest active one of the subtype QBO itself would take."""
    wanted = ctx.defaults.get(name)
    if wanted is not None:
        return _named_account(ctx, conn, name, wanted)
    found: str | None = conn.scalar(
        text(
            "SELECT id FROM staging_quickbooks.account WHERE company = :company AND active"
            " AND raw->>'AccountSubType' = :subtype ORDER BY length(id), id LIMIT 1"
        ),
        {"company": ctx.company, "subtype": _SUBTYPE[name]},
    )
    return found


def _named_account(ctx: Context, conn: Connection, name: str, wanted: str) -> str | None:
    rows = conn.execute(
        text("SELECT id, name, active FROM staging_quickbooks.account WHERE company = :company ORDER BY name"),
        {"company": ctx.company},
    ).all()
    if not rows:
        return None  # nothing is staged yet; asked again when the accounts are
    found = next((r for r in rows if r.name.casefold() == wanted.casefold()), None)
    if found is not None and found.active:
        return str(found.id)
    alike = ", ".join(r.name for r in rows if r.active)[:300]
    raise Misconfigured(
        f"The company file says defaults.{name}: {wanted!r}, but QuickBooks has no active account of that name.",
        code="mapping_points_nowhere",
        fix=f"Name one of: {alike} …",
        field=f"defaults.{name}",
    )
