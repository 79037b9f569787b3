"""Jobs that QuickBooks moves to another customer, and the documents that hang on them.

Invariant: a document that names a job belongs to the customer above the job. So in the transaction that stages a job
under another customer, every staged document that names it, or a job below it, counts as changed and is read anew from
what QuickBooks said of it: QuickBooks itself tells of the job alone.

    stage(conn, company, side, entity, records)      as `staging.merge`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, or_, text, update

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Kind, Side
from qb_pipeline.store import staging
from qb_pipeline.store.engine import among

_JOB = "job"
_NAMED_IN = ("CustomerRef", "ProjectRef")
_TO_BE_READ_ANEW = ""  # the content hash of no record, so that the row differs from what was agreed


def stage(
    conn: Connection,
    company: str,
    side: Side,
    entity: Entity,
    records: Iterable[Record],
    now: datetime | None = None,
    *,
    current: bool = False,
) -> staging.MergeCount:
    """Merge observations into staging; of jobs that have moved, mark the documents."""
    if side is not Side.QUICKBOOKS or entity.name != _JOB:
        return staging.merge(conn, company, side, entity.name, records, now, current=current)
    before = top_customers(conn, company)
    count = staging.merge(conn, company, side, entity.name, records, now, current=current)
    after = top_customers(conn, company)
    moved = [job for job, customer in after.items() if before.get(job, customer) != customer]
    if moved:
        _mark(conn, company, moved)
    return count


def top_customers(conn: Connection, company: str) -> dict[str, str]:
    """Every staged sub-customer, however deep, to its top-level customer."""
    rows = conn.execute(
        text("SELECT id, raw->'ParentRef'->>'value' FROM staging_quickbooks.job WHERE company = :company"),
        {"company": company},
    ).tuples()
    parent = {job: up for job, up in rows if up}
    return {job: _top(job, parent) for job in parent}


def _top(job: str, parent: Mapping[str, str]) -> str:
    """QBO allows five levels; the bound keeps a corrupt cycle from running for ever."""
    current = job
    for _ in range(10):
        if current not in parent:
            return current
        current = parent[current]
    return current


def _mark(conn: Connection, company: str, jobs: Iterable[str]) -> None:
    listed = list(jobs)
    for entity in ENTITIES.values():
        if entity.name == _JOB or not any(f.kind is Kind.REF and f.refers_to == "customer" for f in entity.fields):
            continue
        staged = staging.table(Side.QUICKBOOKS, entity.name)
        named = or_(*(among(staged.c.raw[ref]["value"].astext, listed) for ref in _NAMED_IN))
        conn.execute(update(staged).where(staged.c.company == company, named).values(content_hash=_TO_BE_READ_ANEW))
