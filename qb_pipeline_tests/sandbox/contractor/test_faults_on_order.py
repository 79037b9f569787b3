"""Faults on order against the reference API: after the work, poison records, records changing between two pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.contractor.conftest import code
from qb_pipeline_tests.sandbox.kernel.running import Client


@pytest.fixture(autouse=True)
def tidy(client: Client) -> Iterator[None]:
    yield
    client.control("faults", method="DELETE")
    client.control("limits", {"enforce": False, "latency_seconds": 0, "retry_after": False})


def made(client: Client, collection: str, count: int) -> list[dict[str, Any]]:
    return [client.made(collection, {"name": f"Record {number}"}) for number in range(count)]


def test_a_status_after_the_work_hides_a_create_that_its_key_replays(client: Client) -> None:
    client.control("faults", [{"action": "status", "status": 502, "when": "after", "body": "html", "times": 1}])
    answer = client.post("terms", {"name": "Net 7"}, key="hidden")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    listed = [one for one in client.get("terms", limit=500).json()["data"] if one["name"] == "Net 7"]
    assert [client.post("terms", {"name": "Net 7"}, key="hidden").json()] == listed


def test_a_status_after_an_update_leaves_the_next_version(client: Client) -> None:
    record = client.made("terms", {"name": "Net 8"})
    client.control("faults", [{"match": {"method": "PATCH"}, "action": "status", "status": 503, "when": "after"}])
    assert client.patch(f"terms/{record['id']}", {"name": "Net eight"}, "1").status_code == 503
    assert client.one(f"terms/{record['id']}")["version"] == "2"


def test_a_page_with_a_poisoned_record_fails_and_others_do_not(client: Client) -> None:
    records = made(client, "locations", 5)
    since = records[0]["updated_at"]
    client.control("faults", [{"match": {"entity": "locations"}, "action": "poison", "ids": [records[3]["id"]]}])
    assert code(client.get("locations", updated_since=since)) == (400, "unreadable_record", None)
    first = client.get("locations", updated_since=since, limit=3)
    assert [one["id"] for one in first.json()["data"]] == [one["id"] for one in records[:3]]
    assert client.get("locations", cursor=first.json()["next_cursor"], limit=1).status_code == 400
    assert client.get("locations", updated_since=records[4]["updated_at"]).status_code == 200
    assert client.get(f"locations/{records[3]['id']}").status_code == 400
    assert client.get(f"locations/{records[2]['id']}").status_code == 200
    assert client.patch(f"locations/{records[3]['id']}", {"code": "L4"}, "1").status_code == 200


def test_poison_may_be_told_by_a_field_and_spare_single_reads(client: Client) -> None:
    record = client.made("customers", {"name": "Ann", "billing_address": {"city": "Nowhere"}})
    rule = {"action": "poison", "where": {"billing_address.city": "Nowhere"}, "reads": False, "status": 500}
    client.control("faults", [{**rule, "match": {"entity": "customers"}}])
    assert client.get("customers").status_code == 500
    assert client.one(f"customers/{record['id']}") == record


def test_a_record_that_changes_between_two_pages_moves_to_the_end(client: Client) -> None:
    records = made(client, "divisions", 4)
    first, moved = records[0]["updated_at"], records[2]["id"]
    client.control("faults", [{"match": {"entity": "divisions"}, "action": "row_change", "id": moved}])
    page = client.get("divisions", updated_since=first, limit=2).json()
    rest = client.get("divisions", cursor=page["next_cursor"]).json()["data"]
    assert [one["id"] for one in rest] == [records[3]["id"], moved]
    assert [one["version"] for one in rest] == ["1", "2"]


def test_a_record_deleted_between_two_pages_is_told_as_deleted(client: Client) -> None:
    records = made(client, "payment_methods", 4)
    first, gone = records[0]["updated_at"], records[0]["id"]
    rule = {"match": {"entity": "payment_methods"}, "action": "row_change", "id": gone, "change": "delete"}
    client.control("faults", [rule])
    page = client.get("payment_methods", updated_since=first, limit=2, include_deleted="true").json()
    rest = client.get("payment_methods", cursor=page["next_cursor"], include_deleted="true").json()["data"]
    assert [one["id"] for one in rest] == [records[2]["id"], records[3]["id"], gone]
    assert rest[-1]["deleted_at"] is not None


def test_twenty_requests_at_once_pass_when_each_takes_its_time(client: Client) -> None:
    client.control("limits", {"enforce": True, "latency_seconds": 2, "retry_after": True})
    statuses: list[int] = []

    def ask() -> None:
        headers = {"Authorization": f"Bearer {client.first_line['api_key']}"}
        statuses.append(requests.get(f"{client.base_url}/api/v1/terms", headers=headers, timeout=20).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    answer = client.get("terms")
    assert code(answer) == (429, "rate_limited", None)
    assert answer.headers["retry-after"] == "1"
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


@pytest.mark.parametrize("action", ["expire_token", "batch_item"])
def test_a_fault_that_this_api_cannot_have_is_refused(client: Client, action: str) -> None:
    assert client.call("POST", "/_sandbox/faults", json=[{"action": action}]).status_code == 400
