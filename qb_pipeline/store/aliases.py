"""Aliases: records that were merged into others, for ever.

Invariant: an alias never ends at a record that is itself an alias, so one look finds the survivor; of two merges that
contradict each other, the later one stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import among

_alias = tables.alias


def add(conn: Connection, company: str, entity: str, side: Side, loser: str, survivor: str, source: str) -> None:
    """Note that `loser` was merged into `survivor`; `source` says who told (webhook, sweep, person).

    What pointed at the loser points at the survivor from now on. Where the survivor had been merged into the loser
    before, it is a record of its own again: somebody brought it back, or two were merged the other way round.
    `ValueError` for a record merged into itself.
    """
    if loser == survivor:
        raise ValueError(f"{entity} {loser} can't be its own survivor")
    final = resolve(conn, company, entity, side, [survivor]).get(survivor, survivor)
    if final == loser:
        _forget(conn, company, entity, side, survivor)
        final = survivor
    row = {
        "company": company, "entity": entity, "side": side.value, "loser_id": loser, "survivor_id": final,
        "source": source,
    }  # fmt: skip
    upsert = insert(_alias).values(**row)
    keys = ["company", "entity", "side", "loser_id"]
    conn.execute(upsert.on_conflict_do_update(index_elements=keys, set_={"survivor_id": final}))
    earlier = update(_alias).where(
        _alias.c.company == company,
        _alias.c.entity == entity,
        _alias.c.side == side.value,
        _alias.c.survivor_id == loser,
    )
    conn.execute(earlier.values(survivor_id=final))


def _forget(conn: Connection, company: str, entity: str, side: Side, loser: str) -> None:
    conn.execute(
        delete(_alias).where(
            _alias.c.company == company,
            _alias.c.entity == entity,
            _alias.c.side == side.value,
            _alias.c.loser_id == loser,
        )
    )


def resolve(conn: Connection, company: str, entity: str, side: Side, ids: Iterable[str]) -> dict[str, str]:
    """loser -> survivor, for those of `ids` that were merged away."""
    wanted = list(ids)
    if not wanted:
        return {}
    statement = select(_alias.c.loser_id, _alias.c.survivor_id).where(
        _alias.c.company == company,
        _alias.c.entity == entity,
        _alias.c.side == side.value,
        among(_alias.c.loser_id, wanted),
    )
    return dict(conn.execute(statement).tuples().all())


def told_by(conn: Connection, company: str, entity: str, source: str) -> list[tuple[Side, str, str]]:
    """(side, loser, survivor) of an entity's merges that `source` told first, by loser."""
    statement = select(_alias.c.side, _alias.c.loser_id, _alias.c.survivor_id).where(
        _alias.c.company == company, _alias.c.entity == entity, _alias.c.source == source
    )
    found = conn.execute(statement.order_by(_alias.c.side, _alias.c.loser_id)).tuples()
    return [(Side(side), loser, survivor) for side, loser, survivor in found]


def everything(conn: Connection, company: str, entity: str, side: Side) -> dict[str, str]:
    """loser -> survivor of an entity on one side."""
    statement = select(_alias.c.loser_id, _alias.c.survivor_id).where(
        _alias.c.company == company, _alias.c.entity == entity, _alias.c.side == side.value
    )
    return dict(conn.execute(statement).tuples().all())
