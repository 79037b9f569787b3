"""Tokens: one refresh at a time, stored before use."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from qb_pipeline.errors import Reconnect
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, LockedTokens, Tokens, TokenSource
from qb_pipeline_tests.unit.quickbooks.canned import FakeClock
from qb_pipeline_tests.unit.quickbooks.conftest import CountingOAuth, pair


class SlowOAuth(CountingOAuth):
    """A token service slow enough for every thread to arrive while it works."""

    def refresh(self, refresh_token: str) -> Tokens:
        time.sleep(0.1)
        return super().refresh(refresh_token)


def in_threads(count: int, source: TokenSource, bad: str | None = None) -> list[str]:
    got: list[str] = []
    gate = threading.Barrier(count)

    def work() -> None:
        gate.wait()
        got.append(source.access_token() if bad is None else source.refresh_after_401(bad))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_a_token_with_more_than_two_minutes_left_is_used_as_it_is(
    clock: FakeClock, store: InMemoryTokenStore, oauth: CountingOAuth
) -> None:
    assert TokenSource(store, oauth, clock).access_token() == "access-1"
    assert oauth.used == []


def test_a_token_with_less_than_two_minutes_left_is_refreshed_and_stored(
    clock: FakeClock, store: InMemoryTokenStore, oauth: CountingOAuth
) -> None:
    clock.sleep(3600 - 119)
    assert TokenSource(store, oauth, clock).access_token() == "access-2"
    assert store.current.refresh_token == "refresh-2"
    assert oauth.used == ["refresh-1"]


def test_many_threads_cause_one_refresh(clock: FakeClock, store: InMemoryTokenStore) -> None:
    oauth = SlowOAuth(clock)
    clock.sleep(3600)
    assert in_threads(8, TokenSource(store, oauth, clock)) == ["access-2"] * 8
    assert oauth.used == ["refresh-1"]


def test_two_processes_with_one_store_cause_one_refresh(clock: FakeClock, store: InMemoryTokenStore) -> None:
    oauth = SlowOAuth(clock)
    clock.sleep(3600)
    first, second = TokenSource(store, oauth, clock), TokenSource(store, oauth, clock)
    threads = [threading.Thread(target=each.access_token) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.access_token() == second.access_token() == "access-2"
    assert oauth.used == ["refresh-1"]


def test_many_threads_with_the_same_refused_token_cause_one_refresh(
    clock: FakeClock, store: InMemoryTokenStore
) -> None:
    oauth = SlowOAuth(clock)
    assert in_threads(8, TokenSource(store, oauth, clock), bad="access-1") == ["access-2"] * 8
    assert oauth.used == ["refresh-1"]


def test_a_refused_token_is_not_refreshed_when_the_store_already_holds_another(
    clock: FakeClock, store: InMemoryTokenStore, oauth: CountingOAuth
) -> None:
    source = TokenSource(store, oauth, clock)
    assert source.access_token() == "access-1"
    store.current = pair(clock, 9)
    assert source.refresh_after_401("access-1") == "access-9"
    assert oauth.used == []


class FailingStore(InMemoryTokenStore):
    def save(self, tokens: Tokens) -> None:
        raise OSError("the disk is full")


def test_a_pair_that_could_not_be_stored_is_never_used(clock: FakeClock, oauth: CountingOAuth) -> None:
    source = TokenSource(FailingStore(pair(clock, 1, lives=10)), oauth, clock)
    for _ in range(2):
        with pytest.raises(OSError, match="disk is full"):
            source.access_token()
    assert oauth.used == ["refresh-1", "refresh-1"], "the second try starts from the stored pair again"


def test_the_pair_is_stored_while_the_lock_is_still_held(clock: FakeClock, oauth: CountingOAuth) -> None:
    events: list[str] = []

    class WatchedStore(InMemoryTokenStore):
        @contextmanager
        def locked(self) -> Iterator[LockedTokens]:
            with super().locked() as stored:
                yield stored
            events.append("released")

        def save(self, tokens: Tokens) -> None:
            super().save(tokens)
            events.append("saved")

    assert TokenSource(WatchedStore(pair(clock, 1, lives=10)), oauth, clock).access_token() == "access-2"
    assert events == ["saved", "released"]


def test_a_refused_refresh_token_asks_for_a_new_connection(clock: FakeClock, store: InMemoryTokenStore) -> None:
    class Refusing:
        def refresh(self, refresh_token: str) -> Tokens:
            raise Reconnect("expired", code="qbo_invalid_grant", fix="Connect again.")

    clock.sleep(4000)
    with pytest.raises(Reconnect):
        TokenSource(store, Refusing(), clock).access_token()
    assert store.current.refresh_token == "refresh-1"


def test_a_pair_never_shows_its_tokens(clock: FakeClock) -> None:
    assert "access-1" not in repr(pair(clock, 1))
    assert "refresh-1" not in repr(pair(clock, 1))
