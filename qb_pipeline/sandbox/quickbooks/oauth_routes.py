"""The addresses of Intuit's OAuth 2: discovery, consent, tokens, revocation, the person's data, settings.

Invariant: a code or token leaves only to a client that proved it knows the app's secret, or by the person's consent.

A request to `/connect/oauth2` that names a wrong client or redirect address is answered with a page, because nobody may
be redirected there; everything else goes back to the app with `state` as it was sent. `sandbox_consent=auto` (and
`sandbox_realm=…`) gives the consent by itself. PKCE is not part of Intuit's OAuth: its parameters are ignored.
"""

import base64
import binascii
import html
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from qb_pipeline.sandbox.kernel.control import parse
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, loads
from qb_pipeline.sandbox.quickbooks.oauth import OAuthError
from qb_pipeline.sandbox.quickbooks.oauth_keys import id_token, jwks
from qb_pipeline.sandbox.quickbooks.world import World

SIMULATED = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied", 503: "temporarily_unavailable"}
PERSON = "sandbox-user"
# A name rather than an address: clients compare it with this very text, wherever their base addresses point.
ISSUER = "https://oauth.platform.intuit.com/op/v1"
CARRIED = ("client_id", "redirect_uri", "response_type", "scope", "state")
PAGE = """<!doctype html><html lang="en"><title>Connect to QuickBooks (sandbox)</title>
<h1>Connect to QuickBooks (sandbox)</h1><p>{app} asks to read and write this company's books.</p>
<form method="post" action="/connect/oauth2">{hidden}
<label>Company <select name="realm_id">{options}</select></label>
<button name="consent" value="approve">Approve</button> <button name="consent" value="deny">Deny</button>
</form></html>"""


def discovery(base: str) -> JsonObject:
    """The OpenID document with this server's addresses."""
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{base}/connect/oauth2",
        "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
        "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
        "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
        "jwks_uri": f"{base}/op/v1/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
    }


