"""Whose webhooks can be told from forged ones, and why those of others can't.

Invariant: a company whose secrets can't be opened costs no other its place, and is named with the cause and what to do;
nothing told of it holds a secret.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import SecretStr
from sqlalchemy import Engine

from qb_pipeline import typed
from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.settings import Settings, token_keys
from qb_pipeline.store import companies
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.sync.health import Finding, Health, Verdict

_OPTION = {Side.QUICKBOOKS: "--verifier-token TOKEN", Side.CONTRACTOR: "--webhook-secret SECRET"}
_SETTING = {Side.QUICKBOOKS: "QB_VERIFIER_TOKEN", Side.CONTRACTOR: "QB_WEBHOOK_SECRET"}
_SAID = {Side.QUICKBOOKS: "QuickBooks' webhooks", Side.CONTRACTOR: "The contractor system's webhooks"}
NO_SECRET = "no_secret"  # noqa: S105  # a word for why, not a secret


@dataclass(frozen=True)
class Source:
    """How one company's contractor system signs."""

    shape: WebhookShape
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Unheard:
    """Why a side's deliveries for a company are refused as forged; `company` None: for all of them. `why` is a code."""

    company: str | None
    side: Side | None
    why: str
    finding: Finding


@dataclass(frozen=True)
class Known:
    """The companies at one moment."""

    by_realm: Mapping[str, str] = field(default_factory=dict)
    verifier_tokens: tuple[str, ...] = field(default=(), repr=False)
    sources: Mapping[str, Source] = field(default_factory=dict)
    unheard: tuple[Unheard, ...] = ()
    read_at: float = float("-inf")

    def age(self) -> float:
        return time.monotonic() - self.read_at


def read(engine: Engine, settings: Settings) -> Known:
    """All companies; raises SQLAlchemy's errors, and `Misconfigured` without a key that could open anything."""
    sealer, at = Sealer(*token_keys(settings)), time.monotonic()
    with engine.connect() as conn:
        found = companies.listing(conn)
    unheard: list[Unheard] = []
    tokens = [_secret(c, Side.QUICKBOOKS, c.verifier_token, settings.verifier_token, sealer, unheard) for c in found]
    if settings.verifier_token is not None:
        tokens.append(settings.verifier_token.get_secret_value())
    sources = {c.name: _source(c, settings, sealer, unheard) for c in found}
    left = {c.name for c in found if c.state is CompanyState.DISCONNECTED}
    return Known(
        {c.realm_id: c.name for c in found if c.realm_id},
        tuple(dict.fromkeys(token for token in tokens if token)),
        {name: source for name, source in sources.items() if source is not None},
        tuple(each for each in unheard if each.company not in left),  # nobody waits for those to be mended
        at,
    )


def with_unheard(h: Health, unheard: Iterable[Unheard]) -> Health:
    """Health that says so where webhooks of the company are refused."""
    found = [each.finding for each in unheard if each.company in (None, h.company)]
    return replace(h, findings=(*h.findings, *found)) if found else h


def no_key(error: PipelineError) -> Unheard:
    """Without the key that opens secrets nobody's webhooks are taken."""
    return Unheard(None, None, error.code, Finding(Verdict.DEGRADED, "webhooks_refused", error.cause, error.fix))


def _source(company: Company, settings: Settings, sealer: Sealer, unheard: list[Unheard]) -> Source | None:
    try:
        shape = load_system(company.contractor_system).webhook
    except PipelineError as error:
        reason = f"{_SAID[Side.CONTRACTOR]} are refused: {error.cause}"
        finding = Finding(Verdict.DEGRADED, "webhooks_refused", reason, error.fix)
        unheard.append(Unheard(company.name, Side.CONTRACTOR, error.code, finding))
        return None
    if shape is None:  # it sends none
        return None
    secret = _secret(company, Side.CONTRACTOR, company.webhook_secret, settings.webhook_secret, sealer, unheard)
    return Source(shape, secret) if secret else None


def _secret(
    company: Company,
    side: Side,
    own: Callable[[Sealer], str | None],
    common: SecretStr | None,
    sealer: Sealer,
    unheard: list[Unheard],
) -> str | None:
    """What signs a side's webhooks for a company: its own secret, or else the one of the settings."""
    try:
        secret = own(sealer)
    except PipelineError as error:
        unheard.append(_unreadable(company.name, side, error))
        secret = None
    else:
        if not secret and common is None:
            unheard.append(_no_secret(company.name, side))
    return secret or (common.get_secret_value() if common else None)


def _unreadable(company: str, side: Side, error: PipelineError) -> Unheard:
    reason = f"{_SAID[side]} are refused as forged, for what signs them can't be opened: {error.cause}"
    fix = f"{error.fix} With what signs them: {_connect(company, side)}."
    return Unheard(company, side, error.code, Finding(Verdict.DEGRADED, "webhooks_refused", reason, fix))


def _no_secret(company: str, side: Side) -> Unheard:
    """Not a fault: without webhooks, changes are found all the same, later."""
    reason = f"{_SAID[side]} are refused, as nothing is known to sign them; what changes is found by reading alone."
    fix = f"To take them, set {_SETTING[side]}, or run {_connect(company, side)}."
    return Unheard(company, side, NO_SECRET, Finding(Verdict.OK, "no_webhooks", reason, fix))


def _connect(company: str, side: Side) -> str:
    return f"qb-pipeline connect --company {typed.quoted(company)} {_OPTION[side]}"
