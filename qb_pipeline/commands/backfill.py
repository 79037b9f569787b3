"""`backfill`: a window of days read again on both sides and brought into agreement.

Invariant: it is an ordinary run of the company with another reading; no reading position moves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy import Engine

from qb_pipeline.commands.opening import chosen_companies, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings
from qb_pipeline.store import gaps
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import window
from qb_pipeline.sync.session import session

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=_DAY, help="The first day (UTC). Without days: the gaps that are still owed.")
@click.option("--to", "last", type=_DAY, help="The last day, included; default: today.")
@click.option("--company", help="Default: every connected company.")
@json_option
@click.pass_obj
def backfill(output: Output, first: datetime | None, last: datetime | None, company: str | None) -> None:
    """Read some days again on both sides and bring into agreement what changed then."""
    if first is None and last is not None:
        raise Misconfigured("--to needs --from.", code="bad_window", fix="Say the first day with --from.")
    if first is not None and last is not None and last < first:
        raise Misconfigured("--to lies before --from.", code="bad_window", fix="Exchange the two days.")
    since = first.replace(tzinfo=UTC) if first else None
    until = last.replace(tzinfo=UTC) + timedelta(days=1) if last else datetime.now(UTC)
    with store() as (settings, engine):
        with engine.connect() as conn:
            found = [c for c in chosen_companies(conn, company) if company or c.state is CompanyState.CONNECTED]
        done = [_one(output, settings, engine, c.name, since, until) for c in found]
    text = "\n".join(map(_sentence, done)) or "No company is connected."
    output.result({"companies": done}, lambda console: console.print(text, markup=False))


def _one(
    output: Output, settings: Settings, engine: Engine, company: str, since: datetime | None, until: datetime
) -> dict[str, Any]:
    read = _Reading(since, until)
    with (
        output.progress(f"backfilling {company}") as progress,
        session(engine, settings, company, "backfill", progress=progress) as ctx,
    ):
        result = steps.sync(ctx, reading=read)
        with ctx.begin() as conn:
            filled = sum(gaps.filled(conn, company, gap, ctx.run_id, ctx.now()) for gap in read.gaps)
    return {"company": company, "records_read": read.count, "writes": result.writes, "gaps_filled": filled}


class _Reading:
    """The reading of a run: a window, or every gap that is owed."""

    def __init__(self, since: datetime | None, until: datetime) -> None:
        self._since, self._until = since, until
        self.count = 0
        self.gaps: list[int] = []

    def __call__(self, ctx: Context) -> None:
        if self._since is not None:
            self.count = window.read_between(ctx, self._since, self._until)
            return
        with ctx.begin() as conn:
            owed = gaps.owed(conn, ctx.company)
        self.gaps = [gap.id for gap in owed]
        self.count = window.fill(ctx, owed)


def _sentence(done: dict[str, Any]) -> str:
    gaps_told = f", {done['gaps_filled']} gaps filled" if done["gaps_filled"] else ""
    return f"{done['company']}: {done['records_read']} records read again, {done['writes']} written{gaps_told}."
