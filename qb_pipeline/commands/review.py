"""`review`: match candidates that a person decides.

Invariant: what is decided here goes through sync/reviewing.py under the company's lock, as any other change of links.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from sqlalchemy import Connection

from qb_pipeline.commands.opening import chosen_companies, one_company, one_entity, store
from qb_pipeline.commands.output import Output, json_option, unbroken
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import candidates, links, staging
from qb_pipeline.store.candidates import Candidate
from qb_pipeline.store.locks import company_lock
from qb_pipeline.sync import reviewing
from qb_pipeline.sync.context import label
from qb_pipeline.sync.offered import Completing, completing, refusing
from qb_pipeline.sync.reviewing import Pair

if TYPE_CHECKING:
    from rich.console import Console

_LOCK_WAIT = 30.0
T = TypeVar("T")
Act = Callable[[Connection, str, Pair], str]


@click.group()
def review() -> None:
    """Pairs that may be the same record: a person decides."""


@review.command("list")
@click.option("--company", help="Default: every company.")
@click.option("--entity", help="Only this kind of record.")
@json_option
@click.pass_obj
def list_(output: Output, company: str | None, entity: str | None) -> None:
    """What waits for a decision, the likeliest first."""
    only = one_entity(entity)
    with store() as (_, engine), engine.connect() as conn:
        offered = completing(conn)
        found = [
            _document(conn, candidate)
            for c in chosen_companies(conn, company)
            for candidate in candidates.listing(conn, c.name, entity=only)
        ]
    output.result({"candidates": found}, lambda console: _show(console, found, offered))


def _pair(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("quickbooks_id", metavar="B"),
        click.argument("contractor_id", metavar="A"),
        click.option("--entity", help="Needed where the pair is not in the list."),
        click.option("--company", help="Needed where there are several."),
    ):
        command = option(command)
    return command


@review.command()
@_pair
@json_option
@click.pass_obj
def link(output: Output, contractor_id: str, quickbooks_id: str, entity: str | None, company: str | None) -> None:
    """Link record A of the contractor's system with record B of QuickBooks."""
    text = "{} is linked; the next sync brings both into agreement"
    _decide(output, (contractor_id, quickbooks_id), entity, company, reviewing.link, "linked", text)


@review.command()
@_pair
@json_option
@click.pass_obj
def reject(output: Output, contractor_id: str, quickbooks_id: str, entity: str | None, company: str | None) -> None:
    """Say that A of the contractor's system and B of QuickBooks are different; each may then be copied over."""
    text = f"{{}} ({contractor_id}) and QuickBooks {quickbooks_id} are kept apart"
    _decide(output, (contractor_id, quickbooks_id), entity, company, reviewing.keep_apart, "rejected", text)


@review.command()
@_pair
@json_option
@click.pass_obj
def unlink(output: Output, contractor_id: str, quickbooks_id: str, entity: str | None, company: str | None) -> None:
    """Take the link of A and B back. Nothing is removed; each is then new to the other side, unless linked again.

    Where the sync made one from the other, neither is copied until it is linked, removed, or kept apart by reject.
    """
    document, done, offered = _under_lock(contractor_id, quickbooks_id, entity, company, reviewing.unlink)
    text = f"{done.called} is unlinked; link it to its right counterpart before the next sync, or it is copied over"
    if done.made_here:
        text = (
            f"{done.called} is unlinked; the sync made one of the two from the other, so neither is copied until you "
            f"link or remove it, or call them two: qb-pipeline review reject {contractor_id} {quickbooks_id} --entity "
            f"{document['entity']}"
        )
    if done.referring:
        text += f"\n{done.referring} linked records refer to it: after the next sync, see qb-pipeline errors list"
    text = offered(text, document["company"])
    document |= {"decision": "unlinked", "referring": done.referring}
    output.result(document, lambda console: console.print(text, markup=False))


@review.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--company", help="Default: every company.")
@click.option("--entity", help="Only this kind of record.")
@click.option("--force", is_flag=True, help="Replace a file that exists, and the decisions in it.")
@json_option
@click.pass_obj
def export(output: Output, file: Path, company: str | None, entity: str | None, *, force: bool) -> None:
    """Write what waits as a workbook (.xlsx) with a column to decide in."""
    from qb_pipeline.reports import review_workbook  # noqa: PLC0415  # openpyxl is slow to import

    only = one_entity(entity)
    if file.exists() and not force:
        raise Misconfigured(
            f"{file} exists, and may hold decisions that were not imported yet.",
            code="file_exists",
            fix="Give another name, or --force to replace it.",
        )
    with store() as (_, engine), engine.connect() as conn:
        questions = [
            _question(conn, candidate)
            for c in chosen_companies(conn, company)
            for candidate in candidates.listing(conn, c.name, entity=only)
        ]
    review_workbook.write(file, questions)
    then = f"qb-pipeline review import {shlex.quote(str(file))}"
    text = f"{len(questions)} pairs in {file}; decide in its first column, then {then}"
    output.result(
        {"file": str(file), "pairs": len(questions)}, lambda console: console.print(text, markup=False, soft_wrap=True)
    )


