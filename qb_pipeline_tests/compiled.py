"""Statements compiled once for all tests of a process, whichever database each of them has to itself.

Invariant: what is shared is SQL text that depends on nothing but the statement and the dialect's settings; a database,
a connection or a row is never shared.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

_COMPILED: LRUCache[Any, Any] = LRUCache(3_000)


class SharingDialect(PGDialect_psycopg):
    """The dialect of psycopg; two of the same settings are the same to the store of compiled statements."""

    supports_statement_cache = True

    @property
    def _settings(self) -> tuple[Any, ...]:
        return self._json_serializer, self._json_deserializer, self.server_version_info

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharingDialect) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(SharingDialect)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED)


def share() -> None:
    """From now on every engine of this process shares; without it each test compiles every statement again."""
    registry.register("postgresql.psycopg", __name__, SharingDialect.__name__)
