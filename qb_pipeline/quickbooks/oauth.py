"""Consent, code exchange, refresh and revocation with Intuit's OAuth 2 service.

Invariant: every call ends within its timeout, as a pair of tokens or as an error named by recovery, and neither tokens
nor the client's secret reach a log or a message.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests
from oauthlib.oauth2 import OAuth2Error
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

from qb_pipeline.errors import FixTheData, Misconfigured, PipelineError, Reconnect, RetryLater
from qb_pipeline.quickbooks.catalogue import CATALOGUE
from qb_pipeline.quickbooks.clock import Clock, SystemClock
from qb_pipeline.quickbooks.environment import ACCOUNTING_SCOPE, secure
from qb_pipeline.quickbooks.errors import CONNECTION_LOST, UNEXPECTED, no_answer
from qb_pipeline.quickbooks.tokens import Tokens
from qb_pipeline.secrecy import remember

T = TypeVar("T")
Timeout = tuple[float, float]
TIMEOUT: Timeout = (5.0, 30.0)

# At DEBUG both libraries log whole token answers.
for _name in ("requests_oauthlib", "oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)


@dataclass(frozen=True)
class Endpoints:
    """The addresses of one OAuth 2 service."""

    authorization: str
    token: str
    revocation: str

    @classmethod
    def discover(cls, url: str, timeout: Timeout = TIMEOUT) -> Self:
        """Read them from an OpenID discovery document.

        Raises `RetryLater` when nobody answers, `Misconfigured` when it is none or names insecure addresses.
        """
        answer = _reached(lambda: requests.get(secure(url, "discovery address"), timeout=timeout))
        if answer.status_code >= 500 or answer.status_code == 429:
            raise _unavailable(answer)
        try:
            document = answer.json() if answer.ok else {}
            names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
            return cls(*(secure(document[name], name) for name in names))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Misconfigured(
                f"{url} is not an OpenID discovery document (HTTP {answer.status_code}).",
                code="qbo_discovery",
                fix="Correct the QuickBooks discovery address.",
            ) from error


@dataclass(frozen=True)
class Grant:
    """What a person's consent gives: one realm and its first pair of tokens."""

    realm_id: str
    tokens: Tokens


