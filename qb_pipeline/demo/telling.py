"""What a demo came to, in one object: the text, the page and --json all show this and nothing else.

Invariant: the verdict is computed here from what was measured; the books agree only if nothing speaks against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qb_pipeline.demo import meter
from qb_pipeline.demo.checks import Comparison, Counted, Finding
from qb_pipeline.demo.ending import Waiting
from qb_pipeline.demo.meter import Measured
from qb_pipeline.demo.story import Outcome
from qb_pipeline.store.exceptions import Reported

_STATES = ("parked", "review", "skipped", "exceptions", "conflicts")


@dataclass(frozen=True)
class FileCount:
    """One entity of a recorded company: objects in its file, staged, and where each ended."""

    entity: str
    file: int
    staged: int
    linked: int
    skipped: int
    excepted: int

    @property
    def accounted(self) -> bool:
        return self.file == self.staged == self.linked + self.skipped + self.excepted

    @property
    def complaint(self) -> str:
        ended = self.linked + self.skipped + self.excepted
        return f"{self.entity}: {self.file} recorded objects, {self.staged} staged, {ended} accounted for"


@dataclass(frozen=True)
class EntityLine:
    """One entity's line of the summary: deeds summed over all syncs, states after the last."""

    name: str
    counted: Counted
    matched: int
    created_contractor: int
    created_quickbooks: int
    updated: int
    states: dict[str, int]


@dataclass(frozen=True)
class Told:
    """The whole demo. `facts` say what was there to begin with; `exceptions` stand after the last sync."""

    title: str
    lead: str
    facts: Sequence[tuple[str, str]]
    syncs: Sequence[Measured]
    comparison: Comparison
    exceptions: Sequence[Reported]
    waiting: Sequence[Waiting]
    seconds: float
    outcomes: Sequence[Outcome] = ()
    recorded: Sequence[FileCount] = ()
    least: Sequence[str] = field(default=meter.LEAST)

    @property
    def problems(self) -> list[str]:
        """Everything that speaks against the books; empty when they agree."""
        found = [f"{f.label} ({f.what}): {f.detail}, without a reason" for f in self.comparison.unexplained]
        found += [f"{f.label} exists more often on one side: {f.detail}" for f in self.comparison.twice]
        found += [f"{o.act.told}: {'; '.join(o.lines)}" for o in self.outcomes if not o.explained]
        found += [c.complaint for c in self.recorded if not c.accounted]
        last = self.syncs[-1]
        if last.write_requests:
            found.append(f"{last.title} sent {last.write_requests} writes")
        if not self.comparison.receivables.agrees and not self.comparison.unexplained:
            found.append("the open receivables differ by more than the listed items")
        return found

    @property
    def agree(self) -> bool:
        return not self.problems

    @property
    def verdict(self) -> str:
        """The last line."""
        money, last = self.comparison.receivables, self.syncs[-1]
        if not self.agree:
            count = len(self.problems)
            return f"BOOKS DISAGREE: {count} {'difference' if count == 1 else 'differences'} without an explanation"
        nothing = f"the {last.title.lower()} wrote nothing"
        if not money.items:
            return f"BOOKS AGREE: open receivables {amount(money.contractor_open)} on both sides; {nothing}"
        apart = amount(money.contractor_open - money.quickbooks_open)
        return (
            f"BOOKS AGREE: open receivables {amount(money.contractor_open)} at the contractor, "
            f"{amount(money.quickbooks_open)} in QuickBooks; the {apart} between them are {_items(len(money.items))} "
            f"listed with cause and fix; {nothing}"
        )

    @property
    def entities(self) -> list[EntityLine]:
        return [self._entity(counted) for counted in self.comparison.counted]

    def _entity(self, counted: Counted) -> EntityLine:
        deeds = Counter[str]()
        for sync in self.syncs:
            deeds.update({k: n for k, n in sync.tally.get(counted.entity, {}).items() if k not in _STATES})
        last = self.syncs[-1].tally.get(counted.entity, {})
        updated = sum(n for k, n in deeds.items() if k.partition("_")[0] in ("updated", "voided", "deleted"))
        return EntityLine(
            counted.entity.replace("_", " "), counted, deeds["linked"], deeds["created_contractor"],
            deeds["created_quickbooks"], updated, {state: last.get(state, 0) for state in _STATES},
        )  # fmt: skip

    @property
    def path(self) -> dict[str, int]:
        """Counts along the path of a record, over all syncs."""
        total = Counter[str]()
        for sync in self.syncs:
            for counts in sync.tally.values():
                total.update(counts)
        last = Counter[str]()
        for counts in self.syncs[-1].tally.values():
            last.update(counts)
        return {
            "read_contractor": total["read_contractor"],
            "read_quickbooks": total["read_quickbooks"],
            "linked": total["linked"],
            "waiting": last["parked"] + last["review"],
            "exceptions": len(self.exceptions),
            "to_contractor": sum(s.contractor.records for s in self.syncs),
            "to_quickbooks": sum(s.quickbooks.records for s in self.syncs),
        }

    @property
    def documents(self) -> list[Finding]:
        """Records on one side alone or with a difference, the merely skipped ones last."""
        return sorted(self.comparison.findings, key=lambda f: (f.explained, f.reason is not None and f.reason.kind))


def _items(count: int) -> str:
    return "one item" if count == 1 else f"{count} items"


def amount(value: Decimal) -> str:
    """Money for people."""
    return f"{value:,.2f}"


def document(told: Told) -> dict[str, Any]:
    """For --json."""
    money = told.comparison.receivables
    return {
        "verdict": told.verdict,
        "agree": told.agree,
        "problems": told.problems,
        "seconds": round(told.seconds, 1),
        "syncs": [meter.document(s) for s in told.syncs],
        "entities": [vars(line.counted) | {"states": line.states} for line in told.entities],
        "receivables": {
            "contractor": money.contractor_open,
            "quickbooks": money.quickbooks_open,
            "unapplied_contractor": money.contractor_loose,
            "unapplied_quickbooks": money.quickbooks_loose,
            "explained": [_finding(f) for f in (*money.items, *money.loose_items)],
        },
        "findings": [_finding(f) for f in told.documents],
        "acts": [
            {"where": o.act.where, "told": o.act.told, "outcome": list(o.lines), "agreed": o.agreed,
             "explained": o.explained}
            for o in told.outcomes
        ],
        "exceptions": [
            {"record": e.record_label, "entity": e.entity, "code": e.code, "cause": e.cause, "fix": e.fix,
             "who": e.who, "blocks": list(e.blocks)}
            for e in told.exceptions
        ],
        "waiting": [vars(w) for w in told.waiting],
        "recorded": [vars(c) for c in told.recorded],
    }  # fmt: skip


def _finding(finding: Finding) -> dict[str, Any]:
    reason = (
        {"kind": finding.reason.kind, "cause": finding.reason.cause, "fix": finding.reason.fix}
        if finding.reason
        else None
    )
    return {"what": finding.what, "record": finding.label, "detail": finding.detail, "amount": finding.amount,
            "reason": reason}  # fmt: skip
