"""Webhook deliveries of a platform.

Invariant: nothing of a delivery is read before its signature over the raw bytes has been compared in constant time;
then each of its events is read for itself.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import simplejson

from qb_pipeline.contractor.answers import moment_of
from qb_pipeline.contractor.paths import look
from qb_pipeline.contractor.protocol import Change
from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.errors import FixTheData, Misconfigured
from qb_pipeline.webhook_texts import Unreadable, needed


@dataclass(frozen=True)
class Delivery:
    """The hints of one request; `ignored` are those about what is not mapped, as far as they name a record, with the
    platform's word in place of the entity. `others` had nothing to say of a record, `unreadable` can't be read."""

    changes: list[Change]
    ignored: list[Change]
    others: int = 0
    unreadable: int = 0

    @property
    def ignored_count(self) -> int:
        return len(self.ignored) + self.others


def parse_delivery(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secret: str) -> list[Change]:
    """The hints of one delivery, those about unmapped entities left out; raises as `read_delivery`."""
    return read_delivery(shape, headers, raw_body, secret).changes


def read_delivery(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secret: str) -> Delivery:
    """What one delivery says, event by event: one that can't be read costs no other its place.

    Raises `Misconfigured` with code `bad_signature`, or `FixTheData` with code `bad_webhook` for a signed body of which
    nothing can be read.
    """
    found = {name.lower(): value for name, value in headers.items()}
    _check_signature(shape, found, raw_body, secret)
    try:
        body = simplejson.loads(raw_body, use_decimal=True)
    except (ValueError, RecursionError) as error:
        raise _unreadable("it is not JSON") from error
    events = body if isinstance(body, list) else [body]
    read = [_tried(shape, event) for event in events]
    problems = [one for one in read if isinstance(one, Unreadable)]
    if problems and len(problems) == len(read):
        raise _unreadable(str(problems[0]))
    hints = [one for one in read if isinstance(one, _Hint)]
    changes = [one.change for one in hints if one.mapped]
    ignored = [one.change for one in hints if not one.mapped]
    return Delivery(changes, ignored, read.count(None), len(problems))


def signature(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secret: str) -> str:
    """What the signature header must hold; `headers` with lower-case names."""
    stamp = headers.get(shape.timestamp_header.lower(), "") if shape.timestamp_header else None
    signed = raw_body if stamp is None else stamp.encode() + b"." + raw_body
    digest = hmac.new(secret.encode(), signed, shape.algorithm).digest()
    return shape.prefix + (digest.hex() if shape.encoding == "hex" else base64.b64encode(digest).decode())


def _check_signature(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secret: str) -> None:
    given = headers.get(shape.signature_header.lower(), "")
    wanted = signature(shape, headers, raw_body, secret)
    # An empty secret would accept whatever anybody signs with nothing.
    if not secret or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Misconfigured(
            f"A webhook's {shape.signature_header} does not fit its body.",
            code="bad_signature",
            fix="Compare the webhook secret here with the one in the contractor system.",
        )


@dataclass(frozen=True)
class _Hint:
    change: Change
    mapped: bool


def _tried(shape: WebhookShape, event: Any) -> _Hint | Unreadable | None:
    try:
        return _read(shape, event)
    except Unreadable as problem:
        return problem


def _read(shape: WebhookShape, event: Any) -> _Hint | None:
    """One event; None for one that is not about a record of ours: a ping, or what a workspace says of itself."""
    if not isinstance(event, Mapping):
        raise Unreadable("an event is not an object")
    word = look(event, shape.type)
    if not isinstance(word, str):
        raise Unreadable(f"an event has no {shape.type}")
    subject, _, kind = needed(word, shape.type).partition(".")
    entity = shape.entities.get(subject)
    try:
        record, identity = _named(event, shape.record), _named(event, shape.id)
    except Unreadable:
        if entity is None:
            return None
        raise
    return _Hint(Change(entity or subject, record, kind, _moment(shape, event), identity), entity is not None)


def _named(event: Mapping[str, Any], path: str) -> str:
    return needed(look(event, path), path)


def _moment(shape: WebhookShape, event: Mapping[str, Any]) -> datetime | None:
    """In UTC; a time that is none, or that no UTC holds, is left out: it only helps, the read decides."""
    moment = moment_of(look(event, shape.at), shape.time_unit)
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        return None


def _unreadable(what: str) -> FixTheData:
    return FixTheData(
        f"A signed webhook of the contractor system can't be read: {what}.",
        code="bad_webhook",
        fix="Compare `webhook` in the system file with what the system sends.",
        who="data engineer",
    )
