"""Automatic application, in companies that switched it on: credits to new invoices, payments to open ones.

Invariant: what is applied automatically is applied by Payments like any other, oldest first, and never more than is
open on either side.

    use_credits(company, payments, invoice)    AutoApplyCredit: a new invoice uses up the customer's open credits
    use_on_invoices(company, payments, memo)   AutoApplyCredit: a new credit memo settles open invoices
    pay_oldest(company, payment)               AutoApplyPayments: the lines of a payment that came without any

`payments` is the entity Payment.
"""

from collections.abc import Iterator
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import RECEIVED
from qb_pipeline.sandbox.quickbooks.entities.payment_lines import payment_line
from qb_pipeline.sandbox.quickbooks.entity import Entity
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, loads, number
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.writes import create

# What the Payment that QBO makes says of itself.
NOTE = "Created by QB Online to link credits to charges."


def switched_on(company: Company, preference: str) -> bool:
    """A switch of SalesFormsPrefs."""
    return (company.preferences().get("SalesFormsPrefs") or {}).get(preference) is True


def open_of(company: Company, entity: str, customer: str | None) -> Iterator[JsonObject]:
    """The customer's documents with something open, oldest first."""
    rows = company.store.conn.execute(
        "SELECT body FROM objects WHERE c = ? AND entity = ? AND party = ? AND balance > 0 ORDER BY txn_date, num",
        (company.store.company, entity, customer),
    ).fetchall()
    return (loads(body) for (body,) in rows)


def pay_oldest(company: Company, payment: JsonObject) -> list[JsonObject]:
    """Lines for the customer's open invoices until the payment is used up."""
    if not switched_on(company, "AutoApplyPayments"):
        return []
    return share(company, "Invoice", payment, decimal_of(payment["TotalAmt"]))


def share(company: Company, kind: str, of: JsonObject, amount: Decimal) -> list[JsonObject]:
    """Payment lines that spread an amount over the open documents of the same customer, oldest first."""
    left, lines = amount, list[JsonObject]()
    for document in open_of(company, kind, ref_value(of, "CustomerRef")):
        part = min(left, decimal_of(document["Balance"]))
        if part > 0:
            lines.append(application(kind, document, part))
        left -= part
    return lines


def application(kind: str, document: JsonObject, amount: Decimal) -> JsonObject:
    """A payment's line as a client would send it."""
    return {"Amount": number(amount), "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}]}


def use_credits(company: Company, payments: Entity, invoice: JsonObject) -> None:
    """First credit memos, by a Payment of nothing; then payments not used up, by a further line of theirs."""
    if not switched_on(company, "AutoApplyCredit"):
        return
    left = decimal_of(invoice["Balance"])
    lines = share(company, "CreditMemo", invoice, left)
    if lines:
        link(company, payments, invoice, [application("Invoice", invoice, total(lines)), *lines])
    left -= total(lines)
    for payment in open_of(company, "Payment", ref_value(invoice, "CustomerRef")):
        part = min(left, decimal_of(payment["UnappliedAmt"]))
        if part > 0:
            extend(company, payment, application("Invoice", invoice, part))
        left -= part


def use_on_invoices(company: Company, payments: Entity, memo: JsonObject) -> None:
    """A new credit memo settles open invoices, by a Payment of nothing."""
    if not switched_on(company, "AutoApplyCredit"):
        return
    lines = share(company, "Invoice", memo, decimal_of(memo["Balance"]))
    if lines:
        link(company, payments, memo, [*lines, application("CreditMemo", memo, total(lines))])


def link(company: Company, payments: Entity, of: JsonObject, lines: list[JsonObject]) -> None:
    """The Payment of nothing that QBO makes itself."""
    body = {"CustomerRef": {"value": ref_value(of, "CustomerRef")}, "TotalAmt": 0, "TxnDate": of["TxnDate"]}
    create(company, payments, {**body, "Line": lines, "PrivateNote": NOTE})


def total(lines: list[JsonObject]) -> Decimal:
    """What lines apply together."""
    return sum((decimal_of(line["Amount"]) for line in lines), Decimal(0))


def extend(company: Company, payment: JsonObject, line: JsonObject) -> None:
    """One more line on a stored payment."""
    lines = [*payment.get("Line", []), payment_line(company, line, 1)]
    after = {**payment, "Line": lines}
    after["UnappliedAmt"] = number(RECEIVED.left(company, after))
    stored = company.save("Payment", after, payment, tuple(payment), "Update")
    settle(company, "Payment", payment, stored)
    RECEIVED.carry(company, payment, stored)
