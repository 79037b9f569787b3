"""Faults, limits, log and control routes over real connections."""

import json
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.kernel.running import Client, contractor


def live_divisions(client: Client) -> int:
    return int(client.control("state")["collections"]["divisions"]["count"])


def last_requests(client: Client, since: int) -> list[dict[str, Any]]:
    return list(client.control(f"requests?since={since}")["requests"])


def mark(client: Client) -> int:
    return int(client.control("requests")["next"])


def test_the_first_line_says_where_the_server_is(client: Client) -> None:
    assert client.base_url.startswith("http://127.0.0.1:")
    assert set(client.first_line) == {"base_url", "api_key", "webhook_secret"}
    assert client.control("info")["api_key"] == client.first_line["api_key"]


def test_a_stopped_server_exits_with_zero() -> None:
    with contractor("--empty") as client:
        client.process.terminate()
        assert client.process.wait(10) == 0


def test_drop_after_applies_the_write_and_answers_nothing(client: Client) -> None:
    before, seen = live_divisions(client), mark(client)
    client.control("faults", [{"match": {"operation": "create"}, "action": "drop_after", "times": 1}])
    with pytest.raises(requests.ConnectionError):
        client.post("divisions", {"name": "Dropped after"}, key="after-1")
    assert live_divisions(client) == before + 1
    entry = last_requests(client, seen)[0]
    assert (entry["status"], entry["items"], entry["key"]) == (0, 1, "after-1")
    again = client.post("divisions", {"name": "Dropped after"}, key="after-1")
    assert (again.status_code, live_divisions(client)) == (201, before + 1)


def test_drop_before_applies_nothing(client: Client) -> None:
    before, seen = live_divisions(client), mark(client)
    client.control("faults", [{"match": {"method": "POST"}, "action": "drop_before", "times": 1}])
    with pytest.raises(requests.ConnectionError):
        client.post("divisions", {"name": "Dropped before"}, key="before-1")
    assert live_divisions(client) == before
    assert [(entry["status"], entry["items"]) for entry in last_requests(client, seen)] == [(0, 0)]


def test_a_status_fault_answers_in_the_servers_own_envelope(client: Client) -> None:
    client.control("faults", [{"action": "status", "status": 503, "seconds": 7, "times": 1}])
    answer = client.get("divisions")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["error"]["code"] == "unavailable"
    assert client.get("divisions").status_code == 200


def test_a_delay_lets_the_request_succeed_later(client: Client) -> None:
    client.control("faults", [{"action": "delay", "seconds": 0.3, "times": 1}])
    started = time.monotonic()
    assert client.get("divisions").status_code == 200
    assert time.monotonic() - started >= 0.3


def struck(client: Client, seed: int) -> list[int]:
    client.control("faults", method="DELETE")
    client.control("faults", [{"action": "status", "status": 500, "probability": 0.4, "seed": seed}])
    return [client.get("terms").status_code for _ in range(30)]


def test_the_same_seed_spoils_the_same_requests(client: Client) -> None:
    first = struck(client, 3)
    assert first == struck(client, 3)
    assert {200, 500} == set(first)


def test_a_fault_that_a_server_does_not_model_is_refused(client: Client) -> None:
    answer = client.call("POST", "/_sandbox/faults", json=[{"action": "expire_token"}])
    assert answer.status_code == 400
    assert "expire_token" in answer.json()["error"]["message"]


def test_control_calls_are_neither_spoiled_nor_logged(client: Client) -> None:
    seen = mark(client)
    client.control("faults", [{"action": "drop_before"}])
    assert client.control("info")["system"] == "contractor"
    assert mark(client) == seen


def test_the_log_tells_what_was_asked_and_written(client: Client) -> None:
    seen = mark(client)
    made = client.post("divisions", {"name": "Logged"}, key="log-1").json()
    client.post("divisions", {"name": "Logged"}, key="log-1")
    client.post("divisions", {"nome": "Wrong"}, key="log-2")
    client.patch(f"divisions/{made['id']}", {"name": "Logged"}, "1")
    client.get("divisions", limit=1)
    summary = [(e["method"], e["path"], e["status"], e["key"], e["items"]) for e in last_requests(client, seen)]
    assert summary == [
        ("POST", "/api/v1/divisions", 201, "log-1", 1),
        ("POST", "/api/v1/divisions", 201, "log-1", 0),
        ("POST", "/api/v1/divisions", 422, "log-2", 0),
        ("PATCH", f"/api/v1/divisions/{made['id']}", 200, None, 0),
        ("GET", "/api/v1/divisions?limit=1", 200, None, 0),
    ]


def test_limits_refuse_with_429_once_enforced_and_recover_by_the_scale(client: Client) -> None:
    client.control("limits", {"enforce": True, "time_scale": 1})
    statuses = [client.get("terms").status_code for _ in range(605)]
    assert statuses == [200] * 600 + [429] * 5
    client.control("limits", {"time_scale": 1000})
    time.sleep(0.1)
    assert client.get("terms").status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("limits", {"enforced": True}, "enforced"),
        ("limits", {"enforce": "yes"}, "enforce"),
        ("limits", {"time_scale": 0}, "time_scale"),
        ("limits", {"time_scale": float("nan")}, "time_scale"),
        ("clock", {"advance_seconds": 1e30}, "advance_seconds"),
        ("clock", {"advance_seconds": -5}, "advance_seconds"),
        ("clock", {"advance": 5}, "advance"),
        ("clock", {"advance_seconds": "5"}, "advance_seconds"),
        ("subscribe", {"url": "ftp://x"}, "url"),
        ("subscribe", {"url": "http://127.0.0.1:1/", "format": "cloudevents"}, "format"),
        ("webhooks", {"deliver": "sometimes"}, "deliver"),
        ("webhooks", {"release": 1}, "release"),
        ("ui", {"what": "merge"}, "act"),
        ("ui", {"act": "dance"}, "act"),
        ("token", {"realm": "1"}, "realm"),
    ],
)
def test_a_control_call_with_a_wrong_field_is_refused(client: Client, name: str, body: Any, field: str) -> None:
    answer = client.call("POST", f"/_sandbox/{name}", data=json.dumps(body))
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_a_server_without_tokens_says_so(client: Client) -> None:
    answer = client.call("POST", "/_sandbox/token", json={"realm_id": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_modelled")


def test_a_control_body_that_is_no_json_is_refused(client: Client) -> None:
    answer = client.call("POST", "/_sandbox/clock", data=b"{")
    assert answer.status_code == 400
    assert client.call("GET", "/_sandbox/requests?since=abc").status_code == 400


def test_advancing_the_clock_moves_the_times_of_records(client: Client) -> None:
    first = client.made("divisions", {"name": "Today"})
    client.control("clock", {"advance_seconds": 86_400})
    second = client.made("divisions", {"name": "Tomorrow"})
    assert second["updated_at"][:10] > first["updated_at"][:10]


def test_the_date_of_an_answer_is_the_sandboxs_own_time(client: Client) -> None:
    client.control("clock", {"advance_seconds": 86_400})
    answer = client.get("terms")
    [told] = [value for name, value in answer.raw.headers.items() if name.lower() == "date"]
    made = client.made("divisions", {"name": "Today"})["created_at"]
    assert abs(datetime.fromisoformat(made) - parsedate_to_datetime(told)) < timedelta(seconds=30)
