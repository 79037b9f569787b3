"""Opening a company: its connections, rules and stores, put together for one run.

Invariant: one run holds the company's lock from the first read to the last write, and leaves a row that says how it
ended, whatever happens; what a killed run left taken, the next one gives back as it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from qb_pipeline.contractor.registry import open_connector
from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import Misconfigured, PipelineError
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.environment import environment
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.quickbooks.oauth import TIMEOUT, Endpoints, OAuth
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import LockedTokens, Tokens, TokenSource
from qb_pipeline.secrecy import without_secrets
from qb_pipeline.settings import Settings, token_keys
from qb_pipeline.store import companies, inbox, retention, runs
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.store.failures import explained, explaining
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.situations import NOT_CONNECTED
from qb_pipeline.store.tokens import LockedTokens as StoredTokens
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline.sync import contact
from qb_pipeline.sync.company_file import read_company_file
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.contractor_port import ContractorPort
from qb_pipeline.sync.quickbooks_port import QuickBooksPort

_CONNECT_SECONDS = 5.0
_log = structlog.get_logger(__name__)


@contextmanager
def session(
    engine: Engine,
    settings: Settings,
    name: str,
    trigger: str,
    *,
    run_id: str | None = None,
    progress: Callable[[str], None] = lambda _line: None,
    dry: bool = False,
    allow_mass_change: bool = False,
) -> Iterator[Context]:
    """Hold the company and yield its run; the run's row is closed with the tally, or with the error in one line."""
    with explaining(), company_lock(engine, name) as hold:
        with engine.begin() as conn:
            companies.get(conn, name)
            run_id = runs.start(conn, name, trigger, run_id)
            abandoned = inbox.release_abandoned(conn, name, alive=run_id)
        if abandoned:
            _log.info("webhook events of runs that ended without a word wait again", company=name, events=abandoned)
        ctx: Context | None = None
        try:
            ctx = open_context(engine, settings, name, run_id=run_id)
            ctx.progress, ctx.dry, ctx.allow_mass_change = progress, dry, allow_mass_change
            ctx.holding, ctx.may_write = hold.check, hold.check_connected
            yield ctx
        except BaseException as error:
            _failed(engine, name, run_id, ctx, explained(error) or error)
            raise
        _finish(engine, name, run_id, ctx, RunStatus.SUCCEEDED, None)
        asked = ctx.calls().values()
        with engine.begin() as conn:  # a run that went through proves the connection, whatever an earlier one said
            contact.proven(conn, name, both=all(sum(calls.values()) for calls in asked))
        if not dry:
            _tidy(engine, settings)


def _tidy(engine: Engine, settings: Settings) -> None:
    """Once a day, whichever company's run it is: forget what is past its time."""
    gone = retention.tidy(engine, retention.Keep.chosen(settings))
    if any(gone.values()):
        _log.info("bookkeeping past its time was removed", **gone)


def open_context(engine: Engine, settings: Settings, name: str, *, run_id: str | None = None) -> Context:
    """Everything a run needs, without touching either system yet."""
    sealer = Sealer(*token_keys(settings))
    with engine.begin() as conn:
        company = companies.get(conn, name)
    company.know_secrets(sealer)
    file = read_company_file(settings.companies / f"{name}.yaml")
    connector = open_connector(
        company.contractor_system, company.contractor_url or "", company.contractor_key(sealer) or ""
    )
    return Context(
        engine=engine,
        company=name,
        run_id=run_id or "",
        rules=file.rules,
        contractor=ContractorPort(connector, ENTITIES),
        quickbooks=_quickbooks_port(engine, settings, company, sealer),
        defaults=file.defaults,
    )


def _quickbooks_port(engine: Engine, settings: Settings, company: Company, sealer: Sealer) -> QuickBooksPort:
    if company.realm_id is None or company.state is CompanyState.DISCONNECTED:
        raise NOT_CONNECTED.error(company=company.name)
    tokens = TokenSource(
        Sealed(TokenStore(engine, company.name, sealer)), LazyOAuth(lambda: oauth(settings, company, sealer))
    )
    api = company.quickbooks_api or environment(settings.environment).api_base
    throttle = Throttle(limits_of(settings))
    client = QuickBooksClient(
        company.realm_id, api, tokens, throttle, timeout=(_CONNECT_SECONDS, settings.answer_seconds)
    )
    return QuickBooksPort(client, Facts(), ENTITIES, throttle)


def limits_of(settings: Settings) -> Limits:
    """Intuit's limits unless QB_RATE_SCALE says otherwise."""
    return Limits(scale=settings.rate_scale) if settings.rate_scale else Limits.unlimited()


def oauth(settings: Settings, company: Company, sealer: Sealer) -> OAuth:
    """The company's own app, or the one of the settings."""
    client_id = company.client_id or settings.client_id
    secret = company.client_secret(sealer) or (settings.client_secret and settings.client_secret.get_secret_value())
    if not client_id or not secret:
        raise Misconfigured(
            "There is no QuickBooks app to connect with.",
            code="no_client",
            fix="Set QB_CLIENT_ID and QB_CLIENT_SECRET, or give --client-id and --client-secret to connect.",
            who="owner",
        )
    discovery = company.quickbooks_discovery or environment(settings.environment).discovery_url
    timeout = (_CONNECT_SECONDS, min(settings.answer_seconds, TIMEOUT[1]))
    endpoints = Endpoints.discover(discovery, timeout)
    return OAuth(endpoints, client_id, secret, settings.redirect_uri, timeout=timeout)


class LazyOAuth:
    """Looks the service up only when a refresh is due: most runs never need it."""

    def __init__(self, make: Callable[[], OAuth]) -> None:
        self._make = make

    def refresh(self, refresh_token: str) -> Tokens:
        return self._make().refresh(refresh_token)


class Sealed:
    """The store's sealed tokens in the form the QuickBooks side asks for."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    @contextmanager
    def _locked(self) -> Iterator[LockedTokens]:
        with self._store.locked() as stored:
            yield _Unsealed(stored)

    def locked(self) -> AbstractContextManager[LockedTokens]:
        return self._locked()


class _Unsealed:
    def __init__(self, stored: StoredTokens) -> None:
        self._stored = stored

    @property
    def current(self) -> Tokens:
        found = self._stored.current
        return Tokens(found.access_token, found.refresh_token, found.access_expires_at, found.refresh_expires_at)

    def save(self, tokens: Tokens) -> None:
        self._stored.save(
            tokens.access_token, tokens.refresh_token, tokens.access_expires_at, tokens.refresh_expires_at
        )


def _failed(engine: Engine, name: str, run_id: str, ctx: Context | None, error: BaseException) -> None:
    """Say in the run's row why it failed. Where the database itself is gone, only the log can hold it."""
    try:
        _finish(engine, name, run_id, ctx, RunStatus.FAILED, without_secrets(str(error)) or type(error).__name__)
        if isinstance(error, PipelineError) and contact.ends_contact(error):
            with engine.begin() as conn:
                contact.lost(conn, name, error)
    except DBAPIError as unreachable:
        why = explained(unreachable)
        _log.error("run_not_closed", company=name, run=run_id, error=str(error), because=str(why or type(unreachable)))


def _finish(engine: Engine, name: str, run_id: str, ctx: Context | None, status: RunStatus, error: str | None) -> None:
    counts = ctx.tally.all() if ctx else {}
    calls = ctx.calls() if ctx else {}
    with engine.begin() as conn:
        runs.finish(conn, name, run_id, status, counts=counts, api_calls=calls, error=error)
        inbox.release(conn, name, run_id)  # webhook events that it took and did not get to
