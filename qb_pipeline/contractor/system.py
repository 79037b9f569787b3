"""What a system file says about a platform's HTTP side: addresses, paging, versions, keys, errors, webhooks.

Invariant: these are plain data, complete and checked when loaded; the REST connector holds no platform's peculiarity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qb_pipeline.contractor.mapping import EntityMap
from qb_pipeline.contractor.protocol import ChangedSince, Deletes, Guard, Remove


@dataclass(frozen=True)
class Auth:
    """How the API key travels: `bearer`, `header` (in `name`, after `prefix`) or `basic` (`user`, key as password)."""

    kind: str = "bearer"
    name: str = "Authorization"
    prefix: str = ""
    user: str = ""


@dataclass(frozen=True)
class Connection:
    """Timeouts in seconds; `attempts` bounds reads, writes are never repeated here."""

    auth: Auth
    headers: Mapping[str, str]
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    attempts: int = 4
    longest_wait: float = 10.0
    requests_per_second: float | None = None


@dataclass(frozen=True)
class Paging:
    """`cursor`: the answer's `next` goes back in `param`; `page` counts from `first`, `offset` from 0; `none` has one.

    `stable` says that a listing followed to its end shows every record although others change meanwhile.
    """

    kind: str = "none"
    param: str = ""
    next: str = ""
    first: int = 1
    size_param: str | None = None
    size: int = 100
    stable: bool = False


@dataclass(frozen=True)
class Listing:
    """How collections are listed: `rows` is the path of the list (None: the answer is the list)."""

    rows: str | None
    paging: Paging
    since_param: str | None
    since_unit: str
    params: Mapping[str, str]
    changed_since: ChangedSince
    deletes: Deletes


@dataclass(frozen=True)
class Shape:
    """Where a record's identity stands; `at` is the path of the record in the answer to a single read or a write."""

    id: str
    version: str
    updated_at: str
    time_unit: str
    at: str | None


@dataclass(frozen=True)
class Operation:
    """One kind of request; `path` has `{collection}` and `{id}`."""

    method: str
    path: str


@dataclass(frozen=True)
class Versioning:
    """How an update names the version it expects: header `name` in `format`, body field `name`, or by reading first."""

    guard: Guard
    name: str = ""
    in_body: bool = False
    format: str = "{version}"


@dataclass(frozen=True)
class Refusals:
    """Paths in an error answer, and the codes of a duplicate, of a record that moved (with 409), of a passing fault."""

    code: str
    message: str
    field: str | None
    duplicate: frozenset[str]
    moved: frozenset[str]
    retry: frozenset[str]


@dataclass(frozen=True)
class WebhookShape:
    """A signed delivery: HMAC of the raw body (or of `timestamp.body` where `timestamp_header` is set)."""

    signature_header: str
    prefix: str
    encoding: str
    algorithm: str
    timestamp_header: str | None
    id: str
    type: str
    record: str
    at: str
    time_unit: str
    entities: Mapping[str, str]


@dataclass(frozen=True)
class EntityAccess:
    """One entity's collection and what may be done with it. `find` gives query parameters by canonical field."""

    collection: str
    map: EntityMap
    can: frozenset[str]
    removals: frozenset[Remove]
    find: Mapping[str, str]


@dataclass(frozen=True)
class System:
    """One platform, complete."""

    name: str
    title: str
    connection: Connection
    listing: Listing
    shape: Shape
    operations: Mapping[str, Operation]
    versioning: Versioning
    idempotency_header: str | None
    refusals: Refusals
    webhook: WebhookShape | None
    entities: Mapping[str, EntityAccess]
