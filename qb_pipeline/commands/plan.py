"""`plan`: the dry run.

Invariant: it writes to neither system, changes no link and moves no reading position; what it prints is what the next
sync would do, and that sync does so after any number of plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from qb_pipeline.commands.opening import DRY_RUN, entity_names, store
from qb_pipeline.commands.output import Output, json_option, unbroken
from qb_pipeline.commands.preview import preview
from qb_pipeline.commands.sync import check_entities, to_sync
from qb_pipeline.entities import ENTITIES
from qb_pipeline.sync.offered import Completing, completing
from qb_pipeline.sync.session import session

if TYPE_CHECKING:
    from rich.console import Console

_WHERE = {"quickbooks": "QuickBooks", "contractor": "the contractor's system"}
_SHOWN_LENGTH = 60


@click.command()
@click.option("--company", help="Default: every connected company.")
@click.option("--entity", "entities", multiple=True, help="Only this kind of record; may be repeated.")
@click.option("--limit", default=100, show_default=True, help="How many writes to print; --json prints all.")
@json_option
@click.pass_obj
def plan(output: Output, company: str | None, entities: Sequence[str], limit: int) -> None:
    """Show what a sync would write, and write nothing.

    Both systems are read as a sync reads them. What was read is kept, with a record that can't be read as an exception,
    but the next sync reads it again: it does what it would have done without any plan.
    """
    only = entity_names(entities)
    documents = []
    with store() as (settings, engine):
        with engine.connect() as conn:
            offered = completing(conn)
        for chosen in to_sync(engine, company):
            with (
                output.progress(f"{chosen.name}: reading") as progress,
                session(engine, settings, chosen.name, DRY_RUN, dry=True, progress=progress) as ctx,
            ):
                check_entities(ctx, only)
                documents.append(preview(ctx, only))
    output.result({"companies": documents}, lambda console: _show(console, documents, limit, offered))


def _show(console: Console, documents: Sequence[Mapping[str, Any]], limit: int, offered: Completing) -> None:
    for document in documents:
        operations = document["operations"]
        console.print(f"{document['company']}: {len(operations):,} writes planned", markup=False)
        for name, counts in document["entities"].items():
            console.print(f"  {ENTITIES[name].plural.replace('_', ' ')}: {_counted(counts)}", markup=False)
        for operation in operations[:limit]:
            _show_operation(console, operation)
        if len(operations) > limit:
            console.print(f"  … and {len(operations) - limit:,} more; --json lists all.", markup=False)
        for waiting in document["parked"][:limit]:
            console.print(f"  {waiting['record']} waits for {', '.join(waiting['waits_for'])}", markup=False)
        listing = offered("qb-pipeline review list", document["company"])
        for waiting in document["review"][:limit]:
            unbroken(console, f"  {waiting['record']} {waiting['why']}: see {listing}")
        for brake in document["brakes"]:
            unbroken(console, f"  HELD: {brake['cause']} {brake['fix']}")
        for problem in document["problems"][:limit]:
            unbroken(console, f"  {problem['cause']} {problem['fix']}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _show_operation(console: Console, operation: Mapping[str, Any]) -> None:
    held = " (held: needs --allow-mass-change)" if operation["held"] else ""
    head = f"  {operation['do']} {operation['record']} in {_WHERE[operation['in']]}{held}"
    console.print(head, markup=False)
    for change in operation["changes"]:
        old, new = _short(change["old"]), _short(change["new"])
        console.print(
            f"      {change['name']}: {new if operation['do'] == 'create' else f'{old} → {new}'}", markup=False
        )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} lines"
    text = "nothing" if value is None else "yes" if value is True else "no" if value is False else str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
