"""How a company is: what the store says of it, judged.

Invariant: `judge` is a pure function of the measures and the time, and whatever makes a company less than well has a
reason in words and something to do about it. Whoever tells of health (command, console, metrics, mails) asks here.

    of_company(conn, name, stale_after) -> Health        everything(conn, stale_after) -> [Health, ...]
    judge(measures, now, stale_after) -> Health
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from sqlalchemy import Connection

from qb_pipeline import typed
from qb_pipeline.store import companies, measures
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.measures import Measures
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.sync import owing
from qb_pipeline.sync.offered import Completing, completing
from qb_pipeline.sync.owing import Lag, Owed

# Intuit's lowest tier, for all companies of one app together; what it counts are reads, while writes are free.
METERED_READS = 500_000
METERED = frozenset({"query", "read", "cdc", "reports"})
QUOTA_STAGES = (0.80, 0.95)
TOKEN_STAGES = (14, 7, 2)  # days before the end at which somebody is told

# However often tokens are renewed, a consent ends after five years; Intuit counts from October 2023 at the earliest.
_CONSENT_YEARS = 5
_CONSENTS_COUNT_FROM = datetime(2023, 10, 1, tzinfo=UTC)

STALE_AFTER = timedelta(hours=3)
_EVENTS_WAIT = timedelta(minutes=15)
_WRITES_WAIT = timedelta(hours=1)  # longer than a run takes to settle what it wrote
_DAY = timedelta(days=1)


class Verdict(IntEnum):
    """In the order of gravity."""

    OK = 0
    DEGRADED = 1
    BROKEN = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; one of gravity OK is only worth knowing."""

    gravity: Verdict
    code: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class Quota:
    """Metered calls of this calendar month (UTC), and the share of the allowance that the whole app has used."""

    calls: Mapping[str, int]
    metered: int
    app_metered: int
    allowance: int = METERED_READS

    @property
    def share(self) -> float:
        return self.app_metered / self.allowance


@dataclass(frozen=True)
class Health:
    """A company's health. Times are in UTC, `token_days` is negative once the refresh token has died.

    `refresh_until` is the end of the consent where that comes before the token's own: `consent_ends` says so.
    """

    company: str
    state: CompanyState
    state_reason: str | None
    since: datetime | None
    access_until: datetime | None
    refresh_until: datetime | None
    token_days: float | None
    lags: Sequence[Lag]
    last_success: Mapping[str, datetime]
    last_run: RunStatus | None
    last_error: str | None
    quota: Quota
    exceptions: Mapping[ExceptionState, int]
    parked: int
    unplanned: int
    open_writes: int
    owed: Sequence[Owed]
    oldest_owed: timedelta
    inbox_waiting: int
    inbox_since: datetime | None
    gaps_owed: int
    findings: Sequence[Finding] = ()
    consent_ends: bool = False

    @property
    def verdict(self) -> Verdict:
        return max((f.gravity for f in self.findings), default=Verdict.OK)

    @property
    def connected(self) -> bool:
        return self.state is CompanyState.CONNECTED


def of_company(
    conn: Connection, name: str, stale_after: timedelta = STALE_AFTER, now: datetime | None = None
) -> Health:
    """The health of one company; `Misconfigured` when there is none of that name."""
    at = now or utcnow()
    found = judge(measures.take(conn, companies.get(conn, name), month_start(at)), at, stale_after)
    return _told(found, completing(conn))


def everything(conn: Connection, stale_after: timedelta = STALE_AFTER, now: datetime | None = None) -> list[Health]:
    """The health of every company, by name."""
    at = now or utcnow()
    found, offered = companies.listing(conn), completing(conn)
    start = month_start(at)
    return [_told(judge(measures.take(conn, company, start), at, stale_after), offered) for company in found]


def _told(h: Health, offered: Completing) -> Health:
    """With findings whose commands name the company."""
    complete = (replace(f, reason=offered(f.reason, h.company), fix=offered(f.fix, h.company)) for f in h.findings)
    return replace(h, findings=tuple(complete))


