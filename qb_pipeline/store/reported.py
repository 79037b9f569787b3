"""What is reported of a record, and the exception it is stored as.

Invariant: it is plain data; what becomes of an exception is decided in `attempts.py` and put down by `exceptions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import PipelineError


class ExceptionState(StrEnum):
    OPEN = "open"  # waits for a person; a due time set by `retry` has it tried again
    RETRYING = "retrying"  # a passing fault: tried again when due
    DEAD = "dead"  # a passing fault that did not pass: rests until someone retries, ignores or remaps it
    IGNORED = "ignored"
    RESOLVED = "resolved"


UNRESOLVED = tuple(s for s in ExceptionState if s is not ExceptionState.RESOLVED)


@dataclass(frozen=True)
class Problem:
    """One failure to report. `record_label` names the record to a person; `blocks` lists what waits for it."""

    entity: str
    side: Side
    record_id: str
    code: str
    title: str
    cause: str
    fix: str
    who: str
    retry_safe: bool
    record_label: str | None = None
    blocks: Sequence[Any] = field(default_factory=tuple)
    fingerprint: str | None = None
    run_id: str | None = None
    attempts_before: int = 0  # of the same write under another code: a fault that changes its name stays one fault
    asks: bool = False  # between two versions: an answer under its id is for these inputs and no others

    @classmethod
    def from_error(
        cls,
        error: PipelineError,
        *,
        entity: str,
        side: Side,
        record_id: str,
        title: str,
        record_label: str | None = None,
        blocks: Sequence[Any] = (),
        fingerprint: str | None = None,
        run_id: str | None = None,
    ) -> Problem:
        return cls(
            entity=entity,
            side=side,
            record_id=record_id,
            code=error.code,
            title=title,
            cause=error.cause,
            fix=error.fix,
            who=error.who,
            retry_safe=error.retry_safe,
            record_label=record_label,
            blocks=blocks,
            fingerprint=fingerprint,
            run_id=run_id,
        )


@dataclass(frozen=True)
class Reported(Problem):
    """An exception as stored."""

    id: int = 0
    company: str = ""
    state: ExceptionState = ExceptionState.OPEN
    attempts: int = 1
    next_attempt_at: datetime | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    resolved_at: datetime | None = None
    told_blocks: Sequence[Any] = field(default_factory=tuple)  # of what it ever blocked, what somebody was told
