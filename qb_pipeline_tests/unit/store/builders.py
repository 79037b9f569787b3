"""Records for the store's tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from qb_pipeline.entities.records import Record, State, Value
from qb_pipeline.entities.spec import Side

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def customer(
    record_id: str,
    name: str = "Hazel Roofing",
    *,
    side: Side = Side.QUICKBOOKS,
    version: str = "0",
    minutes: float = 0,
    state: State = State.LIVE,
    skip: str | None = None,
    frozen: str | None = None,
    raw: Mapping[str, Any] | None = None,
    **values: Value,
) -> Record:
    """A customer observed `minutes` after noon."""
    return Record(
        entity="customer",
        side=side,
        id=record_id,
        version=version,
        updated_at=NOON + timedelta(minutes=minutes),
        values={"name": name, **values} if state is not State.DELETED else {},
        raw={"Id": record_id, "DisplayName": name} if raw is None else raw,
        state=state,
        skip=skip,
        frozen=frozen,
    )
