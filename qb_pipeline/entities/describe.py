"""The page `docs/entities.md`: every field of every entity, which way it travels and who wins a conflict.

Invariant: the page says what the specs say and nothing else; a test compares the committed page with this one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity, Field, MatchBy, Policy, Removal

_WAYS = {
    Direction.BOTH: "both ways",
    Direction.TO_QUICKBOOKS: "to QuickBooks",
    Direction.TO_CONTRACTOR: "to the contractor's system",
    Direction.NONE: "observed",
}
_WINNERS = {
    Policy.LATEST_EDIT: "the later edit",
    Policy.CONTRACTOR: "the contractor's system",
    Policy.QUICKBOOKS: "QuickBooks",
    Policy.ASK: "a person",
}
_REMOVALS = {
    Removal.INACTIVATE: "made inactive",
    Removal.VOID: "voided",
    Removal.DELETE: "deleted",
    Removal.NEVER: "never removed",
}
_EVIDENCE = {
    MatchBy.PARTY: "names, phone, e-mail and address",
    MatchBy.NAME: "a unique name or code",
    MatchBy.DOCUMENT: "number or reference, party, total and date",
}
_INTRO = """\
# Entities

Every kind of record that is kept in agreement and every field of it, in the order in which records are written. This
page is made from `qb_pipeline/entities/` by `make docs`. A company may set other directions and winners in its file,
`companies/<name>.yaml` in `QB_HOME`.

*Direction*: which way a change is copied; an *observed* field is read and never written. *Conflict*: whose value stands
when both sides changed the field differently since they last agreed.
"""


def page() -> str:
    """The whole page as Markdown, ending in one line feed."""
    return "\n".join([_INTRO, *(section(entity) for entity in ENTITIES.values())])


def section(entity: Entity) -> str:
    """One entity: what it is in QuickBooks, how it is found and let go there, and its fields."""
    tables = [_table(entity, entity.fields)]
    tables += [f"Lines of `{f.name}`:\n\n{_table(entity, f.lines, f)}" for f in entity.fields if f.lines]
    title = entity.plural.replace("_", " ").capitalize()
    return f"## {title}\n\n{_said(entity)}\n\n{_summary(entity)}\n\n" + "\n".join(tables)


def _said(entity: Entity) -> str:
    """What the entity's own file says at its top."""
    return (import_module(f"{__package__}.{entity.name}").__doc__ or "").strip()


def _summary(entity: Entity) -> str:
    after = ", ".join(sorted(name.replace("_", " ") for name in entity.references)) or "nothing"
    return (
        f"`{entity.name}`, in QuickBooks `{entity.quickbooks_object}`. Direction: {_WAYS[entity.direction]}."
        f" Matched on first contact by {_EVIDENCE[entity.match_by]}. Written after: {after}."
        f" Removal in QuickBooks: {_REMOVALS[entity.removal]}."
    )


def _table(entity: Entity, fields: Iterable[Field], parent: Field | None = None) -> str:
    rows = [
        ("Field", "Type", "Direction", "Conflict", "Refers to", "Notes"),
        ("---",) * 6,
        *(_row(entity, field, parent) for field in fields),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _row(entity: Entity, field: Field, parent: Field | None) -> tuple[str, ...]:
    ways = [one.direction for one in (entity, parent, field) if one is not None and one.direction is not Direction.BOTH]
    direction = ways[-1] if ways else Direction.BOTH
    contested = direction is Direction.BOTH
    refers = f"`{field.refers_to}`" if field.refers_to else ""
    winner = _WINNERS[(parent or field).policy] if contested else ""
    return f"`{field.name}`", field.kind.value, _WAYS[direction], winner, refers, "; ".join(_notes(field))


def _notes(field: Field) -> Iterator[str]:
    if field.title:
        yield field.title
    if field.required:
        yield "required"
    if field.create_only:
        yield "set on creation only, a later change is an exception"
    if field.derived:
        yield "follows what it is computed from"
    if field.max_length:
        yield f"at most {field.max_length} characters"
    if field.lines and field.line_key != "id":
        yield f"one line to each {field.line_key}"
    if field.line_kinds:
        yield f"on {' and '.join(sorted(field.line_kinds))} lines"


if __name__ == "__main__":
    sys.stdout.write(page())
