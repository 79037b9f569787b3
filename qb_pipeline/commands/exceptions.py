"""`errors`: the exception table.

Invariant: a command on exceptions changes all that were named, or none and says which is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from qb_pipeline.commands.opening import chosen_companies, one_entity, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported

if TYPE_CHECKING:
    from rich.console import Console


@click.group()
def errors() -> None:
    """Records that could not be kept in agreement, each with its cause, its fix and who can apply it."""


@errors.command("list")
@click.option("--company", help="Default: every company.")
@click.option("--entity", help="Only this kind of record.")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@json_option
@click.pass_obj
def list_(output: Output, company: str | None, entity: str | None, everything: bool) -> None:
    """What stands open."""
    only = one_entity(entity)
    states = tuple(ExceptionState) if everything else exceptions.UNRESOLVED
    with store() as (_, engine), engine.connect() as conn:
        found = [
            e
            for c in chosen_companies(conn, company)
            for e in exceptions.listing(conn, c.name, entity=only, states=states)
        ]
    output.result({"errors": [_document(e) for e in found]}, lambda console: _show_all(console, found))


@errors.command()
@click.argument("number", metavar="ID", type=int)
@json_option
@click.pass_obj
def show(output: Output, number: int) -> None:
    """One exception with everything that is known of it."""
    with store() as (_, engine), engine.connect() as conn:
        found = _named(conn, [number])[0]
    output.result(_document(found), lambda console: _show_one(console, found))


@errors.command()
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every unresolved exception.")
@click.option("--company", help="With --all: only of this company.")
@json_option
@click.pass_obj
def retry(output: Output, numbers: Sequence[int], everything: bool, company: str | None) -> None:
    """Have exceptions tried again by the next sync."""
    if bool(numbers) == everything:
        raise click.UsageError("give the ids of exceptions, or --all")
    with store() as (_, engine), engine.begin() as conn:
        if everything:
            count = sum(exceptions.retry(conn, c.name) for c in chosen_companies(conn, company))
        else:
            count = sum(exceptions.retry(conn, e.company, [e.id]) for e in _unresolved(conn, numbers))
    text = f"{count:,} will be tried by the next sync: qb-pipeline sync"
    output.result({"retried": count}, lambda console: console.print(text))


@errors.command()
@click.argument("numbers", metavar="ID...", nargs=-1, type=int, required=True)
@json_option
@click.pass_obj
def ignore(output: Output, numbers: Sequence[int]) -> None:
    """Leave exceptions alone until their records change."""
    with store() as (_, engine), engine.begin() as conn:
        count = sum(exceptions.ignore(conn, e.company, [e.id]) for e in _unresolved(conn, numbers))
    output.result({"ignored": count}, lambda console: console.print(f"{count:,} ignored until their records change"))


def _named(conn: Connection, numbers: Sequence[int]) -> list[Reported]:
    """The exceptions of these ids, whosever they are; refuses an id there is none of."""
    every = chosen_companies(conn, None)
    found = {n: e for n in numbers for c in every if (e := exceptions.get(conn, c.name, n)) is not None}
    unknown = [str(n) for n in numbers if n not in found]
    if unknown:
        raise Misconfigured(
            f"There is no exception {', '.join(unknown)}.", code="unknown_exception", fix="See qb-pipeline errors list."
        )
    return [found[n] for n in dict.fromkeys(numbers)]


def _unresolved(conn: Connection, numbers: Sequence[int]) -> list[Reported]:
    found = _named(conn, numbers)
    done = [str(e.id) for e in found if e.state is ExceptionState.RESOLVED]
    if done:
        raise Misconfigured(
            f"Exception {', '.join(done)} is resolved already.", code="resolved", fix="There is nothing left to do."
        )
    return found


def _document(found: Reported) -> dict[str, Any]:
    return {**vars(found), "side": found.side.value, "state": found.state.value}


def _show_all(console: Console, found: Sequence[Reported]) -> None:
    for e in found:
        console.print(f"{e.id}  {e.state.value}  {e.company}  {_record(e)}: {e.title}", markup=False)
        console.print(f"    {e.cause}", markup=False)
        console.print(f"    Fix ({e.who}): {e.fix}", markup=False)
    if not found:
        console.print("No exceptions.")


def _show_one(console: Console, e: Reported) -> None:
    _show_all(console, [e])
    again = f", tried again after {e.next_attempt_at:%Y-%m-%d %H:%M} UTC" if e.next_attempt_at else ""
    console.print(f"    code {e.code}, {e.attempts} attempts{again}", markup=False)
    console.print(f"    first seen {e.first_seen:%Y-%m-%d %H:%M}, last {e.last_seen:%Y-%m-%d %H:%M} UTC", markup=False)
    if e.blocks:
        console.print(f"    blocks {len(e.blocks)}: {', '.join(str(b) for b in e.blocks)}", markup=False)


def _record(e: Reported) -> str:
    return e.record_label or f"{e.entity} {e.record_id}"
