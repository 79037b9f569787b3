"""Companies, exceptions, tokens and runs put into a real store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import companies, exceptions, notices, runs
from qb_pipeline.store.exceptions import Problem
from qb_pipeline.store.notices import Notice
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACME = "Acme"
SEALER = Sealer(bytes(32))
REFRESH_TOKEN, CLIENT_SECRET = "RT1-of-acme-and-nobody-else", "client-secret-of-acme"  # looked for in mails


def connect(engine: Engine, name: str = ACME, realm: str = "1", client_id: str | None = None) -> str:
    with engine.begin() as conn:
        companies.save(
            conn, SEALER, name, contractor_system="reference", contractor_url="http://localhost:1",
            client_id=client_id, client_secret=CLIENT_SECRET,
        )  # fmt: skip
        companies.connected(conn, name, realm, NOON - timedelta(days=1))
    return name


def tokens(engine: Engine, refresh: datetime, name: str = ACME) -> None:
    with TokenStore(engine, name, SEALER).locked() as stored:
        stored.save("access-token-of-acme", REFRESH_TOKEN, NOON + timedelta(hours=1), refresh)


def problem(
    number: int, *, retry_safe: bool = False, cause: str = "The name is taken.", code: str = "taken"
) -> Problem:
    return Problem(
        entity="customer", side=Side.QUICKBOOKS, record_id=f"id-{number}", code=code, title="The name is refused",
        cause=cause, fix="Choose another name.", who="office", retry_safe=retry_safe, record_label=f"Client {number}",
        fingerprint="same",
    )  # fmt: skip


def report(engine: Engine, problems: Sequence[Problem], at: datetime = NOON, name: str = ACME) -> None:
    with engine.begin() as conn:
        exceptions.report(conn, name, problems, at)


def ran(engine: Engine, calls: dict[str, int], at: datetime = NOON, name: str = ACME, trigger: str = "sync") -> str:
    with engine.begin() as conn:
        run_id = runs.start(conn, name, trigger, now=at)
        runs.finish(conn, name, run_id, RunStatus.SUCCEEDED, api_calls={"quickbooks": calls}, now=at)
    return run_id


def kept(engine: Engine, kind: str | None = None) -> list[Notice]:
    """Every notice ever made, oldest first."""
    with engine.connect() as conn:
        found = notices.recent(conn, limit=1000)
    return [n for n in reversed(found) if kind in (None, n.kind)]
