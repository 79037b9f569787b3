"""Webhook deliveries: signatures over the raw bytes, hints about mapped entities only."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import simplejson

from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.contractor.webhook import parse_delivery, read_delivery
from qb_pipeline.errors import FixTheData, Misconfigured


def reference_shape() -> WebhookShape:
    shape = load_system("reference").webhook
    assert shape is not None
    return shape


SHAPE = reference_shape()
EVENT = {"id": "e1", "type": "invoice.updated", "record_id": "inv_1", "occurred_at": "2026-03-01T10:00:00Z"}


DEEP = b"[" * 50_000 + b"]" * 50_000


def signed(body: bytes, secret: str = "s3cret") -> dict[str, str]:
    return {"x-SIGNATURE": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_a_delivery_becomes_a_hint() -> None:
    body = simplejson.dumps(EVENT).encode()
    (change,) = parse_delivery(SHAPE, signed(body), body, "s3cret")
    assert (change.entity, change.id, change.kind, change.dedupe_key) == ("invoice", "inv_1", "updated", "e1")
    assert change.occurred_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_events_about_what_is_not_mapped_are_left_out() -> None:
    body = simplejson.dumps([EVENT, {**EVENT, "type": "vendor.created"}]).encode()
    assert len(parse_delivery(SHAPE, signed(body), body, "s3cret")) == 1


def test_an_event_that_can_not_be_read_costs_no_other_its_place() -> None:
    odd = [
        EVENT,
        {"id": "p", "type": "ping"},
        {"id": "w", "type": "workspace.renamed", "occurred_at": "2026-03-01T10:00:00Z"},
        {**EVENT, "id": "v", "type": "vendor.updated"},
        {"id": "b", "type": "invoice.updated"},
        {**EVENT, "record_id": {"inv": 1}},
        {**EVENT, "record_id": "i" * 201},
        7,
    ]
    body = simplejson.dumps(odd).encode()
    found = read_delivery(SHAPE, signed(body), body, "s3cret")
    assert [change.id for change in found.changes] == ["inv_1"]
    assert [(change.entity, change.dedupe_key) for change in found.ignored] == [("vendor", "v")]
    assert (found.others, found.unreadable) == (2, 4)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+01:00", "yesterday", None])
def test_a_time_that_no_utc_holds_is_left_out_and_the_hint_stays(at: str | None) -> None:
    body = simplejson.dumps({**EVENT, "occurred_at": at}).encode()
    (change,) = parse_delivery(SHAPE, signed(body), body, "s3cret")
    assert (change.id, change.occurred_at) == ("inv_1", None)


def test_an_empty_secret_accepts_nothing() -> None:
    body = simplejson.dumps(EVENT).encode()
    with pytest.raises(Misconfigured):
        parse_delivery(SHAPE, signed(body, ""), body, "")


def test_a_signature_of_other_letters_is_refused_and_breaks_nothing() -> None:
    with pytest.raises(Misconfigured):
        parse_delivery(SHAPE, {"X-Signature": "sha256=ü"}, b"{}", "s3cret")


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'{"id": "e1"}', b'{"id":"e","type":5,"record_id":"x"}', DEEP])
def test_a_signed_body_that_can_not_be_read_is_named(body: bytes) -> None:
    with pytest.raises(FixTheData) as failure:
        parse_delivery(SHAPE, signed(body), body, "s3cret")
    assert failure.value.code == "bad_webhook"


def test_a_signature_may_cover_the_time_and_be_base64() -> None:
    shape = replace(SHAPE, prefix="", encoding="base64", timestamp_header="X-Time")
    body = simplejson.dumps(EVENT).encode()
    digest = hmac.new(b"s3cret", b"1700000000." + body, hashlib.sha256).digest()
    headers = {"X-Signature": base64.b64encode(digest).decode(), "X-Time": "1700000000"}
    assert parse_delivery(shape, headers, body, "s3cret")
    with pytest.raises(Misconfigured):
        parse_delivery(shape, {**headers, "X-Time": "1700000001"}, body, "s3cret")
