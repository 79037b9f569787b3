"""Credit memos.

Invariant: applications are read from the payments that make them and never written: where they should be others, the
refusal names each credit memo, invoice and amount to apply by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from qb_pipeline.entities.credit_memo import CREDIT_MEMO
from qb_pipeline.entities.records import Line, Value, Values
from qb_pipeline.quickbooks.codecs import limits, situations
from qb_pipeline.quickbooks.codecs.fields import Body, Raw
from qb_pipeline.quickbooks.codecs.sales_document import SalesDocumentCodec


class CreditMemoCodec(SalesDocumentCodec):
    entity = CREDIT_MEMO

    def elsewhere(self) -> tuple[str, Collection[str]]:
        return "applications", self.facts.credit_applications.keys()

    def own_values(self, raw: Raw) -> dict[str, Value]:
        applied = self._applied(raw)
        return {"applications": tuple({"id": i, "invoice": i, "amount": amount} for i, amount in applied.items())}

    def _applied(self, raw: Raw) -> dict[str, Decimal]:
        return dict(self.facts.credit_applications.get(str(raw.get("Id")), ()))

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        if "applications" in changed:
            self._refuse_applying(values, current)
        return super().encode_update(values, changed, current)

    def _refuse_applying(self, values: Values, current: Raw) -> None:
        """Raise `FixTheData` unless the applications are so already: each is a payment of nothing, another record."""
        steps = self._steps(str(values.get("number") or current.get("Id")), self._applied(current), _wanted(values))
        if steps:
            said = "; ".join(steps)
            raise limits.refuse(situations.CREDIT_APPLICATION, self.entity, values, "applications", steps=said)

    def _steps(self, memo: str, applied: Mapping[str, Decimal], wanted: Mapping[str, Decimal]) -> list[str]:
        apply = [
            f"Apply credit memo {memo} ({amount}) to {self._named(invoice)}"
            for invoice, amount in wanted.items()
            if invoice not in applied
        ]
        change = [
            f"Change what credit memo {memo} settles of {self._named(invoice)} from {applied[invoice]} to {amount}"
            for invoice, amount in wanted.items()
            if invoice in applied and applied[invoice] != amount
        ]
        take_back = [
            f"Take credit memo {memo} ({amount}) off {self._named(invoice)}"
            for invoice, amount in applied.items()
            if invoice not in wanted
        ]
        return take_back + change + apply

    def _named(self, invoice: str) -> str:
        number = self.facts.invoice_numbers.get(invoice)
        return f"invoice {number}" if number else f"the invoice with the Id {invoice}"


def _wanted(values: Values) -> dict[str, Decimal]:
    lines = values.get("applications")
    entries: tuple[Line, ...] = lines if isinstance(lines, tuple) else ()
    return {line["invoice"]: line["amount"] for line in entries}
