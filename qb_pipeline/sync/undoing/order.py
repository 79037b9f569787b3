"""The order in which the writes of a run are taken back.

Invariant: values are put back first, so that they let go of what the run made, and then what it made goes, dependents
first. Only a record that gets a name or a number back waits for whatever of the run bears it now, for no two may bear
one; where each waits for another, none waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import staging
from qb_pipeline.store.journal import Phase, Write
from qb_pipeline.sync.undoing.items import Target, creates, stood_before

Turns = dict[Target, list[Write]]  # each record, in its turn, with what the run wrote to it
Name = tuple[Side, str, str]  # the side, the kind of object within which a name is borne once, and the name
_NAMES = ("name", "number")
_NAMING = {*_NAMES, "active"}  # what is inactive bears no name


@dataclass(frozen=True)
class _Bearing:
    """The names of a record as it was last read, and once it is taken back."""

    now: frozenset[Name]
    then: frozenset[Name]


def ordered(conn: Connection, company: str, rows: Sequence[Write]) -> list[tuple[Target, list[Write]]]:
    """What was written, by record, in the order of taking back."""
    by_target: Turns = {}
    for row in rows:
        if row.phase is Phase.BOUND and row.target_id:
            by_target.setdefault((row.entity, row.side, row.target_id), []).append(row)
    place = {name: n for n, name in enumerate(ENTITIES)}
    updates = sorted((x for x in by_target.items() if not creates(x[1])), key=lambda x: place[x[0][0]])
    creations = sorted((x for x in by_target.items() if creates(x[1])), key=lambda x: place[x[0][0]])
    turns = dict(updates + creations[::-1])
    return [(target, turns[target]) for target in each_after(turns, _bearers(_bearings(conn, company, turns)))]


def _bearings(conn: Connection, company: str, turns: Turns) -> dict[Target, _Bearing]:
    """Of each record; of none where no name is put back, as in most runs."""
    if not any(_NAMING & stood_before(ENTITIES[t[0]], w).keys() for t, w in turns.items() if not creates(w)):
        return {}
    groups: dict[tuple[str, Side], list[str]] = {}
    for name, side, record_id in turns:
        groups.setdefault((name, side), []).append(record_id)
    found: dict[Target, _Bearing] = {}
    for (name, side), ids in groups.items():
        for record_id, staged in staging.fetch(conn, company, side, name, ids).items():
            target, record = (name, side, record_id), staged.record
            here = record.values if record.state is State.LIVE else {}
            found[target] = _Bearing(_names(target, here), _names_then(target, here, turns[target]))
    return found


def _names_then(target: Target, here: Mapping[str, Any], written: Sequence[Write]) -> frozenset[Name]:
    if creates(written) or not here:
        return frozenset()
    return _names(target, {**here, **stood_before(ENTITIES[target[0]], written)})


def _names(target: Target, values: Mapping[str, Any]) -> frozenset[Name]:
    """None of what is inactive. QuickBooks compares them without regard to case, and calls jobs customers."""
    if values.get("active") is False:
        return frozenset()
    kind = ENTITIES[target[0]].quickbooks_object
    return frozenset((target[1], kind, str(values[n]).strip().casefold()) for n in _NAMES if values.get(n))


def _bearers(bearings: Mapping[Target, _Bearing]) -> dict[Target, set[Target]]:
    """Of each record that gets a name back, those that lose it."""
    losing: dict[Name, set[Target]] = {}
    for target, bearing in bearings.items():
        for name in bearing.now - bearing.then:
            losing.setdefault(name, set()).add(target)
    return {
        target: {other for name in bearing.then - bearing.now for other in losing.get(name, ())}
        for target, bearing in bearings.items()
    }


def each_after(targets: Iterable[Target], bearers: Mapping[Target, set[Target]]) -> list[Target]:
    """The targets in their order, but each right after the last of its bearers; those of a ring at the end."""
    order = list(targets)
    done: dict[Target, None] = {}
    waiting: dict[Target, list[Target]] = {}
    for target in order:
        free = [target]
        while free:
            one = free.pop(0)
            missing = next((b for b in bearers.get(one, ()) if b not in done), None)
            if missing is not None:
                waiting.setdefault(missing, []).append(one)
                continue
            done[one] = None
            free += waiting.pop(one, [])
    return [*done, *(target for target in order if target not in done)]
