"""What any contractor platform must offer to be kept in agreement with QuickBooks.

Invariant: a platform that lacks an operation says so in its `Capabilities` before anybody plans it, and whatever goes
wrong arrives as one of the errors named by recovery in `qb_pipeline.errors`, never as a library's own exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from qb_pipeline.contractor.calls import CallCounter
from qb_pipeline.entities.codec import Codec
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Side


class ChangedSince(StrEnum):
    """Who filters for records changed since an instant; NONE means every read lists everything."""

    SERVER = "server"
    NONE = "none"


class Deletes(StrEnum):
    """How a removal becomes visible: in the change feed, as a flag of a listed record, or only by its absence."""

    FEED = "feed"
    FLAG = "flag"
    SWEEP = "sweep"


class Guard(StrEnum):
    """How an update is kept from overwriting a newer version: by the platform, by re-reading first, or not at all."""

    NATIVE = "native"
    EMULATED = "emulated"
    NONE = "none"


class Remove(StrEnum):
    """The ways a platform lets go of a record."""

    VOID = "void"
    DELETE = "delete"
    DEACTIVATE = "deactivate"


@dataclass(frozen=True)
class EntityCapabilities:
    """What may be done with one entity on this platform.

    `readable`, `writable_on_create` and `writable_on_update` name canonical fields; a field the platform can't show is
    in none of them, so its value must not be read as empty. `findable` names the canonical fields `find` accepts.
    """

    list_and_get: bool = True
    creatable: bool = False
    updatable: bool = False
    removals: frozenset[Remove] = frozenset()
    changed_since: ChangedSince = ChangedSince.NONE
    deletes: Deletes = Deletes.SWEEP
    guard: Guard = Guard.NONE
    idempotent: bool = False
    readable: frozenset[str] = frozenset()
    writable_on_create: frozenset[str] = frozenset()
    writable_on_update: frozenset[str] = frozenset()
    findable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """The platform's own limits: records a page, requests a second (None: unpublished or none)."""

    page_size: int = 100
    requests_per_second: float | None = None


@dataclass(frozen=True)
class Capabilities:
    """A platform and what it can do, by canonical entity; an entity it lacks is not in `entities`."""

    system: str
    entities: Mapping[str, EntityCapabilities]
    limits: Limits = field(default_factory=Limits)
    webhooks: bool = False

    def __contains__(self, entity: object) -> bool:
        return entity in self.entities

    def __getitem__(self, entity: str) -> EntityCapabilities:
        return self.entities[entity]


@dataclass(frozen=True)
class Observed:
    """One record as the platform answered it. `updated_at` is timezone-aware; `version` is opaque text."""

    id: str
    version: str
    updated_at: datetime
    deleted: bool
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Page:
    """One page of a listing. `next_page` is opaque and None on the last page.

    `complete` is True when this listing, followed to its last page, shows every record asked for; only then may a
    record's absence be read as its removal. `answered_at` is the platform's own time of the answer, where it tells one.
    """

    records: list[Observed]
    next_page: str | None
    complete: bool
    answered_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """A webhook's hint that a record changed; it shortens the wait and carries no truth.

    `kind` is created, updated, deleted or voided, or the platform's own word; `dedupe_key` is the delivery's identity.
    `occurred_at` is None where the platform names no time.
    """

    entity: str
    id: str
    kind: str
    occurred_at: datetime | None
    dedupe_key: str


class Connector(Protocol):
    """One connected workspace of one contractor platform; safe to use from several threads.

    Writes take the exact bytes of the body, so that a journal can resend them byte for byte with the same key.
    Every method raises: `Reconnect` (key refused), `RetryLater` (with `maybe_written` for writes), `NotFound`,
    `FixTheData` (refused, or the platform has no such operation).
    """

    @property
    def calls(self) -> CallCounter:
        """Requests sent so far by kind: list, get, create, update, void, delete, find."""
        ...

    def describe(self) -> Capabilities: ...

    def codec(self, entity: str) -> Codec:
        """The entity's translation; raises `Misconfigured` for an entity the platform lacks."""
        ...

    def changes(self, entity: str, since: datetime | None, page: str | None) -> Page:
        """Records changed at or after `since` (None: all), oldest change first, removed ones included if it can."""
        ...

    def get(self, entity: str, id: str) -> Observed:  # noqa: A002 - the platform's word for it
        """The record now, removed or not; raises `NotFound`."""
        ...

    def ids(self, entity: str) -> Iterator[tuple[str, str]]:
        """(id, version) of every record that is not deleted, for sweeps."""
        ...

    def find(self, entity: str, field: str, value: str) -> list[Observed]:
        """Records that are not deleted whose canonical `field` equals `value` exactly.

        Raises `Misconfigured` for a field outside `findable`. For looking up one write after a crash: it may list
        everything.
        """
        ...

    def create(self, entity: str, body: bytes, *, idempotency_key: str) -> Observed: ...

    def update(self, entity: str, id: str, body: bytes, *, expected_version: str, idempotency_key: str) -> Observed:  # noqa: A002 - as above
        """Raises `PlanAgain` when the record is no longer at `expected_version`."""
        ...

    def void(self, entity: str, id: str, *, expected_version: str, idempotency_key: str) -> Observed: ...  # noqa: A002 - as above

    def delete(self, entity: str, id: str, *, expected_version: str) -> Observed | None:  # noqa: A002 - as above
        """The tombstone if the platform answers one; deleting what is already deleted is not an error."""
        ...

    def parse_answer(self, entity: str, raw: bytes) -> Observed:
        """Read a stored answer of `create`, `update` or `void` again, to bind it after a crash."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> list[Change]:
        """The hints in one delivery; raises `Misconfigured` with code `bad_signature` when it is not the platform's."""
        ...


def canonical(connector: Connector, entity: str, observed: Observed) -> Record:
    """An observed record in canonical terms; raises `FixTheData` naming the record and field that can't be read."""
    decoded = connector.codec(entity).decode(observed.raw)
    return Record(
        entity=entity,
        side=Side.CONTRACTOR,
        id=observed.id,
        version=observed.version,
        updated_at=observed.updated_at,
        values=decoded.values,
        raw=observed.raw,
        state=decoded.state,
        skip=decoded.skip,
        frozen=decoded.frozen,
    )
