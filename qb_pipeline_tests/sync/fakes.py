"""One side of a company in memory: deterministic ids and versions, idempotent keys, and faults by script.

It speaks canonical values itself, so that these tests are about the engine and not about any system's dialect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import simplejson

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Decoded, Record, State
from qb_pipeline.entities.spec import Entity, Kind, Side
from qb_pipeline.entities.values import from_json, to_json
from qb_pipeline.errors import FixTheData, NotFound, PipelineError, PlanAgain, PossibleDuplicate, RetryLater
from qb_pipeline.sync.ports import Answered, Listener, Sendable


class PowerCut(Exception):
    """The process ends here."""


@dataclass
class Row:
    """A record as its system keeps it, its references being this side's ids."""

    id: str
    values: dict[str, Any]
    version: int = 0
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: State = State.LIVE


@dataclass(frozen=True)
class Request:
    """A write that arrived, whatever became of it."""

    verb: str
    entity: str
    target_id: str | None
    key: str
    body: bytes


class ValuesCodec:
    """Bodies are the canonical values in JSON form."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity

    def decode(self, raw: Mapping[str, Any]) -> Decoded:
        return Decoded(from_json(self._entity, raw["values"]), State(raw["state"]))

    def encode_create(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return to_json(self._entity, values)

    def encode_update(
        self, values: Mapping[str, Any], changed: frozenset[str], current: Mapping[str, Any]
    ) -> dict[str, Any]:
        return to_json(self._entity, {name: values.get(name) for name in changed})


@dataclass
class FakePort:
    """Faults are taken from `script` one a write: see `_SCRIPTED`; `meanwhile` runs before the next write."""

    side: Side
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in ENTITIES})
    requests: list[Request] = field(default_factory=list)
    script: list[str | PipelineError] = field(default_factory=list)
    refuses: Callable[[Sendable], PipelineError | None] = lambda _item: None
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    on_request: Callable[[Sendable], None] = lambda _item: None
    ignores: set[str] = field(default_factory=set)  # fields that every write leaves as they are, answering 200
    unique: Mapping[str, str] = field(default_factory=dict)  # entity -> the field no two live records may share
    batch: int = 1
    _answers: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    _made: Counter[str] = field(default_factory=Counter)

    # --- people at work ---

    def add(self, entity: str, **values: Any) -> str:
        return self._insert(entity, values).id

    def edit(self, entity: str, record_id: str, **values: Any) -> None:
        row = self.rows[entity][record_id]
        self._touch(row, self._with_line_ids(entity, {**row.values, **values}))

    def let_go(self, entity: str, record_id: str, state: State = State.DELETED) -> None:
        row = self.rows[entity][record_id]
        row.state = state
        self._touch(row, row.values)

    def live(self, entity: str) -> dict[str, dict[str, Any]]:
        return {r.id: r.values for r in self.rows[entity].values() if r.state is State.LIVE}

    def records(self, entity: str) -> list[Record]:
        return [self._record(ENTITIES[entity], row) for row in self.rows[entity].values()]

    # --- Port ---

    def offers(self, entity: Entity) -> bool:
        return True

    def unsupported(self, entity: Entity) -> frozenset[str]:
        return frozenset()

    def codec(self, entity: Entity) -> ValuesCodec:
        return ValuesCodec(entity)

    def decode(self, entity: Entity, raw: Mapping[str, Any]) -> Record:
        decoded = self.codec(entity).decode(raw)
        at = datetime.fromisoformat(raw["updated_at"])
        return Record(entity.name, self.side, raw["id"], raw["version"], at, decoded.values, raw, decoded.state)

    def read(self, entity: Entity, record_id: str) -> Record:
        row = self.rows[entity.name].get(record_id)
        if row is None or row.state is State.DELETED:
            raise NotFound(f"{entity.title} {record_id} does not exist.", code="not_found", fix="Nothing to do.")
        return self._record(entity, row)

    def find_duplicate(self, entity: Entity, values: Mapping[str, Any], existing_id: str | None) -> Record | None:
        if existing_id is not None:
            there = self.rows[entity.name].get(existing_id)
            return self.read(entity, existing_id) if there is not None else None
        name = self.unique[entity.name]
        found = [i for i, row in self.live(entity.name).items() if row.get(name) == values.get(name)]
        return self.read(entity, found[0]) if len(found) == 1 else None

    def removal_body(self, entity: Entity, verb: str, record_id: str, version: str | None) -> dict[str, Any]:
        return {"id": record_id, "version": version}

    def calls(self) -> Mapping[str, int]:
        return {"write": len(self.requests)}

    def parse(self, item: Sendable, raw: bytes) -> Answered:
        record = self.decode(ENTITIES[item.entity], simplejson.loads(raw, use_decimal=True))
        return Answered(item, record, raw, record.state is State.DELETED)

    def send(self, items: Sequence[Sendable], listener: Listener) -> None:
        if self.batch > 1:
            first = [items[n - n % self.batch].key for n in range(len(items))]
            items = [
                replace(item, batch_key=f"batch-{key}"[:36], bid=str(n % self.batch))
                for n, (item, key) in enumerate(zip(items, first, strict=True))
            ]
        self.resend(items, listener)

    def resend(self, items: Sequence[Sendable], listener: Listener) -> None:
        groups: dict[str, list[Sendable]] = {}
        for item in items:
            groups.setdefault(item.batch_key or item.key, []).append(item)
        for group in groups.values():
            if self.script[:1] == ["cut before it leaves"]:
                self.script.pop(0)
                raise PowerCut
            listener.leaving(group)
            answers = [self._asked(item, listener) for item in group]
            if self.script[:1] == ["cut before the answer"]:
                self.script.pop(0)
                raise PowerCut
            listener.answered(answers)

    def _asked(self, item: Sendable, listener: Listener) -> Answered:
        try:
            listener.may_leave()
        except PipelineError as error:
            return Answered(item, error=error)
        return self._one(item)

    def _one(self, item: Sendable) -> Answered:
        self.on_request(item)
        key = f"{item.batch_key}/{item.bid}" if item.batch_key else item.key
        self.requests.append(Request(item.verb, item.entity, item.target_id, key, item.body))
        if self.meanwhile:
            self.meanwhile.pop(0)()
        fault = self.script.pop(0) if self.script and self.script[0] != "cut before the answer" else None
        refused = fault if isinstance(fault, PipelineError) else self.refuses(item)
        if refused is not None:
            return Answered(item, error=refused)
        if fault == "cut before it arrives":
            raise PowerCut
        if fault == "lost before it arrived":
            return Answered(item, error=_silence())
        try:
            raw = self._once(key, item)
        except PipelineError as error:
            return Answered(item, error=error)
        return Answered(item, error=_silence()) if fault == "lost after it was done" else self.parse(item, raw)

    def _once(self, key: str, item: Sendable) -> bytes:
        """The same key again gets the same answer; with another body it is a fault of the sender."""
        if key in self._answers:
            body, answer = self._answers[key]
            assert body == item.body, f"the key {key} came again with another body"
            return answer
        row = self._apply(item)
        raw = simplejson.dumps(self._raw(ENTITIES[item.entity], row), use_decimal=True).encode()
        self._answers[key] = (item.body, raw)
        return raw

    def _apply(self, item: Sendable) -> Row:
        entity = ENTITIES[item.entity]
        sent = simplejson.loads(item.body, use_decimal=True)
        if item.verb == "create":
            return self._create(entity, from_json(entity, sent))
        row = self.rows[entity.name].get(item.target_id or "")
        if row is None or row.state is State.DELETED:
            raise NotFound(f"{entity.title} {item.target_id} is gone.", code="not_found", fix="Nothing to do.")
        if str(row.version) != item.version:
            raise PlanAgain("The record has moved.", code="stale_version", fix="It is planned again.")
        if item.verb == "update":
            changes = {k: v for k, v in from_json(entity, sent).items() if k not in self.ignores}
            self._touch(row, self._with_line_ids(entity.name, {**row.values, **changes}))
        else:
            self.let_go(entity.name, row.id, State.VOIDED if item.verb == "void" else State.DELETED)
        return row

    def _create(self, entity: Entity, values: dict[str, Any]) -> Row:
        name = self.unique.get(entity.name)
        taken = [i for i, row in self.live(entity.name).items() if name and row.get(name) == values.get(name)]
        if taken:
            raise PossibleDuplicate(
                f"{values[name or '']} exists.", code="duplicate_name", fix="Rename one.", existing_id=taken[0]
            )
        return self._insert(entity.name, {k: v for k, v in values.items() if k not in self.ignores})

    def _insert(self, entity: str, values: dict[str, Any]) -> Row:
        self._made[entity] += 1
        row = Row(f"{self.side.value[0]}{self._made[entity]}", self._with_line_ids(entity, values))
        self.rows[entity][row.id] = row
        return row

    def _touch(self, row: Row, values: dict[str, Any]) -> None:
        row.values, row.version, row.updated_at = values, row.version + 1, datetime.now(UTC)

    def _with_line_ids(self, entity: str, values: dict[str, Any]) -> dict[str, Any]:
        given = dict(values)
        for spec in ENTITIES[entity].fields:
            if spec.kind is Kind.LINES and given.get(spec.name) is not None:
                given[spec.name] = tuple(self._with_id(x) for x in given[spec.name])
        return given

    def _with_id(self, line: Mapping[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in line.items() if k not in ("twin", "id")}
        line_id = line.get("id")
        if line_id is None:
            self._made["line"] += 1
            line_id = f"{self.side.value[0]}L{self._made['line']}"
        return {"id": line_id, **kept}

    def _record(self, entity: Entity, row: Row) -> Record:
        return self.decode(entity, self._raw(entity, row))

    def _raw(self, entity: Entity, row: Row) -> dict[str, Any]:
        return {
            "id": row.id, "version": str(row.version), "updated_at": row.updated_at.isoformat(),
            "state": row.state.value, "values": to_json(entity, row.values),
        }  # fmt: skip


def _silence() -> RetryLater:
    return RetryLater("No answer came.", code="timeout", maybe_written=True)


def refusal(code: str = "refused") -> FixTheData:
    return FixTheData("The name is too long.", code=code, fix="Shorten it.", who="office")
