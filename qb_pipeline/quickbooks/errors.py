"""QBO's faults as our exceptions.

Invariant: whatever QBO or a proxy before it answers, the caller sees an error of `qb_pipeline.errors` with a stable
code, and no message holds a token or what a 401 said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qb_pipeline.errors import FixTheData, NotFound, PipelineError, PossibleDuplicate, RetryLater
from qb_pipeline.quickbooks import catalogue
from qb_pipeline.quickbooks.catalogue import CLOSED_PERIOD_UNDER_5010, Entry, by_status, entry_for
from qb_pipeline.secrecy import without_secrets

THROTTLED = "qbo_3001"
TIMEOUT = catalogue.TIMEOUT.code
UNREACHABLE = catalogue.UNREACHABLE.code
CONNECTION_LOST = catalogue.CONNECTION_LOST.code
UNEXPECTED = catalogue.NOT_ITS_ANSWER.code

_EXISTING_ID = re.compile(r"\bId\s*=\s*(\d+)")
_LONGEST_QUOTE = 300


@dataclass(frozen=True)
class Fault:
    """One error of a Fault, whichever envelope it came in; absent parts are empty strings."""

    code: str
    message: str = ""
    detail: str = ""
    element: str = ""


@dataclass(frozen=True)
class Context:
    """What was asked when the fault came. `writes`: the request may have changed the books."""

    status: int = 200
    tid: str | None = None
    writes: bool = False
    retry_after: float | None = None


def from_faults(faults: Sequence[Fault], context: Context) -> PipelineError:
    """The exception for a Fault with at least one error; the first decides, the others are told in its cause."""
    first, *others = faults
    entry = entry_for(first.code, message=first.message, detail=first.detail, status=context.status)
    cause = entry.cause + (_quotes(first, *others) if entry.quote else "")
    if first.code == "610" and not context.writes:
        return NotFound(
            "The record does not exist any more in QuickBooks.",
            code="qbo_610",
            fix="Nothing: it is treated as removed there.",
            who="nobody",
            reference=context.tid,
        )
    return _build(entry, cause, _code(first, entry, context), first, context)


def from_status(context: Context) -> PipelineError:
    """The exception for an HTTP status whose body names no error."""
    entry = by_status(context.status)
    if context.status == 429:
        code = THROTTLED
    elif issubclass(entry.recovery, FixTheData):
        code = UNEXPECTED
    else:
        code = f"qbo_http_{context.status}"
    return _build(entry, entry.cause, code, Fault(""), context)


def unexpected(what: str, context: Context, *, lasting: bool = False) -> PipelineError:
    """The exception for an answer that is not what was asked for; `lasting` when it would come again."""
    if lasting:
        return catalogue.NOT_DONE.error(what=what, reference=context.tid)
    error = catalogue.NOT_ITS_ANSWER.passing(what=what, maybe_written=context.writes)
    error.reference = context.tid
    return error


def no_answer(code: str, cause: str, *, maybe_written: bool) -> RetryLater:
    """The exception for a request that got no answer: unreachable, timed out or cut off."""
    return RetryLater(cause, code=code, maybe_written=maybe_written)


def _build(entry: Entry, cause: str, code: str, fault: Fault, context: Context) -> PipelineError:
    if issubclass(entry.recovery, RetryLater):
        return RetryLater(
            cause,
            code=code,
            fix=entry.fix,
            after=context.retry_after,
            maybe_written=context.writes and code != THROTTLED,
            reference=context.tid,
        )
    if issubclass(entry.recovery, PossibleDuplicate):
        found = _EXISTING_ID.search(fault.detail)
        existing = found.group(1) if found else None
        return PossibleDuplicate(cause, code=code, fix=entry.fix, existing_id=existing, reference=context.tid)
    field = fault.element or None
    return entry.recovery(cause, code=code, fix=entry.fix_of(field), who=entry.who, field=field, reference=context.tid)


def _code(fault: Fault, entry: Entry, context: Context) -> str:
    if fault.code == "5010" and entry is CLOSED_PERIOD_UNDER_5010:
        return "qbo_6200"  # one name for the closed period, whichever code QBO chose for it
    if fault.code:
        return f"qbo_{fault.code}"
    return f"qbo_http_{context.status}" if context.status >= 300 else UNEXPECTED


def _quotes(*faults: Fault) -> str:
    said = dict.fromkeys(text for fault in faults if (text := _quote(fault)))
    return f" QuickBooks says: {'; '.join(said)}" if said else ""


def _quote(fault: Fault) -> str:
    """QBO's words on one line, without the lists of known properties that some of them carry."""
    text = without_secrets(" ".join((fault.detail or fault.message).split()))
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"
