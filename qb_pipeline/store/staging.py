"""Staging: the latest observation of every record on each side, in typed columns derived from the entity specs.

Invariant: a row is always the newest observation seen (older ones never overwrite newer ones), and a row that did not
change is not written. Staging is a cache of observations that can be read again from either system, so its tables are
not migrated by Alembic: missing tables and columns are added when the program starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Side
from qb_pipeline.store.links import Link


@dataclass(frozen=True)
class Staged:
    """One staged row: the record as decoded when it was read, its content hash and when it was last stored."""

    record: Record
    content_hash: str
    seen_at: datetime
    missing_since: datetime | None


@dataclass(frozen=True)
class Work:
    """What has to be planned: a link (None: not linked yet) and what each side shows (None: nothing staged)."""

    link: Link | None
    contractor: Staged | None
    quickbooks: Staged | None


@dataclass(frozen=True)
class MergeCount:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0  # including observations older than what is stored, and duplicates within the batch


def ensure_staging(engine: Engine) -> None:
    """Create missing staging schemas and tables (`staging_<side>.<entity>`) and add missing columns."""
    raise NotImplementedError


def record_hash(record: Record) -> str:
    """The content hash staging keeps for a record; all deleted records of an entity have the same one."""
    raise NotImplementedError


def merge(conn: Connection, company: str, side: Side, entity: str, records: Iterable[Record]) -> MergeCount:
    """Store observations; the newest of each id wins (time, then numeric version). A tombstone keeps the last values."""
    raise NotImplementedError


def mark_deleted(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str], at: datetime) -> int:
    """Set rows to deleted, keeping their last values; returns how many were not deleted before."""
    raise NotImplementedError


def note_missing(
    conn: Connection, company: str, side: Side, entity: str, present: Iterable[str], at: datetime
) -> list[str]:
    """Compare with a complete list of ids: rows not in it get `missing_since`, rows in it lose it.

    Returns the ids of all not deleted rows that are missing now, oldest absence first.
    """
    raise NotImplementedError


def fetch(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str]) -> dict[str, Staged]:
    """Staged rows by id; ids not staged are left out."""
    raise NotImplementedError


def fetch_all(conn: Connection, company: str, side: Side, entity: str) -> list[Staged]:
    """Every staged row of an entity in id order, deleted and skipped ones too."""
    raise NotImplementedError


def unlinked(conn: Connection, company: str, side: Side, entity: str) -> list[Staged]:
    """Rows with no link that are to be synchronised (not deleted, not skipped)."""
    raise NotImplementedError


def dirty(conn: Connection, company: str, entity: str, now: datetime | None = None) -> list[Work]:
    """The work list for planning.

    Rows of either side without a link (not deleted, not skipped), live links with only one id, links whose staged
    hash differs from the link's, and links with an exception due for retry at `now`.
    """
    raise NotImplementedError
