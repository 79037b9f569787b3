"""What a materialization says: counts, open exceptions, calls and links.

Invariant: every count is always present, nought too, so that Dagster draws it over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dagster import MetadataValue
from sqlalchemy import Connection, func, select

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.settings import Settings
from qb_pipeline.store import companies, exceptions
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.store.staging_tables import table
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.offered import completing
from qb_pipeline.sync.waiting import held_back

CONFLICT = "conflict_"
_DEEDS = ("created", "updated", "voided", "deleted")
_STATES = ("linked", "parked", "review", "skipped")
_LISTING = "qb-pipeline errors list"
_SHOWN = 50  # rows of a table in the UI; the rest is counted
_QUICKBOOKS_PAGES = {
    "production": "https://app.qbo.intuit.com/app/homepage",
    "sandbox": "https://app.sandbox.qbo.intuit.com/app/homepage",
}

Metadata = dict[str, Any]


def of_staging(ctx: Context, conn: Connection, side: Side, entity: Entity) -> Metadata:
    """Rows read and changed by this run, rows there are, and where they stand."""
    staged = table(side, entity.name)
    whole = select(func.count(), func.count().filter(staged.c.seen_at >= ctx.started_at)).where(
        staged.c.company == ctx.company
    )
    rows, changed = conn.execute(whole).one()
    return {
        "rows read": ctx.tally.of(entity.name).get(f"read_{side.value}", 0),
        "rows inserted or updated": changed,
        "dagster/row_count": rows,
        "dagster/table_name": f"{staged.schema}.{staged.name}",
    }


def of_synced(ctx: Context, conn: Connection, entity: Entity) -> Metadata:
    """What was linked and written on each side, and what stands open."""
    tally = ctx.tally.of(entity.name)
    problems, conflicts = open_problems(conn, ctx.company, entity)
    written = {f"{deed} in {side.value}": tally.get(f"{deed}_{side.value}", 0) for side in Side for deed in _DEEDS}
    waiting = {state: tally.get(state, 0) for state in _STATES}
    stand_open = problems + conflicts
    return {
        **waiting,
        **written,
        "conflicts": len(conflicts),
        "exceptions": len(problems),
        **({"open exceptions": table_of(stand_open, listing_of(conn, ctx.company))} if stand_open else {}),
    }


def of_run(ctx: Context, settings: Settings, writes: int) -> Metadata:
    """The whole run in a table, and the calls it cost."""
    with ctx.begin() as conn:
        company = companies.get(conn, ctx.company)
        unresolved = exceptions.counts(conn, ctx.company)
    links = {"contractor": company.contractor_url, "quickbooks": quickbooks_page(settings, company.quickbooks_api)}
    return {
        "writes": writes,
        "unresolved exceptions": sum(unresolved.values()),
        "counts": MetadataValue.md(_tally_table(ctx.tally.all())),
        **{f"API calls to {side}": count for side, count in calls(ctx).items()},
        **{f"link to {side}": MetadataValue.url(url) for side, url in links.items() if url},
        "sync run": ctx.run_id,
    }


def calls(ctx: Context) -> dict[str, int]:
    """HTTP calls of the run so far, by side."""
    return {side.value: sum(ctx.port(side).calls().values()) for side in Side}


def since(before: Mapping[str, int], now: Mapping[str, int]) -> Metadata:
    """The calls one step cost."""
    return {f"API calls to {side}": now[side] - before[side] for side in now}


def quickbooks_page(settings: Settings, api: str | None) -> str:
    """Where a person looks at the company: QuickBooks itself, or the server that stands in for it."""
    return api or _QUICKBOOKS_PAGES[settings.environment]


def listing_of(conn: Connection, company: str) -> str:
    """The command that lists everything that stands open for the company."""
    return completing(conn)(_LISTING, company)


def open_problems(conn: Connection, company: str, entity: Entity) -> tuple[list[Reported], list[Reported]]:
    """Unresolved exceptions and open conflicts of an entity."""
    found = exceptions.listing(conn, company, entity=entity.name)
    if found:
        offered = completing(conn)
        found = [replace(e, fix=offered(e.fix, company)) for e in found]
    conflicts = [e for e in found if e.code.startswith(CONFLICT)]
    return [e for e in found if e not in conflicts], conflicts


def table_of(problems: Sequence[Reported], listing: str = _LISTING) -> MetadataValue[Any]:
    """Record, cause, fix, who and state, for a person; `listing` is the command that shows the rest."""
    lines = ["| record | cause | fix | who | state |", "|---|---|---|---|---|"]
    for each in problems[:_SHOWN]:
        cause = f"{each.cause} {held_back(each)}".strip()
        cells = (each.record_label or each.record_id, cause, each.fix, each.who, each.state.value)
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    if len(problems) > _SHOWN:
        lines += ["", f"{len(problems) - _SHOWN} more: `{listing}`."]
    return MetadataValue.md("\n".join(lines))


def _tally_table(tally: Mapping[str, Mapping[str, int]]) -> str:
    if not tally:
        return "Nothing was read or written."
    names = list(dict.fromkeys(what for counts in tally.values() for what in counts))
    lines = ["| entity | " + " | ".join(n.replace("_", " ") for n in names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {e} | " + " | ".join(str(counts.get(n, 0)) for n in names) + " |" for e, counts in tally.items()]
    return "\n".join(lines)


def _cell(value: str) -> str:
    return " ".join(value.replace("|", "\\|").split())
