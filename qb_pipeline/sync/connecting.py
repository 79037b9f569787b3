"""Connecting a company: proof of both keys first, then everything is stored at once; and the way back.

Invariant: a connection is stored only after both systems have answered with it, so that a failed attempt leaves a
working connection as it was; a company stays with the realm it was first connected to, and with the contractor's
workspace its records are linked with; disconnecting waits for no run, and from then on neither a refresh nor a run that
is under way brings the connection back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy import Engine

from qb_pipeline.contractor.registry import open_connector
from qb_pipeline.errors import FixTheData, Misconfigured, NotFound, PipelineError, Reconnect
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.environment import environment
from qb_pipeline.quickbooks.oauth import Endpoints, Grant, OAuth
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource
from qb_pipeline.secrecy import remember
from qb_pipeline.settings import Settings, token_keys
from qb_pipeline.store import companies, inbox
from qb_pipeline.store.companies import Company
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.situations import NOT_CONNECTED
from qb_pipeline.store.tokens import LockedTokens, TokenStore
from qb_pipeline.sync import contact, workspace
from qb_pipeline.sync.session import oauth as stored_oauth

_LOCK_WAIT = 30.0  # seconds for a run that is under way to end
_AFTERWARDS = "Wait until it has ended, then connect again; until then everything is as it was."
_NEEDED = frozenset({"--contractor-key", "--client-secret"})


@dataclass(frozen=True)
class Wanted:
    """How a company is to be reached. None: what is stored, or what the settings say."""

    contractor_system: str | None = None
    contractor_url: str | None = None
    contractor_key: str | None = field(default=None, repr=False)
    quickbooks_api: str | None = None
    quickbooks_discovery: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    verifier_token: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        remember(self.contractor_key, self.client_secret, self.verifier_token, self.webhook_secret)


@dataclass(frozen=True)
class Connected:
    """What a connection came to."""

    company: str
    realm_id: str
    quickbooks_company: str
    contractor_system: str


class Revocation(StrEnum):
    """What became of the consent at Intuit when we disconnected."""

    REVOKED = "revoked"
    ENDED_BEFORE = "ended before"
    UNREADABLE = "unreadable"  # another key sealed the token or the app's secret: nobody could ask Intuit


class Connecting:
    """One attempt to connect the company `name`: `check_contractor`, `oauth`, the person's consent, `complete`."""

    def __init__(self, engine: Engine, settings: Settings, name: str, wanted: Wanted) -> None:
        self._engine = engine
        self._settings = settings
        self._name = name
        self._wanted, self.unreadable = _with_stored(wanted, _known(engine, name), Sealer(*token_keys(settings)))
        self._elsewhere = bool(wanted.contractor_system or wanted.contractor_url or wanted.contractor_key)

    def check_contractor(self) -> str:
        """Read one page with the key, and a few linked records where the address or the key may lead elsewhere; returns
        the system's name, raises the connector's errors."""
        self._refuse_unreadable()
        wanted = self._wanted
        missing = [
            option
            for option, value in (
                ("--contractor-system", wanted.contractor_system),
                ("--contractor-url", wanted.contractor_url),
                ("--contractor-key", wanted.contractor_key),
            )
            if not value
        ]
        if missing:
            raise Misconfigured(
                f"Company {self._name!r} is not known yet.",
                code="contractor_missing",
                fix=f"Give {', '.join(missing)}.",
            )
        connector = open_connector(
            wanted.contractor_system or "", wanted.contractor_url or "", wanted.contractor_key or ""
        )
        first = next(iter(connector.describe().entities))
        try:
            connector.changes(first, None, None)
        except (NotFound, FixTheData) as error:
            raise _no_contractor(wanted.contractor_url or "", error) from error
        if self._elsewhere:
            workspace.refuse_another(self._engine, self._name, connector)
        return connector.describe().system

    def oauth(self, redirect_uri: str) -> OAuth:
        """The app to ask the consent with; looks its service up."""
        self._refuse_unreadable()
        wanted, settings = self._wanted, self._settings
        client_id = wanted.client_id or settings.client_id
        of_settings = settings.client_secret.get_secret_value() if settings.client_secret else None
        secret = wanted.client_secret or of_settings
        if not client_id or not secret:
            raise Misconfigured(
                "There is no QuickBooks app to connect with.",
                code="no_client",
                fix="Set QB_CLIENT_ID and QB_CLIENT_SECRET, or give --client-id and --client-secret.",
                who="owner",
            )
        discovery = wanted.quickbooks_discovery or environment(settings.environment).discovery_url
        return OAuth(Endpoints.discover(discovery), client_id, secret, redirect_uri)

    def complete(self, oauth: OAuth, grant: Grant) -> Connected:
        """Read the company's name with the new tokens, then store everything."""
        self._refuse_other_realm(grant.realm_id)
        called = self._company_name(oauth, grant)
        with company_lock(self._engine, self._name, _LOCK_WAIT, _AFTERWARDS):
            sealer = Sealer(*token_keys(self._settings))  # the keys may have been changed while a person consented
            # One lock for both, so that whoever disconnects meanwhile ends all of it or comes before all of it.
            with TokenStore(self._engine, self._name, sealer).locked() as stored:
                self._store(sealer, grant.realm_id)
                tokens = grant.tokens
                stored.save(
                    tokens.access_token, tokens.refresh_token, tokens.access_expires_at, tokens.refresh_expires_at
                )
        return Connected(self._name, grant.realm_id, called, self._wanted.contractor_system or "")

    def _store(self, sealer: Sealer, realm_id: str) -> None:
        """The company and its state, in one transaction."""
        wanted = self._wanted
        with self._engine.begin() as conn:
            companies.save(
                conn, sealer, self._name,
                contractor_system=wanted.contractor_system or "", contractor_url=wanted.contractor_url,
                contractor_key=wanted.contractor_key, quickbooks_api=wanted.quickbooks_api,
                quickbooks_discovery=wanted.quickbooks_discovery, client_id=wanted.client_id,
                client_secret=wanted.client_secret, verifier_token=wanted.verifier_token,
                webhook_secret=wanted.webhook_secret,
            )  # fmt: skip
            companies.connected(conn, self._name, realm_id)
            contact.regained(conn, self._name)
            inbox.adopt(conn, self._name, realm_id)

    def _refuse_unreadable(self) -> None:
        """Without the contractor's key or the secret of the company's own app there is nothing to connect with; an app
        of the settings is another one."""
        needed = [option for option in self.unreadable if option in _NEEDED]
        if needed:
            raise Misconfigured(
                f"The secrets of company {self._name!r} were sealed with another key and can't be opened.",
                code="other_token_key",
                fix=f"Give {', '.join(needed)}, or restore the former QB_TOKEN_KEY (or token.key).",
            )

    def _refuse_other_realm(self, realm_id: str) -> None:
        known = _known(self._engine, self._name)
        if known is not None and known.realm_id not in (None, realm_id):
            raise Misconfigured(
                f"Company {self._name!r} belongs to QuickBooks realm {known.realm_id}, but the consent was given for "
                f"{realm_id}.",
                code="other_realm",
                fix="Sign in to the right QuickBooks company, or connect this one under another name.",
                who="owner",
            )

    def _company_name(self, oauth: OAuth, grant: Grant) -> str:
        api = self._wanted.quickbooks_api or environment(self._settings.environment).api_base
        tokens = TokenSource(InMemoryTokenStore(grant.tokens), oauth)
        info = QuickBooksClient(grant.realm_id, api, tokens, Throttle(Limits.unlimited())).company_info()
        return str(info.get("CompanyName") or info.get("LegalName") or grant.realm_id)


