"""What goes wrong between both systems reaches people by mail: once, named, and with what to do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from qb_pipeline.settings import settings, token_keys
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance, sandbox
from qb_pipeline_tests.unit.health.postbox import Postbox, free_port, postbox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Postbox]:
    with postbox(tmp_path) as running:
        yield running


@pytest.fixture
def made(tmp_path: Path, database_url: str, box: Postbox) -> Iterator[Instance]:
    with (
        sandbox("quickbooks", "--port", "0", "--empty") as books,
        sandbox("contractor", "--port", "0", "--empty") as own,
    ):
        environment = {"QB_DATABASE_URL": database_url, **box.environment()}
        yield Instance(tmp_path, books, own, environment).connected()


def enter(made: Instance, collection: str, **fields: Any) -> str:
    """Somebody enters a record in the contractor's system."""
    info = made.contractor.info
    headers = {"Authorization": f"Bearer {info['api_key']}", "Idempotency-Key": uuid.uuid4().hex}
    answer = requests.post(f"{info['base_url']}/api/v1/{collection}", json=fields, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def revoke(made: Instance) -> None:
    """As the owner does in QuickBooks' app settings: every token of the company is dead."""
    rule = {"match": {"path": "/v3/company/*"}, "action": "expire_token"}
    refused = {"match": {"path": "*/tokens/bearer"}, "action": "status", "status": 400}
    made.quickbooks.control("faults", [rule, refused])


def restore(made: Instance) -> None:
    requests.delete(f"{made.quickbooks.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


def send(made: Instance) -> dict[str, Any]:
    return made.prepare("notices", "send", "--json").document


def health(made: Instance) -> tuple[int, dict[str, Any]]:
    ended = made.here("health", "--json")
    return ended.code, dict(ended.document["companies"][0])


def test_a_revoked_connection_is_one_alarm_and_its_return_one_all_clear(made: Instance, box: Postbox) -> None:
    enter(made, "customers", name="Before")
    made.sync()
    code, well = health(made)
    assert (code, well["verdict"]) == (0, "ok"), well["findings"]
    assert send(made)["mails"] == 0
    revoke(made)
    for _ in range(3):
        assert made.here("sync").code == 1
        made.prepare("notices", "send")
    assert box.subjects == [f"{COMPANY}: no contact with QuickBooks or the contractor's system"]
    assert "Connect the company" in box.text()
    code, ill = health(made)
    assert (code, ill["verdict"], ill["connection"]["state"]) == (1, "broken", "reconnect")
    assert "qb-pipeline connect" in ill["findings"][0]["fix"]
    restore(made)
    made.connected()
    made.sync()
    assert send(made)["mails"] == 1
    assert box.subjects[1:] == [f"{COMPANY}: the connection works again"]
    assert send(made)["mails"] == 0


def test_thirty_refused_records_are_one_digest_that_names_them(made: Instance, box: Postbox) -> None:
    ids = [enter(made, "customers", name=f"Client {n}: North") for n in range(30)]
    made.sync()
    assert send(made) == {"mails": 1, "notices": 1, "note": None}
    assert box.subjects == [f"{COMPANY}: 30 records need somebody"]
    text = box.text().replace("\r\n", "\n")
    assert "30 records: the customer has a colon in its display name, which QuickBooks refuses in names.\n" in text
    assert "Who can fix it: office\nWhat to do: Remove a colon from the display name.\n" in text
    assert "- Customer Client 7: North\n- and 22 more" in text
    assert [i for i in ids if i in text] == [], "names, not ids"
    code, found = health(made)
    assert (code, found["owed"]["exceptions"]) == (0, {"open": 30}), "told, and the rest goes on"
    assert len(found["owed"]["oldest"]) == 10
    made.sync()
    assert send(made)["mails"] == 0, "nothing new"


def test_a_mail_server_that_is_gone_is_named_and_gets_everything_when_it_is_back(made: Instance, box: Postbox) -> None:
    enter(made, "customers", name="Client: North")
    made.sync()
    gone = replace(made, environment={**made.environment, "QB_SMTP_PORT": str(free_port())})
    failed = gone.here("notices", "send")
    assert "can't be reached" in failed.failure()
    ended = made.here("health", "--json")
    assert (ended.code, ended.document["verdict"], ended.document["mail"]["attempts"]) == (1, "degraded", 1)
    listed = made.prepare("notices", "list", "--json").document["notices"]
    assert [(n["kind"], n["state"]) for n in listed] == [("undelivered", "stands"), ("digest", "not sent")]
    assert send(made)["mails"] == 1
    assert made.here("health").code == 0
    assert box.subjects == [f"{COMPANY}: 1 record needs somebody"]


def test_without_a_mail_server_sending_says_so(made: Instance) -> None:
    without = replace(made, environment={"QB_DATABASE_URL": made.environment["QB_DATABASE_URL"]})
    assert "QB_SMTP_HOST" in without.here("notices", "send").failure()


def test_mails_health_and_log_hold_no_secret(made: Instance, box: Postbox, engine: Engine) -> None:
    current = settings(_env_file=None, home=made.home)
    pair = TokenStore(engine, COMPANY, Sealer(*token_keys(current))).read()
    secrets = [pair.access_token, pair.refresh_token, made.quickbooks.info["client_secret"],
               made.contractor.info["api_key"]]  # fmt: skip
    enter(made, "customers", name="Client: North")
    made.sync()
    revoke(made)
    assert made.here("sync").code == 1
    send(made)
    shown = [made.here(*words).out for words in (("health",), ("health", "--json"), ("status",), ("notices", "list"))]
    logs = [path.read_text() for path in (made.home / "logs").glob("*")]
    everything = "\n".join([*(bytes(m).decode() for m in box.mails), *shown, *logs])
    assert len(box.mails) == 2
    assert [s for s in secrets if s in everything] == []


def test_quota_and_lag_are_counted_from_what_the_runs_really_asked(made: Instance) -> None:
    enter(made, "customers", name="Ann")
    made.sync()
    made.sync()
    _, found = health(made)
    asked = made.quickbooks.control("requests", since=0)["requests"]
    reads = [r for r in asked if "/v3/company/" in r["path"] and (r["method"] == "GET" or r["path"].endswith("/query"))]
    # The consent reads the company's name once, outside of any run.
    assert found["quota"]["metered"] == len(reads) - 1
    assert {"query", "cdc"} <= set(found["quota"]["calls_this_month"])
    assert {(x["side"], x["entity"]) for x in found["lag"]} >= {("quickbooks", "customer"), ("contractor", "customer")}
    assert max(x["seconds"] for x in found["lag"]) < 120
    assert set(found["runs"]["last_success"]) == {"command line"}
    assert json.dumps(found)
