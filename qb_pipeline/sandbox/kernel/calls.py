"""One HTTP request as the kernel sees it, and the answer it may give instead of the server.

Invariant: faults, limits and the log judge a request by what its own server says it is, not by guessing from the path.

    Incoming(method, path, query_string, headers, body)   .target  path with its query string
                                                          .query   {name: last value};  headers have lower-case names
    Call(entity, operation, realm, key, items)            made by the server's `classify(Incoming) -> Call`
    Answer(status, body, headers)                         what a fault or limit sends instead

`Call` is mutable and reaches the handler as `request.state.call`: set `call.items` to the number of records really
written (a replay writes 0). When the final status is >= 400 the log says 0 by itself. `classify` must not raise; bad
input is the handler's business, so leave fields None where they cannot be told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Incoming:
    """A request with its whole body read."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def query(self) -> dict[str, str]:
        """Decoded query parameters; a repeated name keeps its last value."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def target(self) -> str:
        """The path with its query string, as the client wrote it."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path


@dataclass
class Call:
    """What the request means: `entity` (Invoice, customers…), `operation` (create, query, batch…)."""

    entity: str | None = None
    operation: str | None = None
    realm: str | None = None
    key: str | None = None
    items: int = 0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer given by the kernel in the server's own envelope."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


Classify = Callable[[Incoming], Call]
# Renders a status (401, 429, 500, 503…) the way the imitated server would word it.
RenderStatus = Callable[[int, Incoming, Call], Answer]
# Makes the token that this request carries invalid, so that the server itself answers 401.
ExpireToken = Callable[[Incoming], None]
