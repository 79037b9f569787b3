"""A small language for what a request body may hold, and the check of a body against it.

Invariant: nothing unknown or malformed gets past `clean`; it is refused by the code QBO uses for that mistake.

    PROPERTIES = {"Name": Text(100, name=True), "ParentRef": Ref("Item"), "Balance": ReadOnly(), ...}
    cleaned = clean(PROPERTIES, body, "Item")
    cleaned.values   {"Name": "Pump", "ParentRef": {"value": "4"}}; None marks a property to clear (sent as "")
    cleaned.refs     [(the dict in values, its Ref), ...] for the check that the referred records exist

JSON null counts as "not sent". Read-only properties are ignored, as QBO ignores them in an echoed object.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, number

FORBIDDEN_IN_NAMES = re.compile(r"[:\t\n\r]")
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ].*|[+-]\d\d:\d\d|Z)?")
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
LARGEST = Decimal(10) ** 11
SKIPPED = object()


@dataclass(frozen=True)
class Text:
    """A string of at most `longest` characters; `name` forbids colon, tab and line end."""

    longest: int = 4000
    name: bool = False
    email: bool = False


@dataclass(frozen=True)
class Number:
    """A number, rounded half up to `places` decimals; text that reads as one is accepted, as QBO accepts it."""

    places: int = 10


@dataclass(frozen=True)
class Flag:
    """A boolean."""


@dataclass(frozen=True)
class Day:
    """A calendar day, `YYYY-MM-DD`; a time after it is cut off."""


@dataclass(frozen=True)
class Choice:
    """One of a closed set of words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Ref:
    """`{"value": id}` to a record of `target` ("" when it is not checked); `named`: shown with its name."""

    target: str
    named: bool = True


@dataclass(frozen=True)
class Group:
    """A nested object; an `open` one keeps properties it does not know."""

    properties: Mapping[str, "Property"]
    open: bool = False


@dataclass(frozen=True)
class Many:
    """An array of nested objects."""

    of: Group


@dataclass(frozen=True)
class Anything:
    """Kept as sent."""


@dataclass(frozen=True)
class ReadOnly:
    """Known, made by the server, ignored when sent."""


MONEY = Number(2)
Property = Text | Number | Flag | Day | Choice | Ref | Group | Many | Anything | ReadOnly
Properties = Mapping[str, Property]


@dataclass
class Cleaned:
    """The accepted part of a body."""

    values: JsonObject
    refs: list[tuple[JsonObject, Ref]] = field(default_factory=list)


def clean(properties: Properties, body: object, entity: str) -> Cleaned:
    """Check a whole request body. Fault 2010 and its kin."""
    result = Cleaned({})
    result.values = clean_group(properties, body, entity, "", result)
    return result


def clean_group(
    properties: Properties, body: object, entity: str, path: str, into: Cleaned, *, is_open: bool = False
) -> JsonObject:
    """Check one JSON object; `path` names it in faults."""
    if not isinstance(body, dict):
        raise malformed(path or entity)
    values: JsonObject = {}
    for key, value in body.items():
        if key not in properties and not is_open:
            raise unknown_property(key, entity)
        if value is None:
            continue
        if key not in properties:
            values[key] = value
            continue
        kept = clean_value(properties[key], value, entity, f"{path}.{key}" if path else key, into)
        if kept is not SKIPPED:
            values[key] = kept
    return values


def clean_value(prop: Property, value: Any, entity: str, path: str, into: Cleaned) -> Any:  # noqa: PLR0911
    # One return a kind of property reads better than a dispatch table with casts.
    """Check one value; SKIPPED when it is to be ignored, None when it clears the property."""
    match prop:
        case ReadOnly():
            return SKIPPED
        case Anything():
            return value
        case _ if isinstance(value, str) and value == "":
            return None
        case Text():
            return clean_text(prop, value, path)
        case Number():
            return clean_number(prop, value, path)
        case Flag():
            return clean_flag(value, path)
        case Day():
            return clean_day(value, path)
        case Choice():
            return clean_choice(prop, value, path)
        case Ref():
            return clean_ref(prop, value, path, into)
        case Group():
            return clean_nested(prop, value, entity, path, into)
        case Many():
            return clean_many(prop, value, entity, path, into)


