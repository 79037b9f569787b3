"""What the codecs must know of the QBO company, gathered from its preferences and from staging.

Invariant: facts are refreshed whenever a list they rest on was read or written, before anything is decoded with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection, Select, func, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB

from qb_pipeline.entities.spec import Direction, Entity, Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.codecs.credits import credit_portions
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.store import staging, tables
from qb_pipeline.store.engine import among
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.moved_jobs import top_customers
from qb_pipeline.sync.rules import Override

Applications = Mapping[str, tuple[tuple[str, Decimal], ...]]

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
    with ctx.look() as conn:
        accounts = _default_accounts(ctx, conn)
        facts = Facts.from_preferences(
            ctx.preferences,
            job_parents=top_customers(conn, ctx.company),
            rate_percents=_rate_percents(conn, ctx.company),
            default_income_account=accounts["income_account"],
            default_goods_income_account=accounts["goods_income_account"],
            default_expense_account=accounts["expense_account"],
            discount_account=accounts["discount_account"],
            credit_applications=ctx.quickbooks.facts.credit_applications,
            invoice_numbers=ctx.quickbooks.facts.invoice_numbers,
        )
    ctx.quickbooks.facts = facts
    ctx.rules = replace(ctx.rules, closed_through=facts.book_close_date, overrides=_with_unsupported(ctx))


def refresh_credits(ctx: Context) -> None:
    """Rebuild what the facts say of credit memos; apart from the others because it looks through all payments."""
    with ctx.look() as conn:
        applied = _credit_applications(conn, ctx.company)
        numbers = _invoice_numbers(ctx, conn, applied)
    ctx.quickbooks.facts = replace(ctx.quickbooks.facts, credit_applications=applied, invoice_numbers=numbers)


def _credit_applications(conn: Connection, company: str) -> Applications:
    """What payments apply of each credit memo, also those of nothing that do only that."""
    rows = conn.execute(
        text(
            "SELECT raw FROM staging_quickbooks.payment WHERE company = :company AND state = 'live'"
            """ AND raw @> '{"Line": [{"LinkedTxn": [{"TxnType": "CreditMemo"}]}]}' ORDER BY length(id), id"""
        ).columns(raw=JSONB),
        {"company": company},
    )
    found: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for raw in rows.scalars():
        for memo, invoice, amount in credit_portions(raw):
            found[memo][invoice] = found[memo].get(invoice, Decimal(0)) + amount
    return {memo: tuple(invoices.items()) for memo, invoices in found.items()}


def _invoice_numbers(ctx: Context, conn: Connection, applied: Applications) -> dict[str, str]:
    """The number of each QuickBooks invoice to which a credit memo is applied there, or should be."""
    invoice = staging.table(Side.QUICKBOOKS, "invoice")
    wanted = [among(invoice.c.id, {number for pairs in applied.values() for number, _ in pairs})]
    for entity in ctx.two_sided():
        told = codec(entity.name, ctx.quickbooks.facts).elsewhere()
        if told is not None:
            wanted.append(invoice.c.id.in_(_meant(ctx.company, entity, told[0])))
    numbered = select(invoice.c.id, invoice.c.number).where(invoice.c.company == ctx.company, invoice.c.number != "")
    return dict(conn.execute(numbered.where(or_(*wanted))).tuples().all())


def _meant(company: str, entity: Entity, field: str) -> Select[tuple[str]]:
    """The QuickBooks ids of the invoices that the contractor's records name in a list."""
    mine, link = staging.table(Side.CONTRACTOR, entity.name), tables.link
    named = select(func.jsonb_array_elements(mine.c[field]).op("->>")("invoice")).where(mine.c.company == company)
    return select(link.c.quickbooks_id).where(
        link.c.company == company, link.c.entity == "invoice", link.c.contractor_id.in_(named)
    )


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


def _rate_percents(conn: Connection, company: str) -> dict[str, Decimal]:
    rows = conn.execute(
        text("SELECT id, percent FROM staging_quickbooks.tax_rate WHERE company = :company AND percent IS NOT NULL"),
        {"company": company},
    ).tuples()
    return {rate: Decimal(percent) for rate, percent in rows}


def _default_accounts(ctx: Context, conn: Connection) -> dict[str, str | None]:
    """By name in `defaults` the account the company's file names, otherwise the oldest active one of the subtype QBO
    itself would take."""
    oldest = dict(
        conn.execute(
            text(
                "SELECT DISTINCT ON (raw->>'AccountSubType') raw->>'AccountSubType', id"
                " FROM staging_quickbooks.account WHERE company = :company AND active"
                " AND raw->>'AccountSubType' = ANY(:subtypes) ORDER BY raw->>'AccountSubType', length(id), id"
            ),
            {"company": ctx.company, "subtypes": sorted(set(_SUBTYPE.values()))},
        )
        .tuples()
        .all()
    )
    named = {name: _named_account(ctx, conn, name, ctx.defaults[name]) for name in _SUBTYPE if name in ctx.defaults}
    return {name: named[name] if name in named else oldest.get(subtype) for name, subtype in _SUBTYPE.items()}


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
