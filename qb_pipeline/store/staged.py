"""A staged row: the translation between records and the columns of staging.

Invariant: what was merged is fetched as the same canonical values, Decimals in canonical form, and a field the side
did not speak of stays apart from one it left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State, Value
from qb_pipeline.entities.shown import label
from qb_pipeline.entities.spec import Entity, Field, Kind, Side
from qb_pipeline.entities.values import content_hash, field_from_json, field_to_json, money, number
from qb_pipeline.store import situations
from qb_pipeline.store.engine import dumps
from qb_pipeline.store.staging_tables import column_of

_SYSTEMS = {Side.QUICKBOOKS: "QuickBooks", Side.CONTRACTOR: "the contractor's system"}
_LARGEST: dict[Kind, Decimal] = {
    Kind.MONEY: Decimal(10) ** 16,
    Kind.NUMBER: Decimal(10) ** 18,
    Kind.INTEGER: Decimal(2) ** 31,
}


@dataclass(frozen=True)
class Staged:
    """One staged row: the record as decoded when it was read, its content hash and when it was last stored."""

    record: Record
    content_hash: str
    seen_at: datetime
    missing_since: datetime | None


def deleted_hash(entity: str) -> str:
    """The content hash of every deleted record of an entity, whatever it held before."""
    return content_hash(ENTITIES[entity], {}, State.DELETED.value)


def record_hash(record: Record) -> str:
    """The content hash staging keeps for a record; all deleted records of an entity have the same one."""
    if record.state is State.DELETED:
        return deleted_hash(record.entity)
    return content_hash(ENTITIES[record.entity], record.values, record.state.value)


def to_row(company: str, record: Record, seen_at: datetime) -> dict[str, Any]:
    """A record as column values in the form COPY takes; `FixTheData` for what a column can't hold."""
    entity = ENTITIES[record.entity]
    fixed = {
        "company": company,
        "id": record.id,
        "version": record.version,
        "updated_at": record.updated_at,
        "state": record.state.value,
        "skip": record.skip,
        "frozen": record.frozen,
        "content_hash": record_hash(record),
        "raw": _json(record.raw),
        "absent": [f.name for f in entity.fields if f.name not in record.values],
        "seen_at": seen_at,
        "missing_since": None,
    }
    return fixed | {column_of(f): _to_column(record, f, record.values.get(f.name)) for f in entity.fields}


def _to_column(record: Record, spec: Field, value: Value) -> Any:
    if isinstance(value, tuple):
        return _json(field_to_json(spec, value))
    if isinstance(value, str):
        return value.replace("\x00", "")  # PostgreSQL's text can't hold NUL, and it shows nothing anyway
    if spec.kind in _LARGEST and isinstance(value, Decimal | int) and abs(Decimal(value)) >= _LARGEST[spec.kind]:
        raise situations.VALUE_TOO_LARGE.error(
            record=label(ENTITIES[record.entity], {**record.values, spec.name: None}),
            label=spec.label,
            value=value,
            system=_SYSTEMS[record.side],
            field=spec.name,
        )
    return value


def _json(value: Any) -> str:
    # jsonb refuses the NUL escape. A backslash of the text itself is written as two, so it's looked for in pairs.
    encoded = dumps(value)
    if "\\u0000" not in encoded:
        return encoded
    return "\\\\".join(part.replace("\\u0000", "") for part in encoded.split("\\\\"))


def from_row(side: Side, entity: str, row: Mapping[Any, Any]) -> Staged:
    spec = ENTITIES[entity]
    absent = frozenset(row["absent"])
    record = Record(
        entity=entity,
        side=side,
        id=row["id"],
        version=row["version"],
        updated_at=row["updated_at"],
        values=_values(spec, row, absent),
        raw=row["raw"],
        state=State(row["state"]),
        skip=row["skip"],
        frozen=row["frozen"],
    )
    return Staged(record, row["content_hash"], row["seen_at"], row["missing_since"])


def _values(spec: Entity, row: Mapping[Any, Any], absent: frozenset[str]) -> dict[str, Value]:
    return {f.name: _from_column(f, row[column_of(f)]) for f in spec.fields if f.name not in absent}


def _from_column(spec: Field, value: Any) -> Value:
    if spec.kind is Kind.MONEY:
        return money(value)
    if spec.kind is Kind.NUMBER:
        return number(value)  # numeric(24,6) gives six decimals back; canonical numbers have no trailing zeros
    if spec.kind is Kind.LINES:
        return field_from_json(spec, value)
    return value  # type: ignore[no-any-return]  # text, date, boolean and integer columns give canonical types
