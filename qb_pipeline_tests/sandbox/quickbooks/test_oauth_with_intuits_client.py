"""OAuth as Intuit's own Python client goes through it, and what an operator may set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError

from qb_pipeline_tests.sandbox.quickbooks.books import Body, running

CALLBACK = "http://app.test/callback?from=intuit"
BOOKS = [Scopes.ACCOUNTING]
UNTOUCHED: Body = {"redirect_uris": None, "overlap_seconds": None, "one_family": False}


@pytest.fixture(scope="module")
def server() -> Iterator[Body]:
    """A server of its own, whose clock the tests may move."""
    with running() as info:
        yield info


@pytest.fixture
def own(server: Body) -> Iterator[Body]:
    """The server with the settings it began with."""
    yield server
    settings(server, UNTOUCHED)


def settings(info: Body, wanted: Any) -> requests.Response:
    return requests.post(f"{info['base_url']}/_sandbox/oauth", json=wanted, timeout=10)


def advance(info: Body, seconds: float) -> None:
    url = f"{info['base_url']}/_sandbox/clock"
    requests.post(url, json={"advance_seconds": seconds}, timeout=10).raise_for_status()


def client(info: Body) -> AuthClient:
    return AuthClient(info["client_id"], info["client_secret"], CALLBACK, info["discovery_url"])


def approved(info: Body, auth: AuthClient, scopes: list[Scopes] = BOOKS) -> dict[str, str]:
    """What the app is told after a person has pressed Approve on the consent page."""
    asked = auth.get_authorization_url(scopes, state_token="csrf & more")
    page = requests.get(asked, timeout=10)
    assert page.status_code == 200
    hidden = {key: value[0] for key, value in parse_qs(urlsplit(asked).query).items()}
    form = {**hidden, "consent": "approve", "realm_id": info["realm_id"]}
    answer = requests.post(auth.auth_endpoint, data=form, allow_redirects=False, timeout=10)
    return told(answer)


def told(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def connected(info: Body, scopes: list[Scopes] = BOOKS) -> AuthClient:
    auth = client(info)
    answer = approved(info, auth, scopes)
    auth.get_bearer_token(answer["code"], realm_id=answer["realmId"])
    return auth


def opens(info: Body, auth: AuthClient) -> int:
    url = f"{info['base_url']}/v3/company/{auth.realm_id}/preferences"
    headers = {"Authorization": f"Bearer {auth.access_token}", "Accept": "application/json"}
    return requests.get(url, headers=headers, timeout=10).status_code


def refusal(act: Any, *arguments: Any) -> tuple[int, str]:
    """(HTTP status, body) of a call that the client raises for."""
    with pytest.raises(AuthClientError) as caught:
        act(*arguments)
    return caught.value.status_code, str(caught.value.content)


def test_the_whole_round_from_consent_to_revocation(own: Body) -> None:
    auth = client(own)
    answer = approved(own, auth)
    assert (answer["state"], answer["realmId"], answer["from"]) == ("csrf & more", own["realm_id"], "intuit")
    auth.get_bearer_token(answer["code"], realm_id=answer["realmId"])
    assert opens(own, auth) == 200
    assert (auth.expires_in, auth.x_refresh_token_expires_in) == (3600, 8_726_400)
    first = auth.access_token
    auth.refresh()
    assert auth.access_token != first
    assert opens(own, auth) == 200
    assert auth.revoke()
    assert opens(own, auth) == 401
    status, body = refusal(auth.refresh)
    assert status == 400
    assert "invalid_grant" in body


def test_a_code_cannot_be_used_again_nor_after_ten_minutes(own: Body) -> None:
    auth = client(own)
    code = approved(own, auth)["code"]
    auth.get_bearer_token(code)
    assert "invalid_grant" in refusal(auth.get_bearer_token, code)[1]
    late = approved(own, auth)["code"]
    advance(own, 601)
    assert refusal(auth.get_bearer_token, late)[0] == 400
    assert "invalid_grant" in refusal(auth.get_bearer_token, "AB1unknown")[1]


def test_a_wrong_secret_is_invalid_client_with_401(own: Body) -> None:
    auth = connected(own)
    auth.client_secret = "wrong"
    for act in (auth.refresh, auth.revoke):
        status, body = refusal(act)
        assert (status, "invalid_client" in body) == (401, True)


def test_a_token_call_without_its_parameter_is_invalid_request(own: Body) -> None:
    pair = (own["client_id"], own["client_secret"])
    token, revoke = (f"{own['base_url']}{path}" for path in ("/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"))
    for url, data in (
        (token, {"grant_type": "authorization_code"}),
        (token, {"grant_type": "refresh_token"}),
        (revoke, {}),
        (revoke, "{broken"),
    ):
        answer = requests.post(url, data=data, auth=pair, timeout=10)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_openid_gives_an_id_token_that_the_client_verifies() -> None:
    # The client takes no token from the future, so this needs a server whose clock nobody has moved.
    with running() as info:
        auth = connected(info, [Scopes.ACCOUNTING, Scopes.OPENID, Scopes.EMAIL])
        assert auth.id_token is not None
        assert auth.id_token.count(".") == 2
        assert auth.get_user_info().json()["email"]
        assert connected(info).id_token is None


def test_a_token_for_the_person_alone_does_not_open_the_books(own: Body) -> None:
    auth = connected(own, [Scopes.OPENID, Scopes.EMAIL])
    assert opens(own, auth) == 403
    assert auth.get_user_info().status_code == 200


def test_an_address_that_is_not_registered_gets_a_page_and_no_code(own: Body) -> None:
    assert settings(own, {"redirect_uris": ["http://app.test/other"]}).status_code == 200
    asked = client(own).get_authorization_url(BOOKS)
    answer = requests.get(asked + "&sandbox_consent=auto", allow_redirects=False, timeout=10)
    assert answer.status_code == 400
    assert "redirect_uri" in answer.text
    settings(own, {"redirect_uris": [CALLBACK]})
    assert "code" in told(requests.get(asked + "&sandbox_consent=auto", allow_redirects=False, timeout=10))


def test_the_consent_page_takes_only_a_company_that_can_exist(own: Body) -> None:
    asked = client(own).get_authorization_url(BOOKS) + "&sandbox_consent=auto&sandbox_realm=<b>x</b>"
    answer = requests.get(asked, allow_redirects=False, timeout=10)
    assert answer.status_code == 400
    assert "<b>" not in answer.text


def test_the_overlap_can_be_taken_away(own: Body) -> None:
    settings(own, {"overlap_seconds": 0})
    auth = connected(own)
    former = auth.refresh_token
    advance(own, 86_401)
    auth.refresh()
    assert auth.refresh_token != former
    assert "invalid_grant" in refusal(auth.refresh, former)[1]
    auth.refresh()
    assert opens(own, auth) == 200


def test_consent_again_may_end_the_tokens_given_before(own: Body) -> None:
    first = connected(own)
    second = connected(own)
    assert (opens(own, first), opens(own, second)) == (200, 200)
    settings(own, {"one_family": True})
    third = connected(own)
    assert [opens(own, auth) for auth in (first, second, third)] == [401, 401, 200]


def test_no_rotation_carries_a_connection_beyond_five_years(own: Body) -> None:
    auth = connected(own)
    for _ in range(19):
        advance(own, 96 * 86_400)
        auth.refresh()
    assert auth.x_refresh_token_expires_in < 8_726_400
    advance(own, 2 * 86_400)
    assert opens(own, auth) == 401
    assert "invalid_grant" in refusal(auth.refresh)[1]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"redirect_uris": "http://app.test/"}, "redirect_uris"),
        ({"redirect_uris": ["ftp://app.test/"]}, "redirect_uris"),
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"one_family": 1}, "one_family"),
        ({"colour": "red"}, "colour"),
        ([], None),
    ],
)
def test_a_setting_that_is_not_understood_changes_nothing(own: Body, wanted: Any, field: str | None) -> None:
    answer = settings(own, wanted)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert requests.get(f"{own['base_url']}/_sandbox/oauth", timeout=10).json() == UNTOUCHED
