"""A company whose webhooks can't be told from forged ones is named, with the reason and the fix, wherever one looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from qb_pipeline.console.directory import Directory
from qb_pipeline.settings import Settings, token_key
from qb_pipeline.store import companies
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.sealing import Sealer
from qb_pipeline_tests.unit.console.running import cloud, console, enter, hint, settings_for

OWN_TOKEN, OWN_SECRET, OTHER_KEY = "own-verifier-token", "own-webhook-secret", b"k" * 32
QUICKBOOKS = 'qb_webhooks_refused{company="acme",source="quickbooks",why="other_token_key"}'
CONTRACTOR = 'qb_webhooks_refused{company="acme",source="contractor",why="other_token_key"}'


def sealed_with(key: bytes, engine: Engine, name: str = "acme", system: str = "reference") -> None:
    with engine.begin() as conn:
        companies.save(
            conn, Sealer(key), name, contractor_system=system, verifier_token=OWN_TOKEN, webhook_secret=OWN_SECRET
        )  # fmt: skip


@pytest.fixture
def current(engine: Engine, tmp_path: Path) -> Settings:
    chosen = settings_for(tmp_path, verifier_token=None, webhook_secret=None)
    enter(engine, chosen, "acme")
    return chosen


def nothing() -> None:
    """Between two looks."""


def looks(
    engine: Engine, current: Settings, *before: Callable[[], object]
) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
    """What the console finds at the last of its looks, one after each of these, and what it logged."""

    async def look() -> list[tuple[Any, ...]]:
        with ThreadPoolExecutor(1) as threads:
            directory = Directory(engine, current, threads)
            for happen in before or (nothing,):
                happen()
                found = (await directory.known(at_most=-1)).unheard
        return [(each.company, each.side, each.why, str(each.finding.gravity)) for each in found]

    with capture_logs() as logged:
        return asyncio.run(look()), [dict(line) for line in logged]


def test_secrets_that_another_key_sealed_are_told_in_health_and_metrics_and_in_one_line_each_and_never_repeated(
    engine: Engine, current: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    sealed_with(OTHER_KEY, engine)
    with capture_logs() as logged, console(engine, current) as running:
        for n in range(3):
            assert running.contractor(hint(f"e{n}"), OWN_SECRET).status_code == 401
            assert running.quickbooks([cloud(f"e{n}")], OWN_TOKEN).status_code == 401
        told, metrics = running.get("/health", headers=running.bearer).json(), running.metrics()
    assert (metrics[QUICKBOOKS], metrics[CONTRACTOR], metrics['qb_health{company="acme"}']) == (1, 1, 2)
    found = [f for f in told["companies"][0]["findings"] if f["code"] == "webhooks_refused"]
    assert {f["gravity"] for f in found} == {"degraded"}
    for finding, option in zip(found, ("--verifier-token", "--webhook-secret"), strict=True):
        assert "were sealed with another key" in finding["reason"]
        assert "Restore the former QB_TOKEN_KEY" in finding["fix"]
        assert f"qb-pipeline connect --company 'acme' {option}" in finding["fix"]
    lines = [x for x in logged if x["event"] == "console.webhooks_refused"]
    assert [(x["company"], x["source"], x["why"], x["log_level"]) for x in lines] == [
        ("acme", "quickbooks", "other_token_key", "warning"), ("acme", "contractor", "other_token_key", "warning"),
    ]  # fmt: skip
    everything = f"{logged} {told} {metrics} {capfd.readouterr()}"
    assert not [word for word in (OWN_TOKEN, OWN_SECRET) if word in everything]


def test_a_cause_is_logged_again_only_after_it_was_gone(engine: Engine, current: Settings) -> None:
    def lost() -> None:
        sealed_with(OTHER_KEY, engine)

    def restored() -> None:
        sealed_with(token_key(current), engine)

    assert len(looks(engine, current, lost, lost, lost)[1]) == 2
    found, logged = looks(engine, current, lost, lost, restored, lost)
    assert [(side, why) for _, side, why, _ in found] == [
        ("quickbooks", "other_token_key"), ("contractor", "other_token_key"),
    ]  # fmt: skip
    assert len(logged) == 4
    assert looks(engine, current, restored) == ([], [])


def test_a_company_without_a_secret_is_told_but_not_counted_as_ill(engine: Engine, current: Settings) -> None:
    with console(engine, current) as running:
        told, metrics = running.get("/health", headers=running.bearer).json(), running.metrics()
    found = [f for f in told["companies"][0]["findings"] if f["code"] == "no_webhooks"]
    assert [f["gravity"] for f in found] == ["ok", "ok"]
    assert "QB_VERIFIER_TOKEN" in found[0]["fix"]
    assert "QB_WEBHOOK_SECRET" in found[1]["fix"]
    assert metrics['qb_webhooks_refused{company="acme",source="contractor",why="no_secret"}'] == 1
    assert [line["log_level"] for line in looks(engine, current)[1]] == ["info", "info"]


def test_a_company_whose_system_file_can_not_be_read_is_told_and_the_others_are_heard(
    engine: Engine, current: Settings
) -> None:
    sealed_with(token_key(current), engine, system="/nowhere/system.yaml")
    enter(engine, current, "zenith", "55", verifier_token="other token", webhook_secret="other secret")
    found, logged = looks(engine, current, nothing, nothing)
    assert [(company, side, gravity) for company, side, _, gravity in found] == [("acme", "contractor", "degraded")]
    assert len(logged) == 1
    with console(engine, current) as running:
        assert running.contractor(hint("e1"), "other secret").json() == {"events": 1}


def test_nothing_is_told_of_a_company_that_was_disconnected(engine: Engine, current: Settings) -> None:
    sealed_with(OTHER_KEY, engine)
    with engine.begin() as conn:
        companies.set_state(conn, "acme", CompanyState.DISCONNECTED, "disconnected by command")
    assert looks(engine, current) == ([], [])


def test_without_a_key_that_opens_anything_health_still_answers_and_says_so(engine: Engine, current: Settings) -> None:
    token_key(current)
    with console(engine, current) as running:
        (current.home / "token.key").write_text("spoilt\n")
        answer = running.get("/health", headers=running.bearer)
    assert answer.status_code == 200
    [finding] = [f for f in answer.json()["companies"][0]["findings"] if f["code"] == "webhooks_refused"]
    assert "32 bytes in base64" in finding["reason"]
    assert "Restore the former key" in finding["fix"]
