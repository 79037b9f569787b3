"""Comparing, hashing and storing canonical values.

Invariant: two values are the same exactly when an accountant would say so (case of an e-mail, punctuation of a phone
and trailing zeros do not count), and a value survives the trip through a jsonb base unchanged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import simplejson

from qb_pipeline.entities.records import Line, Value, Values
from qb_pipeline.entities.spec import Direction, Entity, Field, Kind

CENT = Decimal("0.01")
_MICRO = Decimal("0.000001")


def money(value: str | int | Decimal | None) -> Decimal | None:
    """An amount rounded half up to the cent, or None for absent."""
    return None if value in (None, "") else Decimal(value).quantize(CENT, ROUND_HALF_UP)


def number(value: str | int | Decimal | None) -> Decimal | None:
    """A quantity or price with at most six decimals and no trailing zeros."""
    if value in (None, ""):
        return None
    exact = Decimal(value).quantize(_MICRO, ROUND_HALF_UP).normalize()
    return exact if exact.as_tuple().exponent <= 0 else exact.quantize(Decimal(1))  # type: ignore[operator]  # finite


def text(value: str | None) -> str | None:
    """Trimmed text with line feeds only; empty means absent, as both systems treat it."""
    cleaned = (value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    return cleaned or None


def _phone_key(value: str) -> str:
    digits = re.sub(r"\D", "", value)
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits or value


def comparable(spec: Field, value: Value) -> Any:
    """The form in which two values of this field are compared."""
    if value is None:
        return None
    if spec.kind is Kind.EMAIL and isinstance(value, str):
        return value.casefold()
    if spec.kind is Kind.PHONE and isinstance(value, str):
        return _phone_key(value)
    if spec.kind is Kind.LINES and isinstance(value, tuple):
        return tuple(_comparable_line(spec, line) for line in value)
    return value


def _comparable_line(spec: Field, line: Line) -> tuple[Any, ...]:
    return tuple(comparable(f, line.get(f.name)) for f in spec.lines)


def same(spec: Field, left: Value, right: Value) -> bool:
    return bool(comparable(spec, left) == comparable(spec, right))


def to_json(entity: Entity, values: Values) -> dict[str, Any]:
    """Values as jsonb holds them: Decimals and dates as strings, lines as lists."""
    return {f.name: field_to_json(f, values[f.name]) for f in entity.fields if f.name in values}


def field_to_json(spec: Field, value: Value) -> Any:
    if isinstance(value, tuple):
        known = {f.name: f for f in spec.lines}
        return [{k: field_to_json(known[k], v) if k in known else v for k, v in line.items()} for line in value]
    if isinstance(value, Decimal | date):
        return str(value)
    return value


def from_json(entity: Entity, stored: Mapping[str, Any]) -> dict[str, Value]:
    return {f.name: field_from_json(f, stored[f.name]) for f in entity.fields if f.name in stored}


def field_from_json(spec: Field, value: Any) -> Value:
    if value is None:
        return None
    if spec.kind is Kind.LINES:
        known = {f.name: f for f in spec.lines}
        return tuple({k: field_from_json(known[k], v) if k in known else v for k, v in line.items()} for line in value)
    if spec.kind in (Kind.MONEY, Kind.NUMBER):
        return Decimal(value)
    if spec.kind is Kind.DATE:
        return date.fromisoformat(value)
    return value  # type: ignore[no-any-return]  # text, boolean, integer and link ids are JSON's own types


def content_hash(entity: Entity, values: Values, state: str) -> str:
    """A short digest of what a person would call the content.

    Versions, times and merely observed figures (an invoice's balance) do not count: a payment edits no invoice.
    """
    owned = {f.name: values.get(f.name) for f in entity.fields if f.direction is not Direction.NONE}
    canonical = simplejson.dumps([state, to_json(entity, owned)], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
