"""Webhooks over real HTTP into a real database: taken once, refused with a reason, never lost silently."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from qb_pipeline.console import server
from qb_pipeline.store import companies, inbox
from qb_pipeline_tests.unit.console.running import (
    REALM,
    SECRET,
    VERIFIER,
    Running,
    cloud,
    console,
    enter,
    entity,
    hint,
    intuit,
    legacy,
    settings_for,
)

COLUMNS = ("source", "company", "subject", "record_id", "operation", "state")


@pytest.fixture
def running(engine: Engine, tmp_path: Path) -> Iterator[Running]:
    current = settings_for(tmp_path, console_refusals=5, console_body_seconds=1.0)
    enter(engine, current, "acme")
    with console(engine, current) as made:
        yield made


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_both_formats_end_as_events_of_the_realms_company(running: Running) -> None:
    assert running.quickbooks(legacy(entity(operation="Merge", deletedId="104"))).json() == {"events": 1}
    many = [cloud("e1", "qbo.invoice.voided.v1", "9"), cloud("e2")]
    assert running.quickbooks(many, **{"content-type": "application/cloudevents+json"}).status_code == 200
    assert running.stored(*COLUMNS) == [
        ("quickbooks", "acme", "Customer", "71", "Merge", "new"),
        ("quickbooks", "acme", "Invoice", "9", "Void", "new"),
        ("quickbooks", "acme", "Customer", "71", "Update", "new"),
    ]
    assert running.stored("detail", "realm_id")[0] == ({"deleted_id": "104"}, REALM)


def test_a_delivery_repeated_many_times_at_once_is_stored_once_and_every_repeat_is_answered_well(
    running: Running,
) -> None:
    body = [cloud(f"e{n}", record=str(n)) for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: running.quickbooks(body).status_code, range(24)))
    assert answers == [200] * 24
    assert len(running.stored("id")) == 20
    metrics = running.metrics()
    assert metrics['qb_webhook_events_received_total{source="quickbooks"}'] == 480
    assert metrics['qb_webhook_events_duplicate_total{source="quickbooks"}'] == 460


def test_a_delivery_replayed_hours_after_a_run_took_it_is_answered_well_and_starts_nothing(
    running: Running, engine: Engine
) -> None:
    bodies = (legacy(entity(record="7")), [cloud("e1", record="8")])
    assert [running.quickbooks(body).status_code for body in bodies] == [200, 200]
    with engine.begin() as conn:
        waiting = inbox.waiting(conn)["acme"]
        assert len(inbox.take(conn, "acme", waiting.first, waiting.last, "run")) == 2
        inbox.done(conn, "acme", "run")
        conn.execute(text("update qb.inbox set received_at = received_at - interval '9 hours'"))
    assert {running.quickbooks(body).status_code for _ in range(10) for body in bodies} == {200}
    with engine.begin() as conn:
        assert inbox.waiting(conn) == {}
    assert running.stored("state") == [("done",), ("done",)]


def test_wrong_missing_and_foreign_signatures_are_refused_and_store_nothing(running: Running) -> None:
    body = json.dumps(legacy(entity())).encode()
    assert refusal(running.quickbooks(body, "another token")) == (401, "signature")
    assert refusal(running.post("quickbooks", body, {})) == (401, "signature")
    assert refusal(running.post("quickbooks", body + b" ", {"intuit-signature": intuit(body, VERIFIER)})) == (
        401,
        "signature",
    )
    assert refusal(running.contractor(hint("e1"), "another secret")) == (401, "signature")
    assert refusal(running.contractor(hint("e1"), company="nobody")) == (401, "signature")
    assert running.stored("id") == []
    metrics = running.metrics()
    assert metrics['qb_console_refused_total{what="quickbooks",why="signature"}'] == 3
    assert metrics['qb_console_refused_total{what="contractor",why="signature"}'] == 2


def test_a_forger_is_answered_with_429_after_the_limit_and_right_deliveries_still_come_through(
    running: Running,
) -> None:
    codes = [running.quickbooks([], "wrong").status_code for _ in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert running.quickbooks([], "wrong").headers["retry-after"] == "60"
    assert running.quickbooks([cloud("e1")]).status_code == 200
    assert running.quickbooks([], "wrong", **{"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_a_companys_own_verifier_token_counts_as_soon_as_it_is_stored(running: Running) -> None:
    assert running.quickbooks([], "own token").status_code == 401
    enter(running.engine, running.settings, "zenith", "55", verifier_token="own token")
    time.sleep(1.1)
    assert running.quickbooks([cloud("e1", intuitaccountid="55")], "own token").status_code == 200
    assert running.stored("company") == [("zenith",)]


@pytest.mark.parametrize("body", [b"not json", b"{}", b'[{"type": 7}]', b"[" * 50_000 + b"]" * 50_000])
def test_a_signed_body_that_can_not_be_read_is_refused_with_its_reason(running: Running, body: bytes) -> None:
    answer = running.quickbooks(body)
    assert refusal(answer) == (400, "unreadable")
    assert "can't be read: " in answer.json()["error"]["message"]
    assert refusal(running.contractor(body)) == (400, "unreadable")


def test_an_event_with_what_no_database_holds_is_refused_and_the_others_go_on(running: Running) -> None:
    assert running.contractor(hint("e1", record="inv\u0000")).status_code == 400
    assert running.contractor(hint("e2")).status_code == 200
    assert running.quickbooks([cloud("e3", record="7\u0000"), cloud("e4")]).json() == {"events": 1}
    assert running.metrics()['qb_webhook_events_unreadable_total{source="quickbooks"}'] == 1


def test_a_ping_and_a_broken_event_of_the_contractor_cost_no_other_its_place(running: Running) -> None:
    ping, broken = {"id": "p1", "type": "ping"}, {"id": "b", "type": "invoice.updated"}
    assert running.contractor(ping).json() == {"events": 0}
    assert running.contractor([hint("e1"), ping, broken]).json() == {"events": 1}
    assert running.stored("record_id", "state") == [("inv_1", "new")]
    metrics = running.metrics()
    assert metrics['qb_webhook_events_received_total{source="contractor"}'] == 3
    assert metrics['qb_webhook_events_ignored_total{source="contractor"}'] == 2
    assert metrics['qb_webhook_events_unreadable_total{source="contractor"}'] == 1


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z"])
def test_whatever_time_an_event_names_a_run_can_take_it(running: Running, at: str) -> None:
    assert running.contractor({**hint("e1"), "occurred_at": at}).json() == {"events": 1}
    assert running.quickbooks([cloud("e2", time=at)]).json() == {"events": 1}
    assert running.quickbooks(legacy(entity(lastUpdated=at))).json() == {"events": 1}
    with running.engine.begin() as conn:
        assert len(inbox.take(conn, "acme", 0, 10**9, "run")) == 3


def test_events_of_an_unknown_realm_are_kept_and_wait_for_the_company_once_it_is_connected(running: Running) -> None:
    assert running.quickbooks(legacy(entity(), realm="99")).status_code == 200
    assert running.stored("company", "state") == [(None, "unknown")]
    assert running.metrics()['qb_webhook_events_unknown_total{source="quickbooks"}'] == 1
    enter(running.engine, running.settings, "later", "99")
    with running.engine.begin() as conn:
        assert inbox.adopt(conn, "later", "99") == 1
    assert running.quickbooks(legacy(entity(record="8"), realm="99")).status_code == 200
    assert running.stored("company", "state") == [("later", "new")] * 2


def test_no_event_is_missed_while_its_realm_is_being_connected(running: Running) -> None:
    """The connection's transaction stays open while the event comes: one of the two must see the other."""
    running.quickbooks([])
    enter(running.engine, running.settings, "later", None)
    with running.engine.begin() as conn, ThreadPoolExecutor(1) as pool:
        companies.connected(conn, "later", "99")
        inbox.adopt(conn, "later", "99")
        delivery = pool.submit(running.quickbooks, legacy(entity(), realm="99"))
        time.sleep(0.3)
        assert not delivery.done()
        conn.commit()
        assert delivery.result().status_code == 200
    assert running.stored("company", "state") == [("later", "new")]


