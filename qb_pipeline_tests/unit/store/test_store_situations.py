"""Every situation of the store's own is produced here; one without a story fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.situations import Situation
from qb_pipeline.store import staging
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.situations import SITUATIONS
from qb_pipeline.store.tokens import TokenStore

SEALER = Sealer(bytes(32))
QBO = Side.QUICKBOOKS


def not_connected(engine: Engine) -> None:
    TokenStore(engine, "acme", SEALER).read()


def token_busy(engine: Engine) -> None:
    with TokenStore(engine, "acme", SEALER).locked(), TokenStore(engine, "acme", SEALER, wait=0.05).locked():
        pass


def value_too_large(engine: Engine) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    with engine.begin() as conn:
        staging.merge(
            conn, "acme", QBO, "invoice", [Record("invoice", QBO, "9", "1", at, {"total": Decimal(10**16)}, {})]
        )


STORIES: dict[str, Callable[[Engine], None]] = {
    "not_connected": not_connected,
    "token_busy": token_busy,
    "value_too_large": value_too_large,
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.code)
def test_the_store_comes_to_say_it(engine: Engine, situation: Situation) -> None:
    story = STORIES.get(situation.code)
    assert story is not None, f"no story leads to {situation.code}"
    with pytest.raises(PipelineError) as refused:
        story(engine)
    assert (refused.value.code, refused.value.who) == (situation.code, situation.who)
    assert type(refused.value) is situation.recovery
    assert "{" not in refused.value.cause + refused.value.fix
