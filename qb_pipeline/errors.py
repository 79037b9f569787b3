"""Errors named by recovery: whoever catches one knows what to do next without reading its text.

Invariant: every failure that reaches a person carries a stable code, the cause, the fix and who can apply it; none
carries a secret of ours, whoever said it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from qb_pipeline.secrecy import without_secrets

Who = Literal["accountant", "office", "data engineer", "owner", "nobody"]


class PipelineError(Exception):
    """A failure with its cause in words, the fix in words, and a stable `code`.

    `reference` is the other side's trace id (`intuit_tid` at QBO), for its support desk. `maybe_written`: the write
    that failed, or an earlier sending of it, may have been done all the same.
    """

    recovery: ClassVar[str] = "look at it"
    retry_safe: ClassVar[bool] = False
    maybe_written: bool = False

    def __init__(
        self,
        cause: str,
        *,
        code: str,
        fix: str,
        who: Who = "data engineer",
        field: str | None = None,
        reference: str | None = None,
    ) -> None:
        self.cause = without_secrets(cause)
        super().__init__(self.cause)
        self.code = without_secrets(code)
        self.fix = without_secrets(fix)
        self.who: Who = who
        self.field = field and without_secrets(field)
        self.reference = reference and without_secrets(reference)

    def __str__(self) -> str:
        return f"{self.cause} {self.fix}".strip()


class Reconnect(PipelineError):
    """The connection itself is refused: nothing works until somebody authorises again."""

    recovery = "reconnect"


class RetryLater(PipelineError):
    """A passing fault; the very same request may be sent again after `after` seconds (None: backoff decides)."""

    recovery = "retry later"
    retry_safe = True

    def __init__(
        self,
        cause: str,
        *,
        code: str,
        fix: str = "It is retried by itself.",
        after: float | None = None,
        maybe_written: bool = False,
        reference: str | None = None,
    ) -> None:
        super().__init__(cause, code=code, fix=fix, who="nobody", reference=reference)
        self.after = after
        self.maybe_written = maybe_written


class PlanAgain(PipelineError):
    """The record moved under us (stale version, vanished reference): read again, merge again, write anew."""

    recovery = "plan again"
    retry_safe = True


class NotFound(PlanAgain):
    """The record does not exist any more on that side."""


class FixTheData(PipelineError):
    """The record itself is refused; it stays an exception until somebody changes it."""

    recovery = "fix the data"


class PossibleDuplicate(FixTheData):
    """The other side already holds something with this record's natural key; `existing_id` names it if known."""

    def __init__(self, cause: str, *, code: str, fix: str, existing_id: str | None = None,
                 reference: str | None = None) -> None:  # fmt: skip
        super().__init__(cause, code=code, fix=fix, who="accountant", reference=reference)
        self.existing_id = existing_id


class OwnerMustAct(PipelineError):
    """Only the company's owner or accountant can lift it: closed books, lapsed subscription, missing right."""

    recovery = "the owner must act"


class Misconfigured(PipelineError):
    """Settings, mapping file or command line are wrong; nothing was started."""

    recovery = "fix the configuration"
