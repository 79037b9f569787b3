"""OAuth tokens of a company, sealed, with one refresh at a time.

Invariant: whoever refreshes holds the company's token lock, reads the tokens after getting it, and the new pair is
committed before `save` returns, so that a rotated refresh token is never lost or used twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.store import situations, tables
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.locks import session_lock
from qb_pipeline.store.sealing import Sealer

_token = tables.token


@dataclass(frozen=True)
class Tokens:
    """A token pair in the clear; times are when each stops working."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_expires_at: datetime


class LockedTokens:
    """The tokens while their lock is held."""

    def __init__(self, conn: Connection, company: str, sealer: Sealer) -> None:
        self._conn = conn
        self._company = company
        self._sealer = sealer

    @property
    def current(self) -> Tokens:
        """The tokens as stored now; `Reconnect` where the company has none."""
        return _load(self._conn, self._company, self._sealer)

    def save(
        self, access_token: str, refresh_token: str, access_expires_at: datetime, refresh_expires_at: datetime
    ) -> None:
        """Replace the stored pair; committed when this returns (the connection is in autocommit)."""
        row = {
            "company": self._company,
            "access_sealed": self._sealer.seal(access_token, self._company),
            "refresh_sealed": self._sealer.seal(refresh_token, self._company),
            "access_expires_at": access_expires_at,
            "refresh_expires_at": refresh_expires_at,
            "updated_at": utcnow(),
        }
        statement = insert(_token).values(row)
        self._conn.execute(statement.on_conflict_do_update(index_elements=["company"], set_=row))

    def forget(self) -> None:
        """Remove the pair (after a revocation)."""
        self._conn.execute(delete(_token).where(_token.c.company == self._company))


class TokenStore:
    """One company's tokens. `wait` is how many seconds to wait for another process's refresh."""

    def __init__(self, engine: Engine, company: str, sealer: Sealer, *, wait: float = 60) -> None:
        self._engine = engine
        self._company = company
        self._sealer = sealer
        self._wait = wait

    def read(self) -> Tokens:
        """The stored tokens without the lock, for requests that only need the access token."""
        with self._engine.connect() as conn:
            return _load(conn, self._company, self._sealer)

    @contextmanager
    def locked(self) -> Iterator[LockedTokens]:
        """Hold the token lock; no transaction is open meanwhile, so HTTP calls may be made under it."""
        busy = situations.TOKEN_BUSY.passing(company=self._company)
        with session_lock(self._engine, f"token:{self._company}", self._wait, busy) as conn:
            yield LockedTokens(conn, self._company, self._sealer)


def _load(conn: Connection, company: str, sealer: Sealer) -> Tokens:
    row = conn.execute(select(_token).where(_token.c.company == company)).mappings().first()
    if row is None:
        raise situations.NOT_CONNECTED.error(company=company)
    return Tokens(
        access_token=sealer.unseal(row["access_sealed"], company),
        refresh_token=sealer.unseal(row["refresh_sealed"], company),
        access_expires_at=row["access_expires_at"],
        refresh_expires_at=row["refresh_expires_at"],
    )
