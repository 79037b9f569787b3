"""Settings and store for the length of a command.

Invariant: the tables are up to date before a command reads one, and the embedded server is left as soon as it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from qb_pipeline import logs
from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings, settings
from qb_pipeline.store import companies, runs
from qb_pipeline.store.companies import Company
from qb_pipeline.store.embedded import database_url
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare

DRY_RUN = runs.DRY_RUN


@contextmanager
def store(current: Settings | None = None) -> Iterator[tuple[Settings, Engine]]:
    """The settings and an engine on tables that are up to date; starts the embedded server where none is set."""
    chosen = current or settings()
    logs.to_file(chosen)
    engine = make_engine(database_url(chosen))
    try:
        prepare(engine)
        yield chosen, engine
    finally:
        engine.dispose()


def chosen_companies(conn: Connection, name: str | None) -> list[Company]:
    """The company of that name, or all of them."""
    return [companies.get(conn, name)] if name is not None else companies.listing(conn)


def one_company(conn: Connection, name: str | None) -> Company:
    """The company of that name; without a name, the only one there is."""
    found = chosen_companies(conn, name)
    if not found:
        raise no_company()
    if len(found) > 1:
        raise Misconfigured(
            f"There are {len(found)} companies.",
            code="which_company",
            fix=f"Say which with --company: {', '.join(c.name for c in found)}.",
        )
    return found[0]


def no_company() -> Misconfigured:
    return Misconfigured("No company is connected.", code="no_company", fix="Connect one with qb-pipeline connect.")


def one_entity(given: str | None) -> str | None:
    """An entity by name or plural; `Misconfigured` lists the known ones."""
    if given is None:
        return None
    name = next((n for n, e in ENTITIES.items() if e.plural == given), given)
    if name not in ENTITIES:
        raise Misconfigured(
            f"There is no entity {name!r}.", code="unknown_entity", fix=f"Use --entity with: {', '.join(ENTITIES)}."
        )
    return name


def entity_names(given: Sequence[str]) -> list[str] | None:
    """As `one_entity` for several; None, all of them, where none is given."""
    return [name for word in given if (name := one_entity(word)) is not None] or None
