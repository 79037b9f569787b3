"""Single writes and batches over real HTTP."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from qb_pipeline.errors import (
    FixTheData,
    OwnerMustAct,
    PipelineError,
    PlanAgain,
    PossibleDuplicate,
    Reconnect,
    RetryLater,
)
from qb_pipeline.quickbooks.batches import BatchItem, batch_body, batch_outcomes, encode
from qb_pipeline.quickbooks.client import Operation, QuickBooksClient
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource
from qb_pipeline.quickbooks.wire import parse_object
from qb_pipeline_tests.unit.quickbooks.canned import CannedServer, FakeClock, Reply, fault, gateway_fault, ok
from qb_pipeline_tests.unit.quickbooks.conftest import REALM, CountingOAuth, pair

PREFIX = f"/v3/company/{REALM}"
CREATED = ok({"Customer": {"Id": "71", "SyncToken": "0", "DisplayName": "Ridge Farm"}}, intuit_tid="1-new")
ITEM = BatchItem("a1", "create", "Vendor", {"DisplayName": "Hill Supply"})


def test_a_create_sends_its_bytes_unchanged_and_gives_the_object(
    client: QuickBooksClient, server: CannedServer
) -> None:
    body = b'{ "DisplayName" : "Ridge Farm",  "Balance": 1.10 }'
    server.play(CREATED)
    answer = client.post("Customer", body, request_id="acme-customer-7-1")
    assert (answer.object["Id"], answer.deleted, answer.tid) == ("71", False, "1-new")
    assert answer.raw == CREATED.body
    assert server.asked[0].body == body
    assert server.asked[0].params == {"requestid": "acme-customer-7-1", "minorversion": "75"}
    assert server.asked[0].headers["Content-Type"] == "application/json"
    assert server.asked[0].path == f"{PREFIX}/customer"
    assert client.calls == {"write": 1}


@pytest.mark.parametrize(
    ("name", "operation", "params"),
    [
        ("Invoice", "update", {}),
        ("Invoice", "void", {"operation": "void"}),
        ("Invoice", "delete", {"operation": "delete"}),
        ("Payment", "void", {"operation": "update", "include": "void"}),
        ("SalesReceipt", "void", {"operation": "update", "include": "void"}),
        ("BillPayment", "void", {"operation": "update", "include": "void"}),
    ],
)
def test_each_operation_has_its_parameters(
    client: QuickBooksClient, server: CannedServer, name: str, operation: Operation, params: dict[str, str]
) -> None:
    server.play(ok({name: {"Id": "1", "SyncToken": "1"}}))
    client.post(name, b'{"Id":"1","SyncToken":"0"}', request_id="r", operation=operation)
    assert server.asked[0].params == {**params, "requestid": "r", "minorversion": "75"}


def test_a_void_the_api_can_not_do_is_refused_before_it_is_sent(client: QuickBooksClient, server: CannedServer) -> None:
    with pytest.raises(FixTheData) as raised:
        client.post("Bill", b"{}", request_id="r", operation="void")
    assert raised.value.code == "qbo_void_unsupported"
    assert server.asked == []


def test_a_duplicate_document_number_can_be_allowed(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"Invoice": {"Id": "1"}}))
    client.post("Invoice", b"{}", request_id="r", allow_duplicate_number=True)
    assert server.asked[0].params["include"] == "allowduplicatedocnum"


def test_a_delete_is_answered_by_a_stub(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"Invoice": {"status": "Deleted", "domain": "QBO", "Id": "145"}}))
    assert client.post("Invoice", b"{}", request_id="r", operation="delete").deleted


@pytest.mark.parametrize("request_id", ["", "x" * 51, "líne", "a\nb"])
def test_a_request_id_that_qbo_would_refuse_is_refused_before(
    client: QuickBooksClient, server: CannedServer, request_id: str
) -> None:
    with pytest.raises(FixTheData) as raised:
        client.post("Customer", b"{}", request_id=request_id)
    assert raised.value.code == "qbo_malformed_request"
    assert server.asked == []


def test_a_dropped_write_is_sent_again_with_the_same_id_and_bytes(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(Reply(drop=True), Reply(drop=True), CREATED)
    assert client.post("Customer", b'{"DisplayName":"R"}', request_id="r1").object["Id"] == "71"
    assert len({(each.body, each.params["requestid"]) for each in server.asked}) == 1
    assert len(server.asked) == 3


def test_a_write_that_stays_unanswered_says_that_it_may_be_written(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(*[Reply(drop=True)] * 9)
    with pytest.raises(RetryLater) as raised:
        client.post("Customer", b"{}", request_id="r1")
    assert raised.value.maybe_written
    assert len(server.asked) == 3


@pytest.mark.parametrize("reply", [Reply(503, b"", "text/html"), fault("10000", status=500), Reply(delay=0.8),
                                   Reply(body=b'{"Customer": {"I'), Reply(body=b""), ok({"Vendor": {"Id": "1"}}),
                                   Reply(body=b"<html>", content_type="text/html")])  # fmt: skip
def test_a_write_with_an_unclear_end_is_left_to_the_journal(
    client: QuickBooksClient, server: CannedServer, reply: Reply
) -> None:
    server.play(reply, CREATED)
    with pytest.raises(RetryLater) as raised:
        client.post("Customer", b"{}", request_id="r1")
    assert raised.value.maybe_written
    assert len(server.asked) == 1, "the client itself does not send it again"


def test_the_doubt_of_an_earlier_sending_outlives_a_clear_refusal_of_a_later_one(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(Reply(drop=True), *[gateway_fault("3001", status=429)] * 9)
    with pytest.raises(RetryLater) as raised:
        client.post("Customer", b"{}", request_id="r1")
    assert raised.value.code == "qbo_3001"
    assert raised.value.maybe_written


@pytest.mark.parametrize("refusal", [gateway_fault("3100", status=403), fault("6190", status=200)])
def test_a_refusal_of_the_whole_company_settles_no_doubt_of_an_earlier_sending(
    client: QuickBooksClient, server: CannedServer, refusal: Reply
) -> None:
    server.play(Reply(drop=True), refusal)
    with pytest.raises((Reconnect, OwnerMustAct)) as raised:
        client.post("Customer", b"{}", request_id="r1")
    assert raised.value.maybe_written
    server.play(refusal)
    with pytest.raises((Reconnect, OwnerMustAct)) as raised:
        client.post("Customer", b"{}", request_id="r2")
    assert not raised.value.maybe_written


def test_a_throttled_write_is_sent_again_and_was_not_written(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(gateway_fault("3001", status=429), CREATED, *[gateway_fault("3001", status=429)] * 7)
    assert client.post("Customer", b"{}", request_id="r1").object["Id"] == "71"
    with pytest.raises(RetryLater) as raised:
        client.post("Customer", b"{}", request_id="r2")
    assert not raised.value.maybe_written


def test_a_write_with_a_refused_token_is_replayed_with_a_fresh_one(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(gateway_fault("3200", status=401), CREATED)
    assert client.post("Customer", b'{"a":1}', request_id="r1").object["Id"] == "71"
    assert [each.body for each in server.asked] == [b'{"a":1}'] * 2


@pytest.mark.parametrize(
    ("reply", "recovery"),
    [
        (fault("5010"), PlanAgain),
        (fault("6240", detail="… : Id=12"), PossibleDuplicate),
        (fault("6200"), OwnerMustAct),
        (fault("6190", status=200), OwnerMustAct),
        (gateway_fault("3100", status=403), Reconnect),
        (fault("2020", element="Line"), FixTheData),
    ],
)
def test_a_refused_write_is_not_sent_again(
    client: QuickBooksClient, server: CannedServer, reply: Reply, recovery: type[PipelineError]
) -> None:
    server.play(reply, CREATED)
    with pytest.raises(recovery):
        client.post("Customer", b"{}", request_id="r1")
    assert len(server.asked) == 1


def test_a_void_answered_with_200_but_not_done_is_an_error(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"BatchItemResponse": [], "time": "2026-03-04T17:05:12.004-08:00"}))
    with pytest.raises(FixTheData) as raised:
        client.post("Invoice", b"{}", request_id="r", operation="void")
    assert raised.value.code == "not_done"


def test_a_redirect_is_not_followed_and_leaves_a_doubt(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(Reply(302, b"", headers={"Location": f"{server.url}/elsewhere"}), CREATED)
    with pytest.raises(RetryLater) as caught:
        client.post("Customer", b"{}", request_id="r")
    assert caught.value.maybe_written
    assert len(server.asked) == 1


def test_an_admitted_write_takes_no_second_slot(
    server: CannedServer, clock: FakeClock, oauth: CountingOAuth, store: InMemoryTokenStore
) -> None:
    throttle = Throttle(Limits(per_minute=1, per_second=None, jitter=0), clock)
    client = QuickBooksClient(REALM, server.url, TokenSource(store, oauth, clock), throttle, clock=clock)
    server.play(CREATED, CREATED)
    slot = throttle.acquire()
    client.post("Customer", b"{}", request_id="r1", slot=slot)
    assert clock.sleeps == []
    client.post("Customer", b"{}", request_id="r2")
    assert clock.monotonic() == pytest.approx(60.3)


def test_an_access_token_near_its_end_is_refreshed_before_the_write(
    server: CannedServer, clock: FakeClock, oauth: CountingOAuth
) -> None:
    source = TokenSource(InMemoryTokenStore(pair(clock, 1, lives=100)), oauth, clock)
    client = QuickBooksClient(REALM, server.url, source, Throttle(Limits(), clock), clock=clock)
    server.play(CREATED)
    client.post("Customer", b"{}", request_id="r1")
    assert server.asked[0].headers["Authorization"] == "Bearer access-2"


def test_the_body_of_a_batch_is_the_same_for_the_same_items() -> None:
    items = [
        ITEM,
        BatchItem("a2", "update", "Payment", {"Id": "77", "SyncToken": "0", "sparse": True}, void=True),
        BatchItem("a3", "create", "Invoice", {"TotalAmt": Decimal("10.10")}, allow_duplicate_number=True),
    ]
    assert batch_body(items) == batch_body(items)
    assert json.loads(batch_body(items)) == {
        "BatchItemRequest": [
            {"bId": "a1", "operation": "create", "Vendor": {"DisplayName": "Hill Supply"}},
            {"bId": "a2", "operation": "update", "optionsData": "void",
             "Payment": {"Id": "77", "SyncToken": "0", "sparse": True}},
            {"bId": "a3", "operation": "create", "optionsData": "allowduplicatedocnum", "Invoice": {"TotalAmt": 10.1}},
        ]
    }  # fmt: skip
    assert b'"TotalAmt":10.10' in batch_body(items)


def test_encoded_text_is_utf8_and_compact() -> None:
    assert encode({"Name": "Müller", "Qty": Decimal("0.000001")}) == '{"Name":"Müller","Qty":0.000001}'.encode()


@pytest.mark.parametrize("items", [[], [ITEM] * 2, [BatchItem(f"b{n}", "create", "Vendor", {}) for n in range(31)],
                                   [BatchItem("12345678901", "create", "Vendor", {})],
                                   [BatchItem("", "create", "Vendor", {})]])  # fmt: skip
def test_a_batch_that_qbo_would_refuse_is_refused_before(items: list[BatchItem]) -> None:
    with pytest.raises(FixTheData) as raised:
        batch_body(items)
    assert raised.value.code == "qbo_malformed_request"


def test_the_outcomes_of_a_batch_are_found_by_bid_in_any_order(client: QuickBooksClient, server: CannedServer) -> None:
    names = [BatchItem(f"a{n}", "create", "Vendor", {"DisplayName": str(n)}) for n in (1, 2, 3)]
    duplicate = {"Error": [{"Message": "Duplicate Name Exists Error", "Detail": ": Id=9", "code": "6240"}]}
    server.play(ok({"BatchItemResponse": [{"bId": "a3", "Vendor": {"Id": "5", "status": "Deleted"}},
                                          {"bId": "a1", "Fault": duplicate}, {"bId": "a2", "Vendor": {"Id": "4"}}]},
                   intuit_tid="1-batch"))  # fmt: skip
    answer = client.batch(batch_body(names), request_id="r" * 36)
    error = answer.outcomes["a1"].error
    assert isinstance(error, PossibleDuplicate)
    assert (error.existing_id, error.reference) == ("9", "1-batch")
    assert answer.outcomes["a2"].object == {"Id": "4"}
    assert answer.outcomes["a3"].deleted
    assert server.asked[0].path == f"{PREFIX}/batch"
    assert client.calls == {"batch": 1}
    stored = batch_outcomes(answer.raw)
    assert {bid: outcome.object for bid, outcome in stored.items()} == {
        bid: outcome.object for bid, outcome in answer.outcomes.items()
    }


def test_a_batch_with_a_missing_or_foreign_outcome_may_have_been_written(
    client: QuickBooksClient, server: CannedServer
) -> None:
    other = {"bId": "a1", "Customer": {"Id": "1"}}
    server.play(ok({"BatchItemResponse": []}), ok({"Vendor": {"Id": "1"}}), ok({"BatchItemResponse": [other]}))
    for _ in range(3):
        with pytest.raises(RetryLater) as raised:
            client.batch(batch_body([ITEM]), request_id="r")
        assert raised.value.maybe_written
        assert raised.value.code == "unexpected_answer"


def test_a_batch_item_with_neither_object_nor_fault_is_an_error_of_that_item() -> None:
    outcome = batch_outcomes(b'{"BatchItemResponse": [{"bId": "a1"}]}')["a1"]
    assert isinstance(outcome.error, FixTheData)
    assert outcome.object is None


def test_the_request_id_of_a_batch_is_shorter_than_others(client: QuickBooksClient, server: CannedServer) -> None:
    with pytest.raises(FixTheData):
        client.batch(batch_body([ITEM]), request_id="r" * 37)
    assert server.asked == []


def test_a_refused_batch_raises(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(fault("1040"))
    with pytest.raises(FixTheData) as raised:
        client.batch(batch_body([ITEM]), request_id="r")
    assert raised.value.code == "qbo_1040"


def test_a_stored_answer_is_parsed_as_it_was_then() -> None:
    assert parse_object("Customer", CREATED.body)["Id"] == "71"
    with pytest.raises(PossibleDuplicate):
        parse_object("Customer", fault("6240").body)
    with pytest.raises(RetryLater):
        parse_object("Customer", CREATED.body[:20])


def test_every_recorded_batch_answer_is_understood(recorded: Path) -> None:
    understood = 0
    for file in sorted(recorded.glob("batch_*.json")):
        document = json.loads(file.read_bytes())
        responses = document.get("BatchItemResponse")
        if not responses:
            continue
        outcomes = batch_outcomes(file.read_bytes())
        for each in responses:
            if "QueryResponse" in each:  # a query asked for in a batch, which this client never does
                continue
            assert (outcomes[each["bId"]].error is not None) == ("Fault" in each), file.name
        understood += 1
    assert understood >= 3