def clean_text(prop: Text, value: object, path: str) -> str:
    """A string within its length (2050), without forbidden characters (2040), an e-mail address (2210)."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise malformed(path)
    text = str(value)
    if len(text) > prop.longest:
        raise Fault(
            2050,
            f"String length specified does not match the supported length. Min:0 Max:{prop.longest:,} supported. "
            f"Supplied length:{len(text):,}",
            element=path,
        )
    if prop.name and FORBIDDEN_IN_NAMES.search(text):
        raise Fault(2040, f"Property {path} must not hold a colon, a tab or a line end.", element=path)
    if prop.email and not all(EMAIL.fullmatch(part.strip()) for part in text.split(",")):
        raise Fault(2210, f"Email Address does not conform to the syntax rules of RFC 822: {text}", element=path)
    return text


def clean_number(prop: Number, value: object, path: str) -> Decimal | int:
    """A finite number below 10^11 (2090, 2140)."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise malformed(path)
    try:
        exact = Decimal(str(value))
    except InvalidOperation as error:
        raise Fault(2090, f"{path} should be a valid number. Supplied value:{value}", element=path) from error
    if not exact.is_finite() or abs(exact) >= LARGEST:
        raise Fault(2140, f"{path} is out of range. Supplied value:{value}", element=path)
    return number(exact.quantize(Decimal(1).scaleb(-prop.places), rounding=ROUND_HALF_UP))


def clean_flag(value: object, path: str) -> bool:
    """true or false, also as text (2230)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Fault(2230, f"{path} should be true or false. Supplied value:{value}", element=path)


def clean_day(value: object, path: str) -> str:
    """`YYYY-MM-DD` (2060 for the form, 2070 for a day that does not exist)."""
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Fault(2060, f"{path} should be a date of the form YYYY-MM-DD. Supplied value:{value}", element=path)
    try:
        return date.fromisoformat(found[1]).isoformat()
    except ValueError as error:
        raise Fault(2070, f"{path} is no valid date. Supplied value:{value}", element=path) from error


def clean_choice(prop: Choice, value: object, path: str) -> str:
    """One of the words, exactly as spelled (2170)."""
    if value not in prop.words:
        known = ", ".join(prop.words)
        raise Fault(2170, f"{path} should be one of {known}. Supplied value:{value}", element=path)
    return str(value)


def clean_ref(prop: Ref, value: object, path: str, into: Cleaned) -> JsonObject | None:
    """A reference without its name, which the server fills in; an empty `value` clears it."""
    if not isinstance(value, dict) or set(value) - {"value", "name", "type"}:
        raise malformed(path)
    identifier = value.get("value")
    if identifier in (None, ""):
        return None
    if isinstance(identifier, bool) or not isinstance(identifier, str | int):
        raise malformed(path)
    ref: JsonObject = {"value": str(identifier)}
    if value.get("type"):
        ref["type"] = value["type"]
    into.refs.append((ref, prop))
    return ref


def clean_nested(prop: Group, value: object, entity: str, path: str, into: Cleaned) -> JsonObject | None:
    """A nested object with what is left after empty texts are dropped; one with nothing left clears it."""
    values = clean_group(prop.properties, value, entity, path, into, is_open=prop.open)
    kept = {key: part for key, part in values.items() if part is not None}
    return kept or (None if values else {})


def clean_many(prop: Many, value: object, entity: str, path: str, into: Cleaned) -> list[JsonObject]:
    """An array of objects."""
    if not isinstance(value, list):
        raise malformed(path)
    return [
        {
            key: kept
            for key, kept in clean_group(prop.of.properties, part, entity, path, into).items()
            if kept is not None
        }
        for part in value
    ]


def unknown_property(key: str, entity: str) -> Fault:
    """2010 for a property the entity does not have."""
    return Fault(
        2010,
        f'Property Name:Unrecognized field "{key}" (class com.intuit.schema.finance.v3.{entity}), '
        "not marked as ignorable specified is unsupported or invalid",
        element=None,
    )


def malformed(path: str) -> Fault:
    """2010 for a value of the wrong JSON type."""
    return Fault(
        2010,
        f"Property Name:failed to parse json object; a property specified is unsupported or invalid ({path})",
        element=None,
    )
