"""What a payment's lines settle, by money and by credit.

Invariant: for every invoice, the money received and the credits applied add up to what the payment's lines settle on
it; QBO says only the sum, so one rule splits it, for the payment and for the credit memos alike.
"""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.fields import Raw

ZERO = Decimal("0.00")
Portion = tuple[str, str, Decimal]  # credit memo, invoice, amount


def linked_to(line: Raw, kind: str) -> str | None:
    """The id of the `kind` of transaction that a payment's line settles, None where it settles none."""
    linked = (link for link in fields.objects(line, "LinkedTxn") if link.get("TxnType") == kind)
    return next((str(link["TxnId"]) for link in linked), None)


def settled(raw: Raw, kind: str = "Invoice") -> dict[str, Decimal]:
    """What the payment settles on each transaction of a kind, in the lines' order; money and credit together."""
    found: dict[str, Decimal] = {}
    for line in fields.objects(raw, "Line"):
        if number := linked_to(line, kind):
            found[number] = found.get(number, ZERO) + (fields.read_money(line, "Amount") or ZERO)
    return found


def credited(raw: Raw) -> dict[str, Decimal]:
    """The part of each invoice that credits settle: what the invoices take beyond the money, in the lines' order."""
    money = (fields.read_money(raw, "TotalAmt") or ZERO) - (fields.read_money(raw, "UnappliedAmt") or ZERO)
    invoices = settled(raw)
    beyond = max(sum(invoices.values(), ZERO) - money, ZERO)
    found: dict[str, Decimal] = {}
    for invoice, amount in invoices.items():
        part = min(amount, beyond)
        if part > 0:
            found[invoice] = part
            beyond -= part
    return found


def received(raw: Raw) -> dict[str, Decimal]:
    """What the payment's own money settles on each invoice."""
    by_credit = credited(raw)
    by_money = {invoice: amount - by_credit.get(invoice, ZERO) for invoice, amount in settled(raw).items()}
    return {invoice: amount for invoice, amount in by_money.items() if amount}


def credit_portions(raw: Raw) -> tuple[Portion, ...]:
    """How much of each credit memo the payment applies to each invoice: what `credited` says, memo after memo."""
    left = credited(raw)
    portions: list[Portion] = []
    for memo, available in settled(raw, "CreditMemo").items():
        rest = available
        for invoice in left:
            part = min(left[invoice], rest)
            if part > 0:
                portions.append((memo, invoice, part))
                left[invoice] -= part
                rest -= part
    return tuple(portions)