def test_what_is_not_synchronised_is_kept_as_ignored_and_counted(running: Running) -> None:
    assert running.quickbooks([cloud("e1", "qbo.journalcode.created.v1"), cloud("e2")]).status_code == 200
    assert running.contractor([hint("e3", "truck.updated"), hint("e4")]).json() == {"events": 2}
    assert sorted(running.stored("subject", "state")) == [
        ("Customer", "new"), ("JournalCode", "ignored"), ("invoice", "new"), ("truck", "ignored"),
    ]  # fmt: skip
    metrics = running.metrics()
    assert metrics['qb_webhook_events_ignored_total{source="quickbooks"}'] == 1
    assert metrics['qb_webhook_events_ignored_total{source="contractor"}'] == 1
    assert metrics['qb_webhook_events_received_total{source="contractor"}'] == 2


def test_a_contractors_delivery_finds_its_company_by_the_path_or_by_the_secret(running: Running) -> None:
    enter(running.engine, running.settings, "own / secret", "55", webhook_secret="own")
    assert running.contractor(hint("e1"), company="acme").status_code == 200
    assert running.contractor(hint("e2"), "own", company="own%20%2F%20secret").status_code == 200
    assert running.contractor(hint("e3"), "own").status_code == 200
    assert running.contractor(hint("e4"), "own", company="acme").status_code == 401
    assert running.contractor(hint("e5")).status_code == 200
    found = running.stored("company", "subject", "record_id", "operation")
    assert found[0] == ("acme", "invoice", "inv_1", "updated")
    assert [company for company, *_ in found[1:]] == ["own / secret", "own / secret", "acme"]


