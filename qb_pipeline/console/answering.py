"""Refusals, and reading a body within its limits.

Invariant: not a byte is read beyond the limit, and nobody can hold a request open for longer than the settings allow.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

_WINDOW = 60.0  # seconds
_MOST_ADDRESSES = 10_000


class Refused(Exception):
    """The request is answered with `status` and these words; `why` is the label it is counted under."""

    def __init__(self, status: int, why: str, message: str, *, close: bool = False) -> None:
        super().__init__(message)
        self.status, self.why, self.message, self.close = status, why, message, close

    def response(self) -> JSONResponse:
        headers = {"connection": "close"} if self.close else {}
        if self.status == 429:
            headers["retry-after"] = str(int(_WINDOW))
        elif self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return JSONResponse({"error": {"code": self.why, "message": self.message}}, self.status, headers)


@dataclass
class Patience:
    """How often an address was refused within the last minute; `limit` times are answered with 401."""

    limit: int
    now: Callable[[], float] = time.monotonic
    _refusals: dict[str, deque[float]] = field(default_factory=dict)

    def note(self, address: str) -> bool:
        """Count one more; True while there were at most `limit` of them."""
        if address not in self._refusals and len(self._refusals) >= _MOST_ADDRESSES:
            self._forget()
        times = self._recent(address)
        # What lies beyond the limit needs no memory of its own: an attacker fills it at will.
        if len(times) > self.limit:
            times.popleft()
        times.append(self.now())
        self._refusals[address] = times
        return len(times) <= self.limit

    def exhausted(self, address: str) -> bool:
        return len(self._recent(address)) >= self.limit

    def _recent(self, address: str) -> deque[float]:
        times, since = self._refusals.get(address, deque()), self.now() - _WINDOW
        while times and times[0] <= since:
            times.popleft()
        return times

    def _forget(self) -> None:
        """Those whose minute is over; where there are none, the one that was refused first."""
        for address in [a for a in self._refusals if not self._recent(a)] or [next(iter(self._refusals))]:
            del self._refusals[address]


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def body_of(request: Request, limit: int, seconds: float) -> bytes:
    """The raw body; `Refused` with 413 when it is larger than `limit` bytes, 408 when it takes longer."""
    if int(request.headers.get("content-length", "0")) > limit:  # the server takes digits only
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError:
        message = f"The body did not come within {seconds:g} seconds."
        raise Refused(408, "too_slow", message, close=True) from None
    except ClientDisconnect:
        raise Refused(400, "cut_short", "The body ended before it was whole.", close=True) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"The body is larger than {limit} bytes.", close=True)
