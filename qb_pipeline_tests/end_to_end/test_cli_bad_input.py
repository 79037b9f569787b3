"""Bad input and bad days: one clear line, a code that is not 0, and a good sync right after the cause is gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from qb_pipeline.settings import settings, token_key
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance, Server, sandbox

NOBODY = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture(scope="module")
def quickbooks() -> Iterator[Server]:
    with sandbox("quickbooks") as server:
        yield server


@pytest.fixture(scope="module")
def contractor() -> Iterator[Server]:
    with sandbox("contractor") as server:
        yield server


@pytest.fixture
def instance(tmp_path: Path, database_url: str, quickbooks: Server, contractor: Server) -> Instance:
    return Instance(tmp_path, quickbooks, contractor, {"QB_DATABASE_URL": database_url})


@pytest.fixture
def connected(instance: Instance) -> Instance:
    return instance.connected()


@contextmanager
def answering(body: str, content_type: str = "text/html") -> Iterator[str]:
    """The address of a server that gives the same answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815  # the name is http.server's

        def log_message(self, *_args: Any) -> None:
            """Quiet: test output is for assertions."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _refresh_token(instance: Instance) -> str:
    engine = make_engine(instance.environment["QB_DATABASE_URL"])
    sealer = Sealer(token_key(settings(home=instance.home)))
    found = TokenStore(engine, COMPANY, sealer).read().refresh_token
    engine.dispose()
    return found


def _company_file(instance: Instance, text: str) -> Path:
    path = instance.home / "companies" / f"{COMPANY}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_wrong_contractor_key_is_named_and_a_working_connection_stays_as_it_was(connected: Instance) -> None:
    line = connected.connect(contractor_key="wrong").failure()
    assert "key" in line
    assert connected.sync()["status"] == "succeeded"


def test_a_wrong_client_secret_is_named_and_a_working_connection_stays_as_it_was(connected: Instance) -> None:
    line = connected.connect(client_secret="wrong").failure()
    assert "client secret" in line
    assert connected.sync()["status"] == "succeeded"


def test_a_wrong_client_id_is_named(instance: Instance) -> None:
    line = instance.connect(client_id="nobody").failure()
    assert "unknown client_id" in line
    assert "--client-id" in line


def test_a_contractor_system_nobody_serves_is_named_with_its_address(connected: Instance) -> None:
    assert NOBODY in connected.connect(contractor_url=NOBODY).failure()
    assert connected.sync()["status"] == "succeeded"


def test_a_quickbooks_nobody_serves_is_named(instance: Instance) -> None:
    assert "QuickBooks" in instance.connect(quickbooks_discovery=f"{NOBODY}/.well-known/x").failure()
    assert "QuickBooks" in instance.connect(quickbooks_api=NOBODY).failure()
    instance.connected()


def test_a_quickbooks_that_is_down_fails_the_run_and_the_next_one_works(
    tmp_path: Path, database_url: str, contractor: Server
) -> None:
    state = str(tmp_path / "books.sqlite")
    with sandbox("quickbooks", "--port", "0", "--state", state) as server:
        instance = Instance(tmp_path, server, contractor, {"QB_DATABASE_URL": database_url})
        instance.connected()
        port = str(urlsplit(server.info["base_url"]).port)
    line = instance.here("sync").failure()
    assert "QuickBooks" in line
    last = instance.prepare("status", "--json").document["companies"][0]["last_run"]
    assert last["status"] == "failed"
    assert last["error"]
    with sandbox("quickbooks", "--port", port, "--state", state):
        assert instance.sync()["status"] == "succeeded"


def test_a_revoked_consent_asks_for_a_new_one_and_connecting_again_heals_it(connected: Instance) -> None:
    info = connected.quickbooks.info
    revoked = requests.post(
        f"{info['base_url']}/v2/oauth2/tokens/revoke",
        json={"token": _refresh_token(connected)},
        auth=(info["client_id"], info["client_secret"]),
        timeout=10,
    )
    assert revoked.status_code == 200
    line = connected.here("sync").failure()
    assert "onnect" in line
    status = connected.prepare("status", "--json").document["companies"][0]
    assert status["state"] == "reconnect"
    connected.prepare("connect", "--company", COMPANY, "--authorize", "auto")
    assert connected.sync()["status"] == "succeeded"


def test_a_web_page_instead_of_an_answer_is_recognised(instance: Instance) -> None:
    with answering("<html><body>Please sign in to the hotel's network</body></html>") as page:
        assert "HTML, not JSON" in instance.connect(contractor_url=page).failure()
        assert "discovery" in instance.connect(quickbooks_discovery=page).failure()
        assert "QuickBooks" in instance.connect(quickbooks_api=page).failure()
    assert instance.prepare("status", "--json").document["companies"] == []
    instance.connected()


def test_consent_is_given_by_itself_to_a_sandbox_on_this_machine_only(instance: Instance) -> None:
    addresses = {
        "authorization_endpoint": "https://consent.invalid/connect/oauth2",
        "token_endpoint": "https://consent.invalid/token",
        "revocation_endpoint": "https://consent.invalid/revoke",
    }
    with answering(json.dumps(addresses), "application/json") as elsewhere:
        line = instance.connect(quickbooks_discovery=elsewhere).failure()
    assert "--authorize auto" in line


def test_an_address_intuit_sends_no_browser_back_to_is_refused_before_anything_is_asked(instance: Instance) -> None:
    seen = instance.contractor.seen
    line = instance.here("connect", "--company", COMPANY, "--redirect-uri", "http://books.example/callback").failure()
    assert "--redirect-uri is not an https address" in line
    of_settings = replace(instance, environment={**instance.environment, "QB_REDIRECT_URI": "books.example/callback"})
    line = of_settings.here("status").failure()
    assert "QB_REDIRECT_URI is not a whole address" in line
    assert instance.contractor.seen == seen


def test_nobody_giving_the_consent_ends_with_a_line_after_the_timeout(instance: Instance) -> None:
    line = instance.connect(authorize=None, timeout="1", redirect_uri="http://127.0.0.1:0/oauth/callback").failure()
    assert "within 1 seconds" in line
    assert "--timeout" in line


def test_a_wrong_word_in_the_company_file_is_named_with_its_line(connected: Instance) -> None:
    path = _company_file(connected, "entities:\n  customer:\n    conflict: whoever_shouts\n")
    line = connected.here("sync").failure()
    assert f"{path}, line 3" in line
    assert "latest_edit" in line
    path.unlink()
    assert connected.sync()["status"] == "succeeded"


def test_a_mapping_to_an_account_that_is_not_there_names_the_ones_that_are(connected: Instance) -> None:
    path = _company_file(connected, "defaults:\n  income_account: Nowhere\n")
    line = connected.here("sync").failure()
    assert "'Nowhere'" in line
    assert "Name one of" in line
    path.unlink()
    assert connected.sync()["status"] == "succeeded"


def test_an_unknown_company_and_an_unknown_entity_are_named_with_the_known_ones(connected: Instance) -> None:
    assert COMPANY in connected.here("sync", "--company", "Nobody Inc").failure()
    assert "invoice" in connected.here("sync", "--entity", "invoces").failure()
    assert "customer" in connected.here("plan", "--entity", "tax_rate").failure()


def test_without_any_company_a_sync_is_no_success(instance: Instance) -> None:
    assert "qb-pipeline connect" in instance.here("sync").failure()


def test_a_lost_token_key_is_named_and_nothing_is_lost_once_it_is_back(connected: Instance) -> None:
    key = connected.home / "token.key"
    kept = key.read_bytes()
    key.unlink()
    line = connected.here("sync").failure()
    assert "token.key" in line
    assert connected.prepare("status").out.startswith(COMPANY)
    key.write_bytes(kept)
    assert connected.sync()["status"] == "succeeded"


def test_connecting_anew_replaces_what_a_lost_key_had_sealed(connected: Instance) -> None:
    (connected.home / "token.key").unlink()
    connected.connected()
    assert connected.sync()["status"] == "succeeded"


def test_a_failure_with_json_is_one_document_too(instance: Instance) -> None:
    ended = instance.run("sync", "--company", "Nobody Inc", "--json")
    assert ended.code == 1
    assert ended.document["error"]["code"] == "unknown_company"


def test_the_traceback_shows_with_debug_only(instance: Instance) -> None:
    assert "Traceback" in instance.run("--debug", "sync").err
    assert "Traceback" not in instance.here("sync").err


def test_a_wrong_option_is_one_line_that_names_the_help(instance: Instance) -> None:
    assert "qb-pipeline sync --help" in instance.here("sync", "--sideways").failure()


@pytest.mark.parametrize("words", [("up", "--port"), ("dev", "--quickbooks-port"), ("sandbox", "quickbooks", "--port")])
def test_a_port_that_no_machine_has_is_refused_before_anything_starts(
    instance: Instance, words: tuple[str, ...]
) -> None:
    ended = instance.here(*words, "99999")
    assert ended.code == 2
    assert "65535" in ended.err
