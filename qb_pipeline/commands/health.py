"""`health`: is everything well, and what to do where it is not.

Invariant: it exits 0 only when every company is well, 1 when one is degraded or broken; it opens no secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from qb_pipeline.commands.opening import chosen_companies, store
from qb_pipeline.commands.output import Output, json_option, unbroken
from qb_pipeline.store import notices
from qb_pipeline.store.notices import EVERY, UNDELIVERED, Notice
from qb_pipeline.sync import health as judging
from qb_pipeline.sync.health import Finding, Health, Verdict
from qb_pipeline.sync.health_document import document
from qb_pipeline.sync.owing import many, span

if TYPE_CHECKING:
    from rich.console import Console

_NOT_WELL = 1
_SHOWN = 5  # owed things told one by one


@click.command()
@click.option("--company", help="Default: every company.")
@json_option
@click.pass_obj
def health(output: Output, company: str | None) -> int:
    """Is everything well? Connections, tokens, lag, what is owed, quota.

    Exits 0 when every company is well and mail, where it is set up, goes out; 1 when one is degraded or broken. Records
    that wait for a person do not make a company degraded: they are told, and the rest goes on.
    """
    with store() as (settings, engine), engine.connect() as conn:
        stale = timedelta(hours=settings.stale_hours)
        found = [judging.of_company(conn, c.name, stale) for c in chosen_companies(conn, company)]
        undelivered = [n for n in notices.open_(conn, EVERY) if n.kind == UNDELIVERED]
    worst = max([h.verdict for h in found], default=Verdict.OK)
    if undelivered:
        worst = max(worst, Verdict.DEGRADED)
    output.result(
        {
            "verdict": str(worst),
            "companies": [document(h) for h in found],
            "mail": _mail(undelivered),
        },
        lambda console: _show(console, found, undelivered),
    )
    return 0 if worst is Verdict.OK else _NOT_WELL


def _mail(undelivered: Sequence[Notice]) -> dict[str, Any] | None:
    if not undelivered:
        return None
    first, last = undelivered[0], undelivered[-1]
    return {"refused_since": first.created_at, "attempts": len(undelivered), "reason": last.title, "fix": last.body}


def _show(console: Console, found: Sequence[Health], undelivered: Sequence[Notice]) -> None:
    if not found:
        console.print("No company is connected. Connect one with qb-pipeline connect.", markup=False)
    for each in found:
        console.print(f"{each.company}: {each.verdict}", markup=False)
        for line in (*_findings(each.findings), *_figures(each)):
            unbroken(console, f"  {line}")
    if undelivered:
        last = undelivered[-1]
        line = f"mail: {many(len(undelivered), 'attempt')} refused since {undelivered[0].created_at:%Y-%m-%d %H:%M} UTC"
        console.print(f"{line}: {last.title} {last.body}", markup=False)


def _findings(found: Sequence[Finding]) -> list[str]:
    marks = {Verdict.OK: "-", Verdict.DEGRADED: "!", Verdict.BROKEN: "!!"}
    return [f"{marks[f.gravity]} {f.reason} {f.fix}".rstrip() for f in sorted(found, key=lambda f: -f.gravity)]


def _figures(h: Health) -> list[str]:
    lines = []
    if h.token_days is not None:
        lines.append(f"refresh token lasts {span(timedelta(days=max(h.token_days, 0.0)))}")
    if h.lags:
        furthest = max(h.lags, key=lambda lag: lag.behind)
        lines.append(f"read up to {span(furthest.behind)} ago ({furthest.entity} in {furthest.side.value})")
    for job, at in h.last_success.items():
        lines.append(f"last success of {job}: {at:%Y-%m-%d %H:%M} UTC")
    lines.append(f"{h.quota.metered:,} metered reads this month, {h.quota.share:.1%} of the allowance used")
    lines.append(f"{many(h.open_writes, 'unsettled write')}, {many(h.parked, 'parked record')}")
    if h.unplanned:
        lines.append(f"{many(h.unplanned, 'record')} changed and not compared yet")
    if h.owed:
        lines.append(f"owed since {span(h.oldest_owed)}:")
        lines += [f"  {o.what}: {o.why}" for o in h.owed[:_SHOWN]]
    return lines
