"""The contractor's system as the engine sees it: single writes, some at a time.

Invariant: every write carries its journalled key, so that a lost answer can be asked for again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import simplejson

from qb_pipeline.contractor.protocol import Connector, Observed, canonical
from qb_pipeline.entities.codec import Codec
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import PipelineError, Reconnect, RetryLater
from qb_pipeline.sync.ports import Answered, Listener, Sendable

_AT_ONCE = 6
_CHUNK = 60  # writes journalled as leaving in one commit
_SILENCES = 5


class ContractorPort:
    """One contractor workspace behind its connector."""

    side: ClassVar[Side] = Side.CONTRACTOR

    def __init__(self, connector: Connector, entities: Mapping[str, Entity]) -> None:
        self.connector = connector
        self.capabilities = connector.describe()
        self._entities = entities

    def offers(self, entity: Entity) -> bool:
        return entity.name in self.capabilities

    def unsupported(self, entity: Entity) -> frozenset[str]:
        if not self.offers(entity):
            return frozenset()
        readable = self.capabilities[entity.name].readable
        return frozenset(f.name for f in entity.fields if f.name not in readable)

    def codec(self, entity: Entity) -> Codec:
        return self.connector.codec(entity.name)

    def decode(self, entity: Entity, raw: Mapping[str, Any]) -> Record:
        observed = self.connector.parse_answer(entity.name, _dumps(raw))
        return canonical(self.connector, entity.name, observed)

    def record(self, entity: Entity, observed: Observed) -> Record:
        return canonical(self.connector, entity.name, observed)

    def read(self, entity: Entity, record_id: str) -> Record:
        return self.record(entity, self.connector.get(entity.name, record_id))

    def find_duplicate(self, entity: Entity, values: Mapping[str, Any], existing_id: str | None) -> Record | None:
        if existing_id is not None:
            return self.read(entity, existing_id)
        findable = self.capabilities[entity.name].findable
        key = next((k for k in entity.unique_by if k in findable and values.get(k)), None)
        found = self.connector.find(entity.name, key, str(values[key])) if key else []
        return self.record(entity, found[0]) if len(found) == 1 else None

    def removal_body(self, entity: Entity, verb: str, record_id: str, version: str | None) -> dict[str, Any]:  # noqa: ARG002 - Port
        return {}

    def send(self, items: Sequence[Sendable], listener: Listener) -> None:
        sending = _Sending(self, listener)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="contractor") as pool:
            for start in range(0, len(items), _CHUNK):
                chunk = items[start : start + _CHUNK]
                listener.leaving(chunk)
                listener.answered(list(pool.map(sending.one, chunk)))
                if sending.fatal is not None:
                    raise sending.fatal

    def resend(self, items: Sequence[Sendable], listener: Listener) -> None:
        self.send(items, listener)

    def exchange(self, item: Sendable) -> Answered:
        """Send one write; raises the connector's errors."""
        write = {"create": self._create, "update": self._update, "void": self._void, "delete": self._delete}[item.verb]
        observed = write(item)
        if observed is None:
            return Answered(item, raw=b"", gone=True)
        return self._answered(item, observed, _dumps(observed.raw))

    def _create(self, item: Sendable) -> Observed | None:
        return self.connector.create(item.entity, item.body, idempotency_key=item.key)

    def _update(self, item: Sendable) -> Observed | None:
        return self.connector.update(
            item.entity, item.target_id or "", item.body, expected_version=item.version or "", idempotency_key=item.key
        )

    def _void(self, item: Sendable) -> Observed | None:
        return self.connector.void(
            item.entity, item.target_id or "", expected_version=item.version or "", idempotency_key=item.key
        )

    def _delete(self, item: Sendable) -> Observed | None:
        return self.connector.delete(item.entity, item.target_id or "", expected_version=item.version or "")

    def parse(self, item: Sendable, raw: bytes) -> Answered:
        if not raw:
            return Answered(item, raw=raw, gone=True)
        try:
            observed = self.connector.parse_answer(item.entity, raw)
        except PipelineError as unreadable:
            return Answered(item, raw=raw, error=unreadable)
        return self._answered(item, observed, raw)

    def _answered(self, item: Sendable, observed: Observed, raw: bytes) -> Answered:
        """What was written but can't be read keeps its bytes beside the error."""
        try:
            record = self.record(self._entities[item.entity], observed)
        except PipelineError as unreadable:
            return Answered(item, raw=raw, error=unreadable)
        return Answered(item, record, raw, observed.deleted)

    def calls(self) -> Mapping[str, int]:
        return self.connector.calls.snapshot()


class _Sending:
    """One `send`: shares the knowledge that the system is down or refuses us, or that we may write no more."""

    def __init__(self, port: ContractorPort, listener: Listener) -> None:
        self._port, self._listener = port, listener
        self._lock = threading.Lock()
        self._silences = 0
        self.fatal: PipelineError | None = None

    def one(self, item: Sendable) -> Answered:
        if self.fatal is not None:
            return Answered(item, error=self.fatal)
        try:
            self._listener.may_leave()
        except PipelineError as error:
            self.fatal = error
            return Answered(item, error=error)
        try:
            answer = self._port.exchange(item)
        except PipelineError as error:
            self._note(error)
            return Answered(item, error=error)
        with self._lock:
            self._silences = 0
        return answer

    def _note(self, error: PipelineError) -> None:
        with self._lock:
            self._silences += isinstance(error, RetryLater)
            if isinstance(error, Reconnect) or self._silences >= _SILENCES:
                self.fatal = error


def _dumps(raw: Mapping[str, Any]) -> bytes:
    return simplejson.dumps(raw, use_decimal=True, separators=(",", ":")).encode()
