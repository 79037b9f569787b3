"""Conditions of a system file: what makes a record voided, skipped or frozen, or a line a discount.

Invariant: a condition is data from a closed set of tests on one path; it never runs text from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from qb_pipeline.contractor.located import Located
from qb_pipeline.contractor.paths import is_path, look


def _number(value: Any) -> Decimal:
    try:
        return Decimal(value if not isinstance(value, float | bool) and value not in (None, "") else 0)
    except (InvalidOperation, TypeError):
        return Decimal(0)


_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "present": lambda value: value not in (None, ""),
    "absent": lambda value: value in (None, ""),
    "positive": lambda value: _number(value) > 0,
    "negative": lambda value: _number(value) < 0,
    "zero": lambda value: _number(value) == 0,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
}


@dataclass(frozen=True)
class Condition:
    """A test of the value at `at`: one of the named tests, or membership in `among`."""

    at: str
    test: str | None = None
    among: tuple[Any, ...] = ()

    def holds(self, raw: Mapping[str, Any]) -> bool:
        value = look(raw, self.at)
        return _TESTS[self.test](value) if self.test else value in self.among


@dataclass(frozen=True)
class Because:
    """A condition with the reason a person reads where it holds."""

    when: Condition
    because: str


def take_path(node: Located, key: str = "at") -> str:
    """The path under `key`; raises `Misconfigured` when it is none."""
    path = node.take(key, str)
    if not is_path(path):
        raise node.child(key).wrong(f"{path!r} is not a path", "Write names joined by dots, as in `address.city`.")
    return path


def load_condition(node: Located) -> Condition:
    """`{at: path, is: test}`, `{at: path, equals: value}` or `{at: path, in: [values]}`."""
    at = take_path(node)
    forms = [key for key in ("is", "equals", "in") if key in node]
    if len(forms) != 1:
        raise node.wrong("exactly one of `is`, `equals`, `in` is wanted", "Keep one test per condition.")
    condition = _load_test(node, at, forms[0])
    node.done()
    return condition


def _load_test(node: Located, at: str, form: str) -> Condition:
    if form == "is":
        test = node.child("is").plain()
        # YAML reads a bare true or false as a boolean.
        word = str(test).lower() if isinstance(test, bool) else test
        if word not in _TESTS:
            raise node.child("is").wrong(f"{test!r} is unknown", f"Write one of {', '.join(_TESTS)}.")
        return Condition(at, test=word)
    if form == "equals":
        return Condition(at, among=(node.child("equals").plain(),))
    return Condition(at, among=tuple(element.plain() for element in node.child("in").elements()))


def load_reasons(node: Located, key: str) -> tuple[Because, ...]:
    """The list of `{when: condition, because: text}` under `key`; empty when it is not there."""
    rules = node.optional(key)
    return () if rules is None else tuple(_load_reason(rule) for rule in rules.elements())


def _load_reason(node: Located) -> Because:
    reason = Because(load_condition(node.child("when")), node.take("because", str))
    node.done()
    return reason


def first_reason(rules: tuple[Because, ...], raw: Mapping[str, Any]) -> str | None:
    return next((rule.because for rule in rules if rule.when.holds(raw)), None)
