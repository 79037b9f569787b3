"""The codec of one entity, made from its mapping.

Invariant: before a body leaves, it is decoded again and must say what was wanted, so that a value the platform can't
hold is refused by name instead of being lost; what the mapping does not name is left as the platform has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from qb_pipeline.contractor import situations
from qb_pipeline.contractor.conditions import first_reason
from qb_pipeline.contractor.mapping import EntityMap, LinesMap, Remainder, ValueMap
from qb_pipeline.contractor.paths import look, put, root
from qb_pipeline.contractor.transforms import Unreadable
from qb_pipeline.entities.records import Decoded, Line, State, Value, Values
from qb_pipeline.entities.values import same
from qb_pipeline.errors import PipelineError
from qb_pipeline.situations import Situation

Raw = Mapping[str, Any]


class MappedCodec:
    """Implements `qb_pipeline.entities.codec.Codec`.

    Decoded values hold exactly the fields the mapping reads; `encode_create` leaves out fields that are None or that
    the platform has no place for (its `Capabilities` say which); `encode_update` refuses to change such a field.
    """

    def __init__(self, entity_map: EntityMap) -> None:
        self._map = entity_map

    def decode(self, raw: Raw) -> Decoded:
        """Raises `FixTheData` with code `unreadable_field` naming the record and the field."""
        values: dict[str, Value] = {m.spec.name: self._read(m, raw, raw) for m in self._map.values if m.reads}
        for lines in self._map.lines:
            if lines.reads:
                values[lines.spec.name] = self._read_lines(lines, raw)
        for rest in self._map.remainders:
            values[rest.spec.name] = _remainder(rest, values)
        return Decoded(
            values=values,
            state=self._state(raw),
            skip=first_reason(self._map.skip, raw),
            frozen=first_reason(self._map.frozen, raw),
        )

    def encode_create(self, values: Values) -> dict[str, Any]:
        """Raises `FixTheData` with code `not_expressible` for a value the platform can't hold."""
        body: dict[str, Any] = {}
        _put_all(body, self._map.on_create)
        for m in self._map.values:
            if m.writes and values.get(m.spec.name) is not None:
                put(body, m.at, self._written(m, values[m.spec.name]))
        for lines in self._map.lines:
            if lines.writes and values.get(lines.spec.name) is not None:
                put(body, lines.at, self._write_lines(lines, _as_lines(values[lines.spec.name]), {}))
        self._verify(values, self._map.writable_on_create(), body)
        return body

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> dict[str, Any]:
        """Raises `FixTheData` with code `not_writable` or `not_expressible`."""
        self._refuse_unwritable(changed, current)
        body: dict[str, Any] = {}
        _put_all(body, self._map.on_update)
        for m in self._map.values:
            if m.spec.name in changed:
                _put_beside(body, m.at, self._written(m, values.get(m.spec.name)), current)
        for lines in self._map.lines:
            if lines.spec.name in changed:
                wanted = _as_lines(values.get(lines.spec.name))
                _put_beside(body, lines.at, self._write_lines(lines, wanted, current), current)
        self._verify(values, changed, {**current, **body})
        return body

    def _state(self, raw: Raw) -> State:
        if self._map.deleted and self._map.deleted.holds(raw):
            return State.DELETED
        return State.VOIDED if self._map.voided and self._map.voided.holds(raw) else State.LIVE

    def _read(self, m: ValueMap, holder: Raw, record: Raw) -> Any:
        found = look(holder, m.at)
        if found in (None, "") and m.otherwise:
            found = look(holder, m.otherwise)
        if found is None:
            return m.default
        if m.enum is not None:
            if found not in m.enum:
                raise self._unreadable(m, found, f"one of {', '.join(m.enum)}", record)
            return m.enum[found]
        try:
            return m.transform.read(found)
        except Unreadable as wanted:
            raise self._unreadable(m, found, str(wanted), record) from wanted

    def _read_lines(self, lines: LinesMap, raw: Raw) -> tuple[Line, ...]:
        return tuple(self._read_line(lines, line, raw) for line in self._raw_lines(lines, raw))

    def _raw_lines(self, lines: LinesMap, raw: Raw) -> Sequence[Raw]:
        found = look(raw, lines.at)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(line, Mapping) for line in found):
            raise self._error(raw, lines.at, "does not hold a list of objects", situations.UNREADABLE_FIELD)
        return found

    def _read_line(self, lines: LinesMap, line: Raw, record: Raw) -> Line:
        native = look(line, lines.line_id) if lines.line_id else None
        values: dict[str, Any] = {"id": None if native is None else str(native)}
        values |= {m.spec.name: self._read(m, line, record) for m in lines.values if m.reads}
        for word in lines.words:
            choice = word.choose(line)
            values[word.spec.name] = choice.then if choice else None
            values |= {m.spec.name: m.default for m in lines.values if choice and m.spec.name in choice.clear}
        return values

    def _written(self, m: ValueMap, value: Any) -> Any:
        if value is None:
            return None
        if m.enum is not None:
            word = next((raw for raw, ours in m.enum.items() if ours == value), None)
            if word is None:
                raise self._error({}, m.spec.label, f"can't be {value!r} there", situations.NOT_EXPRESSIBLE)
            return word
        try:
            return m.transform.write(value, self._map.json_numbers)
        except Unreadable as wanted:
            raise self._error({}, m.spec.label, f"is {value!r}, not {wanted}", situations.NOT_EXPRESSIBLE) from wanted

    def _write_lines(self, lines: LinesMap, wanted: Sequence[Line], current: Raw) -> list[dict[str, Any]]:
        """Lines are replaced whole, so each starts from what the platform has under the same identity."""
        known = {self._line_key(lines, line, current): line for line in self._raw_lines(lines, current)}
        known.pop(None, None)
        return [self._write_line(lines, line, known.get(line.get(lines.spec.line_key)), current) for line in wanted]

    def _line_key(self, lines: LinesMap, line: Raw, record: Raw) -> Any:
        return self._read_line(lines, line, record).get(lines.spec.line_key)

    def _write_line(self, lines: LinesMap, wanted: Line, current: Raw | None, record: Raw) -> dict[str, Any]:
        shown = {} if current is None else self._read_line(lines, current, record)
        body: dict[str, Any] = deepcopy(dict(current or {}))
        for m in lines.values:
            name = m.spec.name
            if m.writes and name in wanted and not same(m.spec, shown.get(name), wanted[name]):
                put(body, m.at, self._written(m, wanted[name]))
        return body

    def _refuse_unwritable(self, changed: frozenset[str], current: Raw) -> None:
        for name in sorted(changed - self._map.writable_on_update()):
            raise self._error(current, name.replace("_", " "), "can't be changed there", situations.NOT_WRITABLE)

    def _verify(self, values: Values, names: frozenset[str], outcome: Raw) -> None:
        decoded = self.decode(outcome).values
        for name in sorted(names & decoded.keys()):
            spec = self._map.entity[name]
            wanted = values.get(name)
            if isinstance(wanted, tuple):
                self._verify_lines(name, wanted, _as_lines(decoded[name]), outcome)
            elif wanted is not None and not same(spec, decoded[name], wanted):
                raise self._error(outcome, spec.label, f"can't hold {wanted!r} there", situations.NOT_EXPRESSIBLE)

    def _verify_lines(self, name: str, wanted: tuple[Line, ...], got: tuple[Line, ...], outcome: Raw) -> None:
        """Each wanted value must come back, but where a line's kind leaves no meaning to a value."""
        lines = next(m for m in self._map.lines if m.spec.name == name)
        for n, (left, right, raw) in enumerate(zip(wanted, got, self._raw_lines(lines, outcome), strict=True), start=1):
            choices = [choice for word in lines.words if (choice := word.choose(raw))]
            unmeant = frozenset().union(*(choice.clear for choice in choices))
            for field in lines.spec.lines:
                value = left.get(field.name)
                if value is not None and field.name not in unmeant and not same(field, right.get(field.name), value):
                    place = f"{field.label} of line {n}"
                    raise self._error(outcome, place, f"can't hold {value!r} there", situations.NOT_EXPRESSIBLE)

    def _unreadable(self, m: ValueMap, found: Any, wanted: str, record: Raw) -> PipelineError:
        return self._error(record, m.at, f"holds {found!r}, which is not {wanted}", situations.UNREADABLE_FIELD)

    def _error(self, record: Raw, place: str, what: str, situation: Situation) -> PipelineError:
        number = look(record, self._map.id_at)
        who = f"{self._map.entity.title} {number}" if number is not None else self._map.entity.title
        return situation.error(record=who, place=place, what=what, field=place)


def _remainder(rest: Remainder, values: Values) -> Value:
    whole = values.get(rest.of)
    parts = (line.get(rest.amount) for line in _as_lines(values.get(rest.less)))
    return whole - sum((p for p in parts if p is not None), Decimal(0)) if isinstance(whole, Decimal) else None


def _as_lines(value: Value) -> tuple[Line, ...]:
    return value if isinstance(value, tuple) else ()


def _put_all(body: dict[str, Any], constants: Mapping[str, Any]) -> None:
    for path, value in constants.items():
        put(body, path, deepcopy(value))


def _put_beside(body: dict[str, Any], path: str, value: Any, current: Raw) -> None:
    """Set `path`, sending the whole object above it, because a platform may replace that object."""
    top = root(path)
    if top != path and top not in body and isinstance(current.get(top), Mapping):
        body[top] = deepcopy(current[top])
    put(body, path, value)
