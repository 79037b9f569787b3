"""Sealing everything anew after a change of keys.

Invariant: a secret is replaced by itself under the current key in one transaction, or stays as it was.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, select, update

from qb_pipeline.store import tables
from qb_pipeline.store.sealing import Sealer

_SEALED: tuple[tuple[Table, Column[str], tuple[str, ...]], ...] = (
    (
        tables.company,
        tables.company.c.name,
        ("contractor_key_sealed", "client_secret_sealed", "verifier_sealed", "webhook_secret_sealed"),
    ),
    (tables.token, tables.token.c.company, ("access_sealed", "refresh_sealed")),
)


def reseal(conn: Connection, sealer: Sealer) -> int:
    """Seal every secret with the current key; returns how many there were under a former one."""
    count = 0
    for table, key, columns in _SEALED:
        for row in conn.execute(select(table)).mappings().all():
            old = {c: row[c] for c in columns if row[c] is not None and not sealer.is_current(row[c])}
            company = str(row[key.name])
            fresh = {c: sealer.seal(sealer.unseal(sealed, company), company) for c, sealed in old.items()}
            if fresh:
                conn.execute(update(table).where(key == company).values(**fresh))
            count += len(fresh)
    return count


def under_former_keys(conn: Connection, sealer: Sealer) -> int:
    """How many secrets the current key did not seal."""
    rows = ((row, columns) for table, _, columns in _SEALED for row in conn.execute(select(table)).mappings())
    return sum(row[c] is not None and not sealer.is_current(row[c]) for row, columns in rows for c in columns)
