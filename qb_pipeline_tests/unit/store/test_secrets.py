"""Sealing, tokens and companies."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from qb_pipeline import secrecy
from qb_pipeline.errors import Misconfigured, Reconnect, RetryLater
from qb_pipeline.store import companies
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import Tokens, TokenStore
from qb_pipeline_tests.unit.store.builders import NOON

SEALER = Sealer(b"k" * 32)


def test_what_was_sealed_opens_again() -> None:
    assert SEALER.unseal(SEALER.seal("geheim é", "acme"), "acme") == "geheim é"


def test_the_same_secret_is_never_sealed_to_the_same_bytes() -> None:
    assert SEALER.seal("s", "acme") != SEALER.seal("s", "acme")


@pytest.mark.parametrize("position", [8, 19, 20, -1])
def test_a_changed_bit_is_noticed(position: int) -> None:
    sealed = bytearray(SEALER.seal("secret", "acme"))
    sealed[position] ^= 1
    with pytest.raises(Reconnect, match="was changed"):
        SEALER.unseal(bytes(sealed), "acme")


def test_a_truncated_value_is_noticed() -> None:
    with pytest.raises(Reconnect):
        SEALER.unseal(SEALER.seal("secret", "acme")[:25], "acme")


def test_another_companys_secret_does_not_open() -> None:
    with pytest.raises(Reconnect, match="another company"):
        SEALER.unseal(SEALER.seal("secret", "acme"), "zenith")


def test_another_key_says_so() -> None:
    with pytest.raises(Misconfigured, match="sealed with another key"):
        Sealer(b"x" * 32).unseal(SEALER.seal("secret", "acme"), "acme")


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has 5 bytes"):
        Sealer(b"short")


def save(store: TokenStore, access: str = "access", refresh: str = "refresh") -> None:
    with store.locked() as tokens:
        tokens.save(access, refresh, NOON, NOON + timedelta(days=100))


def test_saved_tokens_are_read_back_and_stored_sealed(engine: Engine) -> None:
    store = TokenStore(engine, "acme", SEALER)
    save(store)
    assert store.read() == Tokens("access", "refresh", NOON, NOON + timedelta(days=100))
    with engine.connect() as conn:
        row = conn.execute(text("SELECT access_sealed, refresh_sealed FROM qb.token")).one()
    assert b"access" not in bytes(row[0])
    assert b"refresh" not in bytes(row[1])


def test_a_company_without_tokens_is_told_to_connect(engine: Engine) -> None:
    with pytest.raises(Reconnect, match="not connected"):
        TokenStore(engine, "acme", SEALER).read()


def test_saving_commits_before_it_returns_and_leaves_no_transaction_open(engine: Engine) -> None:
    store = TokenStore(engine, "acme", SEALER)
    with store.locked() as tokens:
        tokens.save("a", "r", NOON, NOON)
        assert TokenStore(engine, "acme", SEALER).read().access_token == "a"
        with engine.connect() as conn:
            idle = conn.scalars(text("SELECT state FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))
            assert list(idle) == []


def test_a_second_refresher_waits_and_then_sees_the_new_tokens(engine: Engine) -> None:
    store = TokenStore(engine, "acme", SEALER)
    save(store, "old")
    seen: list[str] = []

    def second() -> None:
        with TokenStore(engine, "acme", SEALER).locked() as tokens:
            seen.append(tokens.current.access_token)

    with store.locked() as tokens:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        assert seen == []
        tokens.save("new", "r", NOON, NOON)
    thread.join(5)
    assert seen == ["new"]


def test_waiting_for_a_refresh_ends_with_a_clear_answer(engine: Engine) -> None:
    with (
        TokenStore(engine, "acme", SEALER).locked(),
        pytest.raises(RetryLater, match="refreshing the tokens"),
        TokenStore(engine, "acme", SEALER, wait=0.1).locked(),
    ):
        pytest.fail("two processes held the token lock")


def test_forgotten_tokens_are_gone(engine: Engine) -> None:
    store = TokenStore(engine, "acme", SEALER)
    save(store)
    with store.locked() as tokens:
        tokens.forget()
    with pytest.raises(Reconnect):
        store.read()


def test_a_company_keeps_its_secrets_sealed_and_its_realm_to_itself(engine: Engine) -> None:
    with engine.begin() as conn:
        acme = companies.save(conn, SEALER, "acme", contractor_system="reference", contractor_key="ck",
                              client_secret="cs")  # fmt: skip
        companies.save(conn, SEALER, "zenith", contractor_system="reference")
        companies.connected(conn, "acme", "123", NOON)
        with pytest.raises(Misconfigured, match="connected to another company"):
            companies.connected(conn, "zenith", "123")
        with pytest.raises(Misconfigured, match="belongs to QuickBooks realm 123"):
            companies.connected(conn, "acme", "456")
        found = companies.by_realm(conn, "123")
    assert (acme.contractor_key(SEALER), acme.client_secret(SEALER)) == ("ck", "cs")
    assert b"ck" not in bytes(acme.contractor_key_sealed or b"")
    assert found is not None
    assert (found.name, found.state, found.connected_at) == ("acme", CompanyState.CONNECTED, NOON)


def test_a_run_knows_every_secret_of_its_company_from_its_beginning_and_one_that_is_broken_hinders_none(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"contractor_key": "key-of-acme-1234", "client_secret": "app-of-acme-12345", "verifier_token": "v" * 20}
    with engine.begin() as conn:
        acme = companies.save(conn, SEALER, "acme", contractor_system="reference", webhook_secret="w" * 20, **given)
    monkeypatch.setattr(secrecy, "_known", {})
    text = f"{' '.join(given.values())} {'w' * 20}"
    assert secrecy.without_secrets(text) == text
    replace(acme, client_secret_sealed=b"broken", webhook_secret_sealed=None).know_secrets(SEALER)
    assert secrecy.without_secrets(text) == f"••• app-of-acme-12345 ••• {'w' * 20}"
    acme.know_secrets(SEALER)
    assert secrecy.without_secrets(text) == "••• ••• ••• •••"


def test_losing_and_regaining_the_connection_is_stamped(engine: Engine) -> None:
    with engine.begin() as conn:
        companies.save(conn, SEALER, "acme", contractor_system="reference")
        companies.connected(conn, "acme", "123", NOON)
        companies.set_state(conn, "acme", CompanyState.RECONNECT, "The token was revoked.", NOON + timedelta(hours=1))
        lost = companies.get(conn, "acme")
        companies.set_state(conn, "acme", CompanyState.DISCONNECTED, now=NOON + timedelta(hours=2))
        still = companies.get(conn, "acme")
    assert (lost.state_reason, lost.disconnected_at) == ("The token was revoked.", NOON + timedelta(hours=1))
    assert still.disconnected_at == NOON + timedelta(hours=1)


def test_an_unknown_company_is_answered_with_the_known_ones(engine: Engine) -> None:
    with engine.begin() as conn:
        companies.save(conn, SEALER, "acme", contractor_system="reference")
        with pytest.raises(Misconfigured, match=r"no company 'acne' \(known: acme\)"):
            companies.get(conn, "acne")
