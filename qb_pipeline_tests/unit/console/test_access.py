"""Who has the console's key, as its cookie tells."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from qb_pipeline.console.access import COOKIE, Access
from qb_pipeline.console.answering import Patience, Refused


async def _inside(_request: Request) -> Response:
    return PlainTextResponse("in")


def asked(access: Access, query: str = "", **headers: str) -> Response:
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": "/health", "headers": given, "query_string": query.encode(),
        "scheme": "http", "server": ("localhost", 80), "client": ("10.0.0.1", 1),
    }  # fmt: skip
    return asyncio.run(access.guarded(_inside)(Request(scope)))  # type: ignore[arg-type]  # a coroutine, as endpoints are


def test_a_cookie_made_for_a_key_is_good_until_it_ends() -> None:
    clock = [1000.0]
    access = Access("the-key", Patience(5), now=lambda: clock[0])
    made = asked(access, "key=the-key").headers["set-cookie"].partition(";")[0]
    assert asked(access, cookie=made).body == b"in"
    clock[0] += 13 * 3600
    with pytest.raises(Refused, match="Give the console's key"):
        asked(access, cookie=made)


@pytest.mark.parametrize("forged", ["9" * 5000, "9" * 5000 + ".00", "99999999999.00", "²³.00", ".", ""])
def test_a_forged_cookie_is_refused_and_counted_whatever_it_holds(forged: str) -> None:
    patience = Patience(1)
    with pytest.raises(Refused, match="Give the console's key"):
        asked(Access("the-key", patience), cookie=f"{COOKIE}={forged}")
    assert patience.exhausted("10.0.0.1")
