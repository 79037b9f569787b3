"""What a person calls a record, and how much of a name is shown.

Invariant: only what is shown is cut, never an id or a value that is stored, compared or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qb_pipeline.entities.spec import Entity, Kind

LONGEST = 80  # characters


def shortened(name: str, longest: int = LONGEST) -> str:
    """The name, with … in the place of what is too much of it."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def label(entity: Entity, values: Mapping[str, Any]) -> str:
    """What a person calls the record: "Invoice 1042", or without a number "Invoice of 2026-09-08 (120.50)"."""
    named = next((str(values[f]) for f in entity.label_fields if values.get(f)), None)
    if named:
        return f"{entity.title} {shortened(named)}"
    return entity.title + _when_and_how_much(entity, values)


def in_full(entity: Entity, values: Mapping[str, Any]) -> str:
    """What tells the record from another of the same number: "Invoice 1042 of 2026-09-08 (120.50)"."""
    called, more = label(entity, values), _when_and_how_much(entity, values)
    return called if called.endswith(more) else called + more


def _when_and_how_much(entity: Entity, values: Mapping[str, Any]) -> str:
    dated = next((values[f.name] for f in entity.fields if f.kind is Kind.DATE and values.get(f.name)), None)
    total = values.get(entity.total_field) if entity.total_field else None
    return (f" of {dated}" if dated else "") + (f" ({total})" if total is not None else "")
