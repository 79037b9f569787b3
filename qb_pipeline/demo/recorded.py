"""The main job on a recorded QuickBooks company, against a contractor's system that knows nothing or half of it.

Invariant: every object in the folder's files is followed to where it ended; one that is nowhere makes the books
disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import simplejson
from sqlalchemy import Connection

from qb_pipeline.demo import stack
from qb_pipeline.demo.ending import ending
from qb_pipeline.demo.generator import TODAY, Workspace
from qb_pipeline.demo.meter import Measured
from qb_pipeline.demo.reasons import Reasons
from qb_pipeline.demo.runs import synced
from qb_pipeline.demo.spellings import respelled
from qb_pipeline.demo.telling import FileCount, Told
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity
from qb_pipeline.entities.spec import Side as Where
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import links, staging

Body = dict[str, Any]
Say = Callable[[str], None]
_ADDRESS = {
    "line1": "Line1", "line2": "Line2", "city": "City", "state": "CountrySubDivisionCode", "postal_code": "PostalCode",
    "country": "Country",
}  # fmt: skip


def prepared(home: Path, folder: Path, contractor: str, seed: int) -> tuple[list[str], list[str]]:
    """The options of both servers; for `half`, a contractor's workspace is made from the recorded names."""
    if not (folder / "Customer.jsonl").exists():
        raise Misconfigured(
            f"{folder} holds no Customer.jsonl.",
            code="demo_data",
            fix="Name a folder with one <Entity>.jsonl for each kind, one recorded QuickBooks object a line.",
        )
    theirs = ["--data", str(folder)]
    if contractor == "empty":
        return ["--empty"], theirs
    known = half(folder, seed)
    known.write(home / "company")
    return ["--data", str(home / "company")], theirs


def objects(folder: Path, name: str) -> Iterator[Body]:
    """The recorded objects of one kind."""
    path = folder / f"{name}.jsonl"
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from (simplejson.loads(line, use_decimal=True) for line in lines if line.strip())


def half(folder: Path, seed: int) -> Workspace:
    """Every other customer as the contractor's office spelled it."""
    random, workspace = Random(seed), Workspace()
    top = [c for c in objects(folder, "Customer") if not _is_job(c) and c.get("Active", True)]
    for number, customer in enumerate(top[::2], 1):
        stamp = f"{TODAY.isoformat()}T09:00:{number % 60:02d}.000000Z"
        written = {"id": f"cus_{number:06d}", "version": "1", "created_at": stamp, "updated_at": stamp}
        workspace["customers"].append({**written, **respelled(random, _party(customer))})
    return workspace


def _is_job(customer: Body) -> bool:
    return bool(customer.get("Job") or customer.get("ParentRef"))


def _party(customer: Body) -> Body:
    address = customer.get("BillAddr") or {}
    place = {ours: address.get(theirs) for ours, theirs in _ADDRESS.items()}
    return {
        "name": customer["DisplayName"],
        "company_name": customer.get("CompanyName"),
        "first_name": customer.get("GivenName"),
        "last_name": customer.get("FamilyName"),
        "email": (customer.get("PrimaryEmailAddr") or {}).get("Address"),
        "phone": (customer.get("PrimaryPhone") or {}).get("FreeFormNumber"),
        "billing_address": place if any(place.values()) else None,
        "taxable": bool(customer.get("Taxable")),
        "active": True,
    }


def tell(world: stack.Stack, folder: Path, contractor: str, say: Say, progress: Say) -> Told:
    """Connect, sync, sync again, and follow every recorded object."""
    started = time.monotonic()
    known = len(world.contractor.all("customers"))
    say(f"QuickBooks holds the recorded company in {folder}; the contractor's system knows {known} customers")
    say(stack.connect(world))
    syncs = [synced(world, "First sync", say, progress, first=True), synced(world, "Second sync", say, progress)]
    return _told(world, folder, f"{contractor}: {known} customers", syncs, started)


def _told(world: stack.Stack, folder: Path, known: str, syncs: list[Measured], started: float) -> Told:
    end = ending(world)
    with world.engine.connect() as conn:
        counted = [_followed(conn, entity, folder, end.reasons) for entity in ENTITIES.values()]
    return Told(
        title=f"A recorded QuickBooks company: {folder.name}",
        lead="Really recorded objects of a QuickBooks company, brought to a contractor's system.",
        facts=[("recorded company", str(folder)), ("contractor's system", known)],
        syncs=syncs,
        comparison=end.comparison,
        exceptions=end.reasons.exceptions,
        waiting=end.waiting,
        seconds=time.monotonic() - started,
        recorded=counted,
    )


def _followed(conn: Connection, entity: Entity, folder: Path, reasons: Reasons) -> FileCount:
    """One entity's recorded objects, each counted where it ended."""
    ids = [str(o["Id"]) for o in objects(folder, entity.quickbooks_object) if _belongs(entity, o)]
    staged = {s.record.id for s in staging.fetch_all(conn, stack.COMPANY, Where.QUICKBOOKS, entity.name)}
    linked = {x.quickbooks_id for x in links.everything(conn, stack.COMPANY, entity.name) if x.contractor_id}
    rest = [i for i in ids if i not in linked]
    left_out = [i for i in rest if _left_out(entity, i, reasons)]
    waiting = [i for i in rest if i not in left_out and reasons.of(entity.name, None, i) is not None]
    name = entity.plural.replace("_", " ")
    return FileCount(
        name, len(ids), len(staged.intersection(ids)), len(linked.intersection(ids)), len(left_out), len(waiting)
    )


def _belongs(entity: Entity, obj: Body) -> bool:
    """Customers and jobs share an object."""
    return entity.quickbooks_object != "Customer" or _is_job(obj) == (entity.name == "job")


def _left_out(entity: Entity, native: str, reasons: Reasons) -> bool:
    """Skipped with a reason, or of a kind that is declared to be only observed."""
    reason = reasons.of(entity.name, None, native)
    return entity.direction is Direction.NONE or (reason is not None and reason.kind == "skipped")
