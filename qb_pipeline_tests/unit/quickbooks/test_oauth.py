"""OAuth against a real HTTP server."""

from __future__ import annotations

import base64
import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from qb_pipeline.addresses import is_loopback
from qb_pipeline.errors import FixTheData, Misconfigured, Reconnect, RetryLater
from qb_pipeline.quickbooks.environment import PRODUCTION, SANDBOX, environment, secure
from qb_pipeline.quickbooks.oauth import Endpoints, OAuth
from qb_pipeline_tests.unit.quickbooks.canned import CannedServer, FakeClock, Reply, ok, unused_port

TOKENS = {
    "token_type": "bearer",
    "access_token": "eyJ-access",
    "expires_in": 3600,
    "refresh_token": "RT1-refresh",
    "x_refresh_token_expires_in": 8726400,
}
CALLBACK = "http://localhost:8000/callback"


@pytest.fixture
def app(server: CannedServer, clock: FakeClock) -> OAuth:
    endpoints = Endpoints(f"{server.url}/connect/oauth2", f"{server.url}/token", f"{server.url}/revoke")
    return OAuth(endpoints, "client", "s3cret", CALLBACK, clock=clock, timeout=(2, 0.5))


def refused(error: str, status: int = 400) -> Reply:
    return Reply(status, json.dumps({"error": error, "error_description": "Token invalid"}).encode())


def test_the_consent_page_is_asked_for_code_scope_and_state(app: OAuth, server: CannedServer) -> None:
    url = app.authorize_url("st4te")
    asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{server.url}/connect/oauth2?")
    assert asked == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": CALLBACK,
        "scope": "com.intuit.quickbooks.accounting",
        "state": "st4te",
    }


def test_a_code_is_exchanged_with_basic_authentication(app: OAuth, server: CannedServer, clock: FakeClock) -> None:
    server.play(ok(TOKENS))
    grant = app.exchange(f"{CALLBACK}?code=c0de&state=st4te&realmId=123", state="st4te")
    assert grant.realm_id == "123"
    assert (grant.tokens.access_token, grant.tokens.refresh_token) == ("eyJ-access", "RT1-refresh")
    assert grant.tokens.access_expires_at == clock.now() + timedelta(hours=1)
    assert grant.tokens.refresh_expires_at == clock.now() + timedelta(days=101)
    form = parse_qs(server.asked[0].body.decode())
    assert form == {"grant_type": ["authorization_code"], "code": ["c0de"], "redirect_uri": [CALLBACK]}
    assert server.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"client:s3cret").decode()


def test_a_refresh_token_ends_with_the_consent_when_that_is_sooner(
    app: OAuth, server: CannedServer, clock: FakeClock
) -> None:
    server.play(
        ok({**TOKENS, "x_refresh_token_hard_expires_in": 86_400}),
        ok({**TOKENS, "x_refresh_token_hard_expires_in": 9**9}),
    )
    ends = [app.refresh("RT1-refresh").refresh_expires_at - clock.now() for _ in range(2)]
    assert ends == [timedelta(days=1), timedelta(days=101)]
    assert {each.headers["x-include-refresh-token-hard-expires-in"] for each in server.asked} == {"true"}


@pytest.mark.parametrize("query", ["code=c&realmId=1", "code=c&realmId=1&state=other", "code=c&state=st4te",
                                   "realmId=1&state=st4te", "code=c&realmId=x&state=st4te"])  # fmt: skip
def test_a_callback_that_is_not_our_answer_is_refused_without_a_call(
    app: OAuth, server: CannedServer, query: str
) -> None:
    with pytest.raises(FixTheData) as raised:
        app.exchange(f"{CALLBACK}?{query}", state="st4te")
    assert raised.value.code == "qbo_callback"
    assert server.asked == []


def test_declined_consent_asks_to_connect_again(app: OAuth) -> None:
    with pytest.raises(Reconnect) as raised:
        app.exchange(f"{CALLBACK}?error=access_denied&state=st4te", state="st4te")
    assert raised.value.code == "qbo_access_denied"


