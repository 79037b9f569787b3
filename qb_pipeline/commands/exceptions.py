"""`errors`: the exception table.

Invariant: a command on exceptions changes all that were named, or none and says which is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import click
from sqlalchemy import Connection

from qb_pipeline.commands.opening import chosen_companies, one_entity, store
from qb_pipeline.commands.output import Output, json_option, unbroken
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured, Who
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.sync import deciding, problems, situations
from qb_pipeline.sync.offered import Completing, completing, refusing
from qb_pipeline.sync.waiting import Waiting, held_back, waiting

if TYPE_CHECKING:
    from rich.console import Console


_NAMED = 10  # records of one cause that the list names
_LARGEST = 2**63 - 1  # number an exception can have
_STATES = [s.value for s in ExceptionState]
_WHO = list(get_args(Who))


@click.group()
def errors() -> None:
    """Records that could not be kept in agreement, each with its cause, its fix and who can apply it."""


@errors.command("list")
@click.option("--company", help="Default: every company.")
@click.option("--entity", help="Only this kind of record.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only this state; may be repeated.")
@click.option("--code", "codes", multiple=True, help="Only this code; may be repeated. See errors codes.")
@click.option("--who", type=click.Choice(_WHO), help="Only what these people can fix.")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option(
    "--waiting", "waits", is_flag=True,
    help="Everything owed, also what needs a person: since when, why, and until when it rests.",
)  # fmt: skip
@json_option
@click.pass_obj
def list_(
    output: Output, company: str | None, entity: str | None, states: Sequence[str], codes: Sequence[str],
    who: str | None, everything: bool, waits: bool,
) -> None:  # fmt: skip
    """What stands open."""
    only = one_entity(entity)
    if waits:
        if states or codes or who or everything:
            raise click.UsageError("--waiting takes --company and --entity only")
        _list_waiting(output, company, only)
        return
    wanted = [ExceptionState(s) for s in states] or (tuple(ExceptionState) if everything else exceptions.UNRESOLVED)
    with store() as (_, engine), engine.connect() as conn:
        offered = completing(conn)
        found = [
            replace(e, fix=offered(e.fix, e.company))
            for c in chosen_companies(conn, company)
            for e in exceptions.listing(conn, c.name, entity=only, states=wanted, codes=codes or None, who=who)
        ]
    document = {"errors": [_document(e) for e in found], "causes": [_cause(group) for group in _alike(found)]}
    output.result(document, lambda console: _show_causes(console, found, offered))


def _alike(found: Sequence[Reported]) -> list[list[Reported]]:
    """Exceptions in groups of one cause: what is refused or out of reach for the same reason is one thing to mend."""
    groups: dict[tuple[str, ...], list[Reported]] = {}
    for one in found:
        groups.setdefault((one.company, one.code, one.state.value, one.cause, one.fix), []).append(one)
    return list(groups.values())


def _cause(group: Sequence[Reported]) -> dict[str, Any]:
    """One cause with everything it blocks, by name: the records that failed themselves, and what waits for them."""
    first = group[0]
    own = [_record(e) for e in group if problems.of_itself(e)]
    blocked = own + [str(name) for e in group for name in e.blocks] or [_record(e) for e in group]
    since = min((e.first_seen for e in group if e.first_seen), default=None)
    return {
        "company": first.company, "code": first.code, "state": first.state.value, "title": first.title,
        "cause": first.cause, "fix": first.fix, "who": first.who, "since": since,
        "ids": [e.id for e in group], "blocks": blocked,
    }  # fmt: skip


def _list_waiting(output: Output, company: str | None, entity: str | None) -> None:
    with store() as (_, engine), engine.connect() as conn:
        offered = completing(conn)
        found = [
            (c.name, replace(w, why=offered(w.why, c.name), fix=w.fix and offered(w.fix, c.name)))
            for c in chosen_companies(conn, company) for w in waiting(conn, c.name)
            if entity in (None, w.entity)
        ]  # fmt: skip
    documents = [{"company": name, **w.document()} for name, w in found]
    output.result({"waiting": documents}, lambda console: _show_waiting(console, found))


@errors.command()
@json_option
@click.pass_obj
def codes(output: Output) -> None:
    """Every situation that has a code: cause, fix, who can fix it, and whether it is retried by itself."""
    listed = [
        {
            "code": s.code, "area": s.area, "title": s.title, "cause": s.cause, "fix": s.fix, "who": s.who,
            "recovery": s.recovery.recovery, "retry_safe": s.retry_safe,
        }
        for s in situations.every()
    ]  # fmt: skip
    output.result({"codes": listed}, lambda console: _show_codes(console, listed))


@errors.command()
@click.argument("number", metavar="ID", type=int)
@json_option
@click.pass_obj
def show(output: Output, number: int) -> None:
    """One exception with everything that is known of it."""
    with store() as (_, engine), engine.connect() as conn:
        found = _named(conn, [number])[0]
        found = replace(found, fix=completing(conn)(found.fix, found.company))
    output.result(_document(found), lambda console: _show_one(console, found))


@errors.command()
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every unresolved exception.")
@click.option("--code", "codes", multiple=True, help="Every unresolved exception of this code; may be repeated.")
@click.option("--company", help="Only of this company; default: of every one.")
@json_option
@click.pass_obj
def retry(output: Output, numbers: Sequence[int], everything: bool, codes: Sequence[str], company: str | None) -> None:
    """Have exceptions tried again by the next sync, also dead ones and writes without an answer."""
    if sum((bool(numbers), everything, bool(codes))) != 1:
        raise click.UsageError("give the ids of exceptions, or --code, or --all")
    with store() as (_, engine), engine.begin() as conn, refusing(offered := completing(conn), company):
        if numbers:
            found = _unresolved(conn, numbers, company)
            count = sum(exceptions.retry(conn, e.company, [e.id]) for e in found)
            concerned = {e.company for e in found}
        else:
            chosen = chosen_companies(conn, company)
            retried = {c.name: exceptions.retry(conn, c.name, codes=codes or None) for c in chosen}
            count, concerned = sum(retried.values()), {name for name, many in retried.items() if many}
        if codes and not count:
            raise Misconfigured(
                f"No unresolved exception has the code {', '.join(codes)}.", code="unknown_exception",
                fix="See qb-pipeline errors list.",
            )  # fmt: skip
    text = f"{count:,} will be tried by the next sync: qb-pipeline sync"
    if len(concerned) == 1:
        text = offered(text, *concerned)
    output.result({"retried": count}, lambda console: unbroken(console, text))


@errors.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--take", required=True, type=click.Choice([s.value for s in Side]), help="Whose version stands.")
@json_option
@click.pass_obj
def resolve(output: Output, number: int, take: str) -> None:
    """Settle a conflict: the version of one side stands, and the next sync writes it to the other.

    The word is about the two versions that were shown; if either was changed meanwhile, it is asked anew under another
    id.
    """
    with store() as (_, engine), engine.begin() as conn:
        [found] = _unresolved(conn, [number])
        with refusing(completing(conn), found.company):
            said = deciding.take(conn, found.company, found, Side(take))
    text = f"{_record(found)}: with the next sync, {said}."
    output.result({"resolved": number, "take": take, "next": said}, lambda console: console.print(text, markup=False))


@errors.command()
@click.argument("numbers", metavar="ID...", nargs=-1, type=int, required=True)
@json_option
@click.pass_obj
def ignore(output: Output, numbers: Sequence[int]) -> None:
    """Leave exceptions alone until their records change, or more records wait for the same cause."""
    with store() as (_, engine), engine.begin() as conn:
        count = sum(exceptions.ignore(conn, e.company, [e.id]) for e in _unresolved(conn, numbers))
    output.result({"ignored": count}, lambda console: console.print(f"{count:,} ignored until their records change"))


def _named(conn: Connection, numbers: Sequence[int], company: str | None = None) -> list[Reported]:
    """The exceptions of these ids, of the company or whosever they are; refuses an id there is none of."""
    chosen, asked = chosen_companies(conn, company), [n for n in numbers if abs(n) <= _LARGEST]
    found = {n: e for n in asked for c in chosen if (e := exceptions.get(conn, c.name, n)) is not None}
    unknown = [str(n) for n in numbers if n not in found]
    if unknown:
        whose = f" of {company}" if company else ""
        raise Misconfigured(
            f"There is no exception {', '.join(unknown)}{whose}.", code="unknown_exception",
            fix="See qb-pipeline errors list.",
        )  # fmt: skip
    return [found[n] for n in dict.fromkeys(numbers)]


def _unresolved(conn: Connection, numbers: Sequence[int], company: str | None = None) -> list[Reported]:
    found = _named(conn, numbers, company)
    over = [e for e in found if e.state is ExceptionState.RESOLVED]
    for one in over:
        with refusing(completing(conn), one.company):
            _refuse_outdated(conn, one)
    done = [str(e.id) for e in over]
    if done:
        raise Misconfigured(
            f"Exception {', '.join(done)} is resolved already.", code="resolved", fix="There is nothing left to do."
        )
    return found


def _refuse_outdated(conn: Connection, old: Reported) -> None:
    """A question that is asked anew, because its record was changed, is answered under its new number only."""
    known = exceptions.of_records(conn, old.company, old.entity, old.side, [old.record_id]).get(old.record_id, [])
    for new in known:
        if new.code == old.code:
            anew = new.id
            raise Misconfigured(
                f"Exception {old.id} is over: its record was changed, and {anew} takes its place: {new.cause}",
                code="asked_anew", fix=new.fix,
            )  # fmt: skip


def _document(found: Reported) -> dict[str, Any]:
    document = {**vars(found), "side": found.side.value, "state": found.state.value}
    del document["told_blocks"], document["asks"]  # what mails were about, and how it is stored
    return document


def _show_all(console: Console, found: Sequence[Reported]) -> None:
    for e in found:
        console.print(f"{e.id}  {e.state.value}  {e.company}  {_record(e)}: {e.title}", markup=False)
        console.print(f"    {e.cause}", markup=False)
        if waits := held_back(e):
            console.print(f"    {waits}", markup=False)
        unbroken(console, f"    Fix ({e.who}): {e.fix}")


def _show_causes(console: Console, found: Sequence[Reported], offered: Completing) -> None:
    for group in _alike(found):
        _show_all(console, [replace(group[0], blocks=[name for e in group for name in e.blocks])])
        if len(group) > 1:
            names = ", ".join(_record(e) for e in group[1:_NAMED])
            more = f" and {len(group) - _NAMED:,} others" if len(group) > _NAMED else ""
            console.print(f"    The same holds for {len(group) - 1:,} more: {names}{more}", markup=False)
            retry_all = offered(f"qb-pipeline errors retry --code {group[0].code}", group[0].company)
            unbroken(console, f"    All at once: {retry_all}")
    if not found:
        console.print("No exceptions.")


def _show_one(console: Console, e: Reported) -> None:
    _show_all(console, [e])
    again = f", tried again after {e.next_attempt_at:%Y-%m-%d %H:%M} UTC" if e.next_attempt_at else ""
    console.print(f"    code {e.code}, {e.attempts} attempts{again}", markup=False)
    console.print(f"    first seen {e.first_seen:%Y-%m-%d %H:%M}, last {e.last_seen:%Y-%m-%d %H:%M} UTC", markup=False)
    if e.blocks:
        console.print(f"    blocks {len(e.blocks)}: {', '.join(str(b) for b in e.blocks)}", markup=False)


def _show_waiting(console: Console, found: Sequence[tuple[str, Waiting]]) -> None:
    for company, w in found:
        since = f"{w.since:%Y-%m-%d %H:%M} UTC" if w.since else "the beginning"
        number = f" (exception {w.number})" if w.number else ""
        console.print(f"{w.kind}  {company}  {w.record}, since {since}{number}", markup=False)
        unbroken(console, f"    {w.why}")
        if w.next_attempt_at:
            again = f"    attempt {(w.attempts or 0) + 1} after {w.next_attempt_at:%Y-%m-%d %H:%M} UTC"
            console.print(again, markup=False)
        if w.fix:
            unbroken(console, f"    Fix ({w.who}): {w.fix}")
    if not found:
        console.print("Nothing waits.")


def _show_codes(console: Console, listed: Sequence[dict[str, Any]]) -> None:
    for one in listed:
        then = "retried by itself" if one["retry_safe"] else f"{one['recovery']} ({one['who']})"
        console.print(f"{one['code']}  {one['area']}: {then}", markup=False)
        console.print(f"    {one['cause']}", markup=False)
        console.print(f"    Fix: {one['fix']}", markup=False)


def _record(e: Reported) -> str:
    return e.record_label or f"{e.entity} {e.record_id}"
