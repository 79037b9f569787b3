"""`connect` and `disconnect`.

Invariant: nothing is stored before both systems have answered with what is to be stored.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from typing import Any

import click
import requests
from sqlalchemy import Engine

from qb_pipeline.addresses import is_loopback, redirect_address
from qb_pipeline.commands.callback import Listener, listening, wait_for
from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.errors import Misconfigured, RetryLater
from qb_pipeline.quickbooks.oauth import OAuth
from qb_pipeline.secrecy import quoted, without_secrets
from qb_pipeline.settings import Settings
from qb_pipeline.sync.connecting import Connected, Connecting, Revocation, Wanted
from qb_pipeline.sync.connecting import disconnect as end_connection

_HTTP_TIMEOUT = 30
_HOW = {
    Revocation.REVOKED: "the consent was revoked",
    Revocation.ENDED_BEFORE: "the consent had ended before",
    Revocation.UNREADABLE: (
        "the consent could not be revoked at Intuit, because the stored token can't be opened (another key sealed it): "
        "remove the app by hand in QuickBooks, under Apps > My apps > Disconnect"
    ),
}


@click.command()
@click.option("--company", required=True, help="The name this company is to have here.")
@click.option("--contractor-system", help="Its platform: a shipped one (reference), or the path of a system file.")
@click.option("--contractor-url", help="Address of the contractor system.")
@click.option("--contractor-key", envvar="QB_CONTRACTOR_KEY", help="Its API key (or set QB_CONTRACTOR_KEY).")
@click.option("--quickbooks-discovery", help="OpenID discovery document; default: Intuit's, see QB_ENVIRONMENT.")
@click.option("--quickbooks-api", help="Base address of the accounting API; default: Intuit's.")
@click.option("--client-id", help="The app on Intuit's portal; default: QB_CLIENT_ID.")
@click.option("--client-secret", help="Its secret; default: QB_CLIENT_SECRET.")
@click.option("--verifier-token", help="What signs QuickBooks' webhooks; default: QB_VERIFIER_TOKEN.")
@click.option("--webhook-secret", help="What signs the contractor system's; default: QB_WEBHOOK_SECRET.")
@click.option("--redirect-uri", help="Where the browser comes back to; default: QB_REDIRECT_URI.")
@click.option("--authorize", type=click.Choice(["browser", "auto"]), default="browser", show_default=True,
              help="auto gives the consent by itself, which only the sandbox allows.")  # fmt: skip
@click.option("--timeout", default=600, show_default=True, type=click.IntRange(1), help="Seconds to wait for consent.")
@json_option
@click.pass_obj
def connect(
    output: Output, /, company: str, redirect_uri: str | None, authorize: str, timeout: int, **wanted: str | None
) -> None:
    """Connect a company, or connect it again.

    What is not given is taken from the company as stored, and then from the settings.
    """
    auto = authorize == "auto"
    if redirect_uri is not None:
        redirect_address(redirect_uri, "address in --redirect-uri")
    with store() as (settings, engine):
        connecting = Connecting(engine, settings, company, Wanted(**wanted))
        output.say("checking the contractor system's key")
        connecting.check_contractor()
        if connecting.unreadable:
            output.say(_dropped(connecting.unreadable))
        address = redirect_uri or (None if auto else settings.redirect_uri)
        oauth, callback, state = _consent(output, connecting, address, auto=auto, timeout=timeout)
        done = connecting.complete(oauth, oauth.exchange(callback, state=state))
        show_in_dagster(settings, engine)
    output.result(vars(done) | {"state": "connected"}, lambda console: console.print(_sentence(done), markup=False))


def _dropped(options: Sequence[str]) -> str:
    """What is not needed to connect goes on without it, but not unsaid."""
    return (
        f"{' and '.join(options)} as stored can't be opened, as another key sealed them, and will be dropped: "
        "connect again with them where this company's webhooks have their own"
    )


def show_in_dagster(settings: Settings, engine: Engine) -> None:
    """Where a Dagster of this instance exists, the company is a partition from now on, not from the next hour."""
    if not (settings.home / "dagster").exists():
        return
    # Dagster takes seconds to import, and most connections are made before there is one.
    from dagster import DagsterInstance  # noqa: PLC0415

    from qb_pipeline.defs.instance import prepare  # noqa: PLC0415
    from qb_pipeline.defs.partitions import register_companies  # noqa: PLC0415

    prepare(settings)
    with DagsterInstance.get() as instance:
        register_companies(instance, engine)


def _consent(
    output: Output, connecting: Connecting, address: str | None, *, auto: bool, timeout: int
) -> tuple[OAuth, str, str]:
    """The app, the address the consent came back to, and the state it was asked with."""
    state = secrets.token_urlsafe(24)
    if address is not None and not (address.startswith("http:") and is_loopback(address)):
        oauth = connecting.oauth(address)
        return oauth, _pasted(output, oauth.authorize_url(state)), state
    with listening(address, state) as listener:
        oauth = connecting.oauth(listener.redirect_uri)
        page = oauth.authorize_url(state)
        if auto:
            give_consent(page, listener)
        else:
            output.say(f"open this address and give the consent:\n{page}")
        with output.progress("waiting for the consent") as progress:
            return oauth, wait_for(listener, timeout, progress if sys.stderr.isatty() else _nothing), state


def _pasted(output: Output, page: str) -> str:
    """Where the browser comes back to another machine, a person carries the address over."""
    output.say(f"open this address and give the consent:\n{page}")
    return str(click.prompt("then paste the address the browser was sent to", err=True)).strip()


def give_consent(page: str, listener: Listener) -> None:
    """Be the browser and the person at once; a sandbox on this machine is the only one to allow it."""
    if not is_loopback(page):
        raise Misconfigured(
            "Only a sandbox on this machine gives its consent by itself.",
            code="auto_consent",
            fix="Leave --authorize auto away and give the consent in a browser.",
        )
    answer = _get(f"{page}&sandbox_consent=auto")
    target = answer.headers.get("location", "")
    if not answer.is_redirect or not target.startswith(listener.redirect_uri):
        raise Misconfigured(
            f"The sandbox refuses the consent (HTTP {answer.status_code}): {_text(answer)}.",
            code="auto_consent",
            fix="Give the --client-id that the sandbox prints in its first line.",
        )
    _get(target)


def _get(url: str) -> requests.Response:
    try:
        return requests.get(url, allow_redirects=False, timeout=_HTTP_TIMEOUT)
    except requests.RequestException as error:
        raise RetryLater(
            f"The consent page gave no answer ({type(error).__name__}).", code="no_answer", fix="Run connect again."
        ) from None


def _text(answer: requests.Response) -> str:
    """The words of an HTML page, shortened."""
    import re  # noqa: PLC0415  # this path is rare

    return quoted(re.sub(r"<[^>]*>", " ", without_secrets(answer.text)), 200).rstrip(".")


def _nothing(_line: str) -> None:
    """Without a terminal to redraw, a countdown is noise: the address was printed before."""


def _sentence(done: Connected) -> str:
    return (
        f"{done.company} is connected: contractor system {done.contractor_system}, "
        f"QuickBooks company {done.quickbooks_company} (realm {done.realm_id})."
    )


@click.command()
@click.option("--company", required=True)
@json_option
@click.pass_obj
def disconnect(output: Output, company: str) -> None:
    """End a company's connection: revoke the consent at Intuit and forget the tokens. Links and history stay.

    It waits for no run: one that is under way begins no further write, on either side, and ends.
    """
    with store() as (settings, engine):
        came_to = end_connection(engine, settings, company)
    document: dict[str, Any] = {
        "company": company, "state": "disconnected", "revoked": came_to is Revocation.REVOKED,
        "consent": came_to.value,
    }  # fmt: skip
    output.result(document, lambda console: console.print(f"{company} is disconnected; {_HOW[came_to]}.", markup=False))
