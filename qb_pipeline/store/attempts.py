"""What becomes of an exception when the same fails once more: its state, its attempts, the wait before the next.

Invariant: these are pure functions; the same inputs add to the count, other inputs begin it anew.
"""

from __future__ import annotations

from datetime import timedelta

from qb_pipeline.store.reported import ExceptionState, Problem, Reported

MAX_ATTEMPTS = 5
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
_GROWING = 5  # attempts until the longest wait is reached; a power of any more would overflow one day


def next_wait(attempts: int, chance: float) -> timedelta:
    """Exponential backoff with full jitter over its upper half, however many attempts; `chance` is in [0, 1)."""
    longest: timedelta = min(_FIRST_WAIT * 4 ** min(attempts - 1, _GROWING), _LONGEST_WAIT)
    return longest * (0.5 + chance / 2)


def next_state(problem: Problem, existing: Reported | None) -> tuple[int, ExceptionState]:
    """Attempts so far, this one counted, and the state: a passing fault rests as dead after `MAX_ATTEMPTS`."""
    same_inputs = existing is not None and _same_inputs(problem, existing)
    before = existing.attempts if existing and same_inputs else 0
    attempts = max(before, problem.attempts_before) + 1
    if existing and same_inputs and existing.state is ExceptionState.IGNORED:
        return attempts, ExceptionState.IGNORED
    if not problem.retry_safe:
        return attempts, ExceptionState.OPEN
    return attempts, ExceptionState.DEAD if attempts >= MAX_ATTEMPTS else ExceptionState.RETRYING


def _same_inputs(problem: Problem, existing: Reported) -> bool:
    """A row without a fingerprint was put down without one, or asked to be tried again: it takes any."""
    if existing.state is ExceptionState.IGNORED and not set(problem.blocks) <= set(existing.told_blocks):
        return False
    return existing.fingerprint in (None, problem.fingerprint)


def asks_anew(problem: Problem, existing: Reported) -> bool:
    """Whether a question is about other versions; of an ignored one without a fingerprint nobody knows."""
    known = existing.fingerprint is not None or existing.state is not ExceptionState.IGNORED
    return problem.asks and known and problem.fingerprint != existing.fingerprint
