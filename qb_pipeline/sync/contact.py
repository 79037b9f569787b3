"""Contact with a company's two systems: lost, noticed once, and back.

Invariant: losing contact is one alarm and one gap, however many runs and requests notice it; the gap begins where
reading last succeeded and is owed until a backfill has filled it; what a run makes of the connection never takes back a
disconnection that comes in the same moment.

    lost(conn, company, error)         a run was refused for good; the company's state, a gap, an alarm
    left(conn, company, reason)        we disconnected ourselves: a gap without an alarm
    proven(conn, company, both)        a run went through: contact is regained where it spoke with both systems, unless
                                       writes are refused as a whole
    regained(conn, company)            contact is proven: the gap ends, the alarm is cleared, an all-clear is owed
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from qb_pipeline.errors import OwnerMustAct, PipelineError, Reconnect
from qb_pipeline.store import companies, cursors, exceptions, gaps, notices
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.gaps import Gap
from qb_pipeline.sync.reading.positions import Position

ALARM, ALL_CLEAR, TOPIC = "alarm", "all_clear", "connection"
# What ends all contact though no credential is at fault.
SUSPENDING = frozenset({"qbo_6190"})


def ends_contact(error: BaseException) -> bool:
    """Whether nothing can be read or written until somebody acts: refused credentials, a lapsed subscription."""
    return isinstance(error, Reconnect) or (isinstance(error, OwnerMustAct) and error.code in SUSPENDING)


def lost(conn: Connection, company: str, error: PipelineError, now: datetime | None = None) -> bool:
    """Note that the connection is refused; True the first time, False while that is known already."""
    known = companies.get(conn, company, hold=True)
    if known.state is CompanyState.DISCONNECTED:
        return False
    at = now or utcnow()
    gaps.begin(conn, company, _last_read(conn, company) or known.connected_at or at, error.cause)
    title = f"{company}: no contact with QuickBooks or the contractor's system"
    return _alarm(conn, company, title, error.cause, error.fix, at)


def proven(conn: Connection, company: str, both: bool, now: datetime | None = None) -> None:
    """A run went through. That proves the connection if it asked `both` systems something (a look at one record that a
    webhook names may need one of them alone, and says nothing of the other), and unless QuickBooks takes no write of
    this company at all: what can be read is read, and no gap begins, but somebody must act, and is told once. A company
    that was disconnected while the run went on stays so, with its gap open."""
    if companies.get(conn, company, hold=True).state is CompanyState.DISCONNECTED:
        return
    refused = exceptions.listing(conn, company, states=[ExceptionState.OPEN], codes=SUSPENDING)
    if not refused:
        if both:
            regained(conn, company, now)
        return
    title = f"{company}: QuickBooks takes no changes"
    _alarm(conn, company, title, refused[0].cause, refused[0].fix, now or utcnow())


def _alarm(conn: Connection, company: str, title: str, cause: str, fix: str, at: datetime) -> bool:
    """The company's state, and one alarm; True where it is news."""
    companies.set_state(conn, company, CompanyState.RECONNECT, cause, at)
    return notices.raise_(conn, company, ALARM, TOPIC, title, f"{cause} {fix}".strip(), at)


def left(conn: Connection, company: str, reason: str, now: datetime | None = None) -> None:
    """Note that we ended the connection ourselves; what happens from now on is a gap."""
    at = now or utcnow()
    companies.set_state(conn, company, CompanyState.DISCONNECTED, reason, at)
    gaps.begin(conn, company, _last_read(conn, company) or at, reason)
    notices.clear(conn, company, ALARM, TOPIC, at)


def regained(conn: Connection, company: str, now: datetime | None = None) -> Gap | None:
    """Note that contact is proven; the gap that ended, which is owed a backfill from now on."""
    at = now or utcnow()
    if companies.get(conn, company).state is CompanyState.RECONNECT:
        companies.set_state(conn, company, CompanyState.CONNECTED, None, at)
    if notices.clear(conn, company, ALARM, TOPIC, at):
        notices.clear(conn, company, ALL_CLEAR, TOPIC, at)
        title = f"{company}: the connection works again"
        notices.raise_(conn, company, ALL_CLEAR, TOPIC, title, "What happened meanwhile is being read.", at)
    return gaps.end(conn, company, at)


def _last_read(conn: Connection, company: str) -> datetime | None:
    """Up to when both sides were read for certain: the oldest of all reading positions."""
    found = [
        Position.from_json(v).read_to for (_, _), v in cursors.everything(conn, company).items() if _is_position(v)
    ]
    return min(found, default=None)


def _is_position(value: object) -> bool:
    return isinstance(value, dict) and "read_to" in value
