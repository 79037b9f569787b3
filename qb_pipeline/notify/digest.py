"""New exceptions of a company in one notice, grouped by cause.

Invariant: every exception that waits for a person is told in one digest, in no other, and never in a mail of its own;
what a cause told before holds back since is one line of the next digest. A digest is made between runs, so that nothing
can be reported with a time it has covered already; what was reported for the first time is told by its id, whatever a
clock that is set back does to times.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from qb_pipeline import typed
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.notify.wording import Text
from qb_pipeline.store import blocks, cursors, locks, notices, tables
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.notices import DIGEST
from qb_pipeline.sync.blockers import some
from qb_pipeline.sync.offered import completing
from qb_pipeline.sync.owing import many

_FOR_PEOPLE = (ExceptionState.OPEN.value, ExceptionState.DEAD.value)
_EVER = datetime.min.replace(tzinfo=UTC)
_TOLD = (Side.QUICKBOOKS, "told exceptions")  # where it is noted how far digests came; of both sides
_NAMED = 8  # records of one cause that are named; the rest is counted
_WIDTH = 300  # of one line: a mail is no place for a whole answer


@dataclass(frozen=True)
class New:
    """An exception nobody was told of yet."""

    entity: str
    label: str
    code: str
    title: str
    cause: str
    fix: str
    who: str
    blocks: int
    id: int = 0


@dataclass(frozen=True)
class Joined:
    """A cause that somebody was told of, and the records it holds back since, by name."""

    cause: New
    names: Sequence[str]


def make(conn: Connection, company: str, interval: timedelta, now: datetime) -> bool:
    """Make a digest of what is new, unless the last one is younger than `interval` or waits to be sent.

    Whoever makes one at the same moment has its turn first, so that two never tell the same.
    """
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"digest:{company}", 0))))
    last = notices.latest(conn, company, DIGEST)
    if last is not None and (last.sent_at is None or abs(now - last.created_at) < interval):
        return False
    newest = conn.scalar(select(func.max(tables.exception.c.id)).where(tables.exception.c.company == company)) or 0
    if locks.company_busy(conn, company):
        return False
    after = last.created_at if last else _EVER
    # Of a clock that was set back nobody knows how long ago the last one was.
    found = new(conn, company, min(after, now - interval), now, _told_upto(conn, company))
    joining = joined(conn, company, found)
    if not found and not joining:
        return False
    cursors.put(conn, company, *_TOLD, newest, now)
    text = told(company, found, last.created_at if last else None, joining)
    return notices.raise_(conn, company, DIGEST, f"until {now.isoformat()}", text.title, text.body, now)


def new(conn: Connection, company: str, after: datetime, until: datetime, upto: int | None = None) -> list[New]:
    """What began to wait for a person within (after, until]: reported, in vain corrected, or given up.

    Where it is known up to which id everything was told, what has a higher one is new whatever its time.
    """
    e = tables.exception
    first = and_(e.c.first_seen > after, e.c.first_seen <= until) if upto is None else e.c.id > upto
    last = and_(e.c.last_seen > after, e.c.last_seen <= until)
    # Attempts are counted anew when somebody changed the record or asked for a retry: that it failed again is news.
    again = and_(last, e.c.attempts == 1, e.c.last_seen > e.c.first_seen)
    opened = and_(e.c.state == ExceptionState.OPEN.value, or_(first, again))
    died = and_(e.c.state == ExceptionState.DEAD.value, last)
    return _told_of(conn, company, or_(opened, died))


def _told_upto(conn: Connection, company: str) -> int | None:
    """The newest exception there was when the last digest was made; None where none has noted it."""
    noted = cursors.get(conn, company, *_TOLD)
    return None if noted is None else int(noted)


def joined(conn: Connection, company: str, found: Sequence[New]) -> list[Joined]:
    """Causes told before that hold back records nobody was told of, those with most of them first.

    Notes that they, and all that `found` holds back, are told now.
    """
    e = tables.exception
    untold = and_(e.c.state.in_(_FOR_PEOPLE), ~e.c.told_blocks.contains(e.c.blocks))
    known = {each.id: each for each in [*_told_of(conn, company, untold), *found]}
    fresh = blocks.told(conn, company, known)
    already = {each.id for each in found}
    held = [Joined(known[number], names) for number, names in fresh.items() if number not in already]
    return sorted(held, key=lambda each: (-len(each.names), each.cause.id))


def _told_of(conn: Connection, company: str, which: ColumnElement[bool]) -> list[New]:
    e = tables.exception
    wanted = select(e.c.id, e.c.entity, e.c.record_label, e.c.code, e.c.title, e.c.cause, e.c.fix, e.c.who, e.c.blocks)
    rows = conn.execute(wanted.where(e.c.company == company, which).order_by(e.c.id)).mappings()
    offered = completing(conn)
    return [_read({**row, "fix": offered(row["fix"], company)}) for row in rows]


def told(company: str, found: Sequence[New], since: datetime | None, joining: Sequence[Joined] = ()) -> Text:
    """The digest: causes that stop most records first, then what joined those told before."""
    groups: defaultdict[tuple[str, str], list[New]] = defaultdict(list)
    for each in found:
        groups[each.code, each.who].append(each)
    ordered = sorted(groups.values(), key=len, reverse=True)
    when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    verb = "needs" if len(found) == 1 else "need"
    opening = (
        f"{many(len(found), 'record')} of {company} {verb} somebody{when}, for {many(len(ordered), 'reason')}. "
        "All other records go on."
    )
    parts = [opening, *(_group(group) for group in ordered)] if found else []
    parts += [_joining(joining, when)] if joining else []
    listing = f"Each with its number: qb-pipeline errors list --company {typed.quoted(company)}"
    title = f"{many(len(found), 'record')} {verb} somebody" if found else _more(sum(len(j.names) for j in joining))
    return Text(f"{company}: {title}", "\n\n".join([*parts, listing]))


def _joining(joining: Sequence[Joined], when: str) -> str:
    """One line for each cause; its fix was told with it."""
    lines = [f"Causes told before that hold back more records{when}:"]
    for each in joining[:_NAMED]:
        cause = f"{each.cause.label} ({each.cause.title.lower()})"
        lines.append("- " + _line(f"{cause}: {many(len(each.names), 'more record')}: {some(each.names)}"))
    if len(joining) > _NAMED:
        lines.append(f"- and {len(joining) - _NAMED:,} more causes")
    return "\n".join(lines)


def _more(count: int) -> str:
    return f"{many(count, 'more record')} {'waits' if count == 1 else 'wait'} for what you know"


def _group(group: Sequence[New]) -> str:
    """Cause, count, fix and who, then the records."""
    causes, fixes = Counter(_without_name(e.cause, e) for e in group), Counter(_without_name(e.fix, e) for e in group)
    same_cause, same_fix = len(causes) == 1, len(fixes) == 1
    only = group[0] if len(group) == 1 else None
    heading = only.cause if only else next(iter(causes)) if same_cause else group[0].title
    lines = [f"{many(len(group), 'record')}: {_line(heading)}", f"Who can fix it: {group[0].who}"]
    if same_fix:
        lines.append(f"What to do: {_line(only.fix if only else next(iter(fixes)))}")
    for each in group[:_NAMED]:
        said = [each.label, "" if same_cause else each.cause, "" if same_fix else each.fix]
        blocks = f" ({many(each.blocks, 'record')} wait for it)" if each.blocks else ""
        lines.append("- " + _line(": ".join(part for part in said if part)) + blocks)
    if len(group) > _NAMED:
        lines.append(f"- and {len(group) - _NAMED:,} more")
    return "\n".join(lines)


def _without_name(text: str, of: New) -> str:
    """The text as it would be said of any such record, so that the same cause is the same text."""
    title = _title(of.entity)
    name = of.label.removeprefix(f"{title} ")
    # Some texts quote the name, some put the kind of record before it.
    named = rf"(?<!\w)(?:{re.escape(title)} )?(?P<quote>['\"]?){re.escape(name)}(?P=quote)(?!\w)"
    return re.sub(named, f"the {title.lower()}", text)


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"


def _read(row: Mapping[Any, Any]) -> New:
    label = row["record_label"] or f"{_title(row['entity'])} without a name"
    known = {name: row[name] for name in ("id", "entity", "code", "title", "cause", "fix", "who")}
    return New(**known, label=label, blocks=len(row["blocks"] or ()))


def _title(entity: str) -> str:
    known = ENTITIES.get(entity)
    return known.title if known else entity.capitalize()
