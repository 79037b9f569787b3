"""Faults on order against the accounting API: every kind, before and after the work, row by row and item by item."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books, running

REALM = iter(range(7_000, 8_000))


@pytest.fixture(scope="module")
def own() -> Iterator[Body]:
    """A server of its own, whose faults and clock the tests may order."""
    with running() as info:
        yield info


@pytest.fixture
def books(own: Body) -> Iterator[Books]:
    """A fresh company; all faults are gone again afterwards."""
    yield open_books(own, str(next(REALM)))
    requests.delete(f"{own['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


def order(books: Books, *rules: Body) -> None:
    requests.post(f"{books.base}/_sandbox/faults", json=list(rules), timeout=10).raise_for_status()


def fired(books: Books) -> list[int]:
    return [rule["fired"] for rule in requests.get(f"{books.base}/_sandbox/faults", timeout=10).json()["rules"]]


def advance(books: Books, seconds: float) -> None:
    requests.post(f"{books.base}/_sandbox/clock", json={"advance_seconds": seconds}, timeout=10).raise_for_status()


def invoices(books: Books, count: int) -> list[Body]:
    """Invoices of one customer, a second apart, so that their order by time is certain."""
    customer, item = books.customer(), books.item()
    made = []
    for _ in range(count):
        made.append(books.invoice(customer, item))
        advance(books, 1)
    return made


def ids(answer: Body, entity: str = "Invoice") -> list[str]:
    return [row["Id"] for row in answer.get(entity, [])]


def code_of(answer: Body) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


# Whole requests.


def test_a_status_before_the_work_leaves_nothing_behind(books: Books) -> None:
    order(books, {"match": {"entity": "Customer"}, "action": "status", "status": 500, "times": 1})
    status, answer = books.post("customer", {"DisplayName": "Ridge Farm"})
    assert (status, code_of(answer)) == (500, "10000")
    assert books.query("select count(*) from Customer") == {"totalCount": 0}
    assert fired(books) == [1]


@pytest.mark.parametrize("failing", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_any_status_after_the_work_hides_a_write_that_is_done(books: Books, failing: int) -> None:
    order(books, {"match": {"entity": "Customer"}, "action": "status", "status": failing, "when": "after", "times": 1})
    status, _ = books.post("customer", {"DisplayName": "Ridge Farm"}, requestid="once")
    assert status == failing
    assert books.query("select count(*) from Customer") == {"totalCount": 1}
    again = books.make("Customer", {"DisplayName": "Ridge Farm"}, requestid="once")
    assert books.query("select * from Customer")["Customer"] == [again]


def test_the_log_counts_the_work_done_behind_an_error(books: Books) -> None:
    seen = requests.get(f"{books.base}/_sandbox/requests", timeout=10).json()["next"]
    order(books, {"action": "status", "status": 503, "when": "after", "times": 1})
    books.post("customer", {"DisplayName": "Ridge Farm"})
    (entry,) = requests.get(f"{books.base}/_sandbox/requests?since={seen}", timeout=10).json()["requests"]
    assert (entry["status"], entry["items"]) == (503, 1)


def test_a_whole_batch_can_fail_after_it_took_effect(books: Books) -> None:
    order(books, {"match": {"operation": "batch"}, "action": "status", "status": 500, "when": "after", "times": 1})
    body = {"BatchItemRequest": [{"bId": n, "operation": "create", "Customer": {"DisplayName": n}} for n in "ab"]}
    assert books.post("batch", body, requestid="b-1")[0] == 500
    assert books.query("select count(*) from Customer") == {"totalCount": 2}
    status, answer = books.post("batch", body, requestid="b-1")
    assert status == 200
    assert [item["Customer"]["DisplayName"] for item in answer["BatchItemResponse"]] == ["a", "b"]
    assert books.query("select count(*) from Customer") == {"totalCount": 2}


def test_a_slow_answer_comes_after_the_work(books: Books) -> None:
    order(books, {"match": {"operation": "create"}, "action": "delay", "seconds": 1.5, "when": "after", "times": 1})
    with pytest.raises(requests.Timeout):
        books.session.post(f"{books.url}/customer", json={"DisplayName": "Ridge Farm"}, timeout=0.3)
    assert books.query("select count(*) from Customer") == {"totalCount": 1}


def test_a_fault_may_be_meant_for_one_company_and_one_body(books: Books, own: Body) -> None:
    other = open_books(own, str(next(REALM)))
    order(books, {"match": {"realm": books.realm, "body": "Ridge"}, "action": "status", "status": 500})
    assert other.post("customer", {"DisplayName": "Ridge Farm"})[0] == 200
    assert books.post("customer", {"DisplayName": "Cole LLC"})[0] == 200
    assert books.post("customer", {"DisplayName": "Ridge Farm"})[0] == 500


@pytest.mark.parametrize(
    ("body", "kind", "beginning"),
    [
        ("xml", "application/xml", "<?xml"),
        ("html", "text/html", "<html>"),
        ("empty", "application/json", ""),
        ("cut", "application/json", '{"warnings"'),
    ],
)
def test_a_refusal_may_come_in_a_body_that_is_no_json(books: Books, body: str, kind: str, beginning: str) -> None:
    order(books, {"action": "status", "status": 429, "body": body, "seconds": 60, "times": 1})
    answer = books.session.get(f"{books.url}/preferences", timeout=10)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["content-type"].startswith(kind)
    assert answer.text.startswith(beginning)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_the_throttle_in_xml_carries_code_3001(books: Books) -> None:
    order(books, {"action": "status", "status": 429, "body": "xml", "times": 1})
    text = books.session.get(f"{books.url}/preferences", timeout=10).text
    assert 'code="3001"' in text
    assert "message=ThrottleExceeded; errorCode=003001; statusCode=429" in text


# Poison rows.


def test_a_page_with_the_poisoned_row_is_4002_and_bisecting_isolates_it(books: Books) -> None:
    made = invoices(books, 8)
    bad = made[5]["Id"]
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [bad]})

    def readable(start: int, count: int) -> bool:
        statement = f"select * from Invoice orderby Id startposition {start} maxresults {count}"
        status, answer = books.get("query", query=statement)
        if status != 200:
            assert (status, code_of(answer), answer["Fault"]["type"]) == (400, "4002", "Service")
            assert answer["Fault"]["Error"][0]["Detail"].startswith("QueryProcessingError")
        return status == 200

    def isolate(start: int, count: int) -> list[int]:
        if readable(start, count):
            return []
        if count == 1:
            return [start]
        half = count // 2
        return isolate(start, half) + isolate(start + half, count - half)

    assert isolate(1, 8) == [6]
    assert books.query("select count(*) from Invoice") == {"totalCount": 8}
    assert ids(books.query(f"select * from Invoice where Id in ('{made[4]['Id']}')")) == [made[4]["Id"]]
    assert books.get(f"invoice/{bad}")[0] == 400
    assert books.again("Invoice", made[4]) == made[4]


def test_a_poisoned_row_fails_the_change_feed_but_not_around_it(books: Books) -> None:
    made = invoices(books, 3)
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [made[1]["Id"]], "status": 500})

    def feed(entities: str, since: str) -> int:
        return books.get("cdc", entities=entities, changedSince=since)[0]

    day = made[0]["MetaData"]["CreateTime"][:10]
    assert feed("Invoice,Item", day) == 500
    assert feed("Item,Customer", day) == 200
    assert feed("Invoice", made[2]["MetaData"]["LastUpdatedTime"]) == 200
    books.make("Invoice", {"Id": made[1]["Id"], "SyncToken": made[1]["SyncToken"]}, operation="delete")
    assert feed("Invoice", day) == 200


def test_poison_is_of_one_kind_and_found_by_its_fields(books: Books) -> None:
    invoices(books, 2)
    customer = books.customer("Cole LLC", PrimaryEmailAddr={"Address": "cole@farm.test"})
    where = {"PrimaryEmailAddr.Address": "cole@farm.test", "Active": "true"}
    order(books, {"match": {"entity": "customer"}, "action": "poison", "where": where, "reads": False})
    assert books.get("query", query="select * from Customer")[0] == 400
    assert books.get("query", query="select * from Customer where DisplayName = 'Ridge Farm'")[0] == 200
    assert books.get("query", query="select * from Invoice")[0] == 200
    assert books.again("Customer", customer) == customer
    mended = books.change("Customer", customer, PrimaryEmailAddr={"Address": "ann@cole.test"})
    assert books.get("query", query="select * from Customer")[0] == 200
    assert books.again("Customer", customer) == mended
    assert fired(books) == [1]


def test_a_poisoned_row_spoils_only_its_own_query_of_a_batch(books: Books) -> None:
    made = invoices(books, 2)
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [made[0]["Id"]]})
    queries = [("a", "select * from Customer"), ("b", "select * from Invoice"), ("c", "select count(*) from Invoice")]
    body = {"BatchItemRequest": [{"bId": mark, "Query": statement} for mark, statement in queries]}
    status, answer = books.post("batch", body)
    assert status == 200
    by_mark = {item["bId"]: item for item in answer["BatchItemResponse"]}
    assert code_of(by_mark["b"]) == "4002"
    assert by_mark["a"]["QueryResponse"]["maxResults"] == 1
    assert by_mark["c"]["QueryResponse"] == {"totalCount": 2}


def test_a_change_feed_in_a_batch_answers_as_the_feed_does_and_meets_the_poison_too(books: Books) -> None:
    made = invoices(books, 2)
    asked = {"Entities": "Invoice,Vendor", "ChangedSince": made[0]["MetaData"]["CreateTime"]}
    body = {"BatchItemRequest": [{"bId": "a", "CDCQuery": asked}, {"bId": "b", "CDCQuery": {"Entities": "Invoice"}}]}
    feed, refusal = books.post("batch", body)[1]["BatchItemResponse"]
    alone = books.get("cdc", entities=asked["Entities"], changedSince=asked["ChangedSince"])[1]
    assert feed == {"bId": "a", "CDCResponse": alone["CDCResponse"]}
    assert code_of(refusal) == "2020"
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [made[1]["Id"]]})
    assert code_of(books.post("batch", body)[1]["BatchItemResponse"][0]) == "4002"


def test_a_change_feed_can_be_made_to_end_earlier(books: Books) -> None:
    made = invoices(books, 3)
    since, switches = made[0]["MetaData"]["CreateTime"], f"{books.base}/_sandbox/switches"
    requests.post(switches, json={"cdc_cap": 2}, timeout=10).raise_for_status()
    try:
        first, second = books.get("cdc", entities="Invoice,Vendor", changedSince=since)[1]["CDCResponse"][0][
            "QueryResponse"
        ]
    finally:
        requests.post(switches, json={"cdc_cap": 1000}, timeout=10).raise_for_status()
    assert (ids(first), second) == ([one["Id"] for one in made[:2]], {})


def test_an_answer_without_the_poisoned_row_leaves_byte_for_byte(books: Books) -> None:
    made = invoices(books, 2)
    url = f"{books.url}/invoice/{made[0]['Id']}"
    plain = books.session.get(url, timeout=10)
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [made[1]["Id"]]})
    kept = books.session.get(url, timeout=10)
    assert kept.text.partition('"time"')[0] == plain.text.partition('"time"')[0]
    assert kept.headers["content-type"] == plain.headers["content-type"]


def test_a_client_of_xml_meets_the_poison_in_xml(books: Books) -> None:
    made = invoices(books, 1)
    order(books, {"match": {"entity": "Invoice"}, "action": "poison", "ids": [made[0]["Id"]]})
    url, headers = f"{books.url}/invoice/{made[0]['Id']}", {"Accept": "application/xml"}
    answer = books.session.get(url, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert 'code="4002"' in answer.text


# A row changes between two pages.


def scan(books: Books, size: int, order_by: str = "") -> list[str]:
    """Page as a naive client does."""
    found: list[str] = []
    while True:
        page = books.query(f"select * from Invoice {order_by} startposition {len(found) + 1} maxresults {size}")
        found += ids(page)
        if len(page.get("Invoice", [])) < size:
            return found


def test_a_touched_row_skews_pages_in_default_order_and_not_by_id(books: Books) -> None:
    made = invoices(books, 6)
    oldest = made[0]["Id"]
    rule = {"match": {"entity": "Invoice"}, "action": "row_change", "id": oldest}
    order(books, rule)
    skewed = scan(books, 2)
    assert oldest not in skewed
    assert len(skewed) > len(set(skewed))
    assert int(books.read("Invoice", oldest)["SyncToken"]) == int(made[0]["SyncToken"]) + 1
    assert fired(books) == [1]
    order(books, rule)
    assert scan(books, 2, "orderby Id") == [one["Id"] for one in made]


def test_a_row_removed_between_two_pages_hides_another(books: Books) -> None:
    made = [one["Id"] for one in invoices(books, 6)]
    order(books, {"match": {"entity": "Invoice"}, "action": "row_change", "id": made[0], "change": "delete"})
    assert scan(books, 2, "orderby Id") == [*made[:2], *made[3:]]
    assert books.get(f"invoice/{made[0]}")[0] == 400


def test_the_row_that_changes_is_drawn_by_the_seed(books: Books, own: Body) -> None:
    def changed(seed: int) -> list[int]:
        company = open_books(own, str(next(REALM)))
        made = invoices(company, 6)
        rule = {"match": {"entity": "Invoice"}, "action": "row_change", "page": 1, "times": 3, "seed": seed}
        requests.delete(f"{own['base_url']}/_sandbox/faults", timeout=10).raise_for_status()
        order(company, rule)
        scan(company, 2, "orderby Id")
        tokens = [company.again("Invoice", one)["SyncToken"] for one in made]
        return [int(after) - int(one["SyncToken"]) for after, one in zip(tokens, made, strict=True)]

    assert changed(5) == changed(5)
    assert sum(changed(5)) == 3
    assert len({tuple(changed(seed)) for seed in range(4)}) > 1


def test_a_row_that_cannot_be_removed_stays_and_the_rule_says_why(books: Books) -> None:
    customer = books.customer()
    payment = books.payment(customer, 50)
    books.ui(act="deposit", payments=[payment["Id"]])
    remove = {"match": {"entity": "Payment"}, "action": "row_change", "page": 1, "change": "delete"}
    order(books, remove | {"id": payment["Id"]}, remove | {"id": "99999"})
    assert books.query("select * from Payment")["maxResults"] == 1
    listed = requests.get(f"{books.base}/_sandbox/faults", timeout=10).json()["rules"]
    assert [rule["fired"] for rule in listed] == [1, 1]
    assert "6540" in listed[0]["note"]
    assert "no Payment 99999" in listed[1]["note"]


@pytest.mark.parametrize("mark", [{"a": 1}, ["a"], None, "", 7])
def test_a_batch_with_odd_marks_is_answered_as_without_faults(books: Books, mark: Any) -> None:
    body = {"BatchItemRequest": [{"bId": mark, "Query": "select count(*) from Customer"}]}
    plain = books.post("batch", body)
    order(books, {"action": "batch_item", "b_id": "other"}, {"action": "batch_item", "b_id": "x", "when": "after"})
    status, answer = books.post("batch", body)
    assert (status, {**answer, "time": ""}) == (plain[0], {**plain[1], "time": ""})


# Items of a batch.


def batch_of_customers(books: Books, **params: str) -> Body:
    """{bId: answer} of three creates."""
    items = [{"bId": f"i{n}", "operation": "create", "Customer": {"DisplayName": f"Customer {n}"}} for n in range(3)]
    status, answer = books.post("batch", {"BatchItemRequest": items}, **params)
    assert status == 200
    assert [item["bId"] for item in answer["BatchItemResponse"]] == ["i0", "i1", "i2"]
    return {item["bId"]: item for item in answer["BatchItemResponse"]}


@pytest.mark.parametrize("named", [{"b_id": "i1"}, {"position": 1}])
def test_one_item_of_a_batch_fails_and_is_not_done(books: Books, named: Body) -> None:
    order(books, {"match": {"entity": "Customer"}, "action": "batch_item", "code": 6000, "times": 1, **named})
    answers = batch_of_customers(books, requestid="b-1")
    assert code_of(answers["i1"]) == "6000"
    assert books.query("select count(*) from Customer") == {"totalCount": 2}
    again = batch_of_customers(books, requestid="b-1")
    assert again["i0"] == answers["i0"]
    assert again["i1"]["Customer"]["DisplayName"] == "Customer 1"
    assert books.query("select count(*) from Customer") == {"totalCount": 3}


def test_one_item_of_a_batch_is_done_behind_its_fault(books: Books) -> None:
    order(books, {"match": {"operation": "create"}, "action": "batch_item", "b_id": "i2", "when": "after", "times": 1})
    answers = batch_of_customers(books, requestid="b-1")
    assert code_of(answers["i2"]) == "10000"
    assert answers["i2"]["Fault"]["type"] == "SystemFault"
    assert books.query("select count(*) from Customer") == {"totalCount": 3}
    assert batch_of_customers(books, requestid="b-1")["i2"]["Customer"]["DisplayName"] == "Customer 2"
    assert books.query("select count(*) from Customer") == {"totalCount": 3}


def test_two_rules_strike_two_items_each_with_its_code(books: Books) -> None:
    order(
        books,
        {"action": "batch_item", "position": 0, "code": 6140},
        {"action": "batch_item", "position": 2, "code": 5010},
    )
    answers = batch_of_customers(books)
    assert [code_of(answers["i0"]), code_of(answers["i2"])] == ["6140", "5010"]
    assert "Customer" in answers["i1"]


# Tokens, and what is refused.


@pytest.mark.parametrize(("status", "error"), [(400, "invalid_grant"), (401, "invalid_client"), (500, "server_error")])
def test_the_token_endpoint_fails_in_its_own_words(books: Books, own: Body, status: int, error: str) -> None:
    order(books, {"match": {"operation": "token"}, "action": "status", "status": status, "times": 1})
    url, pair = f"{own['base_url']}/oauth2/v1/tokens/bearer", (own["client_id"], own["client_secret"])
    answer = requests.post(url, data={"grant_type": "refresh_token"}, auth=pair, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_rotation_whose_answer_is_lost_is_saved_by_the_overlap(books: Books, own: Body) -> None:
    issued = requests.post(f"{own['base_url']}/_sandbox/token", json={"realm_id": books.realm}, timeout=10).json()
    advance(books, 86_401)
    url, pair = f"{own['base_url']}/oauth2/v1/tokens/bearer", (own["client_id"], own["client_secret"])
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    order(books, {"match": {"operation": "token"}, "action": "drop_after", "times": 1})
    with pytest.raises(requests.ConnectionError):
        requests.post(url, data=form, auth=pair, timeout=10)
    again = requests.post(url, data=form, auth=pair, timeout=10)
    assert again.status_code == 200
    assert again.json()["refresh_token"] != issued["refresh_token"]


def test_an_expired_token_is_refused_until_it_is_refreshed(books: Books, own: Body) -> None:
    order(books, {"match": {"realm": books.realm}, "action": "expire_token", "times": 1})
    assert books.get("preferences")[0] == 401
    assert books.get("preferences")[0] == 401
    assert open_books(own, books.realm).get("preferences")[0] == 200


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"action": "poison", "ids": ["1"]}, "match.entity"),
        ({"action": "poison", "match": {"entity": "Invoice"}}, "ids"),
        ({"action": "poison", "match": {"entity": "Invoice"}, "ids": [1]}, "ids"),
        ({"action": "poison", "match": {"entity": "Invoice"}, "where": {"Id": 1}}, "where"),
        ({"action": "poison", "match": {"entity": "Invoice"}, "ids": ["1"], "reads": "no"}, "reads"),
        ({"action": "row_change"}, "match.entity"),
        ({"action": "row_change", "match": {"entity": "Invoice"}, "page": 0}, "page"),
        ({"action": "row_change", "match": {"entity": "Invoice"}, "change": "paint"}, "change"),
        ({"action": "status", "status": 500, "when": "later"}, "when"),
        ({"action": "status", "status": 500, "body": "yaml"}, "body"),
        ({"action": "batch_item", "position": -1}, "position"),
        ({"action": "drop_after", "page": 2}, "page"),
        ({"action": "webhook_delayed"}, "seconds"),
    ],
)
def test_a_rule_that_is_not_understood_changes_nothing(books: Books, rule: Any, field: str) -> None:
    answer = requests.post(f"{books.base}/_sandbox/faults", json=[rule], timeout=10)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert fired(books) == []


def test_poison_costs_a_page_of_a_thousand_little(books: Books) -> None:
    names = [{"bId": str(n), "operation": "create", "Customer": {"DisplayName": f"C{n}"}} for n in range(1000)]
    for start in range(0, 1000, 30):
        books.post("batch", {"BatchItemRequest": names[start : start + 30]})
    order(books, {"match": {"entity": "Customer"}, "action": "poison", "ids": ["999999"]})
    began = time.perf_counter()
    assert books.query("select * from Customer maxresults 1000")["maxResults"] == 1000
    assert time.perf_counter() - began < 2


def test_a_line_keeps_its_amount_through_a_batch_that_lost_an_item(books: Books) -> None:
    customer, item = books.customer(), books.item()
    order(books, {"match": {"entity": "Vendor"}, "action": "batch_item"})
    invoice = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, 1234567.89)]}
    items = [{"bId": "v", "Vendor": {"DisplayName": "V"}}, {"bId": "i", "Invoice": invoice}]
    _, answer = books.post("batch", {"BatchItemRequest": items})
    assert "Fault" in answer["BatchItemResponse"][0]
    assert str(answer["BatchItemResponse"][1]["Invoice"]["TotalAmt"]) == "1234567.89"
