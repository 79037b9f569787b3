"""Reading what a platform answered: refusals become errors named by recovery, records are checked.

Invariant: an answer that is not what was asked for (HTML, half a JSON, another record) is never taken for one, and only
the platform's own words say that a record is gone: a 404 of a proxy in between does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import simplejson

from qb_pipeline.addresses import shown
from qb_pipeline.contractor import situations
from qb_pipeline.contractor.paths import look
from qb_pipeline.contractor.protocol import Observed
from qb_pipeline.contractor.system import Refusals, System
from qb_pipeline.errors import PipelineError, RetryLater
from qb_pipeline.secrecy import quoted, without_secrets

_SCALE = {"unix_s": 1, "unix_ms": 1000}


def raise_for_refusal(system: System, about: str, response: requests.Response, *, writes: bool) -> None:
    """Raises unless the status is 2xx: `Reconnect` 401 and 403 of a read, `OwnerMustAct` 403 of a write, `NotFound`
    404/410 with the platform's own code and `RetryLater` without one, `PlanAgain` 412, `RetryLater` 408/425/429/5xx,
    `PossibleDuplicate` or `FixTheData` other 4xx, `Misconfigured` for a redirect of a read, `RetryLater` for one of a
    write.
    """
    if response.status_code >= 300:
        raise _refusal(system, about, response, writes=writes)


def _refusal(system: System, about: str, response: requests.Response, *, writes: bool) -> PipelineError:
    status = response.status_code
    code, message, field = _said(system.refusals, response)
    said = message or f"HTTP {status} without a reason"
    said = said if said.endswith((".", "!", "?")) else said + "."
    if status in (408, 425, 429) or status >= 500 or code in system.refusals.retry:
        maybe = writes and status != 429 and code not in system.refusals.retry
        own = code or f"http_{status}"
        return situations.BUSY.passing(
            after=_retry_after(response), maybe_written=maybe, code=own, about=about, said=said
        )
    if status in (404, 410) and code is None:
        return situations.NOTHING_SAID.passing(maybe_written=False, about=about, status=status, system=system.title)
    if status < 400:
        place = shown(response.headers.get("Location", ""))  # its query may hold what opens the place
        # What became of a write nobody knows: closing its row would let it be sent again under another key.
        return (
            situations.REDIRECTED.passing(maybe_written=True, place=place)
            if writes
            else (situations.REDIRECTED.error(place=place))
        )
    return _lasting(system, status, code, field, about, said, writes=writes)


def _lasting(
    system: System, status: int, own: str | None, field: str | None, about: str, said: str, *, writes: bool
) -> PipelineError:
    refusals, titles = system.refusals, _titles(system, about)
    code = own or f"http_{status}"
    if code in refusals.duplicate and status not in (401, 403, 404, 410, 412):
        return situations.ALREADY_THERE.duplicate(code=code, about=about, said=said)
    situation = situations.REFUSED
    if status in (401, 403):
        # A key that reads may lack the right to one kind of write: that stops nothing else.
        situation, field = situations.NOT_ALLOWED if writes and status == 403 else situations.KEY_REFUSED, None
    elif status in (404, 410):
        situation, field, code = situations.GONE, None, situations.GONE.code
    elif status == 412 or (status == 409 and code in refusals.moved):
        situation = situations.MOVED
    correct = (titles.get(field) or _in_words(field) if field else "") or "record"
    return situation.error(code=code, field=field, about=about, said=said, correct=correct)


def _titles(system: System, about: str) -> dict[str, str]:
    """What the fields at the platform's paths are called, of the kind of record that `about` names."""
    maps = [access.map for access in system.entities.values()]
    named = [m for m in maps if f"the {m.entity.title.lower()}" in about]
    meant = max(named, key=lambda m: len(m.entity.title), default=None)  # a payment method is no payment
    return {stored.at: stored.spec.label for stored in meant.stored} if meant is not None else {}


def _in_words(field: str) -> str:
    """A path of the platform's as words: `lines[0].item_id` is the lines item."""
    return " ".join(part.removesuffix("_id") for part in re.findall(r"[A-Za-z_]+", field)).replace("_", " ")


def _said(refusals: Refusals, response: requests.Response) -> tuple[str | None, str | None, str | None]:
    """Code, message and field of an error answer, None where it does not say.

    What they repeat of secrets is hidden here: put into other words, a secret would not be known again.
    """
    try:
        answer = simplejson.loads(response.content, use_decimal=True)
    except (ValueError, RecursionError):
        return None, None, None
    paths = (refusals.code, refusals.message, refusals.field)
    found = [look(answer, path) if path and isinstance(answer, Mapping) else None for path in paths]
    code, message, field = (None if value is None else without_secrets(str(value)) for value in found)
    return code, message, field


def _retry_after(response: requests.Response) -> float | None:
    """Seconds to wait as the answer says: a number or an HTTP date."""
    said = response.headers.get("Retry-After", "").strip()
    if not said:
        return None
    if said.replace(".", "", 1).isdecimal():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def not_json(title: str, about: str, response: requests.Response, *, writes: bool) -> RetryLater:
    kind = "HTML" if response.content.lstrip()[:1] == b"<" else "something broken"
    start = quoted(response.text.strip().partition("\n")[0], 60)
    return situations.NOT_JSON.passing(maybe_written=writes, kind=kind, about=about, start=start, system=title)


def malformed(about: str, what: str, *, writes: bool) -> RetryLater:
    return situations.MALFORMED.passing(maybe_written=writes, about=about, what=what)


def observed(system: System, raw: Any, about: str, *, wanted: str | None = None, writes: bool = False) -> Observed:
    """The record in an answer; raises `RetryLater` with code `malformed_answer` when it is none, or not `wanted`."""
    if not isinstance(raw, Mapping):
        raise malformed(about, "it is not a record", writes=writes)
    shape = system.shape
    found, version = look(raw, shape.id), look(raw, shape.version)
    if found in (None, "") or version in (None, ""):
        missing = shape.id if found in (None, "") else shape.version
        raise malformed(about, f"a record without `{missing}`", writes=writes)
    if wanted is not None and str(found) != wanted:
        raise malformed(about, f"it holds the record {found}, not {wanted}", writes=writes)
    moment = moment_of(look(raw, shape.updated_at), shape.time_unit)
    if moment is None:
        raise malformed(about, f"`{shape.updated_at}` of {found} is not a time with its zone", writes=writes)
    return Observed(id=str(found), version=str(version), updated_at=moment, deleted=False, raw=raw)


def moment_of(value: Any, unit: str) -> datetime | None:
    """An instant in the platform's unit (`iso`, `unix_s`, `unix_ms`), None when it is none or has no zone."""
    try:
        if unit in _SCALE:
            return datetime.fromtimestamp(float(Decimal(value) / _SCALE[unit]), UTC)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError, ArithmeticError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def spelled(moment: datetime, unit: str) -> str:
    """An instant as the platform wants it in a filter."""
    if unit in _SCALE:
        return str(int(moment.timestamp() * _SCALE[unit]))
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