def test_a_secret_that_several_companies_share_hints_at_each_of_them(running: Running) -> None:
    enter(running.engine, running.settings, "zenith", "55")
    assert running.contractor(hint("e1"), SECRET).json() == {"events": 2}
    assert running.contractor(hint("e1"), SECRET).json() == {"events": 2}
    assert sorted(running.stored("company")) == [("acme",), ("zenith",)]


def test_a_body_over_the_limit_is_refused_before_it_is_sent(running: Running) -> None:
    head = b"POST /webhooks/quickbooks HTTP/1.1\r\nhost: x\r\nintuit-signature: x\r\ncontent-length: 1048577\r\n\r\n"
    answer = conversation(running, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")  # and the connection was closed


def test_a_body_that_does_not_say_how_long_it_is_is_cut_at_the_limit(running: Running) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(18):
            yield b" " * 65_536

    answer = requests.post(
        f"{running.base_url}/webhooks/quickbooks", data=endless(), headers={"intuit-signature": "x"}, timeout=20
    )
    assert refusal(answer) == (413, "too_large")
    body = json.dumps([cloud("e1")]).encode().ljust(1_048_576)
    assert running.quickbooks(body).status_code == 200


def test_the_largest_body_is_stored_in_time_and_holds_up_nobody(running: Running) -> None:
    document = legacy(*[entity(record=str(n)) for n in range(9_300)])
    assert 900_000 < len(json.dumps(document)) < 1_048_576
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        large = pool.submit(running.quickbooks, document)
        small = [running.quickbooks([cloud(f"e{n}")]).status_code for n in range(10)]
        assert large.result().json() == {"events": 9_300}
    assert small == [200] * 10
    assert time.monotonic() - began < 3
    assert len(running.stored("id")) == 9_310


def test_a_slow_body_and_a_slow_header_are_given_up_and_hold_up_nobody(running: Running) -> None:
    slow = b"POST /webhooks/quickbooks HTTP/1.1\r\nhost: x\r\nintuit-signature: x\r\ncontent-length: 10\r\n\r\n[]"
    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(conversation, running, head) for head in (slow, slow[:40], b"")]
        assert running.quickbooks([cloud("e1")]).status_code == 200
        assert time.monotonic() - began < 0.9
        assert [a.result()[:12] for a in answers] == [b"HTTP/1.1 408", b"", b""]
    assert time.monotonic() - began < 3


