"""Faults in all their spellings, translated into errors named by recovery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qb_pipeline.errors import (
    FixTheData,
    NotFound,
    OwnerMustAct,
    PipelineError,
    PlanAgain,
    PossibleDuplicate,
    Reconnect,
    RetryLater,
)
from qb_pipeline.quickbooks.catalogue import CATALOGUE
from qb_pipeline.quickbooks.errors import Context, Fault, from_faults
from qb_pipeline.quickbooks.wire import HttpAnswer, payload_of, xml_faults
from qb_pipeline.secrecy import remember

JSON = "application/json;charset=utf-8"
XML = "application/xml;charset=utf-8"


def error_of(body: bytes, status: int, content_type: str = JSON, *, writes: bool = False) -> PipelineError:
    with pytest.raises(PipelineError) as raised:
        payload_of(HttpAnswer(status, content_type, body, "1-tid"), writes=writes)
    return raised.value


def translated(
    code: str, detail: str = "", message: str = "", *, status: int = 400, writes: bool = True
) -> PipelineError:
    return from_faults([Fault(code, message, detail)], Context(status, "1-tid", writes))


@pytest.mark.parametrize(
    ("code", "recovery"),
    [
        ("3200", Reconnect), ("3100", Reconnect), ("120", Reconnect), ("3202", Reconnect),
        ("6190", OwnerMustAct), ("5020", OwnerMustAct), ("5030", OwnerMustAct), ("6200", OwnerMustAct),
        ("6210", OwnerMustAct), ("3001", RetryLater), ("140", RetryLater), ("150", RetryLater), ("10000", RetryLater),
        ("600", RetryLater), ("5010", PlanAgain), ("610", PlanAgain), ("2500", PlanAgain), ("620", PlanAgain),
        ("6540", PlanAgain), ("2020", FixTheData), ("2050", FixTheData), ("6000", FixTheData), ("6070", FixTheData),
        ("2999", FixTheData), ("6999", FixTheData), ("500", FixTheData), ("4001", FixTheData),
        ("6240", PossibleDuplicate), ("6140", PossibleDuplicate),
    ],
)  # fmt: skip
def test_a_code_decides_the_recovery(code: str, recovery: type[PipelineError]) -> None:
    error = translated(code)
    assert type(error) is recovery
    assert error.code == f"qbo_{code}"
    assert error.reference == "1-tid"
    assert error.cause
    assert error.fix


def test_every_entry_of_the_catalogue_says_cause_fix_and_who_in_sentences() -> None:
    for code, entry in CATALOGUE.items():
        assert entry.cause.endswith("."), code
        assert entry.fix.endswith("."), code
        assert (entry.who == "nobody") == issubclass(entry.recovery, RetryLater), code
        assert "{" not in entry.fix_of(None) + entry.fix_of("Line.ItemRef"), code


@pytest.mark.parametrize(
    ("detail", "existing"),
    [
        ("The name supplied already exists. : Id=1209", "1209"),
        ("Ce nom existe déjà. : Id=425", "425"),
        ("The name supplied already exists. : null", None),
        ("Another customer, vendor or employee is already using this \nname.", None),
    ],
)
def test_a_duplicate_name_carries_the_id_of_its_namesake_where_it_is_told(detail: str, existing: str | None) -> None:
    error = translated("6240", detail)
    assert isinstance(error, PossibleDuplicate)
    assert error.existing_id == existing


def test_a_closed_period_reported_as_5010_is_for_the_owner() -> None:
    error = translated("5010", "The account period has closed. {1}", "Account Period Closed")
    assert type(error) is OwnerMustAct
    assert error.code == "qbo_6200"


def test_a_stale_object_does_not_tell_the_other_users_name() -> None:
    error = translated("5010", "You and Ann Onym were working on this at the same time.")
    assert type(error) is PlanAgain
    assert "Ann" not in str(error)


def test_not_found_is_said_of_reads_only() -> None:
    assert type(translated("610", writes=False)) is NotFound
    assert type(translated("610", writes=True)) is PlanAgain, "a write may mean a record it refers to"


def test_a_write_that_may_have_happened_says_so() -> None:
    def doubt(code: str, status: int, *, writes: bool) -> bool:
        error = translated(code, status=status, writes=writes)
        assert isinstance(error, RetryLater)
        return error.maybe_written

    assert doubt("10000", 500, writes=True)
    assert not doubt("10000", 500, writes=False)
    assert not doubt("3001", 429, writes=True), "the gateway refuses before anything is written"


@pytest.mark.parametrize("detail", ["java.lang.UnsupportedOperationException",
                                    "java.lang.IllegalArgumentException: entities is required"])  # fmt: skip
def test_an_inner_failure_that_would_come_again_is_not_retried(detail: str) -> None:
    assert type(translated("10000", detail, status=200)) is FixTheData


def test_authorisation_errors_of_a_failing_server_are_passing() -> None:
    assert type(translated("120", status=500)) is RetryLater
    assert type(translated("120", status=403)) is Reconnect


def test_qbos_words_are_quoted_on_one_line_and_cut() -> None:
    error = translated("2010", "Unknown \n\n field " + "x" * 900)
    assert "QuickBooks says: Unknown field xxx" in error.cause
    assert len(error.cause) < 450


def test_all_errors_of_one_fault_are_told() -> None:
    faults = [Fault("2050", "", "first is too long", "FirstName"), Fault("2080", "", "zip is no number")]
    error = from_faults(faults, Context(400))
    assert error.code == "qbo_2050"
    assert error.field == "FirstName"
    assert "first is too long" in error.cause
    assert "zip is no number" in error.cause


def test_a_secret_given_as_the_element_is_not_put_into_other_words() -> None:
    remember("SecretWords4TheDoor9")
    fault = {"Message": "m", "Detail": "SecretWords4TheDoor9", "code": "2020", "element": "SecretWords4TheDoor9"}
    inside = f'<Error code="2020" element="{fault["element"]}"><Detail>{fault["Detail"]}</Detail></Error>'
    as_xml = f'<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"><Fault>{inside}</Fault></IntuitResponse>'
    for body, kind in ((json.dumps({"Fault": {"Error": [fault]}}), JSON), (as_xml, XML)):
        error = error_of(body.encode(), 400, kind)
        assert error.code == "qbo_2020"
        assert "door" not in f"{error!r} {error.fix} {error.field}".casefold()


def test_both_envelopes_give_the_same_error() -> None:
    upper = {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "2020", "element": "Name"}], "type": "x"}}
    lower = {"warnings": None, "fault": {"error": [{"message": "m", "detail": "d", "code": "2020", "element": "Name"}]}}
    one, other = (error_of(json.dumps(each).encode(), 400) for each in (upper, lower))
    assert (one.code, one.cause, one.field) == (other.code, other.cause, other.field) == ("qbo_2020", one.cause, "Name")


@pytest.mark.parametrize("code", ["3200", "003200", ""])
def test_a_401_tells_nothing_of_the_token(code: str) -> None:
    body = {"fault": {"error": [{"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                                 "detail": "Token expired: AB01601390262kxz", "code": code}]}}  # fmt: skip
    error = error_of(json.dumps(body).encode(), 401)
    assert isinstance(error, Reconnect)
    assert error.code == "qbo_3200"
    assert "AB016" not in str(error)


def test_a_fault_inside_http_200_is_an_error() -> None:
    body = b'{"Fault":{"Error":[{"Message":"Invalid Company Status","code":"6190"}],"type":"x"},"Customer":{"Id":"1"}}'
    assert isinstance(error_of(body, 200), OwnerMustAct)


@pytest.mark.parametrize("body", [b'{"Fault":{}}', b'{"Fault":{"Error":[]}}', b'{"fault":{"error":[null]},"a":1}'])
def test_a_fault_without_errors_is_still_a_refusal(body: bytes) -> None:
    answer = HttpAnswer(400, JSON, body)
    with pytest.raises(FixTheData):
        payload_of(answer, writes=True)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", b"<html>Please sign in</html>"),
        (200, JSON, b""),
        (200, JSON, b'{"Invoice": {"Id": "1", "Sy'),
        (200, JSON, b"[]"),
        (200, JSON, b"\xff\xfe"),
        (200, XML, b"<IntuitResponse/>"),
        (200, "", b"<html>"),
    ],
)
def test_what_is_not_qbos_answer_is_retried_with_a_doubt(status: int, content_type: str, body: bytes) -> None:
    error = error_of(body, status, content_type, writes=True)
    assert isinstance(error, RetryLater)
    assert error.code == "unexpected_answer"
    assert error.maybe_written


@pytest.mark.parametrize(("status", "recovery"), [(502, RetryLater), (503, RetryLater), (504, RetryLater),
                                                  (408, RetryLater), (429, RetryLater), (404, FixTheData),
                                                  (405, FixTheData), (302, RetryLater), (403, Reconnect)])  # fmt: skip
@pytest.mark.parametrize(("content_type", "body"), [("text/html", b"<html>nginx</html>"), (JSON, b""), (JSON, b"{}")])
def test_an_answer_without_fault_is_judged_by_its_status(
    status: int, recovery: type[PipelineError], content_type: str, body: bytes
) -> None:
    assert type(error_of(body, status, content_type)) is recovery


def test_an_xml_throttle_reaches_a_json_client_as_the_same_error() -> None:
    body = b"""<?xml version="1.0"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3"><Fault type="SERVICE">
        <Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>
        <Detail>The request limit was reached.  Try again later</Detail></Error></Fault></IntuitResponse>"""
    for content_type in (XML, "text/xml", ""):
        error = error_of(body, 429, content_type)
        assert isinstance(error, RetryLater)
        assert error.code == "qbo_3001"


def test_an_xml_body_with_a_doctype_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Fault><Error code="&a;"/></Fault>'
    assert xml_faults(bomb) == []
    assert isinstance(error_of(bomb, 500, XML), RetryLater)


RECORDED = {
    "10000": (RetryLater, FixTheData), "2010": (FixTheData,), "2020": (FixTheData,), "2030": (FixTheData,),
    "2050,2080": (FixTheData,), "2500": (PlanAgain,), "3001": (RetryLater,), "3200": (Reconnect,),
    "4000": (FixTheData,), "4001": (FixTheData,), "500": (FixTheData,), "5010": (PlanAgain,), "610": (NotFound,),
    "6190": (OwnerMustAct,), "6240": (PossibleDuplicate,),
}  # fmt: skip


def test_every_recorded_fault_becomes_the_error_of_its_code(recorded: Path) -> None:
    seen = set()
    for line in (recorded / "INDEX.jsonl").read_text().splitlines():
        entry = json.loads(line)
        code = entry.get("code")
        if code not in RECORDED or not entry["what"].startswith(("fault", "XML")) or "response" in entry["file"]:
            continue
        status = (entry.get("http") or {}).get("status", 400)
        content_type = XML if entry["file"].endswith("xml") else JSON
        error = error_of((recorded / entry["file"]).read_bytes(), status, content_type)
        assert type(error) in RECORDED[code], entry["file"]
        assert error.code == f"qbo_{code.split(',')[0]}", entry["file"]
        assert "Token expired: AB0" not in str(error)
        seen.add(code)
    assert seen == set(RECORDED)


def test_every_fault_quoted_in_public_threads_becomes_an_error_of_its_code(recorded: Path) -> None:
    told = [json.loads(line) for line in (recorded / "faults_from_issue_threads.jsonl").read_text().splitlines()]
    bodies = [each for each in told if each["body"]]
    assert len(bodies) > 5
    for each in bodies:
        content_type = XML if each["body"].startswith("<") else JSON
        error = error_of(each["body"].encode(), each["http_status"], content_type)
        assert error.code == f"qbo_{each['code']}"
        if each["code"] in ("130", "3001"):
            assert isinstance(error, RetryLater)
        elif each["code"] in ("100", "3100", "3200"):
            assert isinstance(error, Reconnect)
