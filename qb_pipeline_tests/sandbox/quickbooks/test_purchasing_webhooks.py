"""What subscribers are told of purchasing."""

from __future__ import annotations

import json

import requests

from qb_pipeline_tests.sandbox.quickbooks.books import open_books, running
from qb_pipeline_tests.sandbox.quickbooks.purchasing import cost, key, owed, part, paying, vendor
from qb_pipeline_tests.sandbox.quickbooks.test_durability_webhooks_ui import (
    Delivery,
    entities_of,
    receiver,
    wait_for,
)

__all__ = ["receiver"]


def test_bills_payments_voids_and_hours_are_announced_and_charges_are_not(
    receiver: tuple[str, list[Delivery]],
) -> None:
    url, seen = receiver
    with running() as info:
        body = {"url": url, "format": "legacy"}
        requests.post(f"{info['base_url']}/_sandbox/subscribe", json=body, timeout=10).raise_for_status()
        books = open_books(info)
        seller, customer = vendor(books), books.customer()
        made = books.make("Bill", owed(seller, cost(100, CustomerRef={"value": customer["Id"]})))
        payment = books.make("BillPayment", paying(seller, 100, part("Bill", made, 100)))
        books.make("BillPayment", {**key(payment), "sparse": True}, operation="update", include="void")
        hours = {"NameOf": "Vendor", "VendorRef": {"value": seller["Id"]}, "Hours": 2}
        time = books.make("TimeActivity", hours)
        books.post("timeactivity", key(time), operation="delete")
        wait_for(seen, 9, lambda payload: len(entities_of(payload)))
    told = [(one["name"], one["operation"]) for _, sent in seen for one in entities_of(json.loads(sent))]
    assert told == [
        ("Vendor", "Create"),
        ("Customer", "Create"),
        ("Bill", "Create"),
        ("BillPayment", "Create"),
        ("Bill", "Update"),
        ("BillPayment", "Void"),
        ("Bill", "Update"),
        ("TimeActivity", "Create"),
        ("TimeActivity", "Delete"),
    ]
