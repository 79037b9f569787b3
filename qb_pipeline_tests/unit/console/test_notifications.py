"""Intuit's two formats: what is read out of them, and what is survived."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.console.notifications import Delivery, read
from qb_pipeline.errors import FixTheData
from qb_pipeline_tests.unit.console.running import REALM, cloud, entity, legacy


def reading(document: Any) -> Delivery:
    return read(json.dumps(document).encode())


def test_a_legacy_delivery_names_every_entity_of_every_realm() -> None:
    body = legacy(entity("Customer", "71"), entity("Invoice", "9", "Void"))
    body["eventNotifications"] += legacy(entity("Item", "3", "Create"), realm="55")["eventNotifications"]
    found = reading(body).events
    assert [(e.realm_id, e.name, e.id, e.operation) for e in found] == [
        (REALM, "Customer", "71", "Update"), (REALM, "Invoice", "9", "Void"), ("55", "Item", "3", "Create"),
    ]  # fmt: skip
    assert found[0].occurred_at == datetime(2026, 3, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "name", "operation"),
    [
        ("qbo.customer.created.v1", "Customer", "Create"),
        ("qbo.invoice.updated.v1", "Invoice", "Update"),
        ("qbo.billpayment.voided.v1", "BillPayment", "Void"),
        ("qbo.paymentmethod.deleted.v1", "PaymentMethod", "Delete"),
        ("qbo.creditmemo.emailed.v2", "CreditMemo", "Emailed"),
        ("qbo.novelty.reborn.v1", "novelty", "reborn"),
    ],
)
def test_a_cloud_event_has_the_names_of_the_api(kind: str, name: str, operation: str) -> None:
    (event,) = reading([cloud("e1", kind)]).events
    assert (event.name, event.operation, event.key) == (name, operation, "e1")


def test_both_formats_keep_the_loser_of_a_merge() -> None:
    old = reading(legacy(entity(operation="Merge", deletedId="104"))).events
    new = reading([cloud("e1", "qbo.customer.merged.v1", data={"deletedid": "104"})]).events
    assert [(e.id, e.operation, e.deleted_id) for e in old + new] == [("71", "Merge", "104")] * 2


def test_one_delivery_may_hold_both_formats_and_fields_nobody_knows() -> None:
    mixed = [
        cloud("e1", novel={"a": [1]}),
        legacy(entity(record="8", novel=True)),
        legacy(entity())["eventNotifications"][0],
    ]
    assert [event.id for event in reading(mixed).events] == ["71", "8", "71"]


def test_a_cloud_event_without_data_and_a_single_one_outside_a_list_are_read() -> None:
    event = cloud("e1")
    del event["data"]
    assert reading(event).events[0].key == "e1"


def test_a_repeated_legacy_event_has_the_same_key_and_a_later_edit_another() -> None:
    first, again, later, merged = (
        reading(legacy(e)).events[0].key
        for e in (entity(), entity(novel=1), entity(lastUpdated="2026-03-04T10:00:01.000Z"), entity(deletedId="9"))
    )
    assert first == again
    assert len({first, later, merged}) == 3


def test_an_event_without_a_time_is_never_taken_for_a_repeat() -> None:
    body = legacy(entity(lastUpdated=None))
    assert reading(body).events[0].key != reading(body).events[0].key
    assert reading(body).events[0].occurred_at is None


def test_one_event_that_can_not_be_read_is_counted_and_costs_no_other_its_place() -> None:
    found = reading([cloud("e1"), {"type": "qbo"}, 7, cloud("e3", intuitentityid=None), cloud("e4")])
    assert [event.key for event in found.events] == ["e1", "e4"]
    assert found.unreadable == 3


def test_an_empty_delivery_holds_nothing() -> None:
    assert reading([]) == reading({"eventNotifications": []}) == Delivery([], 0)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff", b"5", b"null", b"{}", b'[{"type": 5}]', b'{"eventNotifications": 3}', b"[" * 100_000,
        b'[{"dataChangeEvent": {"entities": {}}}]', json.dumps([cloud("e", record="7\u0000")]).encode(),
        json.dumps([cloud("e", record="x" * 5000)]).encode(), json.dumps([cloud("e", record="\ud800")]).encode(),
    ],
)  # fmt: skip
def test_a_body_of_which_nothing_can_be_read_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(FixTheData, match=r"A signed webhook of QuickBooks can't be read: .+") as failure:
        read(body)
    assert failure.value.code == "bad_webhook"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["eventNotifications", "dataChangeEvent", "entities", "realmId", "type", "id", "name", "data",
                         "operation", "intuitentityid", "intuitaccountid", "deletedId", "time"]), inner),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_or_refused_with_a_reason(document: Any) -> None:
    try:
        found = reading(document)
    except FixTheData as refusal:
        assert refusal.code == "bad_webhook"
    else:
        assert all((e.realm_id + e.name + e.id + e.operation + e.key).isprintable() for e in found.events)
