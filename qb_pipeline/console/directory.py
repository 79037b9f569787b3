"""The companies as the receiver needs them: realms and the secrets that sign webhooks.

Invariant: what is remembered is at most `LASTS` seconds old, and a signature that fits nothing is judged by companies
read within the last second, so that a company is heard as soon as it is connected.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import Engine

from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.errors import PipelineError
from qb_pipeline.settings import Settings, token_keys
from qb_pipeline.store import companies
from qb_pipeline.store.companies import Company
from qb_pipeline.store.sealing import Sealer

LASTS = 5.0
_YOUNG = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Source:
    """How one company's contractor system signs."""

    shape: WebhookShape
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Known:
    """The companies at one moment."""

    by_realm: Mapping[str, str] = field(default_factory=dict)
    verifier_tokens: tuple[str, ...] = field(default=(), repr=False)
    sources: Mapping[str, Source] = field(default_factory=dict)
    read_at: float = float("-inf")

    def age(self) -> float:
        return time.monotonic() - self.read_at


class Directory:
    """Remembers `Known`; reads are made in `executor`, one at a time."""

    def __init__(self, engine: Engine, settings: Settings, executor: Executor) -> None:
        self._read = partial(read, engine, settings)
        self._executor = executor
        self._known = Known()
        self._one_at_a_time = asyncio.Lock()

    async def known(self, at_most: float = LASTS) -> Known:
        """The companies, read at most `at_most` seconds ago; raises SQLAlchemy's errors."""
        if self._known.age() <= at_most:
            return self._known
        async with self._one_at_a_time:
            if self._known.age() > at_most:
                self._known = await asyncio.get_running_loop().run_in_executor(self._executor, self._read)
        return self._known

    async def newest(self) -> Known:
        """As `known`, for whoever found nothing that fits; forged deliveries cost one read a second, not one each."""
        return await self.known(_YOUNG)


def read(engine: Engine, settings: Settings) -> Known:
    """All companies; one whose secrets can't be opened is left out with a line in the log, the others stay."""
    sealer, at = Sealer(*token_keys(settings)), time.monotonic()
    with engine.connect() as conn:
        found = companies.listing(conn)
    tokens = [_open(company, "verifier_token", sealer) for company in found]
    if settings.verifier_token is not None:
        tokens.append(settings.verifier_token.get_secret_value())
    sources = {company.name: _source(company, settings, sealer) for company in found}
    return Known(
        {company.realm_id: company.name for company in found if company.realm_id},
        tuple(dict.fromkeys(token for token in tokens if token)),
        {name: source for name, source in sources.items() if source is not None},
        at,
    )


def _source(company: Company, settings: Settings, sealer: Sealer) -> Source | None:
    common = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    secret = _open(company, "webhook_secret", sealer) or common
    try:
        shape = load_system(company.contractor_system).webhook
    except PipelineError as error:
        _log.warning("console.company_without_system", company=company.name, code=error.code)
        return None
    return Source(shape, secret) if shape is not None and secret else None


def _open(company: Company, what: str, sealer: Sealer) -> str | None:
    try:
        return company.verifier_token(sealer) if what == "verifier_token" else company.webhook_secret(sealer)
    except PipelineError as error:
        _log.warning("console.sealed_secret_unreadable", company=company.name, what=what, code=error.code)
        return None