class OAuth:
    """One app at one OAuth 2 service."""

    def __init__(
        self,
        endpoints: Endpoints,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        *,
        clock: Clock | None = None,
        timeout: Timeout = TIMEOUT,
    ) -> None:
        self._endpoints = endpoints
        self._client_id = client_id
        self._basic = requests.auth.HTTPBasicAuth(client_id, client_secret)
        remember(client_secret, base64.b64encode(f"{client_id}:{client_secret}".encode()).decode())
        self._redirect_uri = redirect_uri
        self._clock = clock or SystemClock()
        self._timeout = timeout

    def authorize_url(self, state: str) -> str:
        """The page where a person gives consent; `state` comes back in the callback and must be unguessable."""
        address, _ = self._session().authorization_url(_as_https(self._endpoints.authorization), state=state)
        return _like(self._endpoints.authorization, address)

    def exchange(self, callback_url: str, *, state: str) -> Grant:
        """The grant behind the address the person was sent back to.

        `state` is the one given to `authorize_url`. Raises `Reconnect` when consent was declined or the code is
        used up, `FixTheData` when the callback is not the answer to our question.
        """
        answer = {key: values[0] for key, values in parse_qs(urlsplit(callback_url).query).items()}
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise _wrong_callback("does not carry the state that was asked for")
        if "error" in answer:
            raise _reconnect("access_denied")
        if not answer.get("code") or not answer.get("realmId", "").isdigit():
            raise _wrong_callback("has no code or no realmId")
        session, token_url = self._session(), _as_https(self._endpoints.token)
        tokens = self._tokens(
            lambda: session.fetch_token(token_url, code=answer["code"], auth=self._basic, timeout=self._timeout)
        )
        return Grant(answer["realmId"], tokens)

    def refresh(self, refresh_token: str) -> Tokens:
        """A new pair, to be stored before use; raises `Reconnect` when the refresh token is not accepted any more."""
        session, token_url = self._session(), _as_https(self._endpoints.token)
        return self._tokens(
            lambda: session.refresh_token(
                token_url, refresh_token=refresh_token, auth=self._basic, timeout=self._timeout
            )
        )

    def revoke(self, token: str) -> bool:
        """End the grant behind either token of a pair; False when it had ended before."""
        answer = _reached(
            lambda: requests.post(
                self._endpoints.revocation, json={"token": token}, auth=self._basic, timeout=self._timeout
            )
        )
        if answer.status_code == 400:
            return False
        _check(answer)
        return True

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(self._client_id, redirect_uri=self._redirect_uri, scope=[ACCOUNTING_SCOPE])
        session.headers["x-include-refresh-token-hard-expires-in"] = "true"
        for hook in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(hook, _check)
        if self._endpoints.token.startswith("http:"):
            session.mount(_as_https(self._endpoints.token), _LoopbackAdapter())
        return session

    def _tokens(self, fetch: Callable[[], dict[str, Any]]) -> Tokens:
        now = self._clock.now()
        try:
            token = _reached(fetch)
            return Tokens(
                _word(token, "access_token"),
                _word(token, "refresh_token"),
                now + timedelta(seconds=int(token["expires_in"])),
                now + timedelta(seconds=_lifetime(token)),
            )
        except (OAuth2Error, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            # Whatever oauthlib trips over. The error may hold the answer, and with it the tokens: it is not chained.
            raise RetryLater(
                f"The token service's answer can't be used ({type(error).__name__}).", code=UNEXPECTED
            ) from None


def _lifetime(token: dict[str, Any]) -> int:
    """Seconds until the refresh token ends: each refresh renews it, but no refresh outlives the consent's own end."""
    rolling = int(token["x_refresh_token_expires_in"])
    return min(rolling, int(token.get("x_refresh_token_hard_expires_in") or rolling))


def _word(token: dict[str, Any], name: str) -> str:
    """A token as it was given; nothing, or no text, must never take the place of one that works."""
    given = token[name]
    if not isinstance(given, str) or not given.strip():
        raise ValueError(name)
    return given


class _LoopbackAdapter(HTTPAdapter):
    """Sends over plain HTTP what oauthlib, which wants TLS, believes to be https; mounted for this machine only."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https:", "http:", 1)
        return super().send(request, *args, **kwargs)


def _reached(call: Callable[[], T]) -> T:
    try:
        return call()
    except requests.RequestException as error:
        raise no_answer(
            CONNECTION_LOST, f"QuickBooks' OAuth service gave no answer ({type(error).__name__}).", maybe_written=False
        ) from None


def _check(answer: requests.Response) -> requests.Response:
    """`answer` itself when it is a success; otherwise raises what it means."""
    if answer.ok:
        return answer
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        document = {}
    said = document.get("error") if isinstance(document, dict) else None
    if said == "invalid_grant":
        raise _reconnect("invalid_grant", answer)
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _unavailable(answer)
    raise Misconfigured(
        f"QuickBooks' OAuth service refuses this app (HTTP {answer.status_code}"
        f"{', ' + said if isinstance(said, str) and said.isidentifier() else ''}).",
        code="qbo_oauth_refused",
        fix="Correct the client id, the client secret and the redirect address, as they stand in Intuit's portal.",
        reference=answer.headers.get("intuit_tid"),
    )


def _reconnect(code: str, answer: requests.Response | None = None) -> PipelineError:
    entry = CATALOGUE[code]
    tid = answer.headers.get("intuit_tid") if answer is not None else None
    return Reconnect(entry.cause, code=f"qbo_{code}", fix=entry.fix, who=entry.who, reference=tid)


def _unavailable(answer: requests.Response) -> RetryLater:
    return RetryLater(
        f"QuickBooks' OAuth service is not available at the moment (HTTP {answer.status_code}).",
        code=f"qbo_http_{answer.status_code}",
        reference=answer.headers.get("intuit_tid"),
    )


def _wrong_callback(what: str) -> FixTheData:
    return FixTheData(
        f"The address that came back from QuickBooks {what}.",
        code="qbo_callback",
        fix="Start connecting the company again, and finish it in the same browser.",
        who="owner",
    )


def _as_https(url: str) -> str:
    return "https:" + url.removeprefix("http:") if url.startswith("http:") else url


def _like(original: str, url: str) -> str:
    """`url` with the scheme of `original`."""
    return f"{urlsplit(original).scheme}:{url.partition(':')[2]}"
