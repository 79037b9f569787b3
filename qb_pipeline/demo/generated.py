"""The story on a generated company: first sync, a day's work in both offices, second sync, third sync.

Invariant: after the connection nothing but Dagster runs of the job `sync` carries anything from one side to the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qb_pipeline.demo import stack
from qb_pipeline.demo.ending import ending
from qb_pipeline.demo.generator import Workspace, generate
from qb_pipeline.demo.meter import Measured
from qb_pipeline.demo.quickbooks_side import Entered, choose, enter
from qb_pipeline.demo.runs import synced
from qb_pipeline.demo.story import Act, Desks, Touched, days_work, outcome
from qb_pipeline.demo.telling import Told
from qb_pipeline.store import candidates

Say = Callable[[str], None]
# Once these are decided, their documents match by themselves.
_OBJECT = {"customer": "Customer", "job": "Customer", "item": "Item"}


def prepared(home: Path, seed: int) -> tuple[Workspace, list[str], list[str]]:
    """The generated workspace, written to the home, and the options of both servers."""
    workspace = generate(seed)
    folder = home / "company"
    workspace.write(folder)
    return workspace, ["--data", str(folder)], ["--empty"]


def tell(world: stack.Stack, workspace: Workspace, seed: int, say: Say, progress: Say) -> Told:
    """Play the whole story; `say` gets what was done, `progress` what is being done."""
    started = time.monotonic()
    entered = choose(workspace, seed)
    enter(world.quickbooks, workspace, entered)
    say(_before(workspace, entered))
    say(stack.connect(world))
    syncs = [synced(world, "First sync", say, progress, first=True)]
    acts = _day(world, entered, say)
    syncs += [synced(world, title, say, progress) for title in ("Second sync", "Third sync")]
    return _told(world, workspace, entered, syncs, acts, started)


def _before(workspace: Workspace, entered: Entered) -> str:
    there = f"{len(entered.customers)} of the customers, {len(entered.items)} items, {len(entered.invoices)} invoices"
    counts = ", ".join(f"{len(workspace[n])} {n}" for n in ("customers", "jobs", "items", "invoices", "payments"))
    return f"the contractor's system holds {counts}; QuickBooks holds {there} and work of its own"


def _day(world: stack.Stack, entered: Entered, say: Say) -> list[Act]:
    acts = []
    for act in (*_reviewed(world, entered), *days_work(Desks(world.contractor, world.quickbooks))):
        say(f"  {act.where}: {act.told}")
        acts.append(act)
    return acts


def _reviewed(world: stack.Stack, entered: Entered) -> Iterator[Act]:
    """The accountant decides the pairs the matcher was not sure of, knowing which customers are the same."""
    with world.engine.connect() as conn:
        unsure = [c for c in candidates.listing(conn, stack.COMPANY) if c.entity in _OBJECT]
    for c in unsure:
        same = entered.ids.get(c.contractor_id) == c.quickbooks_id
        stack.command("review", "link" if same else "reject", c.contractor_id, c.quickbooks_id, "--entity", c.entity)
        ours = world.contractor.get(f"{c.entity}s", c.contractor_id)["name"]
        theirs = world.quickbooks.get(_OBJECT[c.entity], c.quickbooks_id)
        shown = theirs.get("DisplayName") or theirs["Name"]
        told = f"decides that {ours} and {shown} of QuickBooks are {'the same' if same else 'two different ones'}"
        yield Act("accountant", told, (Touched(c.entity, "contractor", c.contractor_id),))


def _told(
    world: stack.Stack, workspace: Workspace, entered: Entered, syncs: list[Measured], acts: list[Act], started: float
) -> Told:
    end = ending(world)
    return Told(
        title="A contractor and its books",
        lead="A generated contractor company meets its QuickBooks books; a day's work follows in both offices.",
        facts=_facts(workspace, entered),
        syncs=syncs,
        comparison=end.comparison,
        exceptions=end.reasons.exceptions,
        waiting=end.waiting,
        seconds=time.monotonic() - started,
        outcomes=[outcome(act, end.contractor, end.quickbooks, end.pairs, end.reasons) for act in acts],
    )


def _facts(workspace: Workspace, entered: Entered) -> list[tuple[str, str]]:
    both = {"customers": entered.customers, "jobs": entered.jobs, "items": entered.items,
            "invoices": entered.invoices, "payments": entered.payments}  # fmt: skip
    return [(name, f"{len(workspace[name])} at the contractor, {len(known)} of them in QuickBooks too")
            for name, known in both.items()]  # fmt: skip
