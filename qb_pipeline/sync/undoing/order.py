"""The order in which the writes of a run are taken back.

Invariant: a record comes after everything of the run that may rest on it: values are put back first, so that they let
go of what the run made, and what it made goes with dependents first.
"""

from __future__ import annotations

from collections.abc import Sequence

from qb_pipeline.entities import ENTITIES
from qb_pipeline.store.journal import Phase, Write
from qb_pipeline.sync.undoing.items import Target, creates


def ordered(rows: Sequence[Write]) -> list[tuple[Target, list[Write]]]:
    """What was written, by record: values first, in the order of writing; then what was created, dependents first."""
    by_target: dict[Target, list[Write]] = {}
    for row in rows:
        if row.phase is Phase.BOUND and row.target_id:
            by_target.setdefault((row.entity, row.side, row.target_id), []).append(row)
    place = {name: n for n, name in enumerate(ENTITIES)}
    updates = sorted((x for x in by_target.items() if not creates(x[1])), key=lambda x: place[x[0][0]])
    creations = sorted((x for x in by_target.items() if creates(x[1])), key=lambda x: place[x[0][0]])
    return updates + creations[::-1]