@dataclass(frozen=True)
class OAuthRoutes:
    """The endpoints over one world; `default_realm` is offered first at the consent page."""

    world: World
    default_realm: str

    def routes(self) -> list[Route]:
        """For Starlette."""
        return [
            Route("/.well-known/openid_configuration", self.discovery, methods=["GET"]),
            Route("/.well-known/openid_sandbox_configuration", self.discovery, methods=["GET"]),
            Route("/op/v1/jwks", self.jwks, methods=["GET"]),
            Route("/v1/openid_connect/userinfo", self.userinfo, methods=["GET"]),
            Route("/connect/oauth2", self.consent_page, methods=["GET"]),
            Route("/connect/oauth2", self.consent, methods=["POST"]),
            Route("/oauth2/v1/tokens/bearer", self.token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self.revoke, methods=["POST"]),
            Route("/_sandbox/oauth", self.settings, methods=["GET", "POST"]),
        ]

    async def discovery(self, request: Request) -> Response:
        """The addresses as the client reached this server."""
        return JSONResponse(discovery(str(request.base_url).rstrip("/")))

    async def jwks(self, _request: Request) -> Response:
        """The key that verifies an id_token."""
        return JSONResponse(jwks(self.world.conn))

    async def settings(self, request: Request) -> Response:
        """`/_sandbox/oauth`: show or change what oauth_settings.py describes."""
        found = self.world.oauth.settings
        try:
            if request.method == "POST":
                found = found.changed(self.world.conn, parse(await request.body()))
        except ControlError as error:
            wrong = {"code": error.code, "message": error.message, "field": error.field}
            return JSONResponse({"error": wrong}, status_code=error.status)
        return JSONResponse(asdict(found))

    async def userinfo(self, request: Request) -> Response:
        """The one person of the sandbox, for a live bearer token."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        self.world.oauth.holder(token)
        return JSONResponse({"sub": PERSON, "email": "owner@sandbox.test", "emailVerified": True})

    async def consent_page(self, request: Request) -> Response:
        """Ask the person, or redirect at once for `sandbox_consent=auto`."""
        asked = dict(request.query_params)
        refusal = self._wrong(asked)
        if refusal:
            return HTMLResponse(f"<h1>Error</h1><p>{html.escape(refusal)}</p>", status_code=400)
        if asked.get("sandbox_consent") == "auto":
            return self._approve(asked, asked.get("sandbox_realm") or self.default_realm)
        hidden = "".join(
            f'<input type="hidden" name="{key}" value="{html.escape(asked[key])}">' for key in CARRIED if key in asked
        )
        options = "".join(f"<option>{realm}</option>" for realm in self.world.realms())
        return HTMLResponse(PAGE.format(app=html.escape(asked["client_id"]), hidden=hidden, options=options))

    async def consent(self, request: Request) -> Response:
        """The person's answer."""
        asked = form_of(await request.body())
        refusal = self._wrong(asked)
        if refusal:
            return HTMLResponse(f"<h1>Error</h1><p>{html.escape(refusal)}</p>", status_code=400)
        if asked.get("consent", "approve") == "approve":
            return self._approve(asked, asked.get("realm_id") or self.default_realm)
        return back(asked, {"error": "access_denied", "error_description": "The user did not authorize the request."})

    def _wrong(self, asked: dict[str, str]) -> str | None:
        """Why the request cannot be shown to a person at all."""
        if asked.get("client_id") != self.world.credentials.client_id:
            return "invalid_client: unknown client_id"
        if asked.get("response_type") != "code":
            return "unsupported_response_type: response_type must be code"
        address, registered = asked.get("redirect_uri", ""), self.world.oauth.settings.redirect_uris
        if not address.startswith(("http://", "https://")):
            return "invalid_request: redirect_uri must be an http(s) address"
        if registered is not None and address not in registered:
            return "invalid_request: the redirect_uri query parameter value is not one that the app has registered"
        return None if asked.get("scope") else "invalid_scope: scope is missing"

    def _approve(self, asked: dict[str, str], realm: str) -> Response:
        if not (realm.isascii() and realm.isdecimal()):
            message = f"the company must be named by the digits of its realm, got {html.escape(realm)}"
            return HTMLResponse(f"<h1>Error</h1><p>{message}</p>", status_code=400)
        self.world.ensure_realm(realm)
        code = self.world.oauth.code(realm, asked["redirect_uri"], asked["scope"])
        return back(asked, {"code": code, "realmId": realm})

    async def token(self, request: Request) -> Response:
        """Exchange a code or a refresh token."""
        sent = form_of(await request.body())
        try:
            self._check_client(request, sent)
            answer = self._tokens(sent)
        except OAuthError as error:
            return refused(error)
        scope, realm = str(answer.pop("scope")).split(), answer.pop("realm_id")
        if "openid" in scope:
            answer["id_token"] = self._id_token(realm)
        if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() != "true":
            del answer["x_refresh_token_hard_expires_in"]
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    def _id_token(self, realm: str) -> str:
        now = int(self.world.clock.now().timestamp())
        claims = {"iss": ISSUER, "aud": [self.world.credentials.client_id], "sub": PERSON}
        return id_token(self.world.conn, {**claims, "realmid": realm, "iat": now, "auth_time": now, "exp": now + 3600})

    def _tokens(self, sent: dict[str, str]) -> JsonObject:
        match sent.get("grant_type"):
            case "authorization_code":
                return self.world.oauth.exchange(needed(sent, "code"), needed(sent, "redirect_uri"))
            case "refresh_token":
                return self.world.oauth.refresh(needed(sent, "refresh_token"))
            case other:
                raise OAuthError("unsupported_grant_type", f"grant_type {other} is not supported")

    async def revoke(self, request: Request) -> Response:
        """End a token pair; the token comes as JSON or as a form."""
        body = await request.body()
        try:
            sent = json_or_form(body)
            self._check_client(request, sent)
            self.world.oauth.revoke(str(needed(sent, "token")))
        except OAuthError as error:
            return refused(error)
        return Response(status_code=200)

    def _check_client(self, request: Request, sent: dict[str, str]) -> None:
        """invalid_client unless id and secret are right, as Basic authorization or in the form."""
        known = self.world.credentials
        given = basic(request.headers.get("authorization", "")) or (sent.get("client_id"), sent.get("client_secret"))
        if given != (known.client_id, known.client_secret):
            raise OAuthError("invalid_client", "Unknown client or wrong secret", 401)


def basic(header: str) -> tuple[str, str] | None:
    """Id and secret of a Basic authorization; None when there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return name, secret


def form_of(body: bytes) -> dict[str, str]:
    """A form's fields."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def json_or_form(body: bytes) -> dict[str, Any]:
    """The fields of a body in either form. invalid_request for broken JSON."""
    if not body.lstrip().startswith(b"{"):
        return form_of(body)
    try:
        found: dict[str, Any] = loads(body)
    except (ValueError, RecursionError) as error:
        raise OAuthError("invalid_request", "the body is no JSON") from error
    return found


def needed(sent: dict[str, Any], name: str) -> Any:
    """A parameter that must be there. invalid_request."""
    if not sent.get(name):
        raise OAuthError("invalid_request", f"the parameter {name} is missing")
    return sent[name]


def back(asked: dict[str, str], more: dict[str, str]) -> Response:
    """Redirect to the app with its own state."""
    state = {"state": asked["state"]} if "state" in asked else {}
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return RedirectResponse(f"{asked['redirect_uri']}{joint}{urlencode({**more, **state})}", status_code=302)


def simulated(status: int) -> JsonObject:
    """What a token endpoint says with a status it was told to give."""
    return {"error": SIMULATED.get(status, "server_error"), "error_description": f"simulated failure {status}"}


def refused(error: OAuthError) -> Response:
    """`{"error", "error_description"}`."""
    return JSONResponse({"error": error.error, "error_description": error.description}, status_code=error.status)
