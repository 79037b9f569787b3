"""What a person decides about pairs: the same, different, or no longer linked.

Invariant: a record has one link at most; every decision is kept, so the matcher never asks or acts against it again;
deciding for one pair frees the others that held its two records back.

    pair = Pair("customer", contractor_id="C-7", quickbooks_id="58")
    link(conn, company, pair)      unlink(conn, company, pair)      keep_apart(conn, company, pair)

All take the company's lock for granted. `Misconfigured` says which record is missing or linked already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Kind, Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import candidates, creations, exceptions, journal, links, staging, sync_log
from qb_pipeline.store.candidates import Candidate, Decision, Proposal
from qb_pipeline.store.journal import Phase
from qb_pipeline.store.links import Link
from qb_pipeline.sync import refusals
from qb_pipeline.sync.context import label

WHERE = {Side.CONTRACTOR: "the contractor's system", Side.QUICKBOOKS: "QuickBooks"}
_BY_HAND = ["linked by a person"]
_ASKED = (refusals.COPY_TAKEN.code, refusals.LINKED_ELSEWHERE.code)  # answered by saying that the two are different


@dataclass(frozen=True)
class Pair:
    """Two records of one entity, one of each side."""

    entity: str
    contractor_id: str
    quickbooks_id: str

    def id_on(self, side: Side) -> str:
        return self.contractor_id if side is Side.CONTRACTOR else self.quickbooks_id


def pair_of(candidate: Candidate) -> Pair:
    return Pair(candidate.entity, candidate.contractor_id, candidate.quickbooks_id)


def link(conn: Connection, company: str, pair: Pair) -> str:
    """Link the pair and close every candidate of its two records; returns what a person calls the record."""
    called = [_free(conn, company, pair, side) for side in Side]
    _settled(conn, company, pair)
    new = links.NewLink(
        company, pair.entity, pair.contractor_id, pair.quickbooks_id, match_class="person", evidence=_BY_HAND
    )
    links.create_many(conn, [new])
    for candidate in candidates.listing(conn, company, entity=pair.entity):
        other = pair_of(candidate)
        if other != pair and (other.contractor_id == pair.contractor_id or other.quickbooks_id == pair.quickbooks_id):
            candidates.decide(conn, company, candidate.id, Decision.REJECTED)
    decided = Proposal(*_ids(pair), candidates.BY_HAND, candidates.CERTAIN, _BY_HAND)
    candidates.settle(conn, company, decided, Decision.LINKED)
    _log(conn, company, pair, "linked", called[0], {"class": "person", "evidence": _BY_HAND})
    return called[0]


def keep_apart(conn: Connection, company: str, pair: Pair) -> str:
    """Say that the two are different; returns what a person calls the contractor's record."""
    called = [named(conn, company, pair, side) for side in Side]
    if _linked(conn, company, pair) is not None:
        raise Misconfigured(
            f"{called[0]} and {called[1]} are linked.",
            code="linked_already",
            fix=f"Undo it first: qb-pipeline review unlink {pair.contractor_id} {pair.quickbooks_id}.",
        )
    decided = Proposal(*_ids(pair), candidates.BY_HAND, candidates.IMPOSSIBLE, [])
    candidates.settle(conn, company, decided, Decision.REJECTED)
    for side in Side:  # what still stands in the way of either is said again by the next run
        exceptions.resolve(conn, company, pair.entity, side, [pair.id_on(side)], _ASKED)
    return called[0]


@dataclass(frozen=True)
class Unlinked:
    """What an unlinking leaves behind: the record's name, how many linked records refer to it, and whether the sync
    made one of the two from the other, so that neither is copied until somebody says what they are."""

    called: str
    referring: int
    made_here: bool = False


def unlink(conn: Connection, company: str, pair: Pair) -> Unlinked:
    """Take the link back: nothing is written or removed on either side, and the two are never linked by themselves."""
    found = _linked(conn, company, pair)
    if found is None:
        raise Misconfigured(
            f"Contractor {pair.contractor_id} and QuickBooks {pair.quickbooks_id} are not linked.",
            code="not_linked",
            fix="Check the ids: A is the contractor's, B is QuickBooks'.",
        )
    if any(write.link_id == found.id for write in journal.open_rows(conn, company, pair.entity)):
        raise Misconfigured(
            "A write to these records is not settled yet.",
            code="write_in_flight",
            fix="Run qb-pipeline sync, which settles it, then unlink them.",
        )
    staged = staging.fetch(conn, company, Side.CONTRACTOR, pair.entity, [pair.contractor_id]).get(pair.contractor_id)
    called = label(ENTITIES[pair.entity], staged.record.values) if staged else f"{pair.entity} {pair.contractor_id}"
    referring = _plan_again(conn, company, pair.entity, found.id)
    links.remove(conn, company, [found.id])
    evidence = found.evidence if isinstance(found.evidence, list) else []
    decided = Proposal(*_ids(pair), candidates.UNLINKED, candidates.IMPOSSIBLE, evidence)
    candidates.settle(conn, company, decided, Decision.REJECTED)
    detail = {"class": found.match_class, "evidence": evidence, "base": found.base}
    _log(conn, company, pair, "unlinked", called, detail)
    return Unlinked(called, referring, _made_here(conn, company, pair))


