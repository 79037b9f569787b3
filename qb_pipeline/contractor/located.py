"""YAML that remembers where every value stands.

Invariant: nothing in a system file is ignored; an unknown, repeated, missing or mistyped key is `Misconfigured` with
the file and line, before any request is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from qb_pipeline.errors import Misconfigured

T = TypeVar("T")
_WORDS = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}


class Located:
    """One YAML node with its file; keys of a mapping are taken one by one and `done` refuses the rest."""

    def __init__(self, node: yaml.Node, file: str, path: str = "") -> None:
        self.node = node
        self.file = file
        self.path = path
        self._taken: set[str] = set()
        self._entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._add(key, value)

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        name = str(_construct(key))
        if name in self._entries:
            raise _misconfigured(self.file, key, f"`{name}` stands twice", "Keep one of the two.")
        self._entries[name] = (key, value)

    @property
    def line(self) -> int:
        return _line(self.node)

    def wrong(self, what: str, fix: str) -> Misconfigured:
        """An error at this node: `FILE:LINE: <path>: <what>`."""
        return _misconfigured(self.file, self.node, f"{self.path}: {what}" if self.path else what, fix)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def child(self, key: str) -> Located:
        """The node under `key`, which must be there."""
        self._taken.add(key)
        if not self.is_mapping():
            raise self.wrong("a mapping is wanted here", f"Write `{key}: …` below it.")
        if key not in self._entries:
            raise self.wrong(f"`{key}` is missing", f"Add `{key}`.")
        return Located(self._entries[key][1], self.file, self._below(key))

    def optional(self, key: str) -> Located | None:
        """The node under `key`, or None when it is not there or null."""
        self._taken.add(key)
        if key not in self._entries:
            return None
        child = self.child(key)
        return None if child.plain() is None else child

    def items(self) -> Iterator[tuple[str, Located]]:
        """Every key with its node; the keys count as taken."""
        if not self.is_mapping():
            raise self.wrong("a mapping is wanted here", "Write `key: value` pairs below it.")
        for key in self._entries:
            yield key, self.child(key)

    def elements(self) -> Iterator[Located]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("a list is wanted here", "Write it as `[a, b]` or with leading dashes.")
        for n, element in enumerate(self.node.value, start=1):
            yield Located(element, self.file, f"{self.path}[{n}]")

    def plain(self) -> Any:
        """The node as plain Python: dict, list, str, int, float, bool or None."""
        return _construct(self.node)

    def scalar(self, kind: type[T]) -> T:
        value = self.plain()
        if type(value) is not kind:
            raise self.wrong(f"{value!r} is not {_WORDS[kind]}", f"Write {_WORDS[kind]}.")
        return value

    def take(self, key: str, kind: type[T]) -> T:
        return self.child(key).scalar(kind)

    def take_or(self, key: str, kind: type[T], default: T) -> T:
        child = self.optional(key)
        return default if child is None else child.scalar(kind)

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """The text under `key`, which must be one of `allowed`."""
        child = self.optional(key)
        if child is None:
            if default is None:
                raise self.wrong(f"`{key}` is missing", f"Add `{key}`: one of {', '.join(allowed)}.")
            return default
        value = child.scalar(str)
        if value not in allowed:
            raise child.wrong(f"{value!r} is unknown", f"Write one of {', '.join(allowed)}.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under `key`; empty when it is not there."""
        child = self.optional(key)
        return () if child is None else tuple(element.scalar(str) for element in child.elements())

    def done(self) -> None:
        """Refuse every key nobody took."""
        for name, (key, _) in self._entries.items():
            if name not in self._taken:
                known = ", ".join(sorted(self._taken))
                raise _misconfigured(self.file, key, f"{self._below(name)}: unknown key", f"Known here: {known}.")

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def read_located(path: Path) -> Located:
    """The root mapping of a YAML file; raises `Misconfigured` when it is not there, not YAML or not a mapping."""
    try:
        with path.open(encoding="utf-8") as stream:
            node = yaml.compose(stream, Loader=yaml.SafeLoader)
    except OSError as error:
        raise Misconfigured(
            f"The system file {path} can't be read: {error.strerror}.", code="no_system_file", fix="Check its name."
        ) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f":{place.line + 1}" if place else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise Misconfigured(
            f"{path.name}{line}: {problem}.", code="bad_system_file", fix="Correct the file's syntax."
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise Misconfigured(f"{path.name}:1: no mapping.", code="bad_system_file", fix="Start it with `system: …`.")
    return Located(node, path.name)


def _construct(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _misconfigured(file: str, node: yaml.Node, what: str, fix: str) -> Misconfigured:
    return Misconfigured(f"{file}:{_line(node)}: {what}.", code="bad_system_file", fix=fix)
