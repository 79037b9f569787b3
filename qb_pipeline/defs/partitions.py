"""Companies as a dynamic partition.

Invariant: whatever is connected in the store is a partition; a partition stays when its company is disconnected,
because its history hangs on it.
"""

from __future__ import annotations

from dagster import DagsterInstance, DynamicPartitionsDefinition
from sqlalchemy import Engine

from qb_pipeline.store import companies
from qb_pipeline.store.companies import Company, CompanyState

COMPANIES = DynamicPartitionsDefinition(name="companies")
COMPANY_TAG = "qb/company"  # dagster.yaml limits the runs that carry one value of it to one at a time
_NAME = "companies"


def register_companies(instance: DagsterInstance, engine: Engine) -> list[Company]:
    """Make a partition of every company that was ever connected; returns all companies, by name."""
    with engine.connect() as conn:
        known = companies.listing(conn)
    register(instance, [c.name for c in known if c.state is not CompanyState.NEW])
    return known


def register(instance: DagsterInstance, names: list[str]) -> None:
    """Make partitions of `names`; those that are partitions already stay as they are."""
    missing = set(names) - set(instance.get_dynamic_partitions(_NAME))
    if missing:
        instance.add_dynamic_partitions(_NAME, sorted(missing))
