"""The summary on the terminal.

Invariant: it shows what `telling` holds, and its last line is the verdict.
"""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from qb_pipeline.demo.checks import Finding
from qb_pipeline.demo.telling import Told, amount


def show(console: Console, told: Told, report: Path) -> None:
    """Everything a person wants to know, the verdict last."""
    console.print()
    console.print(_entities(told))
    if told.recorded:
        console.print(_recorded(told))
    if told.outcomes:
        console.print(_day(told))
    if told.exceptions:
        console.print(_exceptions(told))
    if told.waiting:
        console.print(_waiting(told))
    _show_receivables(console, told)
    console.print(_calls(told))
    for line in told.least:
        console.print(f"[dim]{line}[/dim]")
    console.print()
    for problem in told.problems:
        console.print(f"- {problem}", markup=False, style="red")
    console.print(f"report: {report}", markup=False, soft_wrap=True)
    console.print(told.verdict, markup=False, soft_wrap=True, style="bold green" if told.agree else "bold red")


def _table(title: str, *columns: str, right: int = 0) -> Table:
    """A table whose columns from number `right` on are figures (0: none)."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if right and number >= right else "left", overflow="fold")
    return table


def _entities(told: Told) -> Table:
    table = _table(
        "After the last sync", "", "contractor", "QuickBooks", "pairs", "agree", "matched", "created at\ncontractor",
        "created in\nQuickBooks", "changed", "parked", "review", "exceptions", right=1,
    )  # fmt: skip
    for line in told.entities:
        c, s = line.counted, line.states
        figures = (
            c.contractor, c.quickbooks, c.linked, c.agreeing, line.matched, line.created_contractor,
            line.created_quickbooks, line.updated, s["parked"], s["review"], s["exceptions"] + s["conflicts"],
        )  # fmt: skip
        table.add_row(line.name, *(str(n) if n else "[dim]·[/dim]" for n in figures))
    return table


def _recorded(told: Told) -> Table:
    table = _table(
        "Every recorded object", "", "in the file", "staged", "linked", "left out with reason", "exception or waiting",
        right=1,
    )  # fmt: skip
    for c in told.recorded:
        table.add_row(c.entity, *(str(n) for n in (c.file, c.staged, c.linked, c.skipped, c.excepted)))
    return table


def _day(told: Told) -> Table:
    table = _table("The day's work", "who", "what was done", "afterwards on both servers", "")
    for o in told.outcomes:
        mark = (
            "[green]agrees[/green]" if o.agreed else "[yellow]explained[/yellow]" if o.explained else "[red]open[/red]"
        )
        table.add_row(o.act.where, _plain(o.act.told), _plain("\n".join(o.lines)), mark)
    return table


def _exceptions(told: Told) -> Table:
    table = _table("Exceptions", "record", "cause", "fix", "who")
    for e in told.exceptions:
        blocks = f"\nholds back: {', '.join(map(str, e.blocks))}" if e.blocks else ""
        table.add_row(_plain(e.record_label or e.record_id), _plain(e.cause + blocks), _plain(e.fix), e.who)
    return table


def _waiting(told: Told) -> Table:
    table = _table("May be the same: a person decides (qb-pipeline review)", "contractor", "QuickBooks", "score", "why")
    for w in told.waiting:
        table.add_row(_plain(w.contractor), _plain(w.quickbooks), w.score, _plain("; ".join(w.evidence)))
    return table


def _show_receivables(console: Console, told: Told) -> None:
    money = told.comparison.receivables
    table = _table("Open receivables", "", "contractor", "QuickBooks", "difference", right=1)
    pairs = (
        ("open invoices", money.contractor_open, money.quickbooks_open),
        ("unapplied payments and credits", money.contractor_loose, money.quickbooks_loose),
    )
    for name, ours, theirs in pairs:
        table.add_row(name, amount(ours), amount(theirs), amount(ours - theirs))
    console.print(table)
    for item in (*money.items, *money.loose_items):
        console.print(f"  {amount(item.amount):>12}  {item.label}: {_because(item)}", markup=False)


def _because(item: Finding) -> str:
    return item.reason.cause if item.reason else f"{item.detail}; no reason is given"


def _calls(told: Told) -> Table:
    table = _table(
        "Calls used / least possible", "", "seconds", "contractor", "QuickBooks", "write requests", "records written",
        right=1,
    )  # fmt: skip
    for s in told.syncs:
        ours, theirs = s.contractor, s.quickbooks
        table.add_row(
            s.title, f"{s.seconds:.1f}", f"{ours.used} / {ours.least}", f"{theirs.used} / {theirs.least}",
            str(s.write_requests), str(s.records_written),
        )  # fmt: skip
    return table


def _plain(text: str) -> str:
    """Text of records is no markup."""
    return text.replace("[", r"\[")
