"""What rests on a record: whatever refers to it and stays when the undo is through.

Invariant: nothing is removed that a record which stays refers to, whether the pipeline linked that record or only read
it. What the undo itself removes, or points elsewhere, counts as gone only after it was written, or would have been by a
plan.
"""

from __future__ import annotations

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import links, staging
from qb_pipeline.sync import applications
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.linkspace import Reference, references
from qb_pipeline.sync.reviewing import references_to
from qb_pipeline.sync.undoing.items import Item, refused

Left = dict[tuple[Side, int], frozenset[Reference]]  # side and link of what is taken back -> what it refers to then


def left_by(item: Item) -> Left:
    """What a record still refers to once it is taken back: nothing when it is removed."""
    tree = item.owed.tree if item.owed else None
    if tree is None or tree.link_id is None or not (item.operation or item.earlier):
        return {}
    values = item.operation.values if item.operation and item.before else {}
    return {(item.side, tree.link_id): frozenset(references(item.entity, values))}


def unless_rested_on(ctx: Context, item: Item, left: Left) -> Item:
    """Refuse to remove what a record refers to that stays."""
    if item.operation is None:
        return item
    with ctx.begin() as conn:
        resting = _resting_on(conn, ctx.company, item, left)
    return refused(item, f"{', '.join(resting)} refer to it") if resting else item


def _resting_on(conn: Connection, company: str, item: Item, left: Left) -> list[str]:
    """How many live records of each kind refer to this one and stay, as both sides agreed or as its own was read."""
    found = []
    for other in ENTITIES.values():
        staying = _agreed_to_refer(conn, company, item, other, left)
        staying |= _seen_to_refer(conn, company, item, other, left)
        if staying:
            found.append(f"{len(staying)} {other.plural.replace('_', ' ')}")
    return found


def _agreed_to_refer(conn: Connection, company: str, item: Item, other: Entity, left: Left) -> set[str | None]:
    """Ids on the item's side of the linked records of `other` whose base refers to it and that are not gone there."""
    link_id = item.owed.tree.link_id if item.owed else None
    fragments = references_to(other, item.entity.name, link_id) if link_id is not None else ()
    agreed = [
        x for f in fragments for x in links.containing(conn, company, other.name, f)
        if x.state is links.LinkState.LIVE and _stays(item, x.id, left)
    ]  # fmt: skip
    ids = {i for x in agreed if (i := x.id_on(item.side)) is not None}
    staged = staging.fetch(conn, company, item.side, other.name, ids) if ids else {}
    gone = {i for i, s in staged.items() if s.record.state is not State.LIVE or s.record.values.get("active") is False}
    return {x.id_on(item.side) for x in agreed} - gone


def _seen_to_refer(conn: Connection, company: str, item: Item, other: Entity, left: Left) -> set[str | None]:
    """Ids of the records of `other` that refer to the item on its own side, linked or not, and unread payments."""
    referring = applications.referring(conn, company, item.side, other, item.entity.name, item.record_id)
    linked = links.find(conn, company, other.name, item.side, referring)
    here = item.owed.work.on(item.side) if item.owed else None
    named = item.side is Side.QUICKBOOKS and other.name == "payment" and here is not None
    unread = applications.unread(conn, company, here.record) if named and here else []
    return {*unread, *(i for i in referring if i not in linked or _stays(item, linked[i].id, left))}


def _stays(item: Item, link_id: int, left: Left) -> bool:
    """Whether a record that refers to the item does so still when this undo is through with it."""
    own = item.owed.tree.link_id if item.owed else None
    kept = left.get((item.side, link_id))
    return kept is None or (own is not None and Reference(item.entity.name, own) in kept)
