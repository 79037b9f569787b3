"""What a contractor system may answer instead of doing what it was asked.

Invariant: the recovery follows from the HTTP status and the system file; where the system names a code of its own, that
code takes the place of `http_…`.
"""

from __future__ import annotations

from qb_pipeline.errors import (
    FixTheData,
    Misconfigured,
    NotFound,
    OwnerMustAct,
    PipelineError,
    PlanAgain,
    PossibleDuplicate,
    Reconnect,
    RetryLater,
    Who,
)
from qb_pipeline.situations import Situation

_REFUSED = "The contractor system refused to {about}: {said}"


def _answer(status: int, title: str, fix: str, who: Who, recovery: type[PipelineError] = FixTheData) -> Situation:
    return Situation(f"http_{status}", title, _REFUSED, fix, who, recovery, "the contractor's system")


KEY_REFUSED = _answer(
    401, "The contractor system does not accept the key",
    "Connect the contractor system again with a key that is valid and may do this.", "office", Reconnect,
)  # fmt: skip
NOT_ALLOWED = _answer(
    403, "The contractor system does not let us do this",
    "Give the key the right to do this in the contractor's system, then retry.", "owner", OwnerMustAct,
)  # fmt: skip
_ANEW = (
    "It is read again and planned anew by itself. If it stays: open the record in the contractor's system and save it "
    "there once more; if it is gone there, remove it in QuickBooks too."
)
GONE = _answer(404, "The record does not exist any more", _ANEW, "office", NotFound)
ALREADY_THERE = Situation(
    "duplicate_number", "The contractor system has such a record already", _REFUSED,
    "Link the record with the one that is there already, or change its number or name.", "accountant",
    PossibleDuplicate, "the contractor's system",
)  # fmt: skip
MOVED = _answer(412, "The record was changed meanwhile", _ANEW, "office", PlanAgain)
REFUSED = _answer(
    422,
    "The contractor system refuses the record",
    "Correct the {correct} there. It is then tried again by itself.",
    "office",
)
BUSY = _answer(503, "The contractor system is not available", "It is retried by itself.", "nobody", RetryLater)

NO_ANSWER = Situation(
    "no_answer", "The contractor system did not answer", "The contractor system at {address} {what} ({about}).",
    "It is retried by itself; check the address and that the system is up if it stays.", "nobody", RetryLater,
    "the contractor's system",
)  # fmt: skip
UNREACHABLE = Situation(
    "unreachable", "The contractor system can't be reached",
    "The contractor system at {address} can not be reached ({about}).", NO_ANSWER.fix, "nobody", RetryLater,
    "the contractor's system",
)  # fmt: skip
NOT_JSON = Situation(
    "not_json", "The contractor system's answer is no JSON",
    "The contractor system answered {kind}, not JSON, when asked to {about} (it begins {start!r}).",
    "It is retried by itself; if it stays, check that the address is the API of {system}.", "nobody", RetryLater,
    "the contractor's system",
)  # fmt: skip
NOTHING_SAID = Situation(
    "not_its_own_words", "An answer that is not the contractor system's own",
    "Something answered {status} without the words of {system} when asked to {about}; that does not say that anything "
    "is gone, so nothing is removed anywhere.",
    "It is retried by itself; if it stays, check the address, and what stands between: a proxy, a firewall, a page "
    "about maintenance.",
    "data engineer", RetryLater, "the contractor's system",
)  # fmt: skip
MALFORMED = Situation(
    "malformed_answer", "The contractor system's answer makes no sense",
    "The contractor system's answer makes no sense when asked to {about}: {what}.",
    "It is retried by itself; if it stays, compare the system file with what the system answers.", "nobody",
    RetryLater, "the contractor's system",
)  # fmt: skip
STALE = Situation(
    "stale_version", "The record was changed meanwhile",
    "{record} of the contractor system is at version {now}, not {expected}.", _ANEW, "office", PlanAgain,
    "the contractor's system",
)  # fmt: skip
UNSUPPORTED = Situation(
    "unsupported", "The contractor system can't do this", "{system} has no way to {about}.",
    "Make this change in the contractor system by hand.", "office", area="the contractor's system",
)  # fmt: skip
NOTHING_THERE = Situation(
    "no_collection", "The contractor system has no such list", "The contractor system has nothing at {path}.",
    "Check that the address is the API of {system}, or correct its system file.", "data engineer", Misconfigured,
    "the contractor's system",
)  # fmt: skip
REDIRECTED = Situation(
    "redirected", "The contractor system has moved", "The contractor system redirects to {place}.",
    "Connect with the address it has now: qb-pipeline connect --company NAME --contractor-url ADDRESS, with the "
    "company's name as qb-pipeline status shows it.", "data engineer", Misconfigured, "the contractor's system",
)  # fmt: skip

_IN_A_RECORD = "{record} in the contractor system: {place} {what}."
UNREADABLE_FIELD = Situation(
    "unreadable_field", "The contractor system holds a value that can't be read", _IN_A_RECORD,
    "Correct the record there, or the field's entry in the system file.", "data engineer", area="a record's content",
)  # fmt: skip
NOT_EXPRESSIBLE = Situation(
    "not_expressible", "The contractor system can't hold the value", _IN_A_RECORD,
    "Change the value to one the contractor system can hold, or widen the system file.", "office",
    area="a record's content",
)  # fmt: skip
NOT_WRITABLE = Situation(
    "not_writable", "The field can't be changed in the contractor system", _IN_A_RECORD,
    "Make this change in the contractor system by hand, or set its value back in QuickBooks.", "office",
    area="a record's content",
)  # fmt: skip

OF_RECORDS = (UNREADABLE_FIELD, NOT_EXPRESSIBLE, NOT_WRITABLE)
SITUATIONS = (
    KEY_REFUSED, NOT_ALLOWED, GONE, ALREADY_THERE, MOVED, REFUSED, BUSY, NO_ANSWER, UNREACHABLE, NOT_JSON, NOTHING_SAID,
    MALFORMED, STALE, UNSUPPORTED, NOTHING_THERE, REDIRECTED,
)  # fmt: skip
