"""Connecting in the browser, and what both sandboxes really send to a console."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from sqlalchemy import Engine

from qb_pipeline.settings import Settings, console_key
from qb_pipeline.store import companies
from qb_pipeline.store.companies import CompanyState
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk, Sandbox
from qb_pipeline_tests.unit.console.running import Running, console, settings_for


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Sandbox]]:
    folder = tmp_path_factory.mktemp("sandboxes")
    quickbooks = Sandbox("quickbooks", folder / "quickbooks.sqlite").start()
    contractor = Sandbox("contractor", folder / "contractor.sqlite").start()
    yield quickbooks, contractor
    quickbooks.stop()
    contractor.stop()


@pytest.fixture
def current(sandboxes: tuple[Sandbox, Sandbox], tmp_path: Path) -> Settings:
    info = sandboxes[0].info
    app = {"client_id": info["client_id"], "client_secret": info["client_secret"]}
    return settings_for(tmp_path, verifier_token=info["verifier_token"], console_refusals=5, **app)


@pytest.fixture
def running(engine: Engine, current: Settings, sandboxes: tuple[Sandbox, Sandbox]) -> Iterator[Running]:
    with console(engine, current) as made:
        yield made
    for sandbox in sandboxes:
        for one in sandbox.control("subscribe")["subscriptions"]:
            sandbox.control("subscribe", {"url": one["url"]}, method="DELETE")


def form(sandboxes: tuple[Sandbox, Sandbox], company: str = "Acme Builders", **changed: str) -> dict[str, str]:
    quickbooks, contractor = (s.info for s in sandboxes)
    return {
        "company": company,
        "contractor_system": "reference",
        "contractor_url": contractor["base_url"],
        "contractor_key": contractor["api_key"],
        "quickbooks_api": quickbooks["base_url"],
        "quickbooks_discovery": quickbooks["discovery_url"],
        "webhook_secret": contractor["webhook_secret"],
        **changed,
    }


def start(running: Running, given: dict[str, str]) -> requests.Response:
    return requests.post(
        f"{running.base_url}/oauth/connect", data=given, headers=running.bearer, allow_redirects=False, timeout=20
    )


def consent(page: requests.Response) -> requests.Response:
    """What the consent page sends the browser back with."""
    assert page.status_code == 303, page.text
    return requests.get(f"{page.headers['location']}&sandbox_consent=auto", allow_redirects=False, timeout=20)


def connected(running: Running, sandboxes: tuple[Sandbox, Sandbox], **changed: str) -> requests.Response:
    back = consent(start(running, form(sandboxes, **changed))).headers["location"]
    assert back.startswith(running.settings.redirect_uri)
    return requests.get(back, timeout=30)


def words(page: requests.Response) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page.text).split())


def until(what: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_form_leads_through_the_consent_to_a_connected_company(
    running: Running, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    page = connected(running, sandboxes)
    assert page.status_code == 200
    assert "Acme Builders is connected" in words(page)
    assert f"(realm {sandboxes[0].info['realm_id']})" in words(page)
    assert page.headers["referrer-policy"] == "no-referrer"
    with running.engine.connect() as conn:
        company = companies.get(conn, "Acme Builders")
    assert (company.state, company.realm_id) == (CompanyState.CONNECTED, sandboxes[0].info["realm_id"])
    assert list((running.settings.home / "consents").iterdir()) == []
    until(lambda: running.told == ["Acme Builders"])


def test_a_known_company_is_connected_again_by_a_link_in_a_browser_that_has_the_key(
    running: Running, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    connected(running, sandboxes)
    browser = requests.Session()
    key = console_key(running.settings)
    first = browser.get(
        f"{running.base_url}/oauth/connect",
        params={"company": "Acme Builders", "key": key},
        allow_redirects=False,
        timeout=20,
    )
    assert first.status_code == 303
    assert key not in first.headers["location"] + first.headers["set-cookie"]
    assert "httponly" in first.headers["set-cookie"].lower()
    again = browser.get(running.base_url + first.headers["location"], allow_redirects=False, timeout=20)
    assert "is connected" in words(requests.get(consent(again).headers["location"], timeout=30))


def test_only_the_key_starts_a_consent_and_wrong_keys_are_rate_limited(running: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "qb_console=9999999999.abc"}):
        answer = running.get("/oauth/connect?company=Acme", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key")
    assert running.get("/oauth/connect?company=Acme&key=wrong").status_code == 401
    assert [running.get("/health").status_code for _ in range(3)] == [401, 429, 429]


def test_what_is_open_is_open_and_nothing_else_is(running: Running) -> None:
    assert running.get("/health/live").json() == {"status": "live"}
    assert running.get("/oauth/callback").status_code == 400
    assert [running.get(path).status_code for path in ("/health", "/metrics", "/oauth/connect")] == [401] * 3


def test_a_consent_that_was_denied_says_so_and_stores_nothing(
    running: Running, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    asked = urlsplit(start(running, form(sandboxes)).headers["location"])
    denial = requests.post(
        f"{asked.scheme}://{asked.netloc}{asked.path}",
        data={**dict(parse_qsl(asked.query)), "consent": "deny"},
        allow_redirects=False,
        timeout=20,
    )
    page = requests.get(denial.headers["location"], timeout=20)
    assert page.status_code == 400
    assert words(page).startswith("Acme Builders is not connected")
    with running.engine.connect() as conn:
        assert companies.listing(conn) == []


def test_a_state_is_good_for_one_callback_and_a_foreign_one_for_none(
    running: Running, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    back = consent(start(running, form(sandboxes))).headers["location"]
    foreign = re.sub(r"state=[^&]*", "state=somebody-elses", back)
    refused = requests.get(foreign, timeout=20)
    assert refused.status_code == 400
    assert "was not asked for here" in words(refused)
    assert requests.get(back, timeout=30).status_code == 200
    again = requests.get(back, timeout=20)
    assert again.status_code == 400
    assert "has been used already" in words(again)


def test_a_company_keeps_its_realm(running: Running, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    connected(running, sandboxes)
    page = connected(running, sandboxes, company="Zenith")
    assert page.status_code == 400
    assert "Zenith is not connected" in words(page)
    assert "is connected to another company already" in words(page)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"company": ""}, "No company was named"),
        ({"novelty": "1"}, "There is no 'novelty'"),
        ({"contractor_url": "http://127.0.0.1:9"}, "contractor"),
        ({"contractor_key": "wrong"}, "key"),
        ({"contractor_system": "nowhere"}, "There is no contractor system named 'nowhere'"),
        ({"quickbooks_discovery": "http://example.com/"}, "is not an https address"),
    ],
)
def test_what_can_not_be_connected_is_said_before_anybody_is_asked_for_consent(
    running: Running, sandboxes: tuple[Sandbox, Sandbox], changed: dict[str, str], said: str
) -> None:
    answer = start(running, form(sandboxes, **changed))
    assert answer.status_code in {400, 503}
    assert said in unescape(words(answer))
    assert form(sandboxes)["contractor_key"] not in answer.text


def test_a_link_can_not_lead_a_company_to_a_foreign_system(
    running: Running, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    connected(running, sandboxes)
    answer = running.get(
        "/oauth/connect?company=Acme Builders&contractor_url=http://127.0.0.1:9", headers=running.bearer
    )
    assert answer.status_code == 400
    assert "not taken from the page's address" in unescape(answer.text)
    cross = {**running.bearer, "Sec-Fetch-Site": "cross-site"}
    posted = requests.post(f"{running.base_url}/oauth/connect", data=form(sandboxes), headers=cross, timeout=20)
    assert posted.status_code == 403


@pytest.mark.parametrize("wanted", ["legacy", "cloudevents"])
def test_what_quickbooks_sends_waits_for_the_company_in_either_format(
    running: Running, sandboxes: tuple[Sandbox, Sandbox], wanted: str
) -> None:
    quickbooks, _ = sandboxes
    quickbooks.control("subscribe", {"url": f"{running.base_url}/webhooks/quickbooks", "format": wanted})
    desk = QuickBooksDesk(quickbooks)
    one, two = (desk.create("Customer", {"DisplayName": f"Client {time.time_ns()}"})["Id"] for _ in range(2))
    until(lambda: len(running.stored("id")) == 2)
    assert set(running.stored("state")) == {("unknown",)}
    assert connected(running, sandboxes).status_code == 200
    assert set(running.stored("company", "state")) == {("Acme Builders", "new")}
    quickbooks.control("webhooks", {"deliver": "duplicate"})
    quickbooks.control("ui", {"act": "merge", "entity": "Customer", "from": one, "into": two})
    until(lambda: any(operation == "Merge" for (operation,) in running.stored("operation")))
    quickbooks.control("webhooks", {"deliver": "normal"})
    merges = [row[1:] for row in running.stored("operation", "subject", "record_id", "detail") if row[0] == "Merge"]
    assert merges == [("Customer", two, {"deleted_id": one})]
    until(lambda: running.metrics()['qb_webhook_events_duplicate_total{source="quickbooks"}'] > 0)


def test_what_the_contractor_sends_waits_for_its_company(running: Running, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    _, contractor = sandboxes
    connected(running, sandboxes)
    contractor.control("subscribe", {"url": f"{running.base_url}/webhooks/contractor/Acme%20Builders"})
    desk = ContractorDesk(contractor)
    made = desk.create("customers", {"name": f"Client {time.time_ns()}"})
    desk.edit("customers", made["id"], {"phone": "555 0100"})
    until(lambda: len(running.stored("id")) == 2)
    row: tuple[Any, ...] = ("contractor", "Acme Builders", "customer", made["id"], "new")
    assert running.stored("source", "company", "subject", "record_id", "state") == [row, row]
    assert running.stored("operation") == [("created",), ("updated",)]


def test_health_and_metrics_tell_what_is_stored(running: Running, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    connected(running, sandboxes)
    contractor = sandboxes[1]
    contractor.control("subscribe", {"url": f"{running.base_url}/webhooks/contractor"})
    ContractorDesk(contractor).create("customers", {"name": f"Client {time.time_ns()}"})
    until(lambda: len(running.stored("id")) == 1)
    health = running.get("/health", headers=running.bearer).json()
    assert health["status"] == "ok"
    assert [(c["company"], c["connection"]["state"], c["inbox"]["waiting"]) for c in health["companies"]] == [
        ("Acme Builders", "connected", 1)
    ]
    metrics = running.metrics()
    assert metrics['qb_inbox_waiting{company="Acme Builders"}'] == 1
    assert metrics['qb_inbox_oldest_seconds{company="Acme Builders"}'] < 60
    assert metrics['qb_company_state{company="Acme Builders",state="connected"}'] == 1
    assert metrics["qb_store_reachable"] == 1
    with running.engine.begin() as conn:
        companies.set_state(conn, "Acme Builders", CompanyState.RECONNECT, "refused")
    assert running.get("/health", headers=running.bearer).json()["status"] == "broken"


def test_health_says_503_when_the_store_can_not_be_reached(current: Settings, tmp_path: Path) -> None:
    from qb_pipeline.store.engine import make_engine

    nowhere = make_engine("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with console(nowhere, current) as running:
        answer = running.get("/health", headers=running.bearer)
        assert (answer.status_code, answer.json()["status"]) == (503, "unreachable")
        assert running.metrics()["qb_store_reachable"] == 0
        assert running.quickbooks([]).status_code == 503
        assert running.get("/health/live").status_code == 200
