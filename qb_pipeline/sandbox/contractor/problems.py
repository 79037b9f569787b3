"""The reference API's error: one envelope, always with a cause and a fix.

Invariant: whoever reads `message` knows which field of which record is wrong and what would be right.
"""

from typing import Any


class Problem(Exception):
    """Answered as {"error": {"code", "message", "field"}} with `status`; rolls the request's transaction back."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def envelope(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": {"code": self.code, "message": self.message, "field": self.field}}


def invalid(code: str, message: str, field: str | None = None) -> Problem:
    """A record that cannot be accepted (422)."""
    return Problem(422, code, message, field)


def conflict(code: str, message: str, field: str | None = None) -> Problem:
    """A request that contradicts other records (409)."""
    return Problem(409, code, message, field)
