"""Connecting a company: proof of both keys first, then everything is stored at once; and the way back.

Invariant: a connection is stored only after both systems have answered with it, so that a failed attempt leaves a
working connection as it was; a company stays with the realm it was first connected to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline.sync import contact
from qb_pipeline.sync.session import oauth as stored_oauth

_LOCK_WAIT = 30.0  # seconds for a run that is under way to end


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


class Connecting:
    """One attempt to connect the company `name`: `check_contractor`, `oauth`, the person's consent, `complete`."""

    def __init__(self, engine: Engine, settings: Settings, name: str, wanted: Wanted) -> None:
        self._engine = engine
        self._settings = settings
        self._name = name
        self._wanted = _with_stored(wanted, _known(engine, name), Sealer(*token_keys(settings)))

    def check_contractor(self) -> str:
        """Read one page with the key; returns the system's name, raises the connector's errors."""
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
        return connector.describe().system

    def oauth(self, redirect_uri: str) -> OAuth:
        """The app to ask the consent with; looks its service up."""
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
        wanted = self._wanted
        with company_lock(self._engine, self._name, _LOCK_WAIT):
            sealer = Sealer(*token_keys(self._settings))  # the keys may have been changed while a person consented
            with self._engine.begin() as conn:
                companies.save(
                    conn, sealer, self._name,
                    contractor_system=wanted.contractor_system or "", contractor_url=wanted.contractor_url,
                    contractor_key=wanted.contractor_key, quickbooks_api=wanted.quickbooks_api,
                    quickbooks_discovery=wanted.quickbooks_discovery, client_id=wanted.client_id,
                    client_secret=wanted.client_secret, verifier_token=wanted.verifier_token,
                    webhook_secret=wanted.webhook_secret,
                )  # fmt: skip
                companies.connected(conn, self._name, grant.realm_id)
                contact.regained(conn, self._name)
                inbox.adopt(conn, self._name, grant.realm_id)
            tokens = grant.tokens
            with TokenStore(self._engine, self._name, sealer).locked() as stored:
                stored.save(
                    tokens.access_token, tokens.refresh_token, tokens.access_expires_at, tokens.refresh_expires_at
                )
        return Connected(self._name, grant.realm_id, called, wanted.contractor_system or "")

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


def disconnect(engine: Engine, settings: Settings, name: str) -> bool:
    """Revoke the grant at Intuit, forget the tokens, keep links and history. Returns whether a grant still stood."""
    sealer = Sealer(*token_keys(settings))
    with engine.connect() as conn:
        company = companies.get(conn, name)
    with company_lock(engine, name, _LOCK_WAIT):
        with TokenStore(engine, name, sealer).locked() as stored:
            try:
                refresh_token = stored.current.refresh_token
            except Reconnect:  # there are no tokens: nothing to revoke
                revoked = False
            else:
                revoked = stored_oauth(settings, company, sealer).revoke(refresh_token)
            stored.forget()
        with engine.begin() as conn:
            contact.left(conn, name, "disconnected by command")
    return revoked


def _known(engine: Engine, name: str) -> Company | None:
    with engine.connect() as conn:
        return next((c for c in companies.listing(conn) if c.name == name), None)


def _with_stored(wanted: Wanted, known: Company | None, sealer: Sealer) -> Wanted:
    """What was not given comes from the company as stored; secrets are opened only where they are needed."""
    if known is None:
        return wanted
    return replace(
        wanted,
        contractor_system=wanted.contractor_system or known.contractor_system,
        contractor_url=wanted.contractor_url or known.contractor_url,
        contractor_key=wanted.contractor_key or known.contractor_key(sealer),
        quickbooks_api=wanted.quickbooks_api or known.quickbooks_api,
        quickbooks_discovery=wanted.quickbooks_discovery or known.quickbooks_discovery,
        client_id=wanted.client_id or known.client_id,
        client_secret=wanted.client_secret or known.client_secret(sealer),
        verifier_token=wanted.verifier_token or known.verifier_token(sealer),
        webhook_secret=wanted.webhook_secret or known.webhook_secret(sealer),
    )


def _no_contractor(url: str, error: PipelineError) -> Misconfigured:
    return Misconfigured(
        f"{url} does not answer like the contractor's system: {error.cause}",
        code="contractor_address",
        fix="Correct --contractor-url: the address without the path of a collection.",
    )
