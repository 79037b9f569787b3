"""What people read: notices of tokens, quota and failures, and mails made of notices.

Invariant: names instead of ids, what to do beside what is wrong, and not more lines than somebody reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qb_pipeline import typed
from qb_pipeline.store.notices import ALARM, DIGEST, EVERY, Notice
from qb_pipeline.sync.health import Finding, Health, Quota
from qb_pipeline.sync.owing import span


@dataclass(frozen=True)
class Mail:
    """One mail and the notices it tells; `key` is the same whenever the same notices are mailed."""

    key: str
    subject: str
    text: str
    at: datetime
    notices: tuple[int, ...]


@dataclass(frozen=True)
class Text:
    """A notice's title and body."""

    title: str
    body: str


def mail_of(told: Sequence[Notice]) -> Mail:
    """One mail for notices of one company, the oldest first; the last one is its subject."""
    last = told[-1]
    others = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    company = "" if last.company == EVERY else f" --company {typed.quoted(last.company)}"
    parts = [last.body] if last.kind == DIGEST else [part for notice in told for part in _part(notice)]
    closing = f"Everything that waits: qb-pipeline health{company}"
    named = "|".join(f"{n.id} {n.company} {n.created_at.isoformat()}" for n in told)
    key = hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
    text = "\n\n".join([*parts, closing]) + "\n"
    return Mail(key, f"{last.title}{others}", text, last.created_at, tuple(n.id for n in told))


def _part(notice: Notice) -> list[str]:
    over = f" Over since {_time(notice.cleared_at)}." if notice.cleared_at else ""
    stands = notice.kind == ALARM and notice.cleared_at is None
    connect = f"qb-pipeline connect --company {typed.quoted(notice.company)}"
    command = f"\nOn the pipeline's machine: {connect}" if stands else ""
    return [f"{notice.title}\n{notice.body}{command}", f"Noticed on {_time(notice.created_at)}.{over}"]


def token(health: Health, finding: Finding) -> Text:
    left = span(timedelta(days=max(health.token_days or 0.0, 0.0)))
    dead = (health.token_days or 0) <= 0
    title = f"{health.company}: the connection to QuickBooks {'has run out' if dead else f'ends in {left}'}"
    return Text(title, f"{finding.reason} {finding.fix}")


def quota(used: Quota, stage: int, sharing: Sequence[str], now: datetime) -> Text:
    title = f"QuickBooks reads: {stage} % of this month's allowance are used"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(used.calls.items()))
    body = (
        f"{used.app_metered:,} of {used.allowance:,} metered reads were used in {now:%B %Y} by "
        f"{', '.join(sharing)} ({sharing[0]}: {kinds or 'none'}). When all are used, Intuit refuses reads until the "
        "month ends, or bills them. Run sweeps less often, or choose a larger plan in Intuit's developer portal."
    )
    return Text(title, body)


def failure(company: str, job: str, error: str | None, run_id: str) -> Text:
    cause = error or "It ended without saying why; its process may have been killed."
    again = (
        "Nothing is lost: the next run takes up what this one left. You are told again only after one has succeeded."
    )
    return Text(f"{company}: the job {job} failed", f"{cause}\n{again} In Dagster it is run {run_id}.")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
