"""`notices`: what people are told, and sending it now.

Invariant: `send` exits 0 only when nothing that was due is left unsent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from qb_pipeline.commands.opening import chosen_companies, store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import notices as kept
from qb_pipeline.store.notices import EVERY, UNDELIVERED, Notice

if TYPE_CHECKING:
    from rich.console import Console


@click.group()
def notices() -> None:
    """Alarms, all-clears and digests: what people are told, once each."""


@notices.command("list")
@click.option("--company", help="Default: every company.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many, the latest first.")
@json_option
@click.pass_obj
def list_(output: Output, company: str | None, limit: int) -> None:
    """The latest notices, with what became of them."""
    with store() as (_, engine), engine.connect() as conn:
        if company is not None:
            chosen_companies(conn, company)
        found = kept.recent(conn, company, limit)
    output.result({"notices": [_document(n) for n in found]}, lambda console: _show(console, found))


@notices.command()
@json_option
@click.pass_obj
def send(output: Output) -> None:
    """Look at every company and send what is due now, also where the mail server refused a moment ago."""
    from qb_pipeline.notify.sending import send_due  # noqa: PLC0415  # listing needs no mail
    from qb_pipeline.notify.watch import watch  # noqa: PLC0415  # as above

    with store() as (settings, engine):
        watch(engine, settings)
        outcome = send_due(engine, settings, anyway=True)
    if not outcome.configured:
        raise Misconfigured(
            "No mail server is set.", code="no_mail_server", fix="Set QB_SMTP_HOST, QB_MAIL_FROM and QB_MAIL_TO."
        )
    said = outcome.note or f"{outcome.mails:,} mails with {outcome.notices:,} notices were sent."
    document = {"mails": outcome.mails, "notices": outcome.notices, "note": outcome.note or None}
    output.result(document, lambda console: console.print(said, markup=False))


def _document(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "company": None if notice.company == EVERY else notice.company,
        "kind": notice.kind,
        "title": notice.title,
        "body": notice.body,
        "created_at": notice.created_at,
        "sent_at": notice.sent_at,
        "cleared_at": notice.cleared_at,
        "state": _state(notice),
    }


def _state(notice: Notice) -> str:
    if notice.kind == UNDELIVERED:
        return "over" if notice.cleared_at else "stands"
    said = "sent" if notice.sent_at else "not sent"
    return f"{said}, over" if notice.cleared_at else said


def _show(console: Console, found: Sequence[Notice]) -> None:
    if not found:
        console.print("Nobody had to be told of anything.")
    for n in found:
        console.print(f"{n.created_at:%Y-%m-%d %H:%M} UTC  {n.kind}  ({_state(n)})  {n.title}", markup=False)
