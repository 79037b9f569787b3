"""Sending what is due, in as few mails as possible.

Invariant: a notice is marked as sent right after the server took its mail and never before; a server that refuses keeps
it unsent. A crash between the two repeats one mail at most, under the same Message-ID.

    send_due(engine, settings) -> Outcome        prepare(engine, settings) -> how many mails are due
    newest_alarm(engine, settings) -> the id of what should go out at once
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine

from qb_pipeline.errors import RetryLater
from qb_pipeline.notify import digest
from qb_pipeline.notify.mail import Post, connection, server_of
from qb_pipeline.notify.wording import Mail, mail_of
from qb_pipeline.secrecy import without_secrets
from qb_pipeline.settings import Settings
from qb_pipeline.store import companies, notices
from qb_pipeline.store.attempts import next_wait
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.locks import session_lock
from qb_pipeline.store.notices import DIGEST, EVERY, UNDELIVERED, Notice

_log = structlog.get_logger(__name__)
_BUSY = "sending_busy"
_STILL_NEWS = timedelta(days=7)  # what is over for longer is not told any more


@dataclass(frozen=True)
class Outcome:
    """What came of one sending: mails the server took, and whether there is a server at all."""

    mails: int = 0
    notices: int = 0
    configured: bool = True
    note: str = ""


def prepare(engine: Engine, settings: Settings, now: datetime | None = None) -> int:
    """Make the digests that are due; how many mails there are to send at this moment (0 while a refusal rests)."""
    at = now or utcnow()
    if server_of(settings) is None:
        return 0
    interval = timedelta(minutes=settings.mail_digest_minutes)
    with engine.begin() as conn:
        for company in companies.listing(conn):
            digest.make(conn, company.name, interval, at)
        return 0 if _resting(conn, at) else len(_mails(conn, at))


def newest_alarm(engine: Engine, settings: Settings, now: datetime | None = None) -> int | None:
    """The id of the latest notice that is due and no digest; None where there is none, or while a refusal rests."""
    at = now or utcnow()
    if server_of(settings) is None:
        return None
    with engine.begin() as conn:
        if _resting(conn, at):
            return None
        return max((n.id for n in _due(conn, at) if n.kind != DIGEST), default=None)


def send_due(engine: Engine, settings: Settings, *, now: datetime | None = None, anyway: bool = False) -> Outcome:
    """Send everything that is due; raises `RetryLater` with what the mail server said where it did not take all.

    `anyway`: also while an earlier refusal rests.
    """
    at = now or utcnow()
    server = server_of(settings)
    if server is None:
        return Outcome(configured=False, note="No mail server is set (QB_SMTP_HOST).")
    try:
        with session_lock(engine, "notices", 0, RetryLater("Another process is sending.", code=_BUSY)):
            due = prepare(engine, settings, at)
            with engine.begin() as conn:
                mails = _mails(conn, at) if due or anyway else []
            if not mails:
                return Outcome(note="Nothing is due.")
            try:
                with connection(server) as post:
                    outcome = _send_all(engine, post, mails)
            except RetryLater as error:
                _undelivered(engine, settings, error, at)
                raise
            _delivered(engine, at)
            return outcome
    except RetryLater as error:
        if error.code == _BUSY:
            return Outcome(note="Another process is sending.")
        raise


def _send_all(engine: Engine, post: Post, mails: Sequence[Mail]) -> Outcome:
    """Each mail by itself: one that is refused does not hold up the others, a connection that ended holds up all."""
    refused: RetryLater | None = None
    took = 0
    for mail in mails:
        try:
            post(mail)
        except RetryLater as error:
            if error.code == "mail_unreachable":
                raise
            refused = refused or error
            continue
        took += 1
        with engine.begin() as conn:
            notices.sent(conn, mail.notices)
        _log.info("notices.sent", notices=list(mail.notices))
    if refused is not None:
        raise refused
    return Outcome(took, sum(len(m.notices) for m in mails))


def _mails(conn: Connection, now: datetime) -> list[Mail]:
    """A digest is a mail of its own; everything else of a company is one mail."""
    together: defaultdict[tuple[str, int], list[Notice]] = defaultdict(list)
    for notice in _due(conn, now):
        together[notice.company, notice.id if notice.kind == DIGEST else 0].append(notice)
    return [_without_secrets(mail_of(told)) for told in together.values()]


def _due(conn: Connection, now: datetime) -> Iterator[Notice]:
    for notice in notices.unsent(conn):
        over = notice.cleared_at is not None and now - notice.cleared_at > _STILL_NEWS
        if notice.kind != UNDELIVERED and not over:
            yield notice


def _without_secrets(mail: Mail) -> Mail:
    """What was stored before a secret was known as one goes no further either."""
    return replace(mail, subject=without_secrets(mail.subject), text=without_secrets(mail.text))


def _resting(conn: Connection, now: datetime) -> bool:
    """Whether the mail server is left alone after what it refused; longer after each refusal, two hours at most."""
    failed = notices.open_of_kind(conn, UNDELIVERED)
    # Were the clock set back since, it would rest until it has caught up.
    return bool(failed) and timedelta(0) <= now - failed[-1].created_at < next_wait(len(failed), 0.0)


def _undelivered(engine: Engine, settings: Settings, error: RetryLater, now: datetime) -> None:
    """Note one more failed attempt; only the first is logged."""
    with engine.begin() as conn:
        number = len(notices.open_of_kind(conn, UNDELIVERED)) + 1
        notices.raise_(conn, EVERY, UNDELIVERED, f"attempt {number}", error.cause, error.fix, now)
    if number == 1:
        _log.error("notices.undelivered", cause=error.cause, fix=error.fix, host=settings.smtp_host)


def _delivered(engine: Engine, now: datetime) -> None:
    with engine.begin() as conn:
        failed = notices.clear_kind(conn, EVERY, UNDELIVERED, now)
    if failed:
        _log.info("notices.delivered_again", attempts=failed)
