"""What QBO refuses in a name, a text or an address, said before anything is sent.

Invariant: a refusal names the record, the field, the limit and what was given, because a person has to correct it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from qb_pipeline.entities.records import Values
from qb_pipeline.entities.shown import shortened
from qb_pipeline.entities.spec import Entity, Field
from qb_pipeline.errors import PipelineError
from qb_pipeline.quickbooks.codecs import situations
from qb_pipeline.quickbooks.codecs.fields import street_lines
from qb_pipeline.situations import Situation

_STREETS_BEHIND_THE_FIRST = 4
_STREET_LIMIT = 500
_ADDRESS_LIMITS = {"line1": _STREET_LIMIT, "city": 255, "state": 255, "country": 255, "postal_code": 30}
_FORBIDDEN = {":": "a colon", "\t": "a tab", "\n": "a line feed"}


def record_label(entity: Entity, values: Values) -> str:
    """How a person would call the record: `Invoice 'R-1042'`."""
    known = next((values[name] for name in entity.label_fields if values.get(name) is not None), None)
    return entity.title if known is None else f"{entity.title} '{shortened(str(known))}'"


def refuse(situation: Situation, entity: Entity, values: Values, field: str | None, **names: Any) -> PipelineError:
    """The error that says what is wrong with this record and how somebody can put it right."""
    return situation.error(record=record_label(entity, values), field=field, **names)


def check(entity: Entity, values: Values, names: Collection[str]) -> None:
    """Raise `FixTheData` for a required field left empty or a text longer than QBO holds, among `names`."""
    for field in entity.fields:
        if field.name in names:
            _check_presence(entity, values, field)
            _check_length(entity, values, field)
    for group in {field.group for field in entity.fields if field.group and field.name in names}:
        _check_address(entity, values, group)


def _check_presence(entity: Entity, values: Values, field: Field) -> None:
    if field.required and values.get(field.name) is None:
        raise refuse(situations.MISSING, entity, values, field.name, label=field.label)


def _check_length(entity: Entity, values: Values, field: Field) -> None:
    value = values.get(field.name)
    if isinstance(value, str) and field.max_length:
        check_text(entity, values, field.name, field.label, value, field.max_length)


def check_text(entity: Entity, values: Values, field: str, label: str, text: str, limit: int) -> None:
    """Raise `FixTheData` when `text` is longer than `limit` characters."""
    if len(text) > limit:
        raise refuse(situations.TOO_LONG, entity, values, field, length=len(text), label=label, limit=limit)


def _check_address(entity: Entity, values: Values, prefix: str) -> None:
    for part, limit in _ADDRESS_LIMITS.items():
        name = f"{prefix}_{part}"
        check_text(entity, values, name, entity[name].label, str(values.get(name) or ""), limit)
    name = f"{prefix}_line2"
    streets = street_lines(values, prefix)
    if len(streets) > _STREETS_BEHIND_THE_FIRST:
        raise refuse(
            situations.TOO_MANY_LINES, entity, values, name,
            count=len(streets), label=entity[name].label, limit=_STREETS_BEHIND_THE_FIRST,
        )  # fmt: skip
    for street in streets:
        check_text(entity, values, name, entity[name].label, street, _STREET_LIMIT)


def check_name_characters(entity: Entity, values: Values, names: Collection[str]) -> None:
    """Raise `FixTheData` for a colon, tab or line feed in one of the named fields: QBO refuses them in names."""
    for name in names:
        found = next((word for sign, word in _FORBIDDEN.items() if sign in str(values.get(name) or "")), None)
        if found:
            raise refuse(situations.BAD_NAME, entity, values, name, sign=found, label=entity[name].label)
