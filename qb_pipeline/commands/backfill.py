"""`backfill`: a window of days read again on both sides and brought into agreement.

Invariant: it is an ordinary run of the company with another reading; no reading position moves. One company's failure
keeps no other from its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Engine

from qb_pipeline.commands.opening import chosen_companies, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.commands.sync import TRIED, report
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings
from qb_pipeline.store import gaps
from qb_pipeline.sync import contact
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import window
from qb_pipeline.sync.session import session

if TYPE_CHECKING:
    from rich.console import Console

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
    now = datetime.now(UTC)
    if since is not None and since > now:
        raise Misconfigured("--from lies in the future.", code="bad_window", fix="Give a day that has begun (in UTC).")
    until = last.replace(tzinfo=UTC) + timedelta(days=1) if last else now
    with store() as (settings, engine):
        with engine.connect() as conn:
            found = [c for c in chosen_companies(conn, company) if company or c.state in TRIED]
        done = [_tried(output, settings, engine, c.name, since, until) for c in found]
    report(output, done, _show)


def _tried(
    output: Output, settings: Settings, engine: Engine, company: str, since: datetime | None, until: datetime
) -> dict[str, Any]:
    """As `_one`; `error` holds the failure, if it failed."""
    try:
        return _one(output, settings, engine, company, since, until) | {"error": None}
    except Exception as error:  # noqa: BLE001  # the other companies still have their turn; it is raised after them
        return {"company": company, "error": error}


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
    """The reading of a run: a window, or every gap that is owed. A gap that still lasts is read up to now: it ends if
    both sides answer, and the error says why if one does not."""

    def __init__(self, since: datetime | None, until: datetime) -> None:
        self._since, self._until = since, until
        self.count = 0
        self.gaps: list[int] = []

    def __call__(self, ctx: Context) -> None:
        if self._since is not None:
            self.count = window.read_between(ctx, self._since, self._until)
            return
        until = ctx.now()
        with ctx.begin() as conn:
            owed = gaps.owed(conn, ctx.company)
            lasting = gaps.current(conn, ctx.company)
        self.count = window.fill(ctx, [*owed, lasting] if lasting else owed)
        self.gaps = [gap.id for gap in owed]
        if lasting and _ended(ctx, until):
            self.gaps.append(lasting.id)


def _ended(ctx: Context, until: datetime) -> bool:
    """Whether the gap that lasted is over, as both sides were read; it then ended before that reading began."""
    with ctx.begin() as conn:
        contact.proven(conn, ctx.company, both=True, now=until)
        return gaps.current(conn, ctx.company) is None


def _show(console: Console, done: Sequence[dict[str, Any]]) -> None:
    console.print("\n".join(map(_sentence, done)) or "No company is connected.", markup=False)


def _sentence(done: dict[str, Any]) -> str:
    gaps_told = f", {done['gaps_filled']} gaps filled" if done["gaps_filled"] else ""
    return f"{done['company']}: {done['records_read']} records read again, {done['writes']} written{gaps_told}."
