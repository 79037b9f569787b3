"""Change data capture, batches, and idempotency by requestid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line


def now(books: Books) -> datetime:
    """The sandbox's time, a minute back."""
    answer = requests.post(f"{books.base}/_sandbox/clock", json={"advance_seconds": 0}, timeout=10).json()
    return datetime.fromisoformat(answer["now"]) - timedelta(minutes=1)


def cdc(books: Books, entities: str, since: str) -> list[Body]:
    status, answer = books.get("cdc", entities=entities, changedSince=since)
    assert status == 200, answer
    blocks: list[Body] = answer["CDCResponse"][0]["QueryResponse"]
    return blocks


def batch(books: Books, items: list[Body], **params: str) -> dict[str, Body]:
    status, answer = books.post("batch", {"BatchItemRequest": items}, **params)
    assert status == 200, answer
    return {item["bId"]: item for item in answer["BatchItemResponse"]}


def test_cdc_gives_a_block_an_entity_in_order_and_an_empty_one_where_nothing_changed(books: Books) -> None:
    since = now(books).isoformat()
    customer = books.customer()
    vendors, customers = cdc(books, "Vendor,customer", since)
    assert vendors == {}
    assert customers == {"Customer": [customer], "startPosition": 1, "maxResults": 1, "totalCount": 1}


def test_cdc_lists_removals_last_as_stubs_and_without_a_start_position_when_alone(books: Books) -> None:
    since = now(books).isoformat()
    customer, item = books.customer(), books.item()
    gone, kept = books.invoice(customer, item), books.invoice(customer, item)
    books.post("invoice", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    (block,) = cdc(books, "Invoice", since)
    assert [one["Id"] for one in block["Invoice"]] == [kept["Id"], gone["Id"]]
    stub = block["Invoice"][1]
    assert set(stub) == {"domain", "status", "Id", "MetaData"}
    assert (stub["status"], set(stub["MetaData"])) == ("Deleted", {"LastUpdatedTime"})
    books.post("invoice", {"Id": kept["Id"], "SyncToken": "0"}, operation="delete")
    (block,) = cdc(books, "Invoice", since)
    assert "startPosition" not in block
    assert block["maxResults"] == 2


def test_an_inactive_name_is_an_ordinary_change(books: Books) -> None:
    since = now(books).isoformat()
    books.change("Customer", books.customer(), Active=False)
    (block,) = cdc(books, "Customer", since)
    assert block["Customer"][0]["Active"] is False


def test_a_posting_brings_the_customer_into_cdc_and_a_payment_brings_its_invoice(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item)
    requests.post(f"{books.base}/_sandbox/clock", json={"advance_seconds": 300}, timeout=10)
    since = now(books).isoformat()
    assert cdc(books, "Customer,Invoice", since) == [{}, {}]
    books.payment(customer, 100, (invoice, 100))
    customers, invoices = cdc(books, "Customer,Invoice", since)
    assert customers["Customer"][0]["SyncToken"] == customer["SyncToken"]
    assert invoices["Invoice"][0]["SyncToken"] == "1"


def test_cdc_holds_a_thousand_objects_over_all_entities_and_does_not_say_so(books: Books) -> None:
    since = now(books).isoformat()
    for entity, name in (("Customer", "C"), ("Vendor", "V")):
        for start in range(0, 510, 30):
            create: list[Body] = [
                {"bId": str(n), "operation": "create", entity: {"DisplayName": f"{name}{n}"}}
                for n in range(start, start + 30)
            ]
            batch(books, create)
    customers, vendors = cdc(books, "Customer,Vendor", since)
    assert (customers["maxResults"], vendors["maxResults"]) == (510, 490)
    assert set(vendors) == {"Vendor", "startPosition", "maxResults", "totalCount"}


def test_cdc_refuses_what_it_does_not_follow_and_what_is_too_old(books: Books) -> None:
    since = now(books).isoformat()
    for entities in ("TaxCode", "TimeActivity", "estimates", ""):
        status, answer = books.get("cdc", entities=entities, changedSince=since)
        assert (status, answer["Fault"]["Error"][0]["code"]) == (200, "10000")
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    status, answer = books.get("cdc", entities="Customer", changedSince=old)
    assert (status, answer["Fault"]["Error"][0]["code"]) == (400, "500")
    assert "older than fixed days" in answer["Fault"]["Error"][0]["Detail"]
    assert books.get("cdc", entities="Customer", changedSince="yesterday")[0] == 400
    assert books.get("cdc", entities="Customer")[1]["Fault"]["Error"][0]["code"] == "2020"


def test_a_batch_runs_its_items_each_on_its_own(books: Books) -> None:
    customer = books.customer()
    done = batch(
        books,
        [
            {"bId": "new", "operation": "create", "Vendor": {"DisplayName": "Hill Supply"}},
            {"bId": "same", "Vendor": {"DisplayName": "hill supply"}},
            {"bId": "list", "Query": "select * from Term"},
            {"bId": "bad", "Query": "select * from Nothing"},
            {"bId": "stale", "operation": "update", "Customer": {"Id": customer["Id"], "SyncToken": "9"}},
            {"bId": "odd", "operation": "merge", "Customer": {"DisplayName": "x"}},
            {"bId": "who", "operation": "create", "Spaceship": {}},
        ],
    )
    codes = {key: item["Fault"]["Error"][0]["code"] for key, item in done.items() if "Fault" in item}
    assert codes == {"same": "6240", "bad": "4001", "stale": "5010", "odd": "500", "who": "2000"}
    assert done["new"]["Vendor"]["DisplayName"] == "Hill Supply"
    assert done["list"]["QueryResponse"]["maxResults"] == 5
    assert books.query("select count(*) from Vendor") == {"totalCount": 1}


def test_a_batch_item_can_void_delete_and_use_a_number_twice(books: Books) -> None:
    customer, item = books.customer(), books.item()
    first = books.invoice(customer, item, DocNumber="7")
    payment = books.payment(customer, 10)
    same = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)], "DocNumber": "7"}
    done = batch(
        books,
        [
            {"bId": "again", "operation": "create", "optionsData": "allowduplicatedocnum", "Invoice": same},
            {"bId": "refused", "operation": "create", "Invoice": same},
            {
                "bId": "void",
                "operation": "update",
                "optionsData": "void",
                "Payment": {"Id": payment["Id"], "SyncToken": "0", "sparse": True},
            },
            {"bId": "gone", "operation": "delete", "Invoice": {"Id": first["Id"], "SyncToken": "0"}},
        ],
    )
    assert done["again"]["Invoice"]["DocNumber"] == "7"
    assert done["refused"]["Fault"]["Error"][0]["code"] == "6140"
    assert done["void"]["Payment"]["TotalAmt"] == 0
    assert done["gone"]["Invoice"]["status"] == "Deleted"


