"""A run as a table: what was read, linked and written per entity, and what waits.

Invariant: every count of the tally that is not zero is shown, also one this file has no column of its own for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.sync.offered import Completing

if TYPE_CHECKING:
    from rich.console import Console

# Heading -> the counts behind it; two of them are shown as "new / changed" and so on.
_COLUMNS = {
    "read\ncontr. / QBO": ("read_contractor", "read_quickbooks"),
    "linked": ("linked",),
    "to QBO\nnew / changed": ("created_quickbooks", "updated_quickbooks"),
    "to contractor\nnew / changed": ("created_contractor", "updated_contractor"),
    "parked": ("parked",),
    "review": ("review",),
    "conflicts": ("conflicts",),
    "exceptions": ("exceptions",),
}
_NAMED = frozenset(name for names in _COLUMNS.values() for name in names)


def show_run(console: Console, run: Mapping[str, Any], offered: Completing) -> None:
    """One company's run: a table and a line of totals."""
    from rich import box  # noqa: PLC0415  # only where it is shown
    from rich.table import Table  # noqa: PLC0415  # as above

    named = f" (run {run['run_id']})" if run.get("run_id") else ""
    title = f"{run['company']}: {run['status']} in {run['seconds']} s{named}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    rows = [(name, counts) for name, counts in run["entities"].items() if counts]
    shown = [h for h, names in _COLUMNS.items() if any(counts.get(n) for _, counts in rows for n in names)]
    table.add_column("")
    for heading in shown:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for name, counts in rows:
        cells = [_cell(counts, _COLUMNS[heading]) for heading in shown]
        table.add_row(ENTITIES[name].plural.replace("_", " "), *cells, _others(counts))
    console.print(table)
    console.print(offered(_totals(run), run["company"]), markup=False)


def _cell(counts: Mapping[str, int], names: tuple[str, ...]) -> str:
    found = [f"{counts.get(n, 0):,}" for n in names]
    return " / ".join(found) if any(counts.get(n) for n in names) else ""


def _others(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n and name not in _NAMED)


def _totals(run: Mapping[str, Any]) -> str:
    calls = {side: sum(kinds.values()) for side, kinds in run["api_calls"].items()}
    waiting = sum(counts.get(k, 0) for counts in run["entities"].values() for k in ("conflicts", "exceptions"))
    hint = " See qb-pipeline errors list." if waiting else ""
    return (
        f"{run['writes']:,} writes; {calls['contractor']:,} calls to the contractor's system, "
        f"{calls['quickbooks']:,} to QuickBooks; {waiting:,} exceptions stand open.{hint}"
    )
