"""The SQLAlchemy engine: psycopg 3, UTC, and JSON that keeps Decimals.

Invariant: no number read from or written to jsonb ever passes through a float, and every time read is in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import simplejson
from sqlalchemy import ColumnElement, Engine, any_, create_engine, literal
from sqlalchemy.dialects.postgresql import ARRAY

# A server that vanished without a word is noticed within a minute, not after the two hours that systems wait.
_CONNECTING = {
    "options": "-c timezone=UTC",
    "connect_timeout": 10,
    "application_name": "qb-pipeline",
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 4,
    "tcp_user_timeout": 60_000,
}


def dumps(value: Any) -> str:
    """JSON text with Decimals as exact numbers; refuses NaN and infinities, which jsonb can't hold."""
    return simplejson.dumps(value, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """JSON parsed with `Decimal` where a number has a fraction."""
    return simplejson.loads(text, use_decimal=True)


def make_engine(url: str, *, pool_size: int = 5, max_overflow: int = 15) -> Engine:
    """An engine for `postgresql+psycopg://…`; connections are checked before use, as the server may be restarted.

    The text of a failed statement never brings its parameters: they are the books, and sealed secrets.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=dumps,
        json_deserializer=loads,
        connect_args=_CONNECTING,
    )


def utcnow() -> datetime:
    return datetime.now(UTC)


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column = ANY(values)`: one array parameter, where IN would spend one of 65,535 parameters on each value."""
    return column == any_(literal(list(values), ARRAY(column.type)))
