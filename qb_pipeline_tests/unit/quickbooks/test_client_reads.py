"""Queries, pages, counts, single reads and change data over real HTTP."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from qb_pipeline.errors import FixTheData, Misconfigured, NotFound, Reconnect, RetryLater
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource
from qb_pipeline.quickbooks.transport import CallRecord
from qb_pipeline_tests.unit.quickbooks.canned import (
    CannedServer,
    FakeClock,
    Reply,
    fault,
    gateway_fault,
    ok,
    unused_port,
)
from qb_pipeline_tests.unit.quickbooks.conftest import REALM, CountingOAuth, pair

PREFIX = f"/v3/company/{REALM}"


def rows(name: str, *ids: int) -> Reply:
    return ok(
        {"QueryResponse": {name: [{"Id": str(each)} for each in ids], "startPosition": 1, "maxResults": len(ids)}}
    )


def test_a_query_travels_with_token_minor_version_and_json(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(rows("Customer", 1))
    assert client.query("SELECT * FROM Customer WHERE DisplayName = 'A+B & C'").object_rows == [{"Id": "1"}]
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", f"{PREFIX}/query")
    assert asked.params == {"query": "SELECT * FROM Customer WHERE DisplayName = 'A+B & C'", "minorversion": "75"}
    assert asked.headers["Authorization"] == "Bearer access-1"
    assert asked.headers["Accept"] == "application/json"


def test_an_empty_answer_has_no_rows(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"QueryResponse": {}, "time": "2026-03-04T17:05:12.004-08:00"}))
    page = client.query("select * from customer")
    assert (page.object_rows, page.total_count) == ([], None)


def test_amounts_are_decimals(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(Reply(body=b'{"Invoice": {"Id": "7", "TotalAmt": 0.1, "Balance": 100.10}}'))
    invoice = client.read("Invoice", "7")
    assert invoice["TotalAmt"] == Decimal("0.1")
    assert isinstance(invoice["Balance"], Decimal)


def test_a_long_statement_travels_in_the_body(client: QuickBooksClient, server: CannedServer) -> None:
    statement = f"SELECT * FROM Invoice WHERE Id IN ({', '.join(quote(str(n)) for n in range(1000))})"
    server.play(rows("Invoice", 1))
    assert client.query(statement).object_rows == [{"Id": "1"}]
    assert server.asked[0].method == "POST"
    assert server.asked[0].body.decode() == statement
    assert server.asked[0].headers["Content-Type"] == "application/text"


def test_pages_are_ordered_and_end_with_the_first_short_one(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(rows("Item", 1, 2), rows("Item", 3, 4), rows("Item", 5))
    pages = list(client.pages("Item", where="Type = 'Service'", active_too=True, page_size=2))
    assert [[row["Id"] for row in page] for page in pages] == [["1", "2"], ["3", "4"], ["5"]]
    shared = "SELECT * FROM Item WHERE Type = 'Service' AND Active IN (true, false) ORDERBY Id"
    assert [each.params["query"] for each in server.asked] == [
        f"{shared} STARTPOSITION {start} MAXRESULTS 2" for start in (1, 3, 5)
    ]


def test_an_exactly_full_last_page_is_followed_by_an_empty_one(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(rows("Item", 1, 2), ok({"QueryResponse": {}}))
    assert len(list(client.pages("Item", page_size=2))) == 1
    assert len(server.asked) == 2


@pytest.mark.parametrize("page_size", [0, 1001])
def test_a_page_size_that_qbo_would_cap_is_refused(client: QuickBooksClient, page_size: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        next(client.pages("Item", page_size=page_size))


def test_count_gives_the_total(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"QueryResponse": {"totalCount": 214}}), ok({"QueryResponse": {}}), ok({"QueryResponse": {}}),
                ok({"QueryResponse": {}}))  # fmt: skip
    assert client.count("Invoice", where="Balance > '0'") == 214
    assert server.asked[0].params["query"] == "SELECT COUNT(*) FROM Invoice WHERE Balance > '0'"
    with pytest.raises(RetryLater, match="totalCount"):
        client.count("Invoice")


@pytest.mark.parametrize(("text", "literal"), [("O'Neil", r"'O\'Neil'"), ("plain", "'plain'"), ("a\\", r"'a\\'")])
def test_quote_escapes_by_backslash(text: str, literal: str) -> None:
    assert quote(text) == literal


def test_reading_a_deleted_object_says_not_found(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(fault("610"))
    with pytest.raises(NotFound) as raised:
        client.read("Invoice", "99")
    assert raised.value.reference == "1-tid"
    assert server.asked[0].path == f"{PREFIX}/invoice/99"


def test_company_and_preferences_have_their_own_addresses(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"CompanyInfo": {"Id": "1", "CompanyName": "Ridge"}}), ok({"Preferences": {"Id": "1"}}))
    assert client.company_info()["CompanyName"] == "Ridge"
    assert client.preferences()["Id"] == "1"
    assert [each.path for each in server.asked] == [f"{PREFIX}/companyinfo/{REALM}", f"{PREFIX}/preferences"]


def test_an_answer_with_another_entity_is_no_answer(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(*[ok({"Customer": {"Id": "7"}})] * 3, *[rows("Vendor", 1)] * 3)
    with pytest.raises(RetryLater) as raised:
        client.read("Invoice", "7")
    assert raised.value.code == "unexpected_answer"
    with pytest.raises(RetryLater) as raised:
        client.query("SELECT * FROM Customer")
    assert raised.value.code == "unexpected_answer"


def test_an_answer_about_another_record_is_no_answer(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(*[ok({"Invoice": {"Id": "8"}})] * 3)
    with pytest.raises(RetryLater, match="the object 8 where 7 was meant") as raised:
        client.read("Invoice", "7")
    assert raised.value.code == "unexpected_answer"


def test_credit_card_payments_are_found_under_their_other_key(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(ok({"CreditCardPaymentTxn": {"Id": "7"}}))
    assert client.read("CreditCardPayment", "7") == {"Id": "7"}
    assert server.asked[0].path.endswith("/creditcardpayment/7")


def test_reads_are_repeated_twice_with_growing_pauses(
    client: QuickBooksClient, server: CannedServer, clock: FakeClock
) -> None:
    server.play(Reply(503, b"", "text/html"), Reply(drop=True), rows("Item", 1))
    assert client.query("SELECT * FROM Item").object_rows == [{"Id": "1"}]
    first, second = clock.sleeps
    assert 0.25 <= first <= 0.75
    assert 0.5 <= second <= 1.5
    assert client.calls == {"query": 3}


def test_a_read_that_keeps_failing_is_told_after_three_sendings(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(*[Reply(503, b"", "text/html")] * 5)
    with pytest.raises(RetryLater) as raised:
        client.query("SELECT * FROM Item")
    assert raised.value.code == "qbo_http_503"
    assert not raised.value.maybe_written
    assert len(server.asked) == 3


def test_a_refused_read_is_not_repeated(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(fault("4001", detail="QueryValidationError: property 'PrivateNote' is not queryable"))
    with pytest.raises(FixTheData, match="PrivateNote"):
        client.query("SELECT * FROM Item WHERE PrivateNote = 'x'")
    assert len(server.asked) == 1


def test_a_slow_answer_is_a_timeout_and_a_cut_one_a_lost_connection(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(*[Reply(delay=0.8)] * 3, *[Reply(body=b'{"Item": {"Id": "12"}}', cut=True)] * 3)
    with pytest.raises(RetryLater) as raised:
        client.read("Item", "1")
    assert raised.value.code == "qbo_timeout"
    with pytest.raises(RetryLater) as raised:
        client.read("Item", "1")
    assert raised.value.code == "qbo_connection_lost"


def test_a_refused_token_is_refreshed_and_the_request_repeated_once(
    client: QuickBooksClient, server: CannedServer, store: InMemoryTokenStore, oauth: CountingOAuth
) -> None:
    server.play(gateway_fault("3200", status=401, detail="Token expired: access-1"), rows("Item", 1))
    assert client.query("SELECT * FROM Item").object_rows == [{"Id": "1"}]
    assert [each.headers["Authorization"] for each in server.asked] == ["Bearer access-1", "Bearer access-2"]
    assert oauth.used == ["refresh-1"]
    assert store.current.refresh_token == "refresh-2"


def test_a_second_401_asks_to_connect_again_without_telling_the_token(
    client: QuickBooksClient, server: CannedServer, oauth: CountingOAuth
) -> None:
    server.play(*[gateway_fault("3200", status=401, detail="Token expired: access-1")] * 5)
    with pytest.raises(Reconnect) as raised:
        client.query("SELECT * FROM Item")
    assert raised.value.reference == "1-gateway"
    assert "access-" not in str(raised.value)
    assert len(server.asked) == 2
    assert oauth.used == ["refresh-1"]


@pytest.mark.parametrize(("headers", "pause"), [({}, 60.0), ({"Retry-After": "7"}, 7.0),
                                                ({"Retry-After": "soon"}, 60.0)])  # fmt: skip
def test_a_429_waits_as_long_as_it_says_or_a_minute(
    store: InMemoryTokenStore, oauth: CountingOAuth, server: CannedServer, clock: FakeClock, headers: dict[str, str],
    pause: float,
) -> None:  # fmt: skip
    source = TokenSource(store, oauth, clock)
    client = QuickBooksClient(REALM, server.url, source, Throttle(Limits(), clock), clock=clock)
    throttled = gateway_fault("3001", status=429)
    server.play(Reply(429, throttled.body, headers=headers), rows("Item", 1))
    assert client.query("SELECT * FROM Item").object_rows == [{"Id": "1"}]
    assert clock.monotonic() == pytest.approx(pause)


def test_throttling_is_given_up_after_six_repetitions(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(*[gateway_fault("3001", status=429)] * 9)
    with pytest.raises(RetryLater) as raised:
        client.query("SELECT * FROM Item")
    assert raised.value.code == "qbo_3001"
    assert len(server.asked) == 7


def test_where_the_limits_are_not_known_a_429_is_felt_out_from_a_second_to_beyond_a_minute(
    client: QuickBooksClient, server: CannedServer, clock: FakeClock
) -> None:
    server.play(*[gateway_fault("3001", status=429)] * 6, rows("Item", 1))
    assert client.query("SELECT * FROM Item").object_rows == [{"Id": "1"}]
    assert clock.sleeps == pytest.approx([1, 2, 4, 8, 16, 32])
    server.play(gateway_fault("3001", status=429), rows("Item", 1))
    client.query("SELECT * FROM Item")
    assert clock.sleeps[-1] == pytest.approx(1), "a call that passed ends the row of refusals"


def test_changes_come_by_object_with_their_tombstones(client: QuickBooksClient, server: CannedServer) -> None:
    stub = {
        "domain": "QBO",
        "status": "Deleted",
        "Id": "99",
        "MetaData": {"LastUpdatedTime": "2026-03-04T10:00:00-08:00"},
    }
    server.play(ok({"CDCResponse": [{"QueryResponse": [
        {"Invoice": [{"Id": "130", "SyncToken": "3"}, stub], "startPosition": 1, "maxResults": 2}, {}]}]}))  # fmt: skip
    since = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    changes = client.cdc(["Invoice", "Customer"], since)
    assert changes.objects == {"Invoice": [{"Id": "130", "SyncToken": "3"}], "Customer": []}
    assert changes.tombstones == {"Invoice": [("99", datetime(2026, 3, 4, 18, 0, tzinfo=UTC))], "Customer": []}
    assert (changes.total, changes.full) == (2, False)
    assert server.asked[0].params["changedSince"] == "2026-03-01T00:00:00+05:30"
    assert server.asked[0].params["entities"] == "Invoice,Customer"


def test_a_thousand_changes_may_be_more(client: QuickBooksClient, server: CannedServer) -> None:
    block = {"Item": [{"Id": str(n)} for n in range(1000)]}
    server.play(ok({"CDCResponse": [{"QueryResponse": [block]}]}))
    assert client.cdc(["Item"], datetime.now(UTC)).full


def test_change_data_needs_a_time_zone(client: QuickBooksClient) -> None:
    with pytest.raises(ValueError, match="time zone"):
        client.cdc(["Item"], datetime(2026, 1, 1))  # noqa: DTZ001  # what is refused


@pytest.mark.parametrize("document", [
    {}, {"CDCResponse": None}, {"CDCResponse": [{"QueryResponse": [{"Vendor": [{"Id": "1"}]}]}]},
    {"CDCResponse": [{"QueryResponse": [{"Item": [{"Id": "1", "status": "Deleted"}]}]}]}])  # fmt: skip
def test_change_data_that_can_not_be_understood_is_no_answer(
    client: QuickBooksClient, server: CannedServer, document: object
) -> None:
    server.play(*[ok(document)] * 3)
    with pytest.raises(RetryLater) as raised:
        client.cdc(["Item"], datetime.now(UTC))
    assert raised.value.code == "unexpected_answer"


def test_a_fault_inside_change_data_is_an_error(client: QuickBooksClient, server: CannedServer) -> None:
    broken = {"Fault": {"Error": [{"code": "4002", "Detail": "To email address entered is invalid"}]}}
    server.play(ok({"CDCResponse": [{"QueryResponse": [broken]}]}))
    with pytest.raises(FixTheData, match="email address"):
        client.cdc(["Item"], datetime.now(UTC))


def test_recorded_change_data_with_a_deleted_invoice_is_understood(
    client: QuickBooksClient, server: CannedServer, recorded: Path
) -> None:
    body = (recorded / "cdc_hoist_2015_with_deleted_invoice.json").read_bytes()
    names = {key for block in json.loads(body)["CDCResponse"][0]["QueryResponse"] for key in block
             if isinstance(block[key], list)}  # fmt: skip
    server.play(Reply(body=body))
    changes = client.cdc(sorted(names), datetime(2015, 1, 1, tzinfo=UTC))
    assert len(changes.objects["Invoice"]) == 2
    assert len(changes.tombstones["Invoice"]) == 1


def test_every_recorded_query_answer_is_understood(
    client: QuickBooksClient, server: CannedServer, recorded: Path
) -> None:
    understood = 0
    for file in sorted(recorded.glob("query_*.json")):
        document = json.loads(file.read_bytes())
        name = next((key for key, value in document["QueryResponse"].items() if isinstance(value, list)), "Transfer")
        server.play(Reply(body=file.read_bytes()))
        assert len(client.query(f"SELECT * FROM {name}").object_rows) == len(document["QueryResponse"].get(name, []))
        understood += 1
    assert understood >= 5


def test_calls_are_counted_and_reported(
    server: CannedServer, clock: FakeClock, store: InMemoryTokenStore, oauth: CountingOAuth
) -> None:
    seen: list[CallRecord] = []
    throttle = Throttle(Limits.unlimited(), clock)
    client = QuickBooksClient(REALM, server.url + "/", TokenSource(store, oauth, clock), throttle,
                              on_call=seen.append, clock=clock)  # fmt: skip
    server.play(rows("Item", 1), ok({"Item": {"Id": "1"}}, intuit_tid="1-abc"))
    client.query("SELECT * FROM Item")
    client.read("Item", "1")
    assert client.calls == {"query": 1, "read": 1}
    assert [(each.kind, each.path, each.status, each.tid) for each in seen] == [
        ("query", "query", 200, None), ("read", "item/1", 200, "1-abc")]  # fmt: skip


def test_a_failure_is_logged_with_its_trace_id_and_without_names_or_tokens(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(fault("4001", detail="bad Ann Onym"))
    with capture_logs() as logs, pytest.raises(FixTheData):
        client.query("SELECT * FROM Customer WHERE GivenName = 'Ann Onym'")
    assert logs == [{"event": "quickbooks_call_failed", "log_level": "warning", "realm": REALM, "method": "GET",
                     "path": "query", "status": 400, "code": "qbo_4001", "intuit_tid": "1-tid"}]  # fmt: skip


def test_threads_share_a_client(client: QuickBooksClient, server: CannedServer) -> None:
    server.play(*[rows("Item", 1)] * 40)
    threads = [
        threading.Thread(target=lambda: [client.query("SELECT * FROM Item") for _ in range(10)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.calls == {"query": 40}
    assert len(server.asked) == 40


def test_an_unreachable_server_proves_that_nothing_was_written(clock: FakeClock, store: InMemoryTokenStore) -> None:
    source, throttle = TokenSource(store, CountingOAuth(clock), clock), Throttle(Limits.unlimited(), clock)
    client = QuickBooksClient(REALM, f"http://127.0.0.1:{unused_port()}", source, throttle, clock=clock)
    with pytest.raises(RetryLater) as raised:
        client.post("Customer", b"{}", request_id="r1")
    assert raised.value.code == "qbo_unreachable"
    assert not raised.value.maybe_written
    assert client.calls == {"write": 3}


@pytest.mark.parametrize(("realm", "base"), [("12a", "https://quickbooks.api.intuit.com"),
                                             ("12", "http://quickbooks.api.intuit.com")])  # fmt: skip
def test_a_wrong_realm_or_an_insecure_address_is_refused_at_once(clock: FakeClock, realm: str, base: str) -> None:
    source = TokenSource(InMemoryTokenStore(pair(clock, 1)), CountingOAuth(clock), clock)
    with pytest.raises(Misconfigured):
        QuickBooksClient(realm, base, source, Throttle(Limits(), clock))