def test_a_refresh_gives_the_new_pair(app: OAuth, server: CannedServer) -> None:
    server.play(ok(TOKENS))
    assert app.refresh("RT1-old").refresh_token == "RT1-refresh"
    form = parse_qs(server.asked[0].body.decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["RT1-old"]


def test_invalid_grant_means_reconnect(app: OAuth, server: CannedServer) -> None:
    server.play(refused("invalid_grant"))
    with pytest.raises(Reconnect) as raised:
        app.refresh("RT1-old")
    assert raised.value.code == "qbo_invalid_grant"
    assert "RT1-old" not in str(raised.value)


def test_a_wrong_client_secret_is_a_matter_of_configuration(app: OAuth, server: CannedServer) -> None:
    server.play(refused("invalid_client", 401))
    with pytest.raises(Misconfigured) as raised:
        app.refresh("RT1-old")
    assert "invalid_client" in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503, b"<html>busy</html>", "text/html"),
        Reply(429, b""),
        Reply(drop=True),
        Reply(delay=1.0),
        Reply(body=b"<html>sign in to the hotel's network</html>", content_type="text/html"),
        Reply(body=b'{"token_type": "bearer"'),
        ok({"token_type": "bearer", "access_token": "eyJ-only"}),
    ],
    ids=["503", "429", "dropped", "timeout", "html", "half json", "no refresh token"],
)
def test_a_token_service_that_can_not_be_used_now_is_tried_later(
    app: OAuth, server: CannedServer, reply: Reply
) -> None:
    server.play(reply)
    with pytest.raises(RetryLater) as raised:
        app.refresh("RT1-old")
    assert not raised.value.maybe_written
    assert "eyJ-only" not in str(raised.value)


def test_revoking_sends_the_token_and_tells_whether_it_still_lived(app: OAuth, server: CannedServer) -> None:
    server.play(Reply(200, b""), Reply(400, b"{}"))
    assert app.revoke("RT1-old")
    assert not app.revoke("RT1-old")
    assert json.loads(server.asked[0].body) == {"token": "RT1-old"}


def test_discovery_reads_the_three_endpoints(server: CannedServer) -> None:
    server.play(ok({"authorization_endpoint": "https://a.example/x", "token_endpoint": "https://t.example/y",
                    "revocation_endpoint": "https://r.example/z", "jwks_uri": "https://j.example"}))  # fmt: skip
    found = Endpoints.discover(f"{server.url}/.well-known/openid_configuration")
    assert found == Endpoints("https://a.example/x", "https://t.example/y", "https://r.example/z")


@pytest.mark.parametrize("reply", [Reply(404, b"<html>", "text/html"), ok({}), ok([]), Reply(body=b"{"),
                                   ok({"authorization_endpoint": "http://a.example", "token_endpoint": "https://t",
                                       "revocation_endpoint": "https://r"})])  # fmt: skip
def test_a_document_that_is_no_discovery_document_is_named(server: CannedServer, reply: Reply) -> None:
    server.play(reply)
    with pytest.raises(Misconfigured):
        Endpoints.discover(f"{server.url}/somewhere")


def test_discovery_of_a_dead_server_is_tried_later() -> None:
    with pytest.raises(RetryLater):
        Endpoints.discover(f"http://127.0.0.1:{unused_port()}/.well-known/openid_configuration")


def test_recorded_discovery_document_is_understood(server: CannedServer, recorded: Path) -> None:
    server.play(Reply(body=(recorded / "oauth_dotnetsdk_discovery.json").read_bytes()))
    assert Endpoints.discover(server.url).token == "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"


def test_plain_http_is_for_this_machine_only_and_no_switch_is_left_behind(
    app: OAuth, server: CannedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)  # tests of the sandbox's other clients set it
    server.play(ok(TOKENS))
    app.refresh("RT1-old")
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
    for url in ("http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:9/x", "https://example.com"):
        assert secure(url, "address") == url
    for url in (
        "http://example.com",
        "ftp://localhost",
        "localhost",
        "http://10.0.0.1",
        "http://localhost.example.com",
    ):
        with pytest.raises(Misconfigured):
            secure(url, "address")


def test_no_token_reaches_the_log_even_at_debug(
    app: OAuth, server: CannedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.play(ok(TOKENS))
    with caplog.at_level(logging.DEBUG):
        app.refresh("RT1-old")
    assert "eyJ-access" not in caplog.text
    assert "RT1" not in caplog.text


def test_the_environments_are_intuits_and_others_are_refused() -> None:
    assert environment("production") is PRODUCTION
    assert environment("sandbox") is SANDBOX
    assert not is_loopback(PRODUCTION.api_base)
    with pytest.raises(Misconfigured, match="production, sandbox"):
        environment("staging")
