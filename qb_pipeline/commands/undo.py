"""`undo`: taking back what a run wrote.

Invariant: whatever can't be taken back is named with its reason; with --dry-run neither system is written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from qb_pipeline.commands.opening import DRY_RUN, chosen_companies, store
from qb_pipeline.commands.output import Output, json_option, unbroken
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import runs
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync import undo as undoing
from qb_pipeline.sync.facts import read_preferences, refresh_credits, refresh_facts
from qb_pipeline.sync.offered import Completing, completing, refusing
from qb_pipeline.sync.session import session

if TYPE_CHECKING:
    from rich.console import Console

_WHERE = {"quickbooks": "QuickBooks", "contractor": "the contractor's system"}


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--company", help="Default: whichever company the run was of.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@json_option
@click.pass_obj
def undo(output: Output, run: str, company: str | None, dry_run: bool) -> None:
    """Take back what a run wrote: its id, or the beginning of it, is shown by status and sync.

    What it created is removed as the kind of record allows, what it updated gets its former values. A record somebody
    changed since, one in closed books or in a deposit, and one that others refer to are left alone and named. Records
    taken back are held until somebody decides: qb-pipeline errors resolve. Repeated, the command goes on where it was
    stopped and skips what it has taken back.
    """
    with store() as (settings, engine):
        with engine.connect() as conn:
            name, run_id = _found(conn, company, run)
            offered = completing(conn)
        trigger = DRY_RUN if dry_run else f"undo {run_id}"
        with (
            output.progress(f"{name}: reading") as progress,
            session(engine, settings, name, trigger, dry=dry_run, progress=progress) as ctx,
        ):
            if dry_run:
                read_preferences(ctx)
                refresh_facts(ctx)
                refresh_credits(ctx)
                items = undoing.plan_undo(ctx, run_id)
            else:
                steps.prepare(ctx)
                result = undoing.undo(ctx, run_id)
                items = [*result.done, *result.refused, *result.earlier]
            own = ctx.run_id
    document = {"company": name, "run": run_id, "dry_run": dry_run, "undo_run": own, **_document(items)}
    if not items:
        with refusing(offered, name):
            raise Misconfigured(
                f"Run {run_id} wrote nothing.", code="nothing_to_undo",
                fix="See qb-pipeline status for the runs that did.",
            )  # fmt: skip
    output.result(document, lambda console: _show(console, document, offered))


def _found(conn: Connection, company: str | None, given: str) -> tuple[str, str]:
    """Company and full id of the run; refuses what names none, or several."""
    known = [(c.name, i) for c in chosen_companies(conn, company) for i in runs.ids(conn, c.name)]
    found = [pair for pair in known if pair[1] == given] or [pair for pair in known if pair[1].startswith(given)]
    if len(found) != 1:
        count = "no run" if not found else f"{len(found)} runs"
        raise Misconfigured(
            f"There is {count} {given!r}." if not found else f"There are {count} that begin with {given!r}.",
            code="unknown_run", fix="Give the id as qb-pipeline status --json shows it.",
        )  # fmt: skip
    return found[0]


def _document(items: Sequence[undoing.Item]) -> dict[str, Any]:
    return {
        "undone": [_line(i) for i in items if i.why_not is None and not i.earlier],
        "refused": [{**_line(i), "why": i.why_not} for i in items if i.why_not is not None],
        "undone_before": [_line(i) for i in items if i.earlier],
    }


def _line(item: undoing.Item) -> dict[str, Any]:
    names = [n for n in item.before if _plain(item.before[n]) != _plain(item.after.get(n))]
    return {
        "entity": item.entity.name,
        "in": item.side.value,
        "record": item.name,
        "record_id": item.record_id,
        "do": item.operation.verb if item.operation else None,
        "removes": bool(item.operation and not item.before),
        "changes": [
            {"field": n, "name": item.entity[n].label, "old": _plain(item.after.get(n)), "new": _plain(item.before[n])}
            for n in names
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [{k: _plain(v) for k, v in x.items() if k not in ("id", "twin")} for x in value]
    return value if value is None or isinstance(value, bool | int) else str(value)


def _show(console: Console, document: dict[str, Any], offered: Completing) -> None:
    done, refused = document["undone"], document["refused"]
    verb = "would be" if document["dry_run"] else "were"
    told = f"{document['company']}: {len(done):,} records {verb} taken back, {len(refused):,} can't be."
    console.print(told, markup=False)
    if document["undone_before"]:
        console.print(f"  {len(document['undone_before']):,} were taken back by an earlier undo.")
    for line in done:
        deed = "removed" if line["removes"] else "put back"
        console.print(f"  {line['record']} in {_WHERE[line['in']]}: {deed}", markup=False)
        for change in line["changes"]:
            console.print(f"      {change['name']}: {_short(change['old'])} → {_short(change['new'])}", markup=False)
    for line in refused:
        why = offered(line["why"], document["company"])
        unbroken(console, f"  NOT {line['record']} in {_WHERE[line['in']]}: {why}.")
    if done and not document["dry_run"]:
        listing = offered("qb-pipeline errors list --code undone", document["company"])
        console.print(f"Each is held until somebody decides: {listing}", markup=False)


def _short(value: Any) -> str:
    return f"{len(value)} lines" if isinstance(value, list) else "nothing" if value is None else str(value)
