"""WHAT is kept in agreement: one file per entity, nothing about how either system speaks.

Invariant: this package imports nothing of the project but its errors; everything else may import it.
"""

from graphlib import TopologicalSorter

from qb_pipeline.entities.account import ACCOUNT
from qb_pipeline.entities.credit_memo import CREDIT_MEMO
from qb_pipeline.entities.customer import CUSTOMER
from qb_pipeline.entities.division import DIVISION
from qb_pipeline.entities.invoice import INVOICE
from qb_pipeline.entities.item import ITEM
from qb_pipeline.entities.job import JOB
from qb_pipeline.entities.payment import PAYMENT
from qb_pipeline.entities.payment_method import PAYMENT_METHOD
from qb_pipeline.entities.spec import Entity
from qb_pipeline.entities.tax_code import TAX_CODE
from qb_pipeline.entities.tax_rate import TAX_RATE
from qb_pipeline.entities.term import TERM

_DECLARED = (
    ACCOUNT, TAX_RATE, TAX_CODE, TERM, PAYMENT_METHOD, DIVISION, CUSTOMER, JOB, ITEM, INVOICE, PAYMENT, CREDIT_MEMO,
)  # fmt: skip


def _in_dependency_order(declared: tuple[Entity, ...]) -> dict[str, Entity]:
    by_name = {e.name: e for e in declared}
    order = TopologicalSorter({e.name: sorted(e.references) for e in declared}).static_order()
    return {name: by_name[name] for name in order}


ENTITIES: dict[str, Entity] = _in_dependency_order(_DECLARED)
"""Every entity by name, in the order in which records must be written."""

__all__ = ["ENTITIES", "Entity"]