def disconnect(engine: Engine, settings: Settings, name: str) -> Revocation:
    """Revoke the grant at Intuit at once and forget the tokens; links and history are kept. No run is waited for: one
    that is under way begins no further write, on either side, and ends. Raises, and leaves all as it was, if Intuit
    can't be asked.
    """
    with engine.connect() as conn:
        company = companies.get(conn, name)
    with TokenStore(engine, name, Sealer(*token_keys(settings))).locked() as stored:
        sealer = Sealer(*token_keys(settings))  # the keys may have been changed while another process refreshed
        came_to = _revoke(settings, company, sealer, stored)
        stored.forget()
        # Under the same lock: the run that is refused now finds the state deliberate, and raises no alarm.
        with engine.begin() as conn:
            contact.left(conn, name, "disconnected by command")
    return came_to


def _revoke(settings: Settings, company: Company, sealer: Sealer, stored: LockedTokens) -> Revocation:
    try:
        refresh_token = stored.current.refresh_token
        company.client_secret(sealer)
    except Reconnect as error:
        return Revocation.ENDED_BEFORE if error.code == NOT_CONNECTED.code else Revocation.UNREADABLE
    except Misconfigured:  # another key sealed them
        return Revocation.UNREADABLE
    revoked = stored_oauth(settings, company, sealer).revoke(refresh_token)
    return Revocation.REVOKED if revoked else Revocation.ENDED_BEFORE


def _known(engine: Engine, name: str) -> Company | None:
    with engine.connect() as conn:
        return next((c for c in companies.listing(conn) if c.name == name), None)


def _with_stored(wanted: Wanted, known: Company | None, sealer: Sealer) -> tuple[Wanted, list[str]]:
    """What was not given comes from the company as stored; secrets are opened only where they are needed. With it the
    options of the stored secrets that were needed and can't be opened: they count as missing."""
    if known is None:
        return wanted, []
    unreadable: list[str] = []

    def opened(given: str | None, option: str, stored: Callable[[Sealer], str | None]) -> str | None:
        try:
            return given or stored(sealer)
        except (Misconfigured, Reconnect):  # sealed with another key, or changed
            unreadable.append(option)
            return None

    completed = replace(
        wanted,
        contractor_system=wanted.contractor_system or known.contractor_system,
        contractor_url=wanted.contractor_url or known.contractor_url,
        contractor_key=opened(wanted.contractor_key, "--contractor-key", known.contractor_key),
        quickbooks_api=wanted.quickbooks_api or known.quickbooks_api,
        quickbooks_discovery=wanted.quickbooks_discovery or known.quickbooks_discovery,
        client_id=wanted.client_id or known.client_id,
        client_secret=opened(wanted.client_secret, "--client-secret", known.client_secret),
        verifier_token=opened(wanted.verifier_token, "--verifier-token", known.verifier_token),
        webhook_secret=opened(wanted.webhook_secret, "--webhook-secret", known.webhook_secret),
    )
    return completed, unreadable


def _no_contractor(url: str, error: PipelineError) -> Misconfigured:
    return Misconfigured(
        f"{url} does not answer like the contractor's system: {error.cause}",
        code="contractor_address",
        fix="Correct --contractor-url: the address without the path of a collection.",
    )
