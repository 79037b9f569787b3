"""The closed set of value translations between a platform's JSON and canonical types.

Invariant: every transform has both directions, `read(write(v)) == v` for each canonical value it accepts, and what it
can't read it refuses instead of guessing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from qb_pipeline.entities import values
from qb_pipeline.entities.spec import Kind

_HUNDRED = Decimal(100)
Read = Callable[[Any], Any]


class Unreadable(ValueError):
    """A raw value that is not what the transform names; its text says what was wanted."""


@dataclass(frozen=True)
class Transform:
    """A named pair of functions; neither is called with None. `kinds` are the canonical kinds it may serve."""

    name: str
    kinds: frozenset[Kind]
    read: Read
    write: Callable[[Any, bool], Any]  # (canonical value, as JSON numbers?) -> JSON value


def _text(raw: Any) -> str | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise Unreadable("text")
    return values.text(str(raw))


def _decimal(raw: Any) -> Decimal | None:
    if raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise Unreadable("a number")
    try:
        exact = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation as error:
        raise Unreadable("a number") from error
    if not exact.is_finite():
        raise Unreadable("a finite number")
    return exact


def _scaled(rounding: Callable[[Decimal | None], Decimal | None], factor: Decimal = Decimal(1)) -> Read:
    def read(raw: Any) -> Decimal | None:
        exact = _decimal(raw)
        return None if exact is None else rounding(exact * factor)

    return read


def _integer(raw: Any) -> int | None:
    exact = _decimal(raw)
    if exact is not None and exact != exact.to_integral_value():
        raise Unreadable("a whole number")
    return None if exact is None else int(exact)


def _date(raw: Any) -> date | None:
    if raw == "":
        return None
    if not isinstance(raw, str) or len(raw) != 10:
        raise Unreadable("a date as YYYY-MM-DD")
    try:
        return date.fromisoformat(raw)
    except ValueError as error:
        raise Unreadable("a date as YYYY-MM-DD") from error


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Unreadable("true or false")
    return raw


def _plain(value: Any, _: bool) -> Any:
    return value


def _as_money(value: Decimal, as_numbers: bool) -> Any:
    exact = value.quantize(values.CENT)
    return exact if as_numbers else format(exact, "f")


def _as_number(value: Decimal, as_numbers: bool) -> Any:
    return value if as_numbers else format(value, "f")


def _as_fraction(value: Decimal, as_numbers: bool) -> Any:
    return _as_number(value / _HUNDRED, as_numbers)


def _as_cents(value: Decimal, _: bool) -> Any:
    return int((value * _HUNDRED).to_integral_value())


def _as_integer_id(value: str, _: bool) -> int:
    if not value.isdecimal():
        raise Unreadable("a whole number as id")
    return int(value)


_TEXTUAL = frozenset({Kind.TEXT, Kind.REF, Kind.EMAIL, Kind.PHONE})
_NUMERIC = frozenset({Kind.NUMBER})

TRANSFORMS: Mapping[str, Transform] = {
    t.name: t
    for t in (
        Transform("text", _TEXTUAL, _text, _plain),
        Transform("email", frozenset({Kind.EMAIL}), _text, _plain),
        Transform("phone", frozenset({Kind.PHONE}), _text, _plain),
        Transform("money", frozenset({Kind.MONEY}), _scaled(values.money), _as_money),
        Transform("cents", frozenset({Kind.MONEY}), _scaled(values.money, 1 / _HUNDRED), _as_cents),
        Transform("number", _NUMERIC, _scaled(values.number), _as_number),
        Transform("percent", _NUMERIC, _scaled(values.number), _as_number),
        Transform("fraction", _NUMERIC, _scaled(values.number, _HUNDRED), _as_fraction),
        Transform("integer", frozenset({Kind.INTEGER}), _integer, _plain),
        Transform("integer_id", frozenset({Kind.REF}), _text, _as_integer_id),
        Transform("date", frozenset({Kind.DATE}), _date, lambda value, _: value.isoformat()),
        Transform("boolean", frozenset({Kind.BOOLEAN}), _boolean, _plain),
    )
}
"""`percent` is 8.25 for 8.25 %, `fraction` 0.0825, `cents` whole cents; `money`, `number` take strings and numbers."""

DEFAULT_FOR: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.REF: "text",
    Kind.EMAIL: "email",
    Kind.PHONE: "phone",
    Kind.MONEY: "money",
    Kind.NUMBER: "number",
    Kind.INTEGER: "integer",
    Kind.DATE: "date",
    Kind.BOOLEAN: "boolean",
}
