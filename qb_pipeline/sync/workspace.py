"""Whether the contractor's workspace that a company is to be connected to is the one its records are linked with.

Invariant: the links of a company are never judged by a workspace that knows none of their records, where each of them
would count as removed and be removed from QuickBooks as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine

from qb_pipeline.contractor.protocol import Connector, canonical
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.shown import label
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData, Misconfigured, NotFound
from qb_pipeline.store import links, staging
from qb_pipeline.store.staging import Staged

_ASKED_FOR = 5  # linked records, of which the right workspace knows one at least
# Accounts, terms and the like are much the same everywhere; these are a company's own.
_TELLING = ("customer", "job", "invoice", "payment", "item", "division")


def refuse_another(engine: Engine, company: str, connector: Connector) -> None:
    """Read a few linked records; `Misconfigured` where the workspace knows none of them. It costs no request where
    nothing is linked."""
    with engine.connect() as conn:
        linked = list(_linked(conn, company, connector))
    if linked and not any(_knows(connector, each) for each in linked):
        names = ", ".join(label(ENTITIES[s.record.entity], s.record.values) for s in linked)
        raise Misconfigured(
            f"The contractor system knows none of these records of company {company!r}, which are linked with "
            f"QuickBooks: {names}.",
            code="other_workspace",
            fix="Correct --contractor-url and --contractor-key; another workspace needs a name and a QuickBooks "
            "company of its own.",
        )


def _linked(conn: Connection, company: str, connector: Connector) -> Iterator[Staged]:
    left = _ASKED_FOR
    for name in _TELLING:
        if left and name in connector.describe():
            ids = links.some_alive(conn, company, name, Side.CONTRACTOR, left)
            left -= len(ids)
            found = staging.fetch(conn, company, Side.CONTRACTOR, name, ids)
            yield from (found[i] for i in ids)


def _knows(connector: Connector, staged: Staged) -> bool:
    """Whether the record is there, be it as one that was removed; ids may be small numbers, so its name counts too."""
    entity = ENTITIES[staged.record.entity]
    try:
        found = connector.get(entity.name, staged.record.id)
        return found.deleted or label(entity, canonical(connector, entity.name, found).values) == label(
            entity, staged.record.values
        )
    except (NotFound, FixTheData):
        return False
