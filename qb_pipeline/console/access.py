"""Who may see more than the webhooks, the callback and whether the process lives.

Invariant: the console's key is compared in constant time and never stored in a browser: the cookie holds a proof of it
that ends by itself; a key in the address is gone from it with the first answer.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from qb_pipeline.console.answering import Patience, Refused, address_of

COOKIE = "qb_console"
_LASTS = 12 * 3600  # seconds a browser stays signed in
Endpoint = Callable[[Request], Awaitable[Response]]


class Access:
    """Guards endpoints with the console's key."""

    def __init__(self, key: str, patience: Patience, *, now: Callable[[], float] = time.time) -> None:
        self._key, self._patience, self._now = key, patience, now

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint` for those with the key as a Bearer token, as the cookie, or once as `?key=`; for others 401."""

        async def answer(request: Request) -> Response:
            address = address_of(request)
            if self._patience.exhausted(address):
                raise Refused(429, "too_many", "Too many wrong keys from this address; wait a minute.")
            if self._has_bearer(request) or self._has_cookie(request):
                return await endpoint(request)
            if self._fits(request.query_params.get("key", "")) and request.method == "GET":
                return self._signed_in(request)
            self._patience.note(address)
            raise Refused(401, "key", "Give the console's key (QB_CONSOLE_KEY or QB_HOME/console.key) as ?key=…")

        return answer

    def _has_bearer(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._fits(given.strip())

    def _has_cookie(self, request: Request) -> bool:
        until, _, _ = (given := request.cookies.get(COOKIE, "")).partition(".")
        # Only what we made ourselves is looked into: others may hold more digits than a number has.
        return hmac.compare_digest(given.encode(), self._proof(until).encode()) and int(until) >= self._now()

    def _signed_in(self, request: Request) -> Response:
        rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "key"])
        answer = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), 303)
        # Lax: links lead here from an e-mail, but no foreign page can post with it.
        answer.set_cookie(
            COOKIE, self._proof(str(int(self._now()) + _LASTS)), max_age=_LASTS, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        answer.headers["referrer-policy"] = "no-referrer"
        return answer

    def _proof(self, until: str) -> str:
        return f"{until}.{hmac.new(self._key.encode(), f'cookie:{until}'.encode(), hashlib.sha256).hexdigest()}"

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())
