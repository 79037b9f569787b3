"""One codec per entity: the translation between QBO's objects and canonical values.

Invariant: every entity has exactly one codec here, made for one company's facts.
"""

from __future__ import annotations

from qb_pipeline.errors import Misconfigured
from qb_pipeline.quickbooks.codecs.account import AccountCodec
from qb_pipeline.quickbooks.codecs.base import QuickBooksCodec
from qb_pipeline.quickbooks.codecs.credit_memo import CreditMemoCodec
from qb_pipeline.quickbooks.codecs.customer import CustomerCodec
from qb_pipeline.quickbooks.codecs.division import DivisionCodec
from qb_pipeline.quickbooks.codecs.invoice import InvoiceCodec
from qb_pipeline.quickbooks.codecs.item import ItemCodec
from qb_pipeline.quickbooks.codecs.job import JobCodec
from qb_pipeline.quickbooks.codecs.payment import PaymentCodec
from qb_pipeline.quickbooks.codecs.payment_method import PaymentMethodCodec
from qb_pipeline.quickbooks.codecs.tax import TaxCodeCodec, TaxRateCodec
from qb_pipeline.quickbooks.codecs.term import TermCodec
from qb_pipeline.quickbooks.facts import Facts

CODECS: dict[str, type[QuickBooksCodec]] = {
    made.entity.name: made
    for made in (
        AccountCodec, TaxRateCodec, TaxCodeCodec, TermCodec, PaymentMethodCodec, DivisionCodec, CustomerCodec,
        JobCodec, ItemCodec, InvoiceCodec, PaymentCodec, CreditMemoCodec,
    )
}  # fmt: skip
"""The codec class of each entity; `CODECS[name].wants(raw)` tells whether an object belongs to it."""


def codec(entity_name: str, facts: Facts) -> QuickBooksCodec:
    """The codec of one entity for one company; raises `Misconfigured` for an entity that QBO's side does not have."""
    if entity_name not in CODECS:
        raise Misconfigured(
            f"There is no QuickBooks codec for the entity '{entity_name}'.",
            code="unknown-entity",
            fix=f"Use one of {', '.join(sorted(CODECS))}.",
            field="entity",
        )
    return CODECS[entity_name](facts)


__all__ = ["CODECS", "QuickBooksCodec", "codec"]
