"""The REST connector against a server that misbehaves: every failure is named by its recovery, in one clear line."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import simplejson

from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.errors import (
    FixTheData,
    Misconfigured,
    NotFound,
    OwnerMustAct,
    PipelineError,
    PlanAgain,
    PossibleDuplicate,
    Reconnect,
    RetryLater,
)
from qb_pipeline.secrecy import remember
from qb_pipeline_tests.unit.contractor.servers import Reply, Script, scripted
from qb_pipeline_tests.unit.contractor.test_system_files import REFERENCE

Slept = list[float]


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def connector(script: Script, slept: Slept | None = None, **connection: Any) -> RestConnector:
    system = load_system("reference")
    system = replace(system, connection=replace(system.connection, **connection))
    return RestConnector(system, script.url, "key", sleep=(slept if slept is not None else []).append)


def record(**other: Any) -> dict[str, Any]:
    return {"id": "c1", "version": "3", "updated_at": "2026-03-01T10:00:00Z", "name": "Ann", **other}


def said(content: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, simplejson.dumps(content).encode(), headers)


def refused(status: int, code: str = "some_code", field: str | None = None, **headers: str) -> Reply:
    return said({"error": {"code": code, "message": "it says why", "field": field}}, status, **headers)


def read(script: Script, **connection: Any) -> Any:
    return connector(script, **connection).get("customer", "c1")


def create(script: Script, **connection: Any) -> Any:
    return connector(script, **connection).create("customer", b'{"name":"Ann"}', idempotency_key="k1")


def failure_of(action: Callable[..., Any], script: Script, *replies: Reply, **connection: Any) -> PipelineError:
    script.replies = list(replies)
    with pytest.raises(PipelineError) as failure:
        action(script, **connection)
    assert "\n" not in str(failure.value)
    return failure.value


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refused(401), Reconnect),
        (refused(403), OwnerMustAct),
        (refused(404), NotFound),
        (refused(412), PlanAgain),
        (refused(409, "void"), PlanAgain),
        (refused(409, "duplicate_number"), PossibleDuplicate),
        (refused(409, "has_allocations"), FixTheData),
        (refused(422, field="name"), FixTheData),
        (refused(400, field="name"), FixTheData),
        (refused(429), RetryLater),
        (refused(500), RetryLater),
        (refused(302), RetryLater),
    ],
)
def test_a_refusal_is_named_by_its_recovery(script: Script, reply: Reply, error: type[PipelineError]) -> None:
    failure = failure_of(create, script, reply)
    assert type(failure) is error
    assert len(script.asked) == 1


def test_a_refusal_tells_the_platforms_own_reason_code_and_field(script: Script) -> None:
    failure = failure_of(create, script, refused(422, "bad_money", "unit_price"))
    assert (failure.code, failure.field) == ("bad_money", "unit_price")
    assert "refused to create the customer: it says why." in failure.cause
    assert failure.fix == "Correct the unit price there. It is then tried again by itself."


@pytest.mark.parametrize(
    ("field", "title"),
    [("tax_rate_id", "tax code"), ("name", "display name"), ("billing_address.line1", "billing line1"),
     ("lines[0].item_id", "lines item"), ("customer_id", "customer"), (None, "record")],
)  # fmt: skip
def test_the_field_to_correct_is_called_by_its_title_not_by_its_name_in_the_api(
    script: Script, field: str | None, title: str
) -> None:
    failure = failure_of(create, script, refused(422, field=field) if field else refused(422))
    assert failure.fix == f"Correct the {title} there. It is then tried again by itself."


def test_a_secret_given_as_the_field_is_not_put_into_other_words(script: Script) -> None:
    remember("Secret_Words-4-the_door9")
    failure = failure_of(create, script, refused(422, field="Secret_Words-4-the_door9"))
    assert failure.fix == "Correct the record there. It is then tried again by itself."
    assert "door" not in f"{failure!r} {failure.field}"


def test_a_passing_fault_of_a_read_is_tried_again_after_the_time_it_asks_for(script: Script) -> None:
    script.replies = [refused(429, **{"Retry-After": "3"}), refused(503), said(record())]
    slept: Slept = []
    assert connector(script, slept).get("customer", "c1").version == "3"
    assert slept == [3.0, 0.5]


def test_reads_give_up_after_a_bounded_number_of_attempts(script: Script) -> None:
    failure = failure_of(read, script, refused(503), attempts=3)
    assert isinstance(failure, RetryLater)
    assert not failure.maybe_written
    assert len(script.asked) == 3


def test_a_long_pause_is_handed_to_the_caller_instead_of_waited_for(script: Script) -> None:
    failure = failure_of(read, script, refused(429, **{"Retry-After": "600"}))
    assert isinstance(failure, RetryLater)
    assert failure.after == 600
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("reply", "text", "code"),
    [
        (Reply(200, b"<html><body>Welcome"), "answered HTML, not JSON", "not_json"),
        (Reply(200, b'{"id": "c1", "vers'), "not JSON", "not_json"),
        (said([1]), "it is not a record", "malformed_answer"),
        (said(record(id="c2")), "it holds the record c2, not c1", "malformed_answer"),
        (said(record(version=None)), "without `version`", "malformed_answer"),
        (said(record(updated_at="2026-03-01T10:00:00")), "not a time with its zone", "malformed_answer"),
    ],
)
def test_an_answer_that_makes_no_sense_is_never_taken_for_a_record(
    script: Script, reply: Reply, text: str, code: str
) -> None:
    failure = failure_of(read, script, reply, attempts=1)
    assert isinstance(failure, RetryLater)
    assert failure.code == code
    assert text in failure.cause


@pytest.mark.parametrize("reply", [Reply(201, b"<html>"), said([], 201), Reply(500, b"<html>"), Reply(201, b"")])
def test_a_write_whose_answer_is_unclear_may_have_been_written(script: Script, reply: Reply) -> None:
    failure = failure_of(create, script, reply)
    assert isinstance(failure, RetryLater)
    assert failure.maybe_written
    assert len(script.asked) == 1


def test_a_throttled_write_was_surely_not_written(script: Script) -> None:
    failure = failure_of(create, script, refused(429))
    assert isinstance(failure, RetryLater)
    assert not failure.maybe_written


@pytest.mark.parametrize("reply", [Reply(201, b'{"id": "c1"}', wait=0.6), Reply(201, b'{"id": "c1"}', cut=True)])
def test_a_write_without_a_whole_answer_in_time_may_have_been_written(script: Script, reply: Reply) -> None:
    failure = failure_of(create, script, reply, read_timeout=0.2)
    assert isinstance(failure, RetryLater)
    assert failure.code == "no_answer"
    assert failure.maybe_written


def test_a_server_that_is_not_there_is_named_in_one_line_and_nothing_was_written(script: Script) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        script.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    script.replies = [Reply()]
    failure = failure_of(create, script)
    assert isinstance(failure, RetryLater)
    assert failure.cause == f"The contractor system at {script.url} can not be reached (create the customer)."
    assert (failure.code, failure.maybe_written) == ("unreachable", False)


def test_a_missing_collection_is_a_wrong_address_and_not_a_missing_record(script: Script) -> None:
    script.replies = [refused(404)]
    with pytest.raises(Misconfigured, match="nothing at /api/v1/customers"):
        connector(script).changes("customer", None, None)


@pytest.mark.parametrize(
    "body",
    [b"<html>404 Not Found", b"", b'{"message": "no route"}', b'{"error": "gone"}', b'[{"error": {"code": "x"}}]'],
)
@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("action", [read, create])
def test_a_404_without_the_platforms_own_words_says_nothing_about_a_record(
    script: Script, action: Callable[..., Any], status: int, body: bytes
) -> None:
    failure = failure_of(action, script, Reply(status, body), attempts=1)
    assert (type(failure), failure.code) == (RetryLater, "not_its_own_words")
    assert f"answered {status} without the words of" in failure.cause


def test_a_list_that_is_none_is_refused(script: Script) -> None:
    script.replies = [said({"data": {"c1": {}}})]
    with pytest.raises(RetryLater, match="`data` holds no list"):
        connector(script, attempts=1).changes("customer", None, None)


def test_a_listing_that_repeats_its_page_is_stopped(script: Script) -> None:
    script.replies = [said({"data": [record()], "next_cursor": "same"})]
    with pytest.raises(RetryLater, match="the same page comes again"):
        list(connector(script).ids("customer"))


def test_a_write_carries_its_exact_bytes_key_version_and_secret(script: Script) -> None:
    script.replies = [said(record(version="4"))]
    body = b'{ "name" :"\xc3\x84nn",  "b":1.50}'
    done = connector(script).update("customer", "c1", body, expected_version="3", idempotency_key="k9")
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.body) == ("PATCH", "/api/v1/customers/c1", body)
    assert asked.headers["idempotency-key"] == "k9"
    assert asked.headers["if-match"] == '"3"'
    assert asked.headers["authorization"] == "Bearer key"
    assert done.version == "4"


def test_an_id_can_not_lead_to_another_path(script: Script) -> None:
    script.replies = [said(record(id="../x?y"))]
    connector(script).get("customer", "../x?y")
    assert script.asked[0].path == "/api/v1/customers/..%2Fx%3Fy"


def test_a_change_feed_asks_since_the_instant_and_hands_its_cursor_on(script: Script) -> None:
    script.replies = [said({"data": [record()], "next_cursor": "abc"}), said({"data": [], "next_cursor": None})]
    used = connector(script)
    since = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    first = used.changes("customer", since, None)
    last = used.changes("customer", since, first.next_page)
    assert (first.next_page, last.next_page, last.complete) == ("abc", None, True)
    assert "updated_since=2026-03-01T09%3A30%3A00.000000Z" in script.asked[0].path
    assert "include_deleted=true" in script.asked[0].path
    assert "cursor=abc" in script.asked[1].path


def test_an_operation_the_platform_lacks_is_refused_before_anything_is_sent(script: Script) -> None:
    with pytest.raises(FixTheData) as failure:
        connector(script).void("customer", "c1", expected_version="1", idempotency_key="k")
    assert failure.value.code == "unsupported"
    assert script.asked == []


def test_looking_up_by_a_field_it_does_not_show_is_refused(script: Script) -> None:
    with pytest.raises(Misconfigured):
        connector(script).find("customer", "shoe_size", "44")


def test_requests_are_counted_by_kind_from_every_thread(script: Script) -> None:
    script.replies = [said(record())]
    used = connector(script)
    threads = [Thread(target=used.get, args=("customer", "c1")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert used.calls.snapshot() == {"get": 8}
    assert used.calls.total() == 8


def test_a_platforms_own_pace_is_kept(script: Script) -> None:
    script.replies = [said(record())]
    slept: Slept = []
    used = connector(script, slept, requests_per_second=2.0)
    for _ in range(3):
        used.get("customer", "c1")
    assert len(slept) == 2
    assert sum(slept) > 1.0


def other_platform(tmp_path: Path, script: Script, *changes: tuple[str, str]) -> RestConnector:
    text = REFERENCE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = tmp_path / "other.yaml"
    file.write_text(text)
    return RestConnector(load_system(file), script.url, "key", sleep=lambda _: None)


def test_a_platform_without_versions_is_read_before_it_is_written(tmp_path: Path, script: Script) -> None:
    guard = """versioning: {kind: header, name: If-Match, format: '"{version}"'}"""
    used = other_platform(tmp_path, script, (guard, "versioning: {kind: emulated}"))
    script.replies = [said(record(version="5"))]
    with pytest.raises(PlanAgain):
        used.update("customer", "c1", b"{}", expected_version="4", idempotency_key="k")
    assert [asked.method for asked in script.asked] == ["GET"]
    used.update("customer", "c1", b"{}", expected_version="5", idempotency_key="k")
    assert [asked.method for asked in script.asked] == ["GET", "GET", "PATCH"]


def test_a_version_in_the_body_gives_the_same_bytes_every_time(tmp_path: Path, script: Script) -> None:
    guard = """versioning: {kind: header, name: If-Match, format: '"{version}"'}"""
    used = other_platform(tmp_path, script, (guard, "versioning: {kind: body, name: meta.revision}"))
    script.replies = [said(record())]
    for _ in range(2):
        used.update("customer", "c1", b'{"name":"A","price":1.50}', expected_version="5", idempotency_key="k")
    assert {asked.body for asked in script.asked} == {b'{"name":"A","price":1.50,"meta":{"revision":"5"}}'}


CURSOR = "{kind: cursor, param: cursor, next: next_cursor, size_param: limit, size: 500, stable: true}"


def test_numbered_pages_end_with_an_empty_one_and_are_no_proof_of_absence(tmp_path: Path, script: Script) -> None:
    used = other_platform(tmp_path, script, (CURSOR, "{kind: page, param: p, size_param: n, size: 1}"))
    script.replies = [said({"data": [record()]}), said({"data": [record(id="c2")]}), said({"data": []})]
    assert [found for found, _ in used.ids("customer")] == ["c1", "c2"]
    assert [asked.path.split("p=")[1] for asked in script.asked] == ["1", "2", "3"]
    assert not used.changes("customer", None, None).complete


def test_offsets_move_on_by_what_was_received(tmp_path: Path, script: Script) -> None:
    used = other_platform(tmp_path, script, (CURSOR, "{kind: offset, param: skip}"))
    script.replies = [said({"data": [record(), record(id="c2")]}), said({"data": []})]
    assert len(list(used.ids("customer"))) == 2
    assert script.asked[1].path.endswith("skip=2")


def test_a_key_can_travel_in_its_own_header_or_as_a_password(tmp_path: Path, script: Script) -> None:
    script.replies = [said(record())]
    auth = "auth: {kind: bearer}"
    other_platform(tmp_path, script, (auth, "auth: {kind: header, name: X-Key, prefix: 'Token '}")).get(
        "customer", "c1"
    )
    other_platform(tmp_path, script, (auth, "auth: {kind: basic, user: me}")).get("customer", "c1")
    assert script.asked[0].headers["x-key"] == "Token key"
    assert script.asked[1].headers["authorization"] == "Basic bWU6a2V5"
