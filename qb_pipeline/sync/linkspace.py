"""References in a space both sides share: the number of the link, instead of either side's native id.

Invariant: a value that still holds an `Unlinked` reference is never written anywhere; the record waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qb_pipeline.entities.records import Line, Values
from qb_pipeline.entities.spec import Entity, Field, Kind


@dataclass(frozen=True)
class Unlinked:
    """A reference to a record that has no link yet."""

    entity: str
    native_id: str


@dataclass(frozen=True)
class Reference:
    """Where a value points: `entity` and either a native id or a link number."""

    entity: str
    key: str | int


Translate = Callable[[str, Any], Any]


def project(entity: Entity, values: Values, link_of: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Native references become link numbers, or `Unlinked` where there is no link."""

    def translate(target: str, native_id: Any) -> Any:
        link = link_of.get((target, native_id))
        return Unlinked(target, native_id) if link is None else link

    return _translated(entity, values, translate)


def unproject(entity: Entity, values: Mapping[str, Any], native_of: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    """Link numbers become the target side's native ids; `Unlinked` stays, for `unlinked` to report."""

    def translate(target: str, link: Any) -> Any:
        if isinstance(link, Unlinked):
            return link
        native = native_of.get((target, link))
        return Unlinked(target, f"link {link}") if native is None else native

    return _translated(entity, values, translate)


def references(entity: Entity, values: Mapping[str, Any]) -> Iterator[Reference]:
    """Every reference a record holds, in its fields and in its lines."""
    for spec in entity.fields:
        value = values.get(spec.name)
        if spec.kind is Kind.REF and value is not None:
            yield Reference(spec.refers_to or "", value)
        elif spec.kind is Kind.LINES:
            yield from _line_references(spec, value or ())


def unlinked(entity: Entity, values: Mapping[str, Any], names: frozenset[str] | None = None) -> list[Unlinked]:
    """What the named fields (all, when None) of a record still wait for."""
    wanted = {k: v for k, v in values.items() if names is None or k in names}
    return [r.key for r in references(entity, wanted) if isinstance(r.key, Unlinked)]


def _line_references(spec: Field, lines: tuple[Line, ...]) -> Iterator[Reference]:
    refs = [f for f in spec.lines if f.kind is Kind.REF]
    for line in lines:
        for f in refs:
            if line.get(f.name) is not None:
                yield Reference(f.refers_to or "", line[f.name])


def _translated(entity: Entity, values: Mapping[str, Any], translate: Translate) -> dict[str, Any]:
    return {f.name: _value(f, values[f.name], translate) for f in entity.fields if f.name in values}


def _value(spec: Field, value: Any, translate: Translate) -> Any:
    if value is None:
        return None
    if spec.kind is Kind.REF:
        return translate(spec.refers_to or "", value)
    if spec.kind is Kind.LINES:
        return tuple(_line(spec, line, translate) for line in value)
    return value


def _line(spec: Field, line: Line, translate: Translate) -> dict[str, Any]:
    known = {f.name: f for f in spec.lines}
    return {k: _value(known[k], v, translate) if k in known else v for k, v in line.items()}
