"""A company's own file: who owns which field, which way it travels, and the accounts that stand in as defaults.

Invariant: a wrong file is refused as a whole, with the line and the allowed values; a missing file means the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity, Policy
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.rules import Brake, Limit, Override, Rules

DEFAULTS = ("income_account", "goods_income_account", "expense_account", "discount_account")
E = TypeVar("E", bound=StrEnum)
Pairs = Iterator[tuple[str, yaml.Node, yaml.Node]]


@dataclass(frozen=True)
class CompanyFile:
    """What the file says: overrides for the rules, and account names under `defaults`."""

    rules: Rules = field(default_factory=Rules)
    defaults: Mapping[str, str] = field(default_factory=dict)


def read_company_file(path: Path) -> CompanyFile:
    """Read `path`; raises `Misconfigured` with file, line and the allowed values."""
    if not path.exists():
        return CompanyFile()
    try:
        root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _wrong(
            path, line, f"it is not YAML: {error.problem}", "Correct the indentation or quoting there."
        ) from None
    return CompanyFile() if root is None else _File(path).read(root)


class _File:
    """Reading one file; keeps its path for messages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._overrides: dict[str, Override] = {}
        self._defaults: dict[str, str] = {}
        self._brake = Brake()

    def read(self, root: yaml.Node) -> CompanyFile:
        for name, _, value in self._pairs(root, ("defaults", "entities", "brake")):
            if name == "defaults":
                self._read_defaults(value)
            elif name == "brake":
                self._read_brake(value)
            else:
                self._read_entities(value)
        return CompanyFile(Rules(self._overrides, brake=self._brake), self._defaults)

    def _read_defaults(self, node: yaml.Node) -> None:
        for name, _, value in self._pairs(node, DEFAULTS):
            self._defaults[name] = self._text(value, "the full name of an account")

    def _read_brake(self, node: yaml.Node) -> None:
        for name, _, value in self._pairs(node, ("remove", "overwrite")):
            limit: Limit = getattr(self._brake, name)
            for word, _, number in self._pairs(value, ("percent", "fewest")):
                limit = replace(limit, **{word: self._count(number, 100 if word == "percent" else None)})
            self._brake = replace(self._brake, **{name: limit})

    def _count(self, node: yaml.Node, most: int | None) -> int:
        text = str(node.value)
        if not text.isdecimal() or (most is not None and int(text) > most):
            allowed = "a whole number" + (f" from 0 to {most}" if most is not None else "")
            raise self._error(node, f"{text!r} is not allowed", f"Write {allowed}.")
        return int(text)

    def _read_entities(self, node: yaml.Node) -> None:
        for name, _, value in self._pairs(node, tuple(ENTITIES)):
            self._read_rule(ENTITIES[name], name, value, ("direction", "conflict", "fields"))

    def _read_rule(self, entity: Entity, key: str, node: yaml.Node, allowed: tuple[str, ...]) -> None:
        direction: Direction | None = None
        policy: Policy | None = None
        for name, _, value in self._pairs(node, allowed):
            if name == "direction":
                direction = self._choice(value, Direction)
            elif name == "conflict":
                policy = self._choice(value, Policy)
            else:
                self._read_fields(entity, value)
        self._overrides[key] = Override(direction, policy)

    def _read_fields(self, entity: Entity, node: yaml.Node) -> None:
        for name, _, value in self._pairs(node, tuple(f.name for f in entity.fields)):
            self._read_rule(entity, f"{entity.name}.{name}", value, ("direction", "conflict"))

    def _pairs(self, node: yaml.Node, allowed: tuple[str, ...]) -> Pairs:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(
                node, "a block of `name: value` lines is expected", f"Allowed names: {', '.join(allowed)}."
            )
        for key, value in node.value:
            name = str(key.value)
            if name not in allowed:
                raise self._error(key, f"{name!r} is not known here", f"Allowed: {', '.join(allowed)}.")
            yield name, key, value

    def _choice(self, node: yaml.Node, choices: type[E]) -> E:
        word = str(node.value)
        if word not in [c.value for c in choices]:
            raise self._error(node, f"{word!r} is not allowed", f"Allowed: {', '.join(c.value for c in choices)}.")
        return choices(word)

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            raise self._error(node, f"{what} is expected", "Write it behind the colon.")
        return str(node.value).strip()

    def _error(self, node: yaml.Node, what: str, fix: str) -> Misconfigured:
        return _wrong(self._path, node.start_mark.line + 1, what, fix)


def _wrong(path: Path, line: int, what: str, fix: str) -> Misconfigured:
    return Misconfigured(f"{path}, line {line}: {what}.", code="bad_company_file", fix=fix)