def named(conn: Connection, company: str, pair: Pair, side: Side) -> str:
    """What a person calls the pair's record on `side`; refuses one that is not there."""
    native = pair.id_on(side)
    staged = staging.fetch(conn, company, side, pair.entity, [native]).get(native)
    if staged is None:
        raise Misconfigured(
            f"{WHERE[side]} shows no {ENTITIES[pair.entity].title.lower()} {native}.",
            code="unknown_record",
            fix="Give A as the contractor's id and B as QuickBooks' id; run qb-pipeline sync if it is new.",
        )
    return label(ENTITIES[pair.entity], staged.record.values)


def _free(conn: Connection, company: str, pair: Pair, side: Side) -> str:
    """As `named`; refuses a record that has a link already, or is gone: the next sync would remove the other one."""
    called, native = named(conn, company, pair, side), pair.id_on(side)
    state = staging.fetch(conn, company, side, pair.entity, [native])[native].record.state
    if state is not State.LIVE:
        raise Misconfigured(
            f"{called} of {WHERE[side]} ({native}) is {state} there: linked, the other one would be removed too.",
            code="record_gone",
            fix="Check the ids. If the other one is to go as well, remove it in its own system.",
        )
    taken = links.find(conn, company, pair.entity, side, [native]).get(native)
    if taken is not None:
        raise Misconfigured(
            f"{called} of {WHERE[side]} is linked already (contractor {taken.contractor_id}, "
            f"QuickBooks {taken.quickbooks_id}).",
            code="linked_already",
            fix="Check the ids; a record has one counterpart only. qb-pipeline review unlink takes a link back.",
        )
    return called


def _made_here(conn: Connection, company: str, pair: Pair) -> bool:
    """Whether a creation of ours made one of the two from the other."""
    made = (creations.of_copies(conn, company, pair.entity, side, [pair.id_on(side)]) for side in Side)
    return any(m.source_id == pair.id_on(m.side.other) for found in made for m in found)


def _settled(conn: Connection, company: str, pair: Pair) -> None:
    """Refuse a record whose own creation left and has no outcome yet: it may have a counterpart that nobody knows."""
    for row in journal.open_rows(conn, company, pair.entity):
        if row.phase is not Phase.PLANNED and row.source_id == pair.id_on(row.side.other):
            called = named(conn, company, pair, row.side.other)
            raise Misconfigured(
                f"{called} of {WHERE[row.side.other]} was sent to {WHERE[row.side]}, and that is not settled yet.",
                code="write_in_flight",
                fix="Run qb-pipeline sync, which settles it (qb-pipeline errors retry if it rests). If it then is "
                "linked to the wrong record: qb-pipeline review unlink, and link it again.",
            )


def _linked(conn: Connection, company: str, pair: Pair) -> Link | None:
    """The link between exactly these two."""
    found = links.find(conn, company, pair.entity, Side.CONTRACTOR, [pair.contractor_id]).get(pair.contractor_id)
    return found if found is not None and found.quickbooks_id == pair.quickbooks_id else None


def _plan_again(conn: Connection, company: str, entity: str, link_id: int) -> int:
    """Have what was last agreed to refer to the link compared anew: its two sides may mean different records from now
    on. Returns how many there are."""
    found = {
        link.id
        for other in ENTITIES.values()
        for fragment in references_to(other, entity, link_id)
        for link in links.containing(conn, company, other.name, fragment)
    }
    again = [links.LinkUpdate(i, contractor_hash="", quickbooks_hash="") for i in found]
    return links.update_base_many(conn, company, again)


def references_to(other: Entity, entity: str, link_id: int) -> Iterator[dict[str, Any]]:
    """What a base of `other` contains when it refers to the link: in a field, or in a field of a line."""
    for spec in other.fields:
        if spec.kind is Kind.REF and spec.refers_to == entity:
            yield {spec.name: link_id}
        for part in spec.lines:
            if part.kind is Kind.REF and part.refers_to == entity:
                yield {spec.name: [{part.name: link_id}]}


def _ids(pair: Pair) -> tuple[str, str, str]:
    return pair.entity, pair.contractor_id, pair.quickbooks_id


def _log(conn: Connection, company: str, pair: Pair, action: str, called: str, detail: Mapping[str, Any]) -> None:
    more = {"quickbooks_id": pair.quickbooks_id, **detail}
    entry = sync_log.Entry(pair.entity, Side.CONTRACTOR, action, pair.contractor_id, called, more)
    sync_log.append(conn, company, [entry])
