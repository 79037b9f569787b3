"""How payments and credits are applied to documents, in both directions.

Invariant: for every invoice and credit memo, TotalAmt - Balance = the sum of the payment lines that link to it.

    applied(payment) -> {("Invoice", "130"): Decimal, ("CreditMemo", "140"): Decimal}
    carry(company, payment_before, payment_after)     moves the documents' balances by the difference
    free_applications(company, "Invoice", "130")      takes a vanished document out of its payments
"""

from collections import defaultdict
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.references import Reference

Applied = dict[Reference, Decimal]


def applied(payment: JsonObject | None) -> Applied:
    """What a payment applies to each document."""
    sums: defaultdict[Reference, Decimal] = defaultdict(Decimal)
    for line in (payment or {}).get("Line") or []:
        for link in line.get("LinkedTxn") or []:
            sums[(str(link["TxnType"]), str(link["TxnId"]))] += decimal_of(line.get("Amount"))
    return dict(sums)


def unapplied(total: Decimal, sums: Applied) -> Decimal:
    """What is left of a payment: its total, less the charges, plus the credits."""
    charges = sum((amount for (kind, _), amount in sums.items() if kind == "Invoice"), Decimal(0))
    credits_used = sum((amount for (kind, _), amount in sums.items() if kind == "CreditMemo"), Decimal(0))
    return total - charges + credits_used


def carry(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """Move balances and links of every document whose applied amount changes; each gets the next SyncToken."""
    old, new = applied(before), applied(after)
    payment = str((after or before or {})["Id"])
    for target in sorted({*old, *new}):
        change = new.get(target, Decimal(0)) - old.get(target, Decimal(0))
        document = company.store.get(*target) if target[0] in ("Invoice", "CreditMemo") else None
        if document is not None and (change or (target in old) != (target in new)):
            apply_to(company, target[0], document, payment, change, linked=target in new)


def apply_to(
    company: Company, entity: str, document: JsonObject, payment: str, change: Decimal, *, linked: bool
) -> None:
    """Lower the open balance by `change` and keep the link list right."""
    balance = number(decimal_of(document.get("Balance")) - change)
    after = {**document, "Balance": balance}
    if entity == "CreditMemo":
        after["RemainingCredit"] = balance
    else:
        others = [link for link in document.get("LinkedTxn") or [] if link.get("TxnId") != payment]
        after["LinkedTxn"] = [*others, {"TxnId": payment, "TxnType": "Payment"}] if linked else others
    company.save(entity, after, document, tuple(document), "Update")


def free_applications(company: Company, entity: str, identifier: str) -> None:
    """Remove a deleted or voided document from every payment that names it."""
    for _, payment_id in company.store.referrers((entity, identifier), "Payment"):
        payment = company.store.get("Payment", payment_id)
        if payment is not None:
            release(company, payment, (entity, identifier))


def release(company: Company, payment: JsonObject, gone: Reference) -> None:
    """One payment without its lines for `gone`; what it can no longer cover is taken back elsewhere."""
    lines = [line for line in payment.get("Line") or [] if not links_to(line, gone)]
    total = decimal_of(payment.get("TotalAmt"))
    lines = trimmed(lines, total)
    after = {**payment, "Line": lines, "UnappliedAmt": number(unapplied(total, applied({"Line": lines})))}
    stored = company.save("Payment", after, payment, tuple(payment), "Update")
    settle(company, "Payment", payment, stored)
    rest = {**payment, "Line": [line for line in payment.get("Line") or [] if not links_to(line, gone)]}
    carry(company, rest, stored)


def links_to(line: JsonObject, target: Reference) -> bool:
    """Whether a payment line applies to the document."""
    return any((link.get("TxnType"), link.get("TxnId")) == target for link in line.get("LinkedTxn") or [])


def trimmed(lines: list[JsonObject], total: Decimal) -> list[JsonObject]:
    """Lower the last charges (or credits) until what is left lies between nothing and the payment's total."""
    left = unapplied(total, applied({"Line": lines}))
    surplus, kind = (-left, "Invoice") if left < 0 else (left - total, "CreditMemo")
    result: list[JsonObject] = []
    for line in reversed(lines):
        takes = surplus > 0 and any(link.get("TxnType") == kind for link in line.get("LinkedTxn") or [])
        cut = min(surplus, decimal_of(line.get("Amount"))) if takes else Decimal(0)
        surplus -= cut
        rest = decimal_of(line.get("Amount")) - cut
        if rest > 0 or not cut:
            result.append({**line, "Amount": number(rest)} if cut else line)
    return result[::-1]
