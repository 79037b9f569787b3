"""What QBO refuses in a name, a text or an address, said before anything is sent.

Invariant: a refusal names the record, the field, the limit and what was given, because a person has to correct it.
"""

from __future__ import annotations

from collections.abc import Collection

from qb_pipeline.entities.records import Values
from qb_pipeline.entities.spec import Entity, Field
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs.fields import street_lines

_STREETS_BEHIND_THE_FIRST = 4
_STREET_LIMIT = 500
_ADDRESS_LIMITS = {"line1": _STREET_LIMIT, "city": 255, "state": 255, "country": 255, "postal_code": 30}
_FORBIDDEN = {":": "a colon", "\t": "a tab", "\n": "a line feed"}


def record_label(entity: Entity, values: Values) -> str:
    """How a person would call the record: `Invoice 'R-1042'`."""
    known = next((values[name] for name in entity.label_fields if values.get(name) is not None), None)
    return entity.title if known is None else f"{entity.title} '{known}'"


def refuse(entity: Entity, values: Values, problem: str, *, code: str, fix: str, field: str) -> FixTheData:
    """The error that says what is wrong with this record and how the office can put it right."""
    return FixTheData(f"{record_label(entity, values)} {problem}", code=code, fix=fix, who="office", field=field)


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
        raise refuse(
            entity,
            values,
            f"has no {field.label}, which QuickBooks requires.",
            code="missing",
            fix=f"Fill in the {field.label}.",
            field=field.name,
        )


def _check_length(entity: Entity, values: Values, field: Field) -> None:
    value = values.get(field.name)
    if isinstance(value, str) and field.max_length:
        check_text(entity, values, field.name, field.label, value, field.max_length)


def check_text(entity: Entity, values: Values, field: str, label: str, text: str, limit: int) -> None:
    """Raise `FixTheData` when `text` is longer than `limit` characters."""
    if len(text) > limit:
        raise refuse(
            entity,
            values,
            f"has {len(text)} characters in {label}; QuickBooks holds at most {limit}.",
            code="too-long",
            fix=f"Shorten the {label} to {limit} characters.",
            field=field,
        )


def _check_address(entity: Entity, values: Values, prefix: str) -> None:
    for part, limit in _ADDRESS_LIMITS.items():
        name = f"{prefix}_{part}"
        check_text(entity, values, name, entity[name].label, str(values.get(name) or ""), limit)
    name = f"{prefix}_line2"
    streets = street_lines(values, prefix)
    if len(streets) > _STREETS_BEHIND_THE_FIRST:
        raise refuse(
            entity,
            values,
            f"has {len(streets)} lines in {entity[name].label}; QuickBooks holds at most {_STREETS_BEHIND_THE_FIRST}.",
            code="too-many-lines",
            fix="Join some of the address lines.",
            field=name,
        )
    for street in streets:
        check_text(entity, values, name, entity[name].label, street, _STREET_LIMIT)


def check_name_characters(entity: Entity, values: Values, names: Collection[str]) -> None:
    """Raise `FixTheData` for a colon, tab or line feed in one of the named fields: QBO refuses them in names."""
    for name in names:
        found = next((word for sign, word in _FORBIDDEN.items() if sign in str(values.get(name) or "")), None)
        if found:
            raise refuse(
                entity,
                values,
                f"has {found} in its {entity[name].label}, which QuickBooks refuses in names.",
                code="bad-name",
                fix=f"Remove {found} from the {entity[name].label}.",
                field=name,
            )
