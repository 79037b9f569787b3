"""`status`: what is connected, how the last run went and what waits for whom.

Invariant: it opens no secret, so that it can be read when the key is lost too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from qb_pipeline.addresses import shown
from qb_pipeline.commands.opening import DRY_RUN, chosen_companies, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.store import candidates, exceptions, runs
from qb_pipeline.store.companies import Company
from qb_pipeline.store.runs import Run
from qb_pipeline.sync.health import Health, of_company
from qb_pipeline.sync.offered import Completing, completing
from qb_pipeline.sync.owing import many

if TYPE_CHECKING:
    from rich.console import Console

_LOOKED_AT = 50  # runs back, to find the last that was no dry run


@click.command()
@click.option("--company", help="Default: every company.")
@json_option
@click.pass_obj
def status(output: Output, company: str | None) -> None:
    """Companies, their connections, last runs and what waits."""
    with store() as (settings, engine), engine.connect() as conn:
        stale = timedelta(hours=settings.stale_hours)
        offered = completing(conn)
        documents = [_document(conn, c, stale) for c in chosen_companies(conn, company)]
    output.result(
        {"home": str(settings.home), "companies": documents},
        lambda console: _show(console, str(settings.home), documents, offered),
    )


def _document(conn: Connection, company: Company, stale_after: timedelta) -> dict[str, Any]:
    last = next((r for r in runs.recent(conn, company.name, _LOOKED_AT) if r.trigger != DRY_RUN), None)
    health = of_company(conn, company.name, stale_after)
    return {
        "company": company.name,
        "state": company.state.value,
        "verdict": str(health.verdict),
        "findings": [f"{f.reason} {f.fix}".rstrip() for f in health.findings],
        "reason": company.state_reason,
        "realm_id": company.realm_id,
        "contractor_system": company.contractor_system,
        "contractor_url": company.contractor_url and shown(company.contractor_url),
        "connected_at": company.connected_at,
        "tokens": _lifetimes(health),
        "last_run": _run(last) if last else None,
        "exceptions": {s.value: n for s, n in exceptions.counts(conn, company.name).items()},
        "parked": health.parked,
        "unplanned": health.unplanned,
        "open_writes": health.open_writes,
        "review": len(candidates.listing(conn, company.name)),
    }


def _lifetimes(health: Health) -> dict[str, datetime] | None:
    if health.access_until is None or health.refresh_until is None:
        return None
    return {"access_expires_at": health.access_until, "refresh_expires_at": health.refresh_until}


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "trigger": run.trigger,
        "status": run.status.value,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "counts": run.counts,
        "api_calls": run.api_calls,
        "error": run.error,
    }


def _show(console: Console, home: str, documents: list[dict[str, Any]], offered: Completing) -> None:
    if not documents:
        console.print(f"No company is connected in {home}. Connect one with qb-pipeline connect.", markup=False)
    for d in documents:
        reason = f" ({d['reason']})" if d["reason"] else ""
        console.print(f"{d['company']}: {d['state']}{reason}", markup=False)
        console.print(f"  realm {d['realm_id']}, {d['contractor_system']} at {d['contractor_url']}", markup=False)
        if d["tokens"]:
            console.print(f"  refresh token lasts {_left(d['tokens']['refresh_expires_at'])}", markup=False)
        console.print(f"  {_last(d['last_run'])}", markup=False)
        console.print(f"  {_waits(d)}", markup=False)
        console.print(f"  health: {d['verdict']}{offered(_more(d), d['company'])}", markup=False)


def _last(run: dict[str, Any] | None) -> str:
    if run is None:
        return "no run yet"
    error = f": {run['error']}" if run["error"] else ""
    when = f"{run['started_at']:%Y-%m-%d %H:%M} UTC"
    return f"last run {run['id']}, {when} by {run['trigger']}, {run['status']}{error}"


def _waits(d: dict[str, Any]) -> str:
    states = ", ".join(f"{n:,} {state}" for state, n in d["exceptions"].items()) or "none"
    told = f"exceptions: {states}; parked: {d['parked']:,}; to review: {d['review']:,}"
    owed = {"unsettled writes": d["open_writes"], "changed and not compared yet": d["unplanned"]}
    return "; ".join([told, *(f"{what}: {count:,}" for what, count in owed.items() if count)])


def _more(d: dict[str, Any]) -> str:
    count = len(d["findings"])
    return f" ({many(count, 'finding')}: qb-pipeline health)" if count else ""


def _left(until: datetime) -> str:
    days = (until - datetime.now(UTC)).days
    return f"{days} more days" if days > 0 else "less than a day" if days == 0 else "no more: connect again"