def month_start(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def judge(m: Measures, now: datetime, stale_after: timedelta = STALE_AFTER) -> Health:
    """What the measures mean at `now`; a success older than `stale_after` is too old."""
    company, tokens, run = m.company, m.tokens, m.last_run
    owed, wall = owing.oldest(m), consent_until(company.connected_at)
    refresh = min(t for t in (tokens.refresh, wall) if t is not None) if tokens else None
    facts = Health(
        company=company.name,
        state=company.state,
        state_reason=company.state_reason,
        since=company.connected_at if company.state is CompanyState.CONNECTED else company.disconnected_at,
        access_until=tokens.access if tokens else None,
        refresh_until=refresh,
        token_days=(refresh - now) / _DAY if refresh else None,
        consent_ends=refresh is not None and refresh == wall,
        lags=owing.lags(m, now),
        last_success=m.successes,
        last_run=run.status if run else None,
        last_error=run.error if run else None,
        quota=Quota(m.calls, metered(m.calls), metered(m.app_calls)),
        exceptions=m.exceptions,
        parked=m.parked,
        unplanned=m.unplanned,
        open_writes=m.open_writes,
        owed=owed,
        oldest_owed=max([timedelta(0), *(now - o.since for o in owed)]),
        inbox_waiting=m.inbox.count if m.inbox else 0,
        inbox_since=m.inbox.since if m.inbox else None,
        gaps_owed=len(m.owed_gaps),
    )
    return Health(**{**vars(facts), "findings": tuple(_findings(facts, now, stale_after))})


def consent_until(given: datetime | None) -> datetime | None:
    """When a consent given then ends for good; renewing its tokens does not move it."""
    if given is None:
        return None
    counted = max(given, _CONSENTS_COUNT_FROM)
    leap = (counted.month, counted.day) == (2, 29)
    return counted.replace(year=counted.year + _CONSENT_YEARS, day=28 if leap else counted.day)


def metered(calls: Mapping[str, int]) -> int:
    """The calls that Intuit counts against the month's allowance."""
    return sum(count for kind, count in calls.items() if kind in METERED)


def stage_of_token(days: float) -> int | None:
    """The nearest of the announced thresholds that has been passed; 0 once the token has died."""
    return 0 if days <= 0 else min((s for s in TOKEN_STAGES if days <= s), default=None)


def stage_of_quota(share: float) -> int | None:
    """The highest announced percentage that has been reached."""
    return max((round(s * 100) for s in QUOTA_STAGES if share >= s), default=None)


def _findings(h: Health, now: datetime, stale_after: timedelta) -> Iterator[Finding]:
    yield from _connection(h)
    if h.connected:
        yield from _token(h)
        yield from _runs(h, now, stale_after)
    yield from _quota(h.quota)
    yield from _waiting(h, now)


def _connection(h: Health) -> Iterator[Finding]:
    connect = f"qb-pipeline connect --company {typed.quoted(h.company)}"
    if h.state is CompanyState.RECONNECT:
        reason = f"The connection is refused: {h.state_reason or 'no reason was noted'}"
        yield Finding(Verdict.BROKEN, "reconnect", reason, f"Somebody with the right to it connects again: {connect}.")
    elif h.state is CompanyState.NEW:
        yield Finding(Verdict.DEGRADED, "new", "It was entered and never authorised.", f"Run {connect}.")
    elif h.state is CompanyState.DISCONNECTED:
        reason = f"It is disconnected ({h.state_reason or 'by command'}): nothing is synchronised."
        yield Finding(Verdict.OK, "disconnected", reason, f"To go on: {connect}.")
    elif h.refresh_until is None:
        yield Finding(Verdict.BROKEN, "no_tokens", "It has no tokens for QuickBooks.", f"Run {connect}.")


def _token(h: Health) -> Iterator[Finding]:
    stage = None if h.token_days is None else stage_of_token(h.token_days)
    if stage is None or h.refresh_until is None or h.token_days is None:
        return
    connect = f"qb-pipeline connect --company {typed.quoted(h.company)}"
    when = f"{h.refresh_until:%Y-%m-%d %H:%M} UTC"
    if stage == 0:
        yield Finding(Verdict.BROKEN, "token_dead", f"The refresh token died on {when}.", f"Run {connect}.")
        return
    reason = f"The refresh token dies on {when}, in {owing.span(timedelta(days=h.token_days))}."
    fix = f"A sync renews it; where it does not, run {connect} before that day."
    if h.consent_ends:
        reason = f"The consent to QuickBooks ends on {when}, in {owing.span(timedelta(days=h.token_days))}."
        fix = f"It is given for five years and nothing renews it: run {connect} before that day."
    yield Finding(Verdict.DEGRADED, "token_dying", reason, fix)


def _runs(h: Health, now: datetime, stale_after: timedelta) -> Iterator[Finding]:
    if h.last_run is RunStatus.FAILED:
        reason = f"The last run failed: {h.last_error or 'no reason was noted.'}"
        if h.unplanned:
            reason += f" {owing.many(h.unplanned, 'record')} that changed {_verb(h.unplanned)} for the next."
        yield Finding(Verdict.DEGRADED, "run_failed", reason, "Mend what it names; run again.")
    newest = max(h.last_success.values(), default=h.since)
    if newest is not None and now - newest > stale_after:
        said = f"for {owing.span(now - newest)}" if h.last_success else "since it was connected"
        fix = "See that Dagster's daemon runs (qb-pipeline up) and its schedules are on, or run qb-pipeline sync."
        yield Finding(Verdict.DEGRADED, "stale", f"No run has succeeded {said}.", fix)


def _verb(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _quota(quota: Quota) -> Iterator[Finding]:
    stage = stage_of_quota(quota.share)
    if stage is None:
        return
    reason = f"{quota.app_metered:,} of the month's {quota.allowance:,} metered reads of QuickBooks are used."
    if quota.share >= 1:
        fix = "Intuit refuses reads until the month ends, or bills them: see the app's plan in its developer portal."
        yield Finding(Verdict.BROKEN, "quota_used_up", reason, fix)
        return
    fix = "Run sweeps less often until the month ends, or choose a larger plan in Intuit's developer portal."
    yield Finding(Verdict.DEGRADED, "quota", reason, fix)


def _waiting(h: Health, now: datetime) -> Iterator[Finding]:
    errors = f"qb-pipeline errors list --company {typed.quoted(h.company)}"
    # Where no run is started events wait for the connection, which has a finding of its own.
    tried = h.state in (CompanyState.CONNECTED, CompanyState.RECONNECT)
    dead, waits = h.exceptions.get(ExceptionState.DEAD, 0), h.exceptions.get(ExceptionState.OPEN, 0)
    if dead:
        reason = f"{owing.many(dead, 'record')} gave up after repeated faults."
        yield Finding(Verdict.DEGRADED, "dead", reason, f"See {errors}, then qb-pipeline errors retry ID.")
    if waits:
        reason = f"{owing.many(waits, 'record')} can't be brought into agreement until somebody acts."
        yield Finding(Verdict.OK, "exceptions", reason, f"Each says what to do: {errors}.")
    stuck = [o for o in h.owed if o.kind == "write" and now - o.since > _WRITES_WAIT]
    if stuck:
        reason = f"{stuck[0].what} is not settled since {stuck[0].since:%Y-%m-%d %H:%M} UTC ({stuck[0].why})."
        fix = "The next run settles it: qb-pipeline sync." if tried else "The first run once connected settles it."
        yield Finding(Verdict.DEGRADED, "unsettled_writes", reason, fix)
    if tried and h.inbox_since is not None and now - h.inbox_since > _EVENTS_WAIT:
        waiting = f"{owing.many(h.inbox_waiting, 'webhook event')} {_verb(h.inbox_waiting)}"
        reason = f"{waiting} for {owing.span(now - h.inbox_since)}."
        fix = "See that Dagster's daemon runs (qb-pipeline up) and that its sensor webhook_inbox is on."
        yield Finding(Verdict.DEGRADED, "inbox", reason, fix)
    if h.gaps_owed:
        reason = f"{owing.many(h.gaps_owed, 'time')} out of touch not filled yet."
        yield Finding(Verdict.DEGRADED, "gap", reason, f"Run qb-pipeline backfill --company {typed.quoted(h.company)}.")
