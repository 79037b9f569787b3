"""What invoices and credit memos have in common: parties, lines, tax.

Invariant: what QBO computes (totals, subtotals, the spread of tax) is read but never echoed, and a tax figure is sent
only where somebody set it; otherwise QBO is left to compute it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from qb_pipeline.entities.records import Decoded, Line, State, Value, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.base import QuickBooksCodec, closed_books, foreign_currency, is_voided
from qb_pipeline.quickbooks.codecs.fields import Body, Raw, Writer
from qb_pipeline.quickbooks.codecs.sales_line_writer import LineWriter, shared_division
from qb_pipeline.quickbooks.codecs.sales_lines import hidden_charges, read_lines

_NO_TAX = Decimal("0.00")
_LINES_AND_TAX = frozenset({"lines", "tax", "tax_code"})


def _customer_ref(values: Values) -> Body:
    return {"CustomerRef": {"value": values.get("job") or values.get("customer")}}


class SalesDocumentCodec(QuickBooksCodec):
    """The frame of a sales document's codec; a subclass adds to `header` and `own_values` what only its kind has."""

    header: ClassVar[Mapping[str, Writer]] = {
        "number": fields.write_text("DocNumber", "number"),
        **dict.fromkeys(("customer", "job"), _customer_ref),
        "date": fields.write_date("TxnDate", "date"),
        "memo": fields.write_inside("CustomerMemo", "value", "memo"),
    }

    def own_values(self, raw: Raw) -> dict[str, Value]:  # noqa: ARG002 - the common part alone has none
        """The values of the fields that only this kind of document has."""
        return {}

    def decode(self, raw: Raw) -> Decoded:
        dated = fields.read_date(raw, "TxnDate")
        customer, job = self._parties(raw)
        values = {
            "number": fields.read_text(raw, "DocNumber"),
            "customer": customer,
            "job": job,
            "date": dated,
            "lines": read_lines(raw, self.facts),
            "tax_code": fields.read_text(raw, "TxnTaxDetail", "TxnTaxCodeRef", "value"),
            "tax": fields.read_money(raw, "TxnTaxDetail", "TotalTax") or _NO_TAX,
            "memo": fields.read_text(raw, "CustomerMemo", "value"),
            "total": fields.read_money(raw, "TotalAmt"),
            "balance": fields.read_money(raw, "Balance"),
            **self.own_values(raw),
        }
        return Decoded(
            values,
            state=State.VOIDED if is_voided(raw) else State.LIVE,
            skip=self._why_left_out(raw),
            frozen=closed_books(dated, self.facts) or _opaque(raw),
        )

    @property
    def _kind(self) -> str:
        return self.entity.title.lower()

    def _parties(self, raw: Raw) -> tuple[str | None, str | None]:
        """Customer and job; a project stands beside its customer in newer answers and in its place in older ones."""
        party, project = fields.read_ref(raw, "CustomerRef"), fields.read_ref(raw, "ProjectRef")
        job = next((one for one in (party, project) if one in self.facts.job_parents), None)
        return (party, None) if job is None else (self.facts.job_parents[job], job)

    def _why_left_out(self, raw: Raw) -> str | None:
        if raw.get("RecurringInfo"):
            return f"it is the template of a recurring {self._kind}"
        return foreign_currency(raw, self.facts)

    def encode_create(self, values: Values) -> Body:
        limits.check(self.entity, values, [field.name for field in self.entity.fields])
        body = fields.without_blanks(fields.written(self.header, self.header, values))
        return {**body, **self._lines(values, {}), **self._tax_of_new(values)}

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        limits.check(self.entity, values, changed)
        changes = fields.written(self.header, changed, values)
        if changed & _LINES_AND_TAX:
            changes |= self._lines(values, current)
            changes |= self._tax_of_changed(values, changed, current)
        return fields.sparse(current, changes)

    def _lines(self, values: Values, current: Raw) -> Body:
        lines = _lines_of(values)
        owner = limits.record_label(self.entity, values)
        if not lines:
            raise limits.refuse(situations.NO_LINES, self.entity, values, "lines", kind=self._kind)
        if not any(line["kind"] == "item" for line in lines):
            raise limits.refuse(situations.NO_PRICED_LINE, self.entity, values, "lines", kind=self._kind)
        body: Body = {"Line": LineWriter(self.facts, owner, current).write(lines)}
        body |= self._class(lines, owner, current)
        discount = next((line for line in lines if line["kind"] == "discount"), None)
        if discount is not None and discount.get("taxable") is not None:
            body["ApplyTaxAfterDiscount"] = discount["taxable"]
        return body

    def _class(self, lines: tuple[Line, ...], owner: str, current: Raw) -> Body:
        if self.facts.class_tracking != "transaction":
            return {}
        division = shared_division(lines, owner)
        if division == fields.read_ref(current, "ClassRef"):
            return {}
        return {"ClassRef": {"value": division or ""}}

    def _tax_of_new(self, values: Values) -> Body:
        """The tax of a new document: code and figure where there are; QBO computes what is not given.

        Without a code only automated sales tax can book a figure, a zero included, which keeps QBO from adding tax.
        """
        code, tax = values.get("tax_code"), values.get("tax")
        if code is not None:
            return _tax_detail(code, tax)
        if self.facts.automated_sales_tax:
            return {} if tax is None else _tax_detail(None, tax)
        if tax:
            raise self._tax_without_code(values)
        return {}

    def _tax_of_changed(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        """The figure when the tax itself changed or nothing it rests on did; else the code alone: QBO computes anew."""
        code, tax = values.get("tax_code"), values.get("tax")
        if "tax" in changed:
            if code is None and tax and not self.facts.automated_sales_tax:
                raise self._tax_without_code(values)
            return _tax_detail(code, tax)
        if code is not None:
            unmoved = "tax_code" not in changed and _tax_base(values) == _tax_base(self.decode(current).values)
            kept = fields.read_money(current, "TxnTaxDetail", "TotalTax") if unmoved else None
            return _tax_detail(code, kept)
        return _tax_detail(None, _NO_TAX) if "tax_code" in changed else {}

    def _tax_without_code(self, values: Values) -> Exception:
        names = {"tax": values.get("tax"), "kind": self._kind}
        return limits.refuse(situations.NO_TAX_CODE, self.entity, values, "tax_code", **names)


def _opaque(raw: Raw) -> str | None:
    return "it bills statement charges, which QuickBooks keeps out of reach" if hidden_charges(raw) else None


def _lines_of(values: Values) -> tuple[Line, ...]:
    lines = values.get("lines")
    return lines if isinstance(lines, tuple) else ()


def _tax_base(values: Values) -> Counter[tuple[object, ...]]:
    """What QBO computes tax from, whatever the order of the lines and whatever they say."""
    return Counter((line["kind"], line.get("amount"), line.get("taxable")) for line in _lines_of(values))


def _tax_detail(code: object, tax: object) -> Body:
    parts: Body = {} if code is None else {"TxnTaxCodeRef": {"value": code}}
    if tax is not None:
        parts["TotalTax"] = tax
    return {"TxnTaxDetail": parts}
