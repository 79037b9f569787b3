"""A run as a table: what was read, linked and written per entity, and what waits.

Invariant: every count of the tally that is not zero is shown, also one this file has no column of its own for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qb_pipeline.entities import ENTITIES

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = {
    "read": ("read_contractor", "read_quickbooks"),
    "linked": ("linked",),
    "→ QuickBooks": ("created_quickbooks", "updated_quickbooks"),
    "→ contractor": ("created_contractor", "updated_contractor"),
    "parked": ("parked",),
    "review": ("review",),
    "conflicts": ("conflicts",),
    "exceptions": ("exceptions",),
}
_NAMED = frozenset(name for names in _COLUMNS.values() for name in names)
_MARKS = {
    "read_contractor": "C", "read_quickbooks": "Q", "created_quickbooks": "new", "updated_quickbooks": "changed",
    "created_contractor": "new", "updated_contractor": "changed",
}  # fmt: skip


def show_run(console: Console, run: Mapping[str, Any]) -> None:
    """One company's run: a table and a line of totals."""
    from rich.table import Table  # noqa: PLC0415  # only where it is shown

    table = Table(title=f"{run['company']}: {run['status']} in {run['seconds']} s", title_justify="left")
    table.add_column("")
    for heading in (*_COLUMNS, "also"):
        table.add_column(heading, justify="right" if heading != "also" else "left")
    for name, counts in run["entities"].items():
        cells = [_cell(counts, names) for names in _COLUMNS.values()]
        table.add_row(ENTITIES[name].plural.replace("_", " "), *cells, _others(counts))
    console.print(table)
    console.print(_totals(run))


def _cell(counts: Mapping[str, int], names: tuple[str, ...]) -> str:
    return ", ".join(f"{counts[n]:,} {_MARKS.get(n, '')}".strip() for n in names if counts.get(n))


def _others(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n and name not in _NAMED)


def _totals(run: Mapping[str, Any]) -> str:
    calls = {side: sum(kinds.values()) for side, kinds in run["api_calls"].items()}
    waiting = sum(counts.get(k, 0) for counts in run["entities"].values() for k in ("conflicts", "exceptions"))
    hint = " See qb-pipeline errors list." if waiting else ""
    return (
        f"{run['writes']:,} writes; {calls['contractor']:,} calls to the contractor's system, "
        f"{calls['quickbooks']:,} to QuickBooks; {waiting:,} records need a look.{hint}"
    )
