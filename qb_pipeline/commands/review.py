"""`review`: match candidates that a person decides.

Invariant: a record has one link at most, and deciding for one pair frees the others that held the two records back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from qb_pipeline.commands.opening import chosen_companies, one_company, one_entity, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import candidates, links, staging, sync_log
from qb_pipeline.store.candidates import Candidate, Decision
from qb_pipeline.store.locks import company_lock
from qb_pipeline.sync.context import label

if TYPE_CHECKING:
    from rich.console import Console

_LOCK_WAIT = 30.0


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
        found = [
            _document(conn, candidate)
            for c in chosen_companies(conn, company)
            for candidate in candidates.listing(conn, c.name, entity=only)
        ]
    output.result({"candidates": found}, lambda console: _show(console, found))


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
    with store() as (_, engine):
        with engine.connect() as conn:
            chosen = one_company(conn, company).name
        with company_lock(engine, chosen, _LOCK_WAIT), engine.begin() as conn:
            name = _entity(conn, chosen, entity, contractor_id, quickbooks_id)
            called = _link(conn, chosen, name, contractor_id, quickbooks_id)
    document = {"company": chosen, "entity": name, "contractor_id": contractor_id, "quickbooks_id": quickbooks_id}
    text = f"{called} is linked; the next sync brings both into agreement"
    output.result({**document, "decision": "linked"}, lambda console: console.print(text, markup=False))


@review.command()
@_pair
@json_option
@click.pass_obj
def reject(output: Output, contractor_id: str, quickbooks_id: str, entity: str | None, company: str | None) -> None:
    """Say that A of the contractor's system and B of QuickBooks are different; each may then be copied over."""
    with store() as (_, engine), engine.begin() as conn:
        chosen = one_company(conn, company).name
        name = _entity(conn, chosen, entity, contractor_id, quickbooks_id)
        found = _open_pair(conn, chosen, name, contractor_id, quickbooks_id)
        if found is None:
            raise _unknown(contractor_id, quickbooks_id)
        candidates.decide(conn, chosen, found.id, Decision.REJECTED)
    document = {"company": chosen, "entity": name, "contractor_id": contractor_id, "quickbooks_id": quickbooks_id}
    text = f"{contractor_id} and {quickbooks_id} are kept apart"
    output.result({**document, "decision": "rejected"}, lambda console: console.print(text, markup=False))


def _entity(conn: Connection, company: str, given: str | None, contractor_id: str, quickbooks_id: str) -> str:
    """The entity given, or that of the open candidate with this pair."""
    if (named := one_entity(given)) is not None:
        return named
    found = {
        c.entity
        for c in candidates.listing(conn, company)
        if (c.contractor_id, c.quickbooks_id) == (contractor_id, quickbooks_id)
    }
    if len(found) != 1:
        raise _unknown(contractor_id, quickbooks_id)
    return found.pop()


def _open_pair(conn: Connection, company: str, entity: str, contractor_id: str, quickbooks_id: str) -> Candidate | None:
    for candidate in candidates.listing(conn, company, entity=entity):
        if (candidate.contractor_id, candidate.quickbooks_id) == (contractor_id, quickbooks_id):
            return candidate
    return None


def _link(conn: Connection, company: str, entity: str, contractor_id: str, quickbooks_id: str) -> str:
    """Create the link and close every candidate of the two; returns what a person calls the record."""
    called = [
        _called(conn, company, entity, side, native)
        for side, native in ((Side.CONTRACTOR, contractor_id), (Side.QUICKBOOKS, quickbooks_id))
    ]
    evidence = ["linked by a person"]
    new = links.NewLink(company, entity, contractor_id, quickbooks_id, match_class="person", evidence=evidence)
    links.create_many(conn, [new])
    for candidate in candidates.listing(conn, company, entity=entity):
        same = (candidate.contractor_id == contractor_id, candidate.quickbooks_id == quickbooks_id)
        if any(same):
            candidates.decide(conn, company, candidate.id, Decision.LINKED if all(same) else Decision.REJECTED)
    detail = {"quickbooks_id": quickbooks_id, "class": "person", "evidence": evidence}
    entry = sync_log.Entry(entity, Side.CONTRACTOR, "linked", contractor_id, called[0], detail)
    sync_log.append(conn, company, [entry])
    return called[0]


def _called(conn: Connection, company: str, entity: str, side: Side, native: str) -> str:
    """The record's name; refuses one that is not there or has a link already."""
    where = "QuickBooks" if side is Side.QUICKBOOKS else "the contractor's system"
    staged = staging.fetch(conn, company, side, entity, [native]).get(native)
    if staged is None:
        raise Misconfigured(
            f"{where} shows no {ENTITIES[entity].title.lower()} {native}.",
            code="unknown_record",
            fix="Give A as the contractor's id and B as QuickBooks' id; run qb-pipeline sync if it is new.",
        )
    named = label(ENTITIES[entity], staged.record.values)
    taken = links.find(conn, company, entity, side, [native]).get(native)
    if taken is not None:
        raise Misconfigured(
            f"{named} of {where} is linked already (contractor {taken.contractor_id}, "
            f"QuickBooks {taken.quickbooks_id}).",
            code="linked_already",
            fix="Check the ids; a record has one counterpart only.",
        )
    return named


def _unknown(contractor_id: str, quickbooks_id: str) -> Misconfigured:
    return Misconfigured(
        f"No pair of contractor {contractor_id} and QuickBooks {quickbooks_id} waits for a decision.",
        code="unknown_pair",
        fix="See qb-pipeline review list; to link another pair say its --entity.",
    )


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


def _show(console: Console, found: Sequence[dict[str, Any]]) -> None:
    for c in found:
        console.print(
            f"{c['company']}  {c['entity']}  {c['contractor_id']} ({c['contractor_name']})  ~  "
            f"{c['quickbooks_id']} ({c['quickbooks_name']})  {c['match_class']} {c['score']}",
            markup=False,
        )
        console.print(f"    {'; '.join(str(e) for e in c['evidence'])}", markup=False)
    console.print("Decide with qb-pipeline review link A B, or reject A B." if found else "Nothing to review.")
