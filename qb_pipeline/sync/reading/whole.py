"""A part of a side is compared only after all of it was read once.

Invariant: a look at single records, or at a window of time, never comes before the first reading of both sides: else
what the other side holds already would be taken for missing there, and made a second time.
"""

from __future__ import annotations

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import cursors
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import contractor, quickbooks


def read_whole_first(ctx: Context) -> None:
    """Read what was never read to its end; costs no call where everything was."""
    with ctx.begin() as conn:
        read = set(cursors.everything(conn, ctx.company))
    if (Side.QUICKBOOKS, quickbooks.STREAM) not in read:
        ctx.progress("QuickBooks was never read as a whole: that comes first")
        quickbooks.extract(ctx)
    offered = [e.name for e in ctx.two_sided() if ctx.contractor.offers(e)]
    if any((Side.CONTRACTOR, name) not in read for name in offered):
        ctx.progress("the contractor's system was never read as a whole: that comes first")
        contractor.extract(ctx)
