"""Webhook deliveries of a platform.

Invariant: nothing of a delivery is read before its signature over the raw bytes has been compared in constant time.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any

import simplejson

from qb_pipeline.contractor.answers import moment_of
from qb_pipeline.contractor.paths import look
from qb_pipeline.contractor.protocol import Change
from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.errors import FixTheData, Misconfigured


def parse_delivery(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secret: str) -> list[Change]:
    """The hints of one delivery, those about unmapped entities left out.

    Raises `Misconfigured` with code `bad_signature`, or `FixTheData` with code `bad_webhook` for a signed body that
    can't be read.
    """
    found = {name.lower(): value for name, value in headers.items()}
    _check_signature(shape, found, raw_body, secret)
    try:
        body = simplejson.loads(raw_body, use_decimal=True)
    except ValueError as error:
        raise _unreadable("it is not JSON") from error
    events = body if isinstance(body, list) else [body]
    changes = [_change(shape, event) for event in events]
    return [change for change in changes if change is not None]


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


def _change(shape: WebhookShape, event: Any) -> Change | None:
    if not isinstance(event, Mapping):
        raise _unreadable("an event is not an object")
    word, record, identity = (look(event, path) for path in (shape.type, shape.record, shape.id))
    moment = moment_of(look(event, shape.at), shape.time_unit)
    if not isinstance(word, str) or record in (None, "") or identity in (None, "") or moment is None:
        raise _unreadable(f"an event lacks one of {shape.type}, {shape.record}, {shape.id}, {shape.at}")
    subject, _, kind = word.partition(".")
    entity = shape.entities.get(subject)
    if entity is None:
        return None
    return Change(entity=entity, id=str(record), kind=kind, occurred_at=moment, dedupe_key=str(identity))


def _unreadable(what: str) -> FixTheData:
    return FixTheData(
        f"A signed webhook of the contractor system can't be read: {what}.",
        code="bad_webhook",
        fix="Compare `webhook` in the system file with what the system sends.",
        who="data engineer",
    )
