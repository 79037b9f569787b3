"""Invoices: sales documents with terms and a due date.

Invariant: an invoice in QBO always has a due date, so the loss of one is refused instead of being ignored.
"""

from __future__ import annotations

from typing import ClassVar

from qb_pipeline.entities.invoice import INVOICE
from qb_pipeline.entities.records import Value, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.fields import Body, Raw
from qb_pipeline.quickbooks.codecs.sales_document import SalesDocumentCodec


class InvoiceCodec(SalesDocumentCodec):
    entity = INVOICE
    header: ClassVar = {
        **SalesDocumentCodec.header,
        "due_date": fields.write_date("DueDate", "due_date"),
        "terms": fields.write_ref("SalesTermRef", "terms"),
    }

    def own_values(self, raw: Raw) -> dict[str, Value]:
        return {"due_date": fields.read_date(raw, "DueDate"), "terms": fields.read_ref(raw, "SalesTermRef")}

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        if "due_date" in changed and values.get("due_date") is None:
            raise limits.refuse(
                situations.MISSING, self.entity, values, "due_date", label=self.entity["due_date"].label
            )
        return super().encode_update(values, changed, current)
