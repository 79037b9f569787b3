"""The refusals of `/_sandbox/*`, and of a data folder at start-up.

Invariant: a control call that is not understood changes nothing and says what would have been right.

    raise ControlError("message with the fix", field="deliver", status=400)
    raise DataError("Invoice.jsonl line 7: cause and fix")     # the command prints it as its one line and exits 1
"""


class ControlError(Exception):
    """A refused control call; answered as {"error": {"code", "message", "field"}} with `status`."""

    def __init__(self, message: str, *, field: str | None = None, status: int = 400, code: str = "bad_request") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.status = status
        self.code = code


class DataError(Exception):
    """A `--data` folder that cannot be loaded; the text names file, line, field and cause."""
