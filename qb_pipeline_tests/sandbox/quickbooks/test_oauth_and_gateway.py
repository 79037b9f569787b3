"""OAuth, the gateway's refusals, faults and limits."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

CALLBACK = "http://app.test/callback"


@pytest.fixture(scope="module")
def own() -> Iterator[Body]:
    """A server of its own, whose clock and limits the tests may move."""
    with running() as info:
        yield info


def token(info: Body, secret: str | None = None, **form: str) -> requests.Response:
    pair = (info["client_id"], secret or info["client_secret"])
    return requests.post(f"{info['base_url']}/oauth2/v1/tokens/bearer", data=form, auth=pair, timeout=10)


def consent(info: Body, **more: str) -> requests.Response:
    asked = {
        "client_id": info["client_id"],
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": CALLBACK,
        "state": "s 1",
    }
    found = requests.get(info["discovery_url"], timeout=10).json()
    return requests.get(found["authorization_endpoint"], params={**asked, **more}, allow_redirects=False, timeout=10)


def location(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    return {key: values[0] for key, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def advance(info: Body, seconds: float) -> None:
    url = f"{info['base_url']}/_sandbox/clock"
    requests.post(url, json={"advance_seconds": seconds}, timeout=10).raise_for_status()


def status_with(info: Body, access: str) -> requests.Response:
    url = f"{info['base_url']}/v3/company/{info['realm_id']}/preferences"
    return requests.get(url, headers={"Authorization": f"Bearer {access}"}, timeout=10)


def grant(info: Body) -> Body:
    answer = location(consent(info, sandbox_consent="auto"))
    assert (answer["state"], answer["realmId"]) == ("s 1", info["realm_id"])
    response = token(info, grant_type="authorization_code", code=answer["code"], redirect_uri=CALLBACK)
    assert response.status_code == 200
    pair: Body = response.json()
    return pair


def test_consent_gives_a_code_and_the_code_a_pair_that_opens_the_company(own: Body) -> None:
    pair = grant(own)
    assert (pair["token_type"], pair["expires_in"], pair["x_refresh_token_expires_in"]) == ("bearer", 3600, 8726400)
    answer = status_with(own, pair["access_token"])
    assert answer.status_code == 200
    assert answer.headers["intuit_tid"]


def test_the_consent_page_asks_and_a_denial_returns_access_denied(own: Body) -> None:
    page = consent(own)
    assert page.status_code == 200
    assert "Approve" in page.text
    form = {
        "client_id": own["client_id"],
        "response_type": "code",
        "scope": "x",
        "redirect_uri": CALLBACK,
        "state": "s",
    }
    url = f"{own['base_url']}/connect/oauth2"
    denied = requests.post(url, data={**form, "consent": "deny"}, allow_redirects=False, timeout=10)
    assert location(denied)["error"] == "access_denied"
    approved = requests.post(
        url, data={**form, "consent": "approve", "realm_id": "77"}, allow_redirects=False, timeout=10
    )
    assert location(approved)["realmId"] == "77"
    assert consent(own, client_id="nobody").status_code == 400


def test_a_code_works_once_and_only_with_its_redirect_uri(own: Body) -> None:
    code = location(consent(own, sandbox_consent="auto"))["code"]
    wrong = token(own, grant_type="authorization_code", code=code, redirect_uri="http://evil.test/")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    again = token(own, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert again.json()["error"] == "invalid_grant"


def test_a_wrong_secret_is_invalid_client(own: Body) -> None:
    answer = token(own, secret="wrong", grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert token(own, grant_type="refresh_token", refresh_token="x").json()["error"] == "invalid_grant"
    assert token(own, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_an_access_token_ends_after_an_hour_of_sandbox_time(own: Body) -> None:
    pair = grant(own)
    advance(own, 3601)
    expired = status_with(own, pair["access_token"])
    assert expired.status_code == 401
    body = expired.json()
    assert body["fault"]["error"][0]["code"] == "3200"
    assert body["fault"]["type"] == "AUTHENTICATION"
    assert isinstance(body["time"], int)
    fresh = token(own, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()
    assert status_with(own, fresh["access_token"]).status_code == 200


def test_the_refresh_token_rotates_daily_and_the_old_one_overlaps_for_a_day(own: Body) -> None:
    first = grant(own)["refresh_token"]

    def refresh(value: str) -> requests.Response:
        return token(own, grant_type="refresh_token", refresh_token=value)

    assert refresh(first).json()["refresh_token"] == first
    advance(own, 86_400)
    second = refresh(first).json()["refresh_token"]
    assert second != first
    assert refresh(first).json()["refresh_token"] == second
    advance(own, 86_401)
    assert refresh(first).json()["error"] == "invalid_grant"
    assert refresh(second).status_code == 200


def test_a_refresh_token_unused_for_101_days_is_over(own: Body) -> None:
    pair = grant(own)
    advance(own, 8_726_401)
    assert (
        token(own, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()["error"] == "invalid_grant"
    )


def test_revoking_either_token_kills_the_pair(own: Body) -> None:
    pair, auth = grant(own), (own["client_id"], own["client_secret"])
    url = f"{own['base_url']}/v2/oauth2/tokens/revoke"
    assert requests.post(url, json={"token": pair["refresh_token"]}, auth=auth, timeout=10).status_code == 200
    assert status_with(own, pair["access_token"]).status_code == 401
    assert (
        token(own, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()["error"] == "invalid_grant"
    )
    other = grant(own)
    assert requests.post(url, data={"token": other["access_token"]}, auth=auth, timeout=10).status_code == 200
    assert requests.post(url, data={"token": "unknown"}, auth=auth, timeout=10).json()["error"] == "invalid_grant"


def test_the_hard_expiry_is_told_when_asked_for(own: Body) -> None:
    pair = grant(own)
    assert "x_refresh_token_hard_expires_in" not in pair
    answer = requests.post(
        f"{own['base_url']}/oauth2/v1/tokens/bearer",
        data={"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]},
        auth=(own["client_id"], own["client_secret"]),
        headers={"x-include-refresh-token-hard-expires-in": "true"},
        timeout=10,
    )
    assert answer.json()["x_refresh_token_hard_expires_in"] > 150_000_000


def test_no_token_is_401_and_another_companys_is_403(own: Body) -> None:
    assert status_with(own, "").status_code == 401
    assert status_with(own, "nonsense").status_code == 401
    books = open_books(own, "4711")
    books.realm = own["realm_id"]
    status, answer = books.get("preferences")
    assert (status, answer["fault"]["error"][0]["code"]) == (403, "3100")


def test_limits_answer_429_in_the_gateways_envelope_when_enforced(own: Body) -> None:
    books = open_books(own)
    url = f"{own['base_url']}/_sandbox/limits"
    requests.post(url, json={"enforce": True}, timeout=10)
    try:
        answers = [books.get("preferences") for _ in range(11)]
    finally:
        requests.post(url, json={"enforce": False}, timeout=10)
    assert [status for status, _ in answers] == [200] * 10 + [429]
    assert answers[-1][1]["fault"]["error"][0]["code"] == "3001"


def test_a_write_whose_answer_is_dropped_is_done_and_its_requestid_replays_it(own: Body) -> None:
    books = open_books(own, "4712")
    rule = {"match": {"entity": "Customer", "operation": "create"}, "action": "drop_after", "times": 1}
    requests.post(f"{own['base_url']}/_sandbox/faults", json=[rule], timeout=10).raise_for_status()
    with pytest.raises(requests.ConnectionError):
        books.post("customer", {"DisplayName": "Ridge Farm"}, requestid="once")
    made = books.make("Customer", {"DisplayName": "Ridge Farm"}, requestid="once")
    assert made["Id"] == "1"
    assert books.query("select count(*) from Customer") == {"totalCount": 1}


def test_the_fault_expire_token_ends_the_callers_token(own: Body) -> None:
    books = open_books(own, "4713")
    requests.post(f"{own['base_url']}/_sandbox/faults", json=[{"action": "expire_token", "times": 1}], timeout=10)
    assert books.get("preferences")[0] == 401


def test_unknown_addresses_are_refused_clearly(own: Body) -> None:
    books = open_books(own, "4714")
    assert books.get("customer/1/5")[1]["Fault"]["Error"][0]["code"] == "500"
    assert books.get("customer/1.5")[1]["Fault"]["Error"][0]["code"] == "2030"
    response = books.session.put(f"{books.url}/customer", json={}, timeout=10)
    assert response.json()["Fault"]["Error"][0]["code"] == "500"


def test_two_companies_are_isolated(own: Body) -> None:
    one, other = open_books(own, "4715"), open_books(own, "4716")
    made = one.customer("Ridge Farm")
    assert other.customer("Ridge Farm")["Id"] == made["Id"]
    assert isinstance(one, Books)
    assert one.query("select count(*) from Customer") == other.query("select count(*) from Customer")
