"""Connecting a company in the browser: to Intuit's consent page and back.

Invariant: nothing is stored before both systems have answered with it (sync/connecting.py sees to that); only the
console's key starts a consent, and only the state of one that was started completes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from urllib.parse import parse_qs

import structlog
from sqlalchemy import Engine
from starlette.background import BackgroundTask
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from qb_pipeline.console.answering import Patience, Refused, address_of, body_of
from qb_pipeline.console.pages.outcome import outcome
from qb_pipeline.console.pending import Asked, Pending
from qb_pipeline.errors import Misconfigured, PipelineError, RetryLater
from qb_pipeline.settings import Settings
from qb_pipeline.sync.connecting import Connected, Connecting, Wanted

_log = structlog.get_logger(__name__)
_DETAILS = tuple(field.name for field in fields(Wanted))
_FORM_LIMIT = 65_536


class Consent:
    """What is behind `/oauth/…`."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        pending: Pending,
        patience: Patience,
        connected: Callable[[str], None],
    ) -> None:
        self._engine, self._settings, self._connected = engine, settings, connected
        self._pending, self._patience = pending, patience

    async def connect(self, request: Request) -> Response:
        """`GET /oauth/connect?company=NAME` for a company that is known; `POST` with a form of the same names as the
        options of `qb-pipeline connect` for any."""
        try:
            asked = await self._asked(request)
            page = await asyncio.to_thread(self._start, asked)
        except PipelineError as error:
            return _failure("Not connected", error)
        return RedirectResponse(page, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def callback(self, request: Request) -> Response:
        """`GET /oauth/callback`: Intuit sends the browser here."""
        if self._patience.exhausted(address_of(request)):
            raise Refused(429, "too_many", "Too many consents nobody asked for came from this address.")
        state = request.query_params.get("state", "")
        try:
            asked = await asyncio.to_thread(self._pending.take, state)
        except PipelineError as error:
            self._patience.note(address_of(request))
            return _failure("Not connected", error)
        try:
            done = await asyncio.to_thread(self._complete, asked, str(request.url), state)
        except PipelineError as error:
            return _failure(f"{asked.company} is not connected", error)
        _log.info("console.connected", company=done.company, realm_id=done.realm_id)
        after = BackgroundTask(self._connected, done.company)
        return outcome(f"{done.company} is connected", _sentence(done), after=after)

    async def _asked(self, request: Request) -> Asked:
        if request.method == "POST":
            given = await self._form(request)
        else:
            given = dict(request.query_params)
            _refuse_details(request.query_params)
        company = given.pop("company", "").strip()
        unknown = sorted(set(given) - set(_DETAILS))
        if not company or unknown:
            raise Misconfigured(
                f"There is no {unknown[0]!r} to be given." if unknown else "No company was named.",
                code="bad_form",
                fix=f"Give company and any of: {', '.join(_DETAILS)}.",
            )
        return Asked(company, Wanted(**{name: value for name, value in given.items() if value}))

    async def _form(self, request: Request) -> dict[str, str]:
        # A browser that says it was sent here by another site is not followed, whatever cookie it brings.
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refused(403, "other_site", "A form of another site connects nothing here.")
        body = await body_of(request, _FORM_LIMIT, self._settings.console_body_seconds)
        return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}

    def _start(self, asked: Asked) -> str:
        """The address of the consent page; the contractor's key is tried first."""
        connecting = self._connecting(asked)
        connecting.check_contractor()
        oauth = connecting.oauth(self._settings.redirect_uri)
        return oauth.authorize_url(self._pending.ask(asked))

    def _complete(self, asked: Asked, callback_url: str, state: str) -> Connected:
        connecting = self._connecting(asked)
        oauth = connecting.oauth(self._settings.redirect_uri)
        return connecting.complete(oauth, oauth.exchange(callback_url, state=state))

    def _connecting(self, asked: Asked) -> Connecting:
        return Connecting(self._engine, self._settings, asked.company, asked.wanted)


def _refuse_details(given: QueryParams) -> None:
    """An address is kept in histories and logs, and a link can be another's: with it, a company could be led to a
    foreign system."""
    if any(name in given for name in _DETAILS):
        raise Misconfigured(
            "Addresses and keys of a connection are not taken from the page's address.",
            code="details_in_address",
            fix="Send them as a form (POST), or use qb-pipeline connect.",
        )


def _failure(title: str, error: PipelineError) -> Response:
    _log.warning("console.not_connected", code=error.code)
    return outcome(title, str(error), 503 if isinstance(error, RetryLater) else 400)


def _sentence(done: Connected) -> str:
    return (
        f"QuickBooks company {done.quickbooks_company} (realm {done.realm_id}) and contractor system "
        f"{done.contractor_system} are connected. You may close this page."
    )