def test_a_batch_of_more_than_30_items_is_refused_whole(books: Books) -> None:
    items = [{"bId": str(n), "operation": "create", "Customer": {"DisplayName": f"C{n}"}} for n in range(31)]
    assert books.refused("batch", {"BatchItemRequest": items})[:2] == (400, "1040")
    assert books.query("select * from Customer") == {}


def test_the_same_requestid_gives_the_same_answer_and_does_nothing(books: Books) -> None:
    body = {"DisplayName": "Ridge Farm"}
    first = books.post("customer", body, requestid="k-1")
    again = books.post("customer", {"DisplayName": "Something else"}, requestid="k-1")
    assert first == again
    assert books.query("select count(*) from Customer") == {"totalCount": 1}
    change = {"Id": first[1]["Customer"]["Id"], "SyncToken": "0", "sparse": True, "Notes": "x"}
    assert books.post("customer", change, requestid="k-2") == books.post("customer", change, requestid="k-2")
    assert books.read("Customer", "1")["SyncToken"] == "1"


def test_a_replay_is_answered_even_when_the_object_is_gone(books: Books) -> None:
    customer, item = books.customer(), books.item()
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)]}
    made = books.make("Invoice", body, requestid="k")
    stub = books.post("invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete", requestid="d")
    assert books.post("invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete", requestid="d") == stub
    assert books.make("Invoice", body, requestid="k") == made
    assert books.query("select * from Invoice") == {}


def test_a_refusal_is_not_remembered_and_another_company_has_its_own_ids(books: Books) -> None:
    assert books.refused("customer", {}, requestid="k")[1] == "6080"
    assert books.make("Customer", {"DisplayName": "A"}, requestid="k")["DisplayName"] == "A"


def test_a_batch_sent_again_replays_what_succeeded_and_tries_the_rest_anew(books: Books) -> None:
    items: list[Body] = [
        {"bId": "a", "operation": "create", "Customer": {"DisplayName": "A"}},
        {"bId": "b", "operation": "create", "Customer": {"DisplayName": "B", "ParentRef": {"value": "1"}}},
    ]
    first = batch(books, items, requestid="batch-1")
    assert first["b"]["Fault"]["Error"][0]["code"] == "6150"
    items[1]["Customer"]["Job"] = True
    second = batch(books, items, requestid="batch-1")
    assert second["a"] == first["a"]
    assert second["b"]["Customer"]["FullyQualifiedName"] == "A:B"
    assert batch(books, items, requestid="batch-1") == second


def test_malformed_request_ids_are_refused_with_2130(books: Books) -> None:
    assert books.refused("customer", {"DisplayName": "A"}, requestid="x" * 51)[1] == "2130"
    item: dict[str, Any] = {"operation": "create", "Customer": {"DisplayName": "A"}}
    whole = {"BatchItemRequest": [{"bId": "1", **item}]}
    assert books.refused("batch", whole, requestid="x" * 37)[1] == "2130"
    long_mark = {"BatchItemRequest": [{"bId": "12345678901", **item}]}
    assert books.refused("batch", long_mark, requestid="x" * 36)[1] == "2130"
    assert batch(books, [{"bId": "12345678901", **item}])["12345678901"]["Customer"]["DisplayName"] == "A"


def test_the_log_tells_writes_from_replays(books: Books) -> None:
    books.make("Customer", {"DisplayName": "A"}, requestid="log-1")
    books.make("Customer", {"DisplayName": "A"}, requestid="log-1")
    seen = requests.get(f"{books.base}/_sandbox/requests?since=0", timeout=10).json()["requests"]
    mine = [(entry["key"], entry["items"], entry["status"]) for entry in seen if entry["realm"] == books.realm]
    assert mine == [("log-1", 1, 200), ("log-1", 0, 200)]
