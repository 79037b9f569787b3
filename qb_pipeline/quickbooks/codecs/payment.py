"""Customer payments.

Invariant: allocations are money received, so they never add up to more than the payment; what a credit memo settles in
the same object stays in QBO untouched, whatever is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from qb_pipeline.entities.payment import PAYMENT
from qb_pipeline.entities.records import Decoded, Line, State, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.base import QuickBooksCodec, closed_books, foreign_currency, is_voided
from qb_pipeline.quickbooks.codecs.credits import ZERO, credited, linked_to, received, settled
from qb_pipeline.quickbooks.codecs.fields import Body, Raw

_BY_CREDIT = "it applies a credit memo; the credit memo carries it"


class PaymentCodec(QuickBooksCodec):
    entity = PAYMENT
    header: ClassVar = {
        "date": fields.write_date("TxnDate", "date"),
        "amount": fields.write_value("TotalAmt", "amount"),
        "method": fields.write_ref("PaymentMethodRef", "method"),
        "reference": fields.write_text("PaymentRefNum", "reference"),
        "memo": fields.write_text("PrivateNote", "memo"),
    }

    def decode(self, raw: Raw) -> Decoded:
        dated = fields.read_date(raw, "TxnDate")
        values = {
            "customer": self._payer(raw),
            "date": dated,
            "amount": fields.read_money(raw, "TotalAmt"),
            "method": fields.read_ref(raw, "PaymentMethodRef"),
            "reference": fields.read_text(raw, "PaymentRefNum"),
            "allocations": tuple(
                {"id": invoice, "invoice": invoice, "amount": amount} for invoice, amount in received(raw).items()
            ),
            "memo": fields.read_text(raw, "PrivateNote"),
            "unapplied": fields.read_money(raw, "UnappliedAmt"),
        }
        return Decoded(
            values,
            state=State.VOIDED if is_voided(raw) or _is_empty(raw) else State.LIVE,
            skip=self._why_left_out(raw),
            frozen=_deposited(raw) or closed_books(dated, self.facts),
        )

    def _payer(self, raw: Raw) -> str | None:
        payer = fields.read_ref(raw, "CustomerRef")
        return self.facts.job_parents.get(payer, payer) if payer else None

    def _why_left_out(self, raw: Raw) -> str | None:
        credits_only = fields.read_money(raw, "TotalAmt") == 0 and settled(raw, "CreditMemo")
        return _BY_CREDIT if credits_only and not is_voided(raw) else foreign_currency(raw, self.facts)

    def encode_create(self, values: Values) -> Body:
        limits.check(self.entity, values, [field.name for field in self.entity.fields])
        body = fields.without_blanks(fields.written(self.header, self.header, values))
        return {"CustomerRef": {"value": values["customer"]}, **body, "Line": self._lines(values, {})}

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        limits.check(self.entity, values, changed)
        changes = fields.written(self.header, changed, values)
        if "customer" in changed and values["customer"] != self._payer(current):
            changes["CustomerRef"] = {"value": values["customer"]}
        # The amount bounds what the lines may settle, so the two always travel together.
        if changed & {"allocations", "amount"}:
            changes["Line"] = self._lines(values, current)
        return fields.sparse(current, changes)

    def _lines(self, values: Values, current: Raw) -> list[Body]:
        """All lines: one to an invoice, with the part that credits settle on top, and the other links.

        Credits are read off the first lines, so what they settle comes first.
        """
        wanted = _summed(values)
        self._check_sum(values, wanted)
        by_credit = credited(current)
        ordered = [*by_credit, *(invoice for invoice in wanted if invoice not in by_credit)]
        invoices = [_line(invoice, wanted.get(invoice, ZERO) + by_credit.get(invoice, ZERO)) for invoice in ordered]
        return invoices + _other_lines(current)

    def _check_sum(self, values: Values, wanted: Mapping[str, Decimal]) -> None:
        total, amount = sum(wanted.values(), ZERO), values.get("amount")
        if isinstance(amount, Decimal) and total > amount:
            names = {"total": total, "amount": amount}
            raise limits.refuse(situations.OVER_ALLOCATED, self.entity, values, "allocations", **names)


def _line(invoice: str, amount: Decimal) -> Body:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]}


def _is_empty(raw: Raw) -> bool:
    """What is left in QBO of a payment of nothing once the credit memo that it applied is deleted."""
    return fields.read_money(raw, "TotalAmt") == 0 and not fields.objects(raw, "Line")


def _other_lines(raw: Raw) -> list[Body]:
    """Links to anything but invoices, without the block that QBO adds to each line and refuses back."""
    others = (line for line in fields.objects(raw, "Line") if linked_to(line, "Invoice") is None)
    return [{key: part for key, part in line.items() if key != "LineEx"} for line in others]


def _summed(values: Values) -> dict[str, Decimal]:
    allocations = values.get("allocations")
    lines: tuple[Line, ...] = allocations if isinstance(allocations, tuple) else ()
    wanted: dict[str, Decimal] = {}
    for line in lines:
        wanted[line["invoice"]] = wanted.get(line["invoice"], ZERO) + line["amount"]
    return wanted


def _deposited(raw: Raw) -> str | None:
    deposited = any(link.get("TxnType") == "Deposit" for link in fields.objects(raw, "LinkedTxn"))
    return "it is part of a bank deposit; take it out of the deposit before it is changed" if deposited else None