@review.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@json_option
@click.pass_obj
def import_(output: Output, file: Path) -> None:
    """Take over the decisions of a workbook: all of them or, where a row cannot stand, none."""
    from qb_pipeline.reports import review_decisions, review_workbook  # noqa: PLC0415  # as above

    answers = review_workbook.read(file)
    with store() as (_, engine):
        done = review_decisions.apply(engine, file, answers, _LOCK_WAIT)
    text = f"{done.linked} linked, {done.kept_apart} kept apart, {done.known} decided before"
    output.result(vars(done), lambda console: console.print(text, markup=False))


def _decide(
    output: Output, ids: tuple[str, str], entity: str | None, company: str | None, act: Act, decision: str, text: str
) -> None:
    document, called, _ = _under_lock(*ids, entity, company, act)
    said = text.replace("{}", called, 1)
    output.result({**document, "decision": decision}, lambda console: console.print(said, markup=False))


def _under_lock(
    contractor_id: str,
    quickbooks_id: str,
    entity: str | None,
    company: str | None,
    act: Callable[[Connection, str, Pair], T],
) -> tuple[dict[str, Any], T, Completing]:
    """Do one thing to a pair while no sync of the company runs; also returns what completes commands."""
    with store() as (_, engine):
        with engine.connect() as conn:
            chosen, offered = one_company(conn, company).name, completing(conn)
        with refusing(offered, chosen), company_lock(engine, chosen, _LOCK_WAIT), engine.begin() as conn:
            name = _entity(conn, chosen, entity, contractor_id, quickbooks_id)
            done = act(conn, chosen, Pair(name, contractor_id, quickbooks_id))
    return (
        {
            "company": chosen,
            "entity": name,
            "contractor_id": contractor_id,
            "quickbooks_id": quickbooks_id,
        },
        done,
        offered,
    )


def _entity(conn: Connection, company: str, given: str | None, contractor_id: str, quickbooks_id: str) -> str:
    """The entity given, or that of the candidate or the link with this pair."""
    if (named := one_entity(given)) is not None:
        return named
    ids = (contractor_id, quickbooks_id)
    found = {c.entity for c in candidates.listing(conn, company) if (c.contractor_id, c.quickbooks_id) == ids}
    if not found:
        found = links.entities_of(conn, company, contractor_id, quickbooks_id)
    if len(found) != 1:
        raise _unknown(contractor_id, quickbooks_id)
    return found.pop()


def _unknown(contractor_id: str, quickbooks_id: str) -> Misconfigured:
    return Misconfigured(
        f"No pair of contractor {contractor_id} and QuickBooks {quickbooks_id} is linked or waits for a decision.",
        code="unknown_pair",
        fix="See qb-pipeline review list; to decide about another pair say its --entity.",
    )


def _question(conn: Connection, candidate: Candidate) -> Any:
    """A candidate as a row of the workbook."""
    from qb_pipeline.reports.review_workbook import Question  # noqa: PLC0415  # as above

    document = _document(conn, candidate)
    return Question(
        company=candidate.company,
        pair=reviewing.pair_of(candidate),
        kind=ENTITIES[candidate.entity].title,
        contractor=str(document["contractor_name"] or ""),
        quickbooks=str(document["quickbooks_name"] or ""),
        likelihood=f"{candidate.score * 100:.0f} %",
        why="; ".join(str(e) for e in candidate.evidence),
        contractor_details=_details(conn, candidate, Side.CONTRACTOR),
        quickbooks_details=_details(conn, candidate, Side.QUICKBOOKS),
    )


def _details(conn: Connection, candidate: Candidate, side: Side) -> str:
    """What a person compares: every text, amount and date the record has, one a line."""
    native = candidate.contractor_id if side is Side.CONTRACTOR else candidate.quickbooks_id
    staged = staging.fetch(conn, candidate.company, side, candidate.entity, [native]).get(native)
    values = staged.record.values if staged else {}
    shown = (f for f in ENTITIES[candidate.entity].fields if not f.lines and f.refers_to is None)
    return "\n".join(f"{f.name}: {values[f.name]}" for f in shown if values.get(f.name) not in (None, "", False))


def _document(conn: Connection, candidate: Candidate) -> dict[str, Any]:
    names = {
        side: _name(conn, candidate, side, native)
        for side, native in ((Side.CONTRACTOR, candidate.contractor_id), (Side.QUICKBOOKS, candidate.quickbooks_id))
    }
    return {
        **vars(candidate),
        "decision": candidate.decision.value,
        "contractor_name": names[Side.CONTRACTOR],
        "quickbooks_name": names[Side.QUICKBOOKS],
    }


def _name(conn: Connection, candidate: Candidate, side: Side, native: str) -> str | None:
    staged = staging.fetch(conn, candidate.company, side, candidate.entity, [native]).get(native)
    return label(ENTITIES[candidate.entity], staged.record.values) if staged else None


def _show(console: Console, found: Sequence[dict[str, Any]], offered: Completing) -> None:
    for c in found:
        console.print(
            f"{c['company']}  {c['entity']}  {c['contractor_id']} ({c['contractor_name']})  ~  "
            f"{c['quickbooks_id']} ({c['quickbooks_name']})  {c['match_class']} {c['score']}",
            markup=False,
        )
        console.print(f"    {'; '.join(str(e) for e in c['evidence'])}", markup=False)
    for company in dict.fromkeys(c["company"] for c in found):
        ways = "qb-pipeline review link A B, or qb-pipeline review reject A B"
        many = "or all at once: qb-pipeline review export pairs.xlsx"
        unbroken(console, f"Decide with {offered(ways, company)}, {many}.")
    if not found:
        console.print("Nothing to review.")
