"""`sync`: a whole run in this process.

Invariant: one company's failure does not keep the others from running, and is never hidden by their success.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Engine

from qb_pipeline.commands.opening import chosen_companies, entity_names, no_company, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.commands.summary import show_run
from qb_pipeline.errors import Misconfigured, PipelineError
from qb_pipeline.settings import Settings
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.offered import Completing, completing
from qb_pipeline.sync.session import session

if TYPE_CHECKING:
    from rich.console import Console

TRIED = (CompanyState.CONNECTED, CompanyState.RECONNECT)


@click.command()
@click.option("--company", help="Default: every connected company.")
@click.option("--entity", "entities", multiple=True, help="Only this kind of record; may be repeated.")
@click.option("--allow-mass-change", is_flag=True, help="Let a run remove or overwrite much of a list at once.")
@json_option
@click.pass_obj
def sync(output: Output, company: str | None, entities: Sequence[str], allow_mass_change: bool) -> None:
    """Bring both systems into agreement, once, in this process.

    Records that can't be brought into agreement are listed as exceptions and do not fail the run.
    """
    only = entity_names(entities)
    with store() as (settings, engine):
        with engine.connect() as conn:
            offered = completing(conn)
        runs = [
            run_company(output, engine, settings, chosen, only, allow_mass_change=allow_mass_change)
            for chosen in to_sync(engine, company)
        ]
    report(output, runs, lambda console, found: _show(console, found, offered))


def report(
    output: Output, runs: Sequence[dict[str, Any]], show: Callable[[Console, Sequence[dict[str, Any]]], None]
) -> None:
    """Print the companies' documents; those that failed, by their `error`, end the command after the others."""
    failures = [r["error"] for r in runs if r["error"] is not None]
    if not failures:
        output.result({"companies": runs}, lambda console: show(console, runs))
        return
    unexpected = [e for e in failures if not isinstance(e, PipelineError)]
    if len(runs) == 1 or unexpected:
        _say_others(output, runs, shown := (unexpected or failures)[0])
        raise shown
    succeeded = [r for r in runs if r["error"] is None]
    if succeeded and not output.json:
        output.result({}, lambda console: show(console, succeeded))
    raise _joint(runs)


def to_sync(engine: Engine, name: str | None) -> list[Company]:
    """The company of that name, or every one that is or was connected; one that broke is tried, to be reported."""
    with engine.connect() as conn:
        found = [c for c in chosen_companies(conn, name) if name is not None or c.state in TRIED]
    if not found:
        raise no_company()
    return found


def run_company(
    output: Output,
    engine: Engine,
    settings: Settings,
    company: Company,
    only: Sequence[str] | None,
    *,
    allow_mass_change: bool = False,
) -> dict[str, Any]:
    """One company's run as a document; `error` holds the failure, if it failed."""
    started = time.monotonic()
    document: dict[str, Any] = {"company": company.name, "error": None}
    try:
        with (
            output.progress(f"{company.name}: starting") as progress,
            session(
                engine, settings, company.name, "command line", allow_mass_change=allow_mass_change,
                progress=lambda line: progress(f"{company.name}: {line}"),
            ) as ctx,
        ):  # fmt: skip
            ctx.retry_now = True
            check_entities(ctx, only)
            result = steps.sync(ctx, only)
            document |= {"run_id": ctx.run_id, "writes": result.writes, "parked": len(result.parked)}
            document |= {"entities": ctx.tally.all(), "api_calls": api_calls(ctx)}
    except Exception as error:  # noqa: BLE001  # the other companies still have their turn; it is raised after them
        document["error"] = error
    return {**document, "status": "failed" if document["error"] else "succeeded", "seconds": _since(started)}


def check_entities(ctx: Context, only: Sequence[str] | None) -> None:
    """Refuse an entity that is not synchronised here, rather than to do nothing and call it success."""
    offered = [e.name for e in steps.entities(ctx)]
    missing = [name for name in only or () if name not in offered]
    if missing:
        raise Misconfigured(
            f"{', '.join(missing)}: not synchronised for company {ctx.company!r}.",
            code="entity_not_synchronised",
            fix=f"Use --entity with: {', '.join(offered)}.",
        )


def api_calls(ctx: Context) -> dict[str, dict[str, int]]:
    return {"contractor": dict(ctx.contractor.calls()), "quickbooks": dict(ctx.quickbooks.calls())}


def _say_others(output: Output, runs: Sequence[dict[str, Any]], shown: BaseException) -> None:
    """Failures beside the one that ends the command."""
    for run in runs:
        if run["error"] is not None and run["error"] is not shown:
            output.say(f"{run['company']} failed: {run['error']}")


def _joint(runs: Sequence[dict[str, Any]]) -> PipelineError:
    """Several companies in one line, each with its cause and fix."""
    failed = [r for r in runs if r["error"] is not None]
    causes = " ".join(f"{r['company']}: {r['error']}" for r in failed)
    return PipelineError(f"{len(failed)} of {len(runs)} companies failed.", code="some_failed", fix=causes)


def _show(console: Console, runs: Sequence[dict[str, Any]], offered: Completing) -> None:
    for run in runs:
        show_run(console, run, offered)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)
