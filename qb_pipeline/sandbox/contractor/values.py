"""Checking single JSON values against the kinds of `fields.py`, and exact money.

Invariant: money, quantities and prices travel as strings and are Decimals in between; a JSON number never becomes one.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from qb_pipeline.sandbox.contractor.fields import ADDRESS_PARTS, Field
from qb_pipeline.sandbox.contractor.problems import invalid

MONEY = re.compile(r"-?\d{1,11}\.\d{2}\Z")
NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?\Z")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
CENT = Decimal("0.01")
TOO_MUCH = Decimal(10**11)
ZERO = Decimal("0.00")

Record = dict[str, Any]


def to_cent(value: Decimal) -> Decimal:
    """Half a cent goes away from zero, as a bookkeeper rounds."""
    return value.quantize(CENT, ROUND_HALF_UP)


def money_text(value: Decimal) -> str:
    """`12.30`; never `-0.00`. Problem 422 for what no money field can hold."""
    if abs(value) >= TOO_MUCH:
        raise invalid("too_large", f"{value:.2f} is more than a money field holds (eleven digits before the point)")
    return f"{to_cent(value) + ZERO:.2f}"


def amount_of(entry: Record, name: str = "amount") -> Decimal:
    """A money field as a Decimal, zero when it is null."""
    return Decimal(entry.get(name) or "0.00")


def total_of(entries: Iterable[Record]) -> Decimal:
    """Sum of the amounts."""
    return sum((amount_of(entry) for entry in entries), ZERO)


def check(field: Field, value: Any, path: str) -> Any:
    """The value in its stored form; Problem 422 naming `path`. null is refused where a field is required or has
    a default, and means an empty list for lists."""
    if value is None:
        if field.kind == "list":
            return []
        if field.required or field.default is not None:
            raise invalid("required", f"{path} cannot be null", path)
        return None
    return CHECKS[field.kind](field, value, path)


def check_text(field: Field, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid("wrong_type", f"{path} must be a string, got {shown(value)}", path)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise invalid("bad_text", f"{path} holds half of a surrogate pair; send whole characters", path) from error
    if field.required and not value.strip():
        raise invalid("required", f"{path} is required and cannot be blank", path)
    return value


def check_boolean(_field: Field, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid("wrong_type", f"{path} must be true or false, got {shown(value)}", path)
    return value


def check_integer(_field: Field, value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("wrong_type", f"{path} must be a whole JSON number, got {shown(value)}", path)
    return value


def check_money(_field: Field, value: Any, path: str) -> str:
    if not isinstance(value, str) or not MONEY.match(value):
        raise invalid("bad_money", f'{path} must be a string with two decimals like "12.30", got {shown(value)}', path)
    return money_text(Decimal(value))


def check_number(_field: Field, value: Any, path: str) -> str:
    if not isinstance(value, str) or not NUMBER.match(value):
        raise invalid(
            "bad_number", f'{path} must be a decimal string like "2.5" (at most 6 decimals), got {shown(value)}', path
        )
    return value


def check_date(_field: Field, value: Any, path: str) -> str:
    message = f'{path} must be a date like "2026-03-31", got {shown(value)}'
    if not isinstance(value, str) or not DATE.match(value):
        raise invalid("bad_date", message, path)
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise invalid("bad_date", message, path) from error
    return value


def check_instant(_field: Field, value: Any, path: str) -> str:
    message = f'{path} must be a time with zone like "2026-03-31T09:00:00.000000Z", got {shown(value)}'
    if not isinstance(value, str):
        raise invalid("bad_time", message, path)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise invalid("bad_time", message, path) from error
    if moment.tzinfo is None:
        raise invalid("bad_time", message, path)
    return value


def check_enum(field: Field, value: Any, path: str) -> str:
    if value not in field.choices:
        known = ", ".join(field.choices)
        raise invalid("bad_choice", f"{path} must be one of {known}, got {shown(value)}", path)
    return str(value)


def check_address(_field: Field, value: Any, path: str) -> Record:
    if not isinstance(value, dict):
        raise invalid("wrong_type", f"{path} must be an address object, got {shown(value)}", path)
    parts = tuple(Field(part) for part in ADDRESS_PARTS)
    return dict.fromkeys(ADDRESS_PARTS) | clean(parts, value, f"{path}.")


def check_list(field: Field, value: Any, path: str) -> list[Record]:
    if not isinstance(value, list):
        raise invalid("wrong_type", f"{path} must be a list, got {shown(value)}", path)
    return [check_entry(field, entry, f"{path}[{position}]") for position, entry in enumerate(value)]


def check_entry(field: Field, entry: Any, path: str) -> Record:
    if not isinstance(entry, dict):
        raise invalid("wrong_type", f"{path} must be an object, got {shown(entry)}", path)
    filled = defaults(field.fields) | clean(field.fields, entry, f"{path}.")
    require(field.fields, filled, f"{path}.")
    return filled


CHECKS: dict[str, Callable[[Field, Any, str], Any]] = {
    "text": check_text,
    "boolean": check_boolean,
    "integer": check_integer,
    "money": check_money,
    "number": check_number,
    "date": check_date,
    "instant": check_instant,
    "enum": check_enum,
    "ref": check_text,
    "address": check_address,
    "list": check_list,
}


def clean(fields: tuple[Field, ...], body: Record, prefix: str = "") -> Record:
    """The given fields in stored form; Problem 422 for the first unknown or wrong one."""
    known = {field.name: field for field in fields}
    for name in body:
        if name not in known:
            raise invalid(
                "unknown_field", f"{prefix}{name} is not a field; known are {', '.join(known)}", f"{prefix}{name}"
            )
    return {name: check(known[name], value, f"{prefix}{name}") for name, value in body.items()}


def defaults(fields: tuple[Field, ...]) -> Record:
    """Every field with the value it has when nobody gives one."""
    return {field.name: list(field.default) if field.kind == "list" else field.default for field in fields}


def require(fields: tuple[Field, ...], record: Record, prefix: str = "") -> None:
    """Problem 422 for the first required field without a value."""
    for field in fields:
        if field.required and record.get(field.name) is None:
            path = f"{prefix}{field.name}"
            raise invalid("required", f"{path} is required", path)


def shown(value: Any) -> str:
    """A value as an error message quotes it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
