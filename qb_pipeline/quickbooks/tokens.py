"""A valid access token whenever one is needed, with one refresh at a time.

Invariant: a refreshed pair is stored before its access token is used, so that no crash can leave us with a refresh
token that QBO has already replaced; and only the holder of the store's lock refreshes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from qb_pipeline.quickbooks.clock import Clock, SystemClock
from qb_pipeline.secrecy import remember

REFRESH_BEFORE = timedelta(seconds=120)


@dataclass(frozen=True)
class Tokens:
    """One pair; the tokens themselves never show in a repr. The times are timezone-aware."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_expires_at: datetime

    def __post_init__(self) -> None:
        remember(self.access_token, self.refresh_token)


class LockedTokens(Protocol):
    """The stored pair while the lock is held. `save` returns only when the new pair is durable."""

    @property
    def current(self) -> Tokens: ...

    def save(self, tokens: Tokens) -> None: ...


class TokenStore(Protocol):
    """One company's tokens. `locked` shuts out every other thread and process; raises `Reconnect` without tokens."""

    def locked(self) -> AbstractContextManager[LockedTokens]: ...


class Refresher(Protocol):
    """What can turn a refresh token into a new pair; raises `Reconnect` when it is not accepted any more."""

    def refresh(self, refresh_token: str) -> Tokens: ...


class TokenSource:
    """Access tokens of one company, for any number of threads."""

    def __init__(self, store: TokenStore, oauth: Refresher, clock: Clock | None = None) -> None:
        self._store = store
        self._oauth = oauth
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._known: Tokens | None = None

    def access_token(self) -> str:
        """A token that stays valid for at least two minutes; refreshes and stores when the stored one does not."""
        with self._lock:
            if self._known is None or not self._fresh(self._known):
                self._known = self._from_store(refused=None)
            return self._known.access_token

    def refresh_after_401(self, bad_token: str) -> str:
        """Another token than `bad_token`: the stored one if somebody has refreshed meanwhile, else a refreshed one."""
        with self._lock:
            if self._known is None or self._known.access_token == bad_token:
                self._known = self._from_store(refused=bad_token)
            return self._known.access_token

    def _from_store(self, refused: str | None) -> Tokens:
        with self._store.locked() as stored:
            current = stored.current
            if current.access_token != refused and self._fresh(current):
                return current
            renewed = self._oauth.refresh(current.refresh_token)
            stored.save(renewed)
            return renewed

    def _fresh(self, tokens: Tokens) -> bool:
        return tokens.access_expires_at - self._clock.now() >= REFRESH_BEFORE


class InMemoryTokenStore:
    """A store for one process: tests and one-off scripts. Its own `LockedTokens`."""

    def __init__(self, tokens: Tokens) -> None:
        self.current = tokens
        self._lock = threading.Lock()

    @contextmanager
    def locked(self) -> Iterator[LockedTokens]:
        with self._lock:
            yield self

    def save(self, tokens: Tokens) -> None:
        self.current = tokens
