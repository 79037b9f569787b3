"""The end of every demo: both servers are read and compared, and the pipeline's own words are collected.

Invariant: this is the only place where the store is asked, and only for ids and reasons.
"""

from __future__ import annotations

from dataclasses import dataclass

from qb_pipeline.demo.checks import Comparison, Pairs, compare
from qb_pipeline.demo.read_contractor import read_contractor
from qb_pipeline.demo.read_quickbooks import read_quickbooks
from qb_pipeline.demo.readings import Side
from qb_pipeline.demo.reasons import Reasons
from qb_pipeline.demo.stack import COMPANY, Stack
from qb_pipeline.store import candidates


@dataclass(frozen=True)
class Waiting:
    """A pair that may be the same and waits for a person; both sides by name."""

    entity: str
    contractor: str
    quickbooks: str
    score: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Ending:
    """How both servers stand after the last sync."""

    contractor: Side
    quickbooks: Side
    pairs: Pairs
    reasons: Reasons
    comparison: Comparison
    waiting: tuple[Waiting, ...]


def ending(world: Stack) -> Ending:
    """Read, compare, collect."""
    contractor, quickbooks = read_contractor(world.contractor), read_quickbooks(world.quickbooks)
    with world.engine.connect() as conn:
        pairs, reasons = Pairs(conn, COMPANY), Reasons(conn, COMPANY)
        open_pairs = candidates.listing(conn, COMPANY)
    ours, theirs = contractor.names(), quickbooks.names()
    waiting = tuple(
        Waiting(
            c.entity,
            ours.get((c.entity, c.contractor_id), c.contractor_id),
            theirs.get((c.entity, c.quickbooks_id), c.quickbooks_id),
            f"{c.score:.2f}",
            tuple(str(e) for e in c.evidence),
        )
        for c in open_pairs
    )
    return Ending(contractor, quickbooks, pairs, reasons, compare(contractor, quickbooks, pairs, reasons), waiting)
