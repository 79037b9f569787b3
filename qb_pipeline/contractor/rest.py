"""A connector for any platform that a system file describes.

Invariant: all knowledge of the platform is in its file; bodies go out exactly as given, and every answer is checked to
be about the record that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import simplejson

from qb_pipeline.contractor import situations
from qb_pipeline.contractor.answers import malformed, observed, spelled
from qb_pipeline.contractor.calls import CallCounter
from qb_pipeline.contractor.mapped_codec import MappedCodec
from qb_pipeline.contractor.paths import look, put
from qb_pipeline.contractor.protocol import (
    Capabilities,
    Change,
    EntityCapabilities,
    Guard,
    Limits,
    Observed,
    Page,
)
from qb_pipeline.contractor.system import EntityAccess, System
from qb_pipeline.contractor.transport import Request, Sleep, Transport
from qb_pipeline.contractor.webhook import parse_delivery
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.values import same
from qb_pipeline.errors import Misconfigured, NotFound, PlanAgain


class RestConnector:
    """Implements `qb_pipeline.contractor.protocol.Connector` for one workspace."""

    def __init__(self, system: System, base_url: str, api_key: str, *, sleep: Sleep = time.sleep) -> None:
        self._system = system
        self._transport = Transport(system, base_url, api_key, sleep=sleep)
        self._codecs = {name: MappedCodec(access.map) for name, access in system.entities.items()}

    @property
    def calls(self) -> CallCounter:
        return self._transport.calls

    def describe(self) -> Capabilities:
        listing, connection = self._system.listing, self._system.connection
        return Capabilities(
            system=self._system.name,
            entities={name: _capabilities(self._system, access) for name, access in self._system.entities.items()},
            limits=Limits(listing.paging.size, connection.requests_per_second),
            webhooks=self._system.webhook is not None,
        )

    def codec(self, entity: str) -> MappedCodec:
        self._access(entity)
        return self._codecs[entity]

    def changes(self, entity: str, since: datetime | None, page: str | None) -> Page:
        listing = self._system.listing
        params = dict(listing.params) | self._page_params(page)
        if since is not None and listing.since_param:
            params[listing.since_param] = spelled(since, listing.since_unit)
        answer = self._list(entity, params)
        rows = self._rows(entity, answer)
        return Page(
            records=[self._observed(entity, row, _listing(entity)) for row in rows],
            next_page=self._next_page(answer, page, len(rows)),
            complete=listing.paging.stable,
            answered_at=self._transport.answered_at,
        )

    def get(self, entity: str, id: str) -> Observed:  # noqa: A002 - the protocol's word
        about = f"read {_name(entity)} {id}"
        answer = self._transport.exchange(self._request("get", entity, about, id))
        return self._observed(entity, self._unwrapped(answer), about, wanted=id)

    def ids(self, entity: str) -> Iterator[tuple[str, str]]:
        for record in self._everything(entity, {}):
            yield record.id, record.version

    def find(self, entity: str, field: str, value: str) -> list[Observed]:
        access = self._access(entity)
        if field not in access.map.texts():
            raise _no_such(f"looking up {ENTITIES[entity].plural} by {field}", self._system.title)
        spec = access.map.entity[field]
        params = {access.find[field]: value} if field in access.find else {}
        found = self._everything(entity, params, kind="find")
        return [one for one in found if same(spec, self._codecs[entity].decode(one.raw).values[field], value)]

    def create(self, entity: str, body: bytes, *, idempotency_key: str) -> Observed:
        about = f"create {_name(entity)}"
        request = self._request("create", entity, about, headers=self._key(idempotency_key), body=body)
        return self._written(entity, request)

    def update(self, entity: str, id: str, body: bytes, *, expected_version: str, idempotency_key: str) -> Observed:  # noqa: A002 - the protocol's word
        self._check_version(entity, id, expected_version)
        headers = self._key(idempotency_key) | self._version_header(expected_version)
        sent = self._with_version(body, expected_version)
        request = self._request("update", entity, f"update {_name(entity)} {id}", id, headers=headers, body=sent)
        return self._written(entity, request, wanted=id)

    def void(self, entity: str, id: str, *, expected_version: str, idempotency_key: str) -> Observed:  # noqa: A002 - the protocol's word
        self._check_version(entity, id, expected_version)
        headers = self._key(idempotency_key) | self._version_header(expected_version)
        request = self._request("void", entity, f"void {_name(entity)} {id}", id, headers=headers)
        return self._written(entity, request, wanted=id)

    def delete(self, entity: str, id: str, *, expected_version: str) -> Observed | None:  # noqa: A002 - the protocol's word
        try:
            return self._deleted(entity, id, expected_version)
        except NotFound:
            return None
        except PlanAgain:
            # The answer to an earlier delete may have been lost: then the newer version is its tombstone.
            current = self.get(entity, id)
            if current.deleted:
                return current
            raise

    def parse_answer(self, entity: str, raw: bytes) -> Observed:
        about = f"write {_name(entity)}"
        try:
            answer = simplejson.loads(raw, use_decimal=True)
        except ValueError as error:
            raise malformed(about, "it is not JSON", writes=True) from error
        return self._observed(entity, self._unwrapped(answer), about, writes=True)

    def parse_webhook(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> list[Change]:
        if self._system.webhook is None:
            raise _no_such("webhooks", self._system.title)
        return parse_delivery(self._system.webhook, headers, raw_body, secret)

    def _deleted(self, entity: str, record: str, expected_version: str) -> Observed | None:
        about = f"delete {_name(entity)} {record}"
        self._check_version(entity, record, expected_version)
        request = self._request("delete", entity, about, record, headers=self._version_header(expected_version))
        answer = self._unwrapped(self._transport.exchange(request))
        return None if answer is None else self._observed(entity, answer, about, wanted=record, writes=True)

    def _access(self, entity: str) -> EntityAccess:
        access = self._system.entities.get(entity)
        if access is None:
            raise _no_such(f"the entity {entity!r}", self._system.title)
        return access

    def _request(
        self,
        kind: str,
        entity: str,
        about: str,
        record: str = "",
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Request:
        access = self._access(entity)
        if kind not in ("list", "get") and kind not in access.can:
            raise situations.UNSUPPORTED.error(system=self._system.title, about=about)
        operation = self._system.operations[kind]
        path = operation.path.format(collection=access.collection, id=quote(record, safe=""))
        return Request(kind, operation.method, path, about, params, headers, body)

    def _list(self, entity: str, params: Mapping[str, str], kind: str = "list") -> Any:
        request = self._request("list", entity, _listing(entity), params=params)
        try:
            return self._transport.exchange(replace(request, kind=kind))
        except NotFound as error:
            raise situations.NOTHING_THERE.error(path=request.path, system=self._system.title) from error

    def _rows(self, entity: str, answer: Any) -> list[Any]:
        path = self._system.listing.rows
        rows = look(answer, path) if path and isinstance(answer, Mapping) else answer
        if not isinstance(rows, list):
            place = f"`{path}`" if path else "it"
            raise malformed(_listing(entity), f"{place} holds no list", writes=False)
        return rows

    def _page_params(self, page: str | None) -> dict[str, str]:
        paging = self._system.listing.paging
        params = {paging.size_param: str(paging.size)} if paging.size_param else {}
        if page is not None:
            params[paging.param] = page
        elif paging.kind == "page":
            params[paging.param] = str(paging.first)
        return params

    def _next_page(self, answer: Any, page: str | None, count: int) -> str | None:
        paging = self._system.listing.paging
        if paging.kind == "cursor":
            cursor = look(answer, paging.next) if isinstance(answer, Mapping) else None
            return None if cursor in (None, "") else str(cursor)
        if paging.kind == "none" or count == 0:
            return None
        if paging.kind == "offset":
            return str(int(page or 0) + count)
        return str(int(page or paging.first) + 1)

    def _everything(self, entity: str, params: Mapping[str, str], kind: str = "list") -> Iterator[Observed]:
        page: str | None = None
        while True:
            answer = self._list(entity, {**self._system.listing.params, **self._page_params(page), **params}, kind)
            rows = self._rows(entity, answer)
            records = (self._observed(entity, row, _listing(entity)) for row in rows)
            yield from (record for record in records if not record.deleted)
            following = self._next_page(answer, page, len(rows))
            if following is None:
                return
            if following == page:
                raise malformed(_listing(entity), "the same page comes again", writes=False)
            page = following

    def _observed(
        self, entity: str, raw: Any, about: str, *, wanted: str | None = None, writes: bool = False
    ) -> Observed:
        record = observed(self._system, raw, about, wanted=wanted, writes=writes)
        gone = self._access(entity).map.deleted
        return replace(record, deleted=gone is not None and gone.holds(record.raw))

    def _unwrapped(self, answer: Any) -> Any:
        """The record in an answer; a stored answer may hold the record alone."""
        at = self._system.shape.at
        inner = look(answer, at) if at and isinstance(answer, Mapping) else None
        return answer if inner is None else inner

    def _written(self, entity: str, request: Request, wanted: str | None = None) -> Observed:
        answer = self._unwrapped(self._transport.exchange(request))
        return self._observed(entity, answer, request.about, wanted=wanted, writes=True)

    def _key(self, idempotency_key: str) -> dict[str, str]:
        header = self._system.idempotency_header
        return {header: idempotency_key} if header else {}

    def _version_header(self, expected: str) -> dict[str, str]:
        versioning = self._system.versioning
        native = versioning.guard is Guard.NATIVE and not versioning.in_body
        return {versioning.name: versioning.format.format(version=expected)} if native else {}

    def _with_version(self, body: bytes, expected: str) -> bytes:
        """The body with its version field where the platform wants it there; the same bytes every time."""
        versioning = self._system.versioning
        if not versioning.in_body:
            return body
        content = simplejson.loads(body, use_decimal=True)
        put(content, versioning.name, expected)
        return simplejson.dumps(content, use_decimal=True, separators=(",", ":")).encode()

    def _check_version(self, entity: str, record: str, expected: str) -> None:
        if self._system.versioning.guard is not Guard.EMULATED:
            return
        current = self.get(entity, record)
        if current.version != expected:
            named = f"{ENTITIES[entity].title} {record}"
            raise situations.STALE.error(record=named, now=current.version, expected=expected)


def _capabilities(system: System, access: EntityAccess) -> EntityCapabilities:
    return EntityCapabilities(
        creatable="create" in access.can,
        updatable="update" in access.can,
        removals=access.removals,
        changed_since=system.listing.changed_since,
        deletes=system.listing.deletes,
        guard=system.versioning.guard,
        idempotent=system.idempotency_header is not None,
        readable=access.map.readable(),
        writable_on_create=access.map.writable_on_create() if "create" in access.can else frozenset(),
        writable_on_update=access.map.writable_on_update() if "update" in access.can else frozenset(),
        findable=access.map.texts(),
    )


def _name(entity: str) -> str:
    return f"the {ENTITIES[entity].title.lower()}" if entity in ENTITIES else entity


def _listing(entity: str) -> str:
    return f"list {ENTITIES[entity].plural.replace('_', ' ')}" if entity in ENTITIES else f"list {entity}"


def _no_such(what: str, title: str) -> Misconfigured:
    return Misconfigured(
        f"{title} has no {what}." if what == "webhooks" else f"{title} does not offer {what}.",
        code="unsupported",
        fix="Ask its capabilities first (`describe`), or widen its system file.",
    )
