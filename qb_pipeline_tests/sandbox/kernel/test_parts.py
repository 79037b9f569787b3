"""Clock, database, request log, faults and limits by themselves."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.kernel.clock import Clock, iso
from qb_pipeline.sandbox.kernel.database import add_columns, get_meta, open_database, set_meta, transaction
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.faults import FaultRules
from qb_pipeline.sandbox.kernel.limits import LimitRule, Limits
from qb_pipeline.sandbox.kernel.requests_log import RequestLog
from qb_pipeline.sandbox.kernel.subscriptions import Subscriptions


def request(method: str = "POST", path: str = "/api/v1/invoices", query: str = "") -> Incoming:
    return Incoming(method, path, query, {}, b"")


INVOICE = Call("invoices", "create")


def test_the_clock_keeps_its_offset_over_a_restart(tmp_path: Path) -> None:
    first = open_database(tmp_path / "state.db")
    Clock(first).advance(3600)
    first.close()
    later = Clock(open_database(tmp_path / "state.db")).now()
    assert timedelta(minutes=59) < later - datetime.now(UTC) < timedelta(minutes=61)


def test_the_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="only go forward"):
        Clock(open_database(None)).advance(-1)


def test_times_are_written_in_utc_with_microseconds() -> None:
    moment = datetime.fromisoformat("2026-03-04T10:00:00+02:00")
    assert iso(moment) == "2026-03-04T08:00:00.000000Z"


def test_a_failing_transaction_leaves_nothing_behind() -> None:
    conn = open_database(None)
    with pytest.raises(sqlite3.IntegrityError), transaction(conn):
        set_meta(conn, "kept", "no")
        conn.execute("INSERT INTO meta VALUES ('x', NULL)")
    assert get_meta(conn, "kept") is None
    assert not conn.in_transaction


def test_a_failing_inner_transaction_undoes_only_itself() -> None:
    conn = open_database(None)
    with transaction(conn):
        set_meta(conn, "outer", "yes")
        with pytest.raises(RuntimeError), transaction(conn):
            set_meta(conn, "inner", "yes")
            raise RuntimeError
    assert (get_meta(conn, "outer"), get_meta(conn, "inner")) == ("yes", None)


def test_the_request_log_counts_on_when_old_entries_have_left() -> None:
    log = RequestLog(Clock(open_database(None)), capacity=3)
    for number in range(5):
        log.record("GET", f"/{number}", 200, realm=None, key=None, items=0)
    answer = log.since(0)
    assert [entry["n"] for entry in answer["requests"]] == [3, 4, 5]
    assert answer["next"] == 5
    assert [entry["path"] for entry in log.since(4)["requests"]] == ["/4"]
    assert log.since(5) == {"requests": [], "next": 5}


def pattern(seed: int, count: int = 200) -> list[bool]:
    rules = FaultRules()
    rules.add([{"action": "drop_after", "probability": 0.3, "seed": seed}])
    return [bool(rules.decide(request(), INVOICE)) for _ in range(count)]


def test_faults_strike_the_same_requests_for_the_same_seed() -> None:
    assert pattern(7) == pattern(7)
    assert pattern(7) != pattern(8)


def test_a_probability_of_three_in_ten_strikes_about_that_often() -> None:
    assert 40 <= sum(pattern(1)) <= 80


def test_a_rule_fires_as_often_as_its_times_say() -> None:
    rules = FaultRules()
    rules.add([{"action": "status", "status": 503, "times": 2}])
    assert [len(rules.decide(request(), INVOICE)) for _ in range(4)] == [1, 1, 0, 0]
    assert rules.describe() == [{"action": "status", "status": 503, "times": 2, "fired": 2}]


def test_delays_add_up_before_the_first_other_rule() -> None:
    rules = FaultRules()
    rules.add([{"action": "delay", "seconds": 1}, {"action": "drop_before"}, {"action": "delay", "seconds": 2}])
    assert [rule.action for rule in rules.decide(request(), INVOICE)] == ["delay", "drop_before"]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"path": "/invoices"}, True),
        ({"path": "/api/*/invoices"}, True),
        ({"path": "/api/*/invoices?x=1"}, True),
        ({"path": "/api/*/payments"}, False),
        ({"entity": "Invoices", "operation": "create"}, True),
        ({"entity": "invoices", "operation": "void"}, False),
        ({"entity": None}, True),
    ],
)
def test_a_rule_strikes_only_what_it_matches(match: dict[str, Any], expected: bool) -> None:
    rules = FaultRules()
    rules.add([{"match": match, "action": "drop_before"}])
    assert bool(rules.decide(request(query="x=1"), INVOICE)) is expected


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"action": "delay"}, "list of rules"),
        ([{"action": "explode"}], "action 'explode' is unknown"),
        ([{"action": "status"}], "needs a status"),
        ([{"action": "status", "status": 200}], "status must be a whole number from 400"),
        ([{"action": "delay"}], "needs seconds"),
        ([{"action": "drop_after", "times": -1}], "times"),
        ([{"action": "drop_after", "times": True}], "times"),
        ([{"action": "drop_after", "probability": 2}], "probability"),
        ([{"action": "drop_after", "sometimes": 2}], "unknown key 'sometimes'"),
        ([{"action": "drop_after", "match": {"verb": "GET"}}], "unknown key 'verb'"),
        ([{"action": "drop_after", "match": {"method": 3}}], "match.method must be text"),
        (["drop_after"], "must be a JSON object"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused_whole(rules: object, named: str) -> None:
    faults = FaultRules()
    with pytest.raises(ControlError) as refusal:
        faults.add(rules)
    assert named in refusal.value.message
    assert faults.describe() == []


def limits(scale: float = 1) -> Limits:
    made = Limits([LimitRule("burst", 3, 10, lambda _incoming, call: call.realm)])
    made.set(enforce=True, time_scale=scale)
    return made


def test_a_limit_slides_with_its_window_and_keeps_realms_apart() -> None:
    one = limits()
    refused = [one.check(request(), Call(realm="a"), now) is not None for now in (0, 1, 2, 3, 9.9, 10.1, 10.2)]
    assert refused == [False, False, False, True, True, False, True]
    assert one.check(request(), Call(realm="b"), 3) is None
    assert one.refused == 3


def test_the_time_scale_shortens_the_window() -> None:
    one = limits(scale=10)
    refused = [one.check(request(), Call(realm="a"), now) is not None for now in (0, 0.1, 0.2, 0.3, 1.1)]
    assert refused == [False, False, False, True, False]


def test_limits_are_off_until_they_are_enforced() -> None:
    idle = Limits([LimitRule("none", 0, 10, lambda _incoming, _call: "all")])
    assert idle.check(request(), INVOICE, 0) is None


def test_a_request_outside_every_scope_is_not_limited() -> None:
    one = limits()
    assert all(one.check(request(), Call(realm=None), 0) is None for _ in range(10))


def test_an_at_once_limit_counts_only_what_is_being_worked_on() -> None:
    one = Limits([LimitRule("at once", 2, 0, lambda _incoming, call: call.realm)])
    one.set(enforce=True)
    call, other = Call(realm="a"), Call(realm="b")
    with one.in_flight(request(), call), one.in_flight(request(), call):
        assert one.check(request(), call, 0) is not None
        assert one.check(request(), other, 0) is None
    assert one.check(request(), call, 0) is None
    assert one.describe()["rules"] == [{"name": "at once", "limit": 2, "window_seconds": 0, "refused": 1}]


def test_quiet_scopes_are_forgotten() -> None:
    one = Limits([LimitRule("per minute", 5, 60, lambda _incoming, call: call.realm)])
    one.set(enforce=True)
    for number in range(5_000):
        one.check(request(), Call(realm=f"realm {number}"), number)
    assert len(one._windows) < 1_100


def test_the_wait_told_by_a_refusal_follows_the_scale_and_the_switch() -> None:
    rule = LimitRule("per minute", 5, 60, lambda _incoming, call: call.realm)
    one = Limits([rule])
    assert one.retry_after_of(rule) == 0
    one.set(retry_after=True, time_scale=120)
    assert one.retry_after_of(rule) == 0.5


def test_the_request_log_keeps_its_order_through_its_file() -> None:
    log = RequestLog(Clock(open_database(None)), capacity=1_200)
    for number in range(1, 2_001):
        assert log.record("GET", f"/{number}", 200, realm=None, key=None, items=0) == number
    assert [entry["n"] for entry in log.since(0)["requests"]] == list(range(801, 2_001))
    assert [entry["n"] for entry in log.since(1_998)["requests"]] == [1_999, 2_000]


def test_a_state_file_of_an_earlier_version_gets_the_columns_it_lacks() -> None:
    conn = open_database(None)
    conn.execute("CREATE TABLE subscription (id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, format TEXT NOT NULL)")
    conn.execute("INSERT INTO subscription (url, format) VALUES ('http://app.test/', 'legacy')")
    known = Subscriptions(conn, ("legacy",))
    assert known.all() == [{"url": "http://app.test/", "format": "legacy"}]
    add_columns(conn, "subscription", {"disabled": "disabled INTEGER NOT NULL DEFAULT 1"})
    assert known.live() == [1]
