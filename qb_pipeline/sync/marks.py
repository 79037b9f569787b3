"""Fingerprints of what is only said, not sent: the cause of an exception and the values it rests on.

Invariant: as long as neither the cause nor those values move, every run finds the same mark, whatever else it wrote;
so what was ignored stays ignored just as long as what was looked at when it was ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import simplejson

from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Direction, Entity, Side
from qb_pipeline.sync import refusals
from qb_pipeline.sync.trees import Owed

_SAID = "said "  # tells these marks from the fingerprints of writes, which rest and are repeated by them
_CONFLICT = refusals.CONFLICT.code.removesuffix("{field}")


def mark(code: str, cause: str, values: Any = None) -> str:
    """The fingerprint of a cause; `values` is anything that is written the same whenever it is the same."""
    told = simplejson.dumps([code, cause, values], use_decimal=True, sort_keys=True, default=str)
    return _SAID + hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def of_plan(entity: Entity, owed: Owed, problem: refusals.Problem) -> str:
    """What the planner said of a record: a conflict rests on both versions of its field, what was chosen at creation on
    what both sides chose, all else on both records."""
    fields = _told(entity)
    if problem.code == refusals.FIXED_AT_CREATION.code:
        fields = [f.name for f in entity.fields if f.create_only]
    if problem.code.startswith(_CONFLICT):
        fields = [problem.code.removeprefix(_CONFLICT)]
    nodes = {side.value: node for side in Side if (node := owed.tree.node(side)) is not None}
    values = {side: [node.state.value, *(node.values.get(name) for name in fields)] for side, node in nodes.items()}
    return mark(problem.code, problem.cause, values)


def of_records(entity: Entity, code: str, cause: str, records: Mapping[Side, Record]) -> str:
    """What was said of two linked records: it rests on what people enter in either."""
    values = {
        side.value: [record.state.value, *(record.values.get(name) for name in _told(entity))]
        for side, record in records.items()
    }
    return mark(code, cause, values)


def of_values(entity: Entity, said: refusals.Problem, values: Mapping[str, Any]) -> str:
    """What was said of a record without a counterpart: it rests on what people enter in it."""
    return mark(said.code, said.cause, [values.get(name) for name in _told(entity)])


def _told(entity: Entity) -> list[str]:
    """The fields that people enter and that are compared."""
    return [f.name for f in entity.fields if not f.derived and f.direction is not Direction.NONE]


def of_shared(said: refusals.Problem, name: str, *, blocking: bool) -> str:
    """What stands in many records' way is named in a text that counts them: the thing in the way is what it rests on,
    and each newly blocked record is news of its own."""
    return mark(said.code, "" if blocking else said.cause, name)


def of_a_write(fingerprint: str | None) -> bool:
    """Whether a fingerprint is that of a write which was sent and refused."""
    return fingerprint is not None and not fingerprint.startswith(_SAID)