def test_idle_connections_give_way_to_those_that_bring_a_webhook(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 20)
    monkeypatch.setattr(server, "_CROWDED", 15)
    current = settings_for(tmp_path)
    enter(engine, current, "acme")
    with console(engine, current) as running, ExitStack() as idle:
        port = int(running.base_url.rsplit(":", 1)[1])
        for _ in range(60):
            client = idle.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            client.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        assert [running.quickbooks([cloud(f"e{n}")]).status_code for n in range(5)] == [200] * 5


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", int(running.base_url.rsplit(":", 1)[1])), 5) as client:
        client.sendall(
            b"POST /webhooks/quickbooks HTTP/1.1\r\nhost: x\r\nintuit-signature: x\r\ncontent-length: 9\r\n\r\n["
        )
    assert running.quickbooks([cloud("e1")]).status_code == 200
    assert len(running.stored("id")) == 1


def test_without_its_database_a_delivery_is_answered_503_and_taken_when_it_comes_again(
    running: Running, database_url: str
) -> None:
    assert running.quickbooks([cloud("e1")]).status_code == 200
    with running.engine.begin() as conn:
        conn.execute(text("ALTER TABLE qb.inbox RENAME TO away"))
    answer = running.quickbooks([cloud("e2")])
    assert refusal(answer) == (503, "not_stored")
    with running.engine.begin() as conn:
        conn.execute(text("ALTER TABLE qb.away RENAME TO inbox"))
        conn.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                 " AND pid <> pg_backend_pid()")
        )  # fmt: skip
    assert running.quickbooks([cloud("e2")]).status_code == 200
    assert len(running.stored("id")) == 2


@pytest.mark.parametrize("table", ["inbox", "company"])
def test_a_database_that_hangs_is_not_waited_for_longer_than_intuit_waits(running: Running, table: str) -> None:
    with running.engine.begin() as conn:
        conn.execute(text(f"LOCK TABLE qb.{table}"))
        began = time.monotonic()
        assert refusal(running.quickbooks([cloud("e1")])) == (503, "database_slow")
        assert time.monotonic() - began < 2.9
    assert running.quickbooks([cloud("e1")]).status_code == 200
    assert len(running.stored("id")) == 1


def test_neither_bodies_nor_secrets_nor_signatures_reach_the_log(
    running: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    secret_name = "Very Private Client"
    with capture_logs() as logged:
        running.quickbooks([{"type": secret_name}])
        running.quickbooks([cloud("e1", novel=secret_name)], "wrong")
        running.contractor({"id": secret_name})
        running.get("/oauth/callback", params={"code": secret_name, "state": "s", "realmId": "1"})
        running.get("/health", params={"key": secret_name})
    assert [line["event"] for line in logged] == ["console.refused"] * 3 + ["console.not_connected"]
    everything = str(logged) + "".join(capfd.readouterr())
    assert not [word for word in (secret_name, VERIFIER, SECRET, "sha256=") if word in everything]


def test_other_methods_and_paths_are_refused_and_counted_under_one_name(running: Running) -> None:
    assert running.get("/webhooks/quickbooks").status_code == 405
    assert running.get("/some/where").status_code == 404
    names = [name for name in running.metrics() if name.startswith("qb_console_request_seconds_count")]
    assert 'qb_console_request_seconds_count{route="other",status="404"}' in names
    assert not [name for name in names if "some" in name]


def conversation(running: Running, head: bytes) -> bytes:
    """Send the bytes and nothing more; everything that comes back until the other end closes."""
    with socket.create_connection(("127.0.0.1", int(running.base_url.rsplit(":", 1)[1])), 5) as client:
        client.sendall(head)
        answer = b""
        while chunk := client.recv(65_536):
            answer += chunk
        return answer
