"""A client of the canned server, with a clock that never makes a test wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, Tokens, TokenSource
from qb_pipeline_tests.unit.quickbooks.canned import CannedServer, FakeClock, running_server

REALM = "4620816365000000001"


class CountingOAuth:
    """Refreshes by counting, in place of a token service."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.used: list[str] = []

    def refresh(self, refresh_token: str) -> Tokens:
        self.used.append(refresh_token)
        return pair(self.clock, len(self.used) + 1)


def pair(clock: FakeClock, number: int, lives: float = 3600) -> Tokens:
    now = clock.now()
    return Tokens(f"access-{number}", f"refresh-{number}", now + timedelta(seconds=lives), now + timedelta(days=101))


@pytest.fixture
def server() -> Iterator[CannedServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> InMemoryTokenStore:
    return InMemoryTokenStore(pair(clock, 1))


@pytest.fixture
def oauth(clock: FakeClock) -> CountingOAuth:
    return CountingOAuth(clock)


@pytest.fixture
def client(server: CannedServer, clock: FakeClock, store: InMemoryTokenStore, oauth: CountingOAuth) -> QuickBooksClient:
    throttle = Throttle(Limits.unlimited(), clock)
    return QuickBooksClient(
        REALM, server.url, TokenSource(store, oauth, clock), throttle, timeout=(2, 0.5), clock=clock
    )


@pytest.fixture
def recorded() -> Path:
    """Really recorded answers, which are no part of this repository."""
    folder = Path(__file__).parents[4] / "shared" / "recorded" / "responses"
    if not folder.is_dir():
        pytest.skip("the folder of recorded QuickBooks answers is not beside this checkout")
    return folder
