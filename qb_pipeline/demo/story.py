"""A day's work in both offices, done through both systems' own APIs.

Invariant: an act says what a person did and which records it touched, never what should become of it; that is read
from both servers afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qb_pipeline.demo.checks import Pairs, differences
from qb_pipeline.demo.generator import TODAY
from qb_pipeline.demo.quickbooks_side import own_line
from qb_pipeline.demo.readings import Reading, Side
from qb_pipeline.demo.reasons import Reason, Reasons
from qb_pipeline.demo.wire import Body, ContractorScreen, QuickBooksScreen
from qb_pipeline.errors import PipelineError

AWKWARD = 'Müller & Söhne "Dach" O\'Neil: 100%'
_TICK = 1.1  # seconds: QuickBooks tells times by the second, and the later of two edits has to look later


@dataclass(frozen=True)
class Touched:
    """A record an act created or changed; `side` is contractor or quickbooks, `shows` the fields worth showing."""

    entity: str
    side: str
    id: str
    shows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """What somebody did, and where."""

    where: str
    told: str
    touched: tuple[Touched, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of an act: in agreement, or left with a reason, or neither."""

    act: Act
    lines: tuple[str, ...]
    agreed: bool
    explained: bool


@dataclass
class Desks:
    """Both offices with the invoices that are open and unpaid on both sides; each is used for one act only."""

    contractor: ContractorScreen
    quickbooks: QuickBooksScreen
    _open: list[tuple[Body, Body]] = field(default_factory=list)

    def __post_init__(self) -> None:
        there = {i.get("DocNumber"): i for i in self.quickbooks.all("Invoice")}
        for ours in self.contractor.all("invoices"):
            theirs = there.get(ours["number"])
            if theirs is not None and _untouched(ours, theirs):
                self._open.append((ours, theirs))

    def take(self) -> tuple[Body, Body]:
        """The next open invoice, as (contractor's, QuickBooks')."""
        if not self._open:
            raise PipelineError(
                "The generated company has too few open invoices for the story.",
                code="demo_story",
                fix="Use another --seed.",
            )
        return self._open.pop(0)

    def take_two(self) -> tuple[tuple[Body, Body], tuple[Body, Body]]:
        """Two open invoices of one customer."""
        for first in self._open:
            for second in self._open:
                if first is not second and first[0]["customer_id"] == second[0]["customer_id"]:
                    self._open = [pair for pair in self._open if pair is not first and pair is not second]
                    return first, second
        raise PipelineError(
            "No customer of the generated company has two open invoices.", code="demo_story", fix="Use another --seed."
        )

    def payer(self, invoice: Body) -> str:
        """The top-level customer of a QuickBooks invoice."""
        party = str(invoice["CustomerRef"]["value"])
        above = {
            str(c["Id"]): str(c["ParentRef"]["value"]) for c in self.quickbooks.all("Customer") if c.get("ParentRef")
        }
        return above.get(party, party)


def _untouched(ours: Body, theirs: Body) -> bool:
    unpaid = ours["status"] == "sent" and ours["balance"] == ours["total"] and not theirs.get("LinkedTxn")
    return unpaid and Decimal(ours["balance"]) == Decimal(theirs["Balance"]) > 0 and not ours["deleted_at"]


def days_work(desks: Desks) -> Iterator[Act]:
    """The whole day, one act after the other."""
    pair = desks.take_two()
    for act in _ACTS:
        yield from act(desks) if act is not _paid_in_quickbooks else _paid_in_quickbooks(desks, pair)


def _customers(desks: Desks) -> Iterator[Act]:
    made = desks.contractor.add(
        "customers", name="Pinecrest Row Houses LLC", company_name="Pinecrest Row Houses LLC", phone="(916) 555-0182",
        email="office@pinecrestrow.example",
    )  # fmt: skip
    yield Act("contractor", f"adds the customer {made['name']}", (_touched("customer", "contractor", made, "name"),))
    added = desks.quickbooks.add("Customer", DisplayName="Ngozi Adeyemi", GivenName="Ngozi", FamilyName="Adeyemi")
    shown = _touched("customer", "quickbooks", added, "name")
    yield Act("QuickBooks", f"adds the customer {added['DisplayName']}", (shown,))


def _edits(desks: Desks) -> Iterator[Act]:
    ours, _ = desks.take()
    line = next(n for n, one in enumerate(ours["lines"]) if one["item_id"] and one["quantity"])
    lines = [_one_more(one) if n == line else one for n, one in enumerate(ours["lines"])]
    desks.contractor.edit("invoices", ours, lines=lines)
    told = f"bills one more of line {line + 1} on invoice {ours['number']}"
    yield Act("contractor", told, (_touched("invoice", "contractor", ours, "total"),))
    _, theirs = desks.take()
    later = _later(str(theirs["DueDate"]), 14)
    desks.quickbooks.edit("Invoice", theirs, DueDate=later)
    told = f"gives invoice {theirs['DocNumber']} two weeks more, until {later}"
    yield Act("QuickBooks", told, (_touched("invoice", "quickbooks", theirs, "due date"),))


def _one_more(line: Body) -> Body:
    kept = {k: v for k, v in line.items() if k != "amount"}
    return {**kept, "quantity": str(Decimal(line["quantity"]) + 1)}


def _both_edit(desks: Desks) -> Iterator[Act]:
    ours, theirs = desks.take()
    later = _later(str(ours["due_date"]), 7)
    desks.contractor.edit("invoices", ours, due_date=later)
    desks.quickbooks.edit("Invoice", theirs, CustomerMemo={"value": "Second copy sent by mail."})
    told = f"invoice {ours['number']}: the contractor moves the due date to {later}, QuickBooks changes the message"
    yield Act("both", told, (_touched("invoice", "contractor", ours, "due date", "message"),))
    ours, theirs = desks.take()
    desks.contractor.edit("invoices", ours, memo="Please quote the job number.")
    time.sleep(_TICK)
    desks.quickbooks.edit("Invoice", theirs, CustomerMemo={"value": "Pay online at our new portal."})
    told = f"invoice {ours['number']}: both write another message, the contractor first, QuickBooks a moment later"
    yield Act("both", told, (_touched("invoice", "contractor", ours, "message"),))


def _paid_in_quickbooks(desks: Desks, pair: tuple[tuple[Body, Body], tuple[Body, Body]]) -> Iterator[Act]:
    (_, first), (_, second) = pair
    lines = [
        {"Amount": invoice["Balance"], "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        for invoice in (first, second)
    ]
    amount = Decimal(first["Balance"]) + Decimal(second["Balance"])
    paid = desks.quickbooks.add(
        "Payment", CustomerRef={"value": desks.payer(first)}, TotalAmt=amount, TxnDate=TODAY.isoformat(),
        PaymentRefNum="ACH-88120", Line=lines,
    )  # fmt: skip
    invoices = tuple(_touched("invoice", "quickbooks", i, "balance") for i in (first, second))
    told = f"records {amount} received for invoices {first['DocNumber']} and {second['DocNumber']}"
    yield Act("QuickBooks", told, (_touched("payment", "quickbooks", paid, "amount"), *invoices))


def _paid_at_contractor(desks: Desks) -> Iterator[Act]:
    ours, _ = desks.take()
    half = (Decimal(ours["balance"]) / 2).quantize(Decimal("0.01"))
    methods = {m["name"]: m["id"] for m in desks.contractor.all("payment_methods")}
    paid = desks.contractor.add(
        "payments", customer_id=ours["customer_id"], date=TODAY.isoformat(), amount=str(half), reference="9917",
        method_id=methods["Check"], allocations=[{"invoice_id": ours["id"], "amount": str(half)}],
    )  # fmt: skip
    shown = (_touched("payment", "contractor", paid, "amount"), _touched("invoice", "contractor", ours, "balance"))
    yield Act("contractor", f"takes a check over {half}, half of invoice {ours['number']}", shown)


def _awkward_name(desks: Desks) -> Iterator[Act]:
    made = desks.contractor.add("customers", name=AWKWARD, company_name=AWKWARD, email="dach@example.com")
    item = next(i for i in desks.contractor.all("items") if i["active"])
    invoice = _bill(desks, "1901", made["id"], item, "1")
    shown = (_touched("customer", "contractor", made, "name"), _touched("invoice", "contractor", invoice, "total"))
    yield Act("contractor", f"adds the customer {AWKWARD} with invoice {invoice['number']}", shown)


def _deleted_item(desks: Desks) -> Iterator[Act]:
    theirs = next(i for i in desks.quickbooks.all("Item") if i.get("Sku") == "SVC-HAUL")
    ours = next(i for i in desks.contractor.all("items") if i["sku"] == "SVC-HAUL")
    desks.quickbooks.edit("Item", theirs, Active=False)
    gone = _touched("item", "quickbooks", theirs, "active")
    yield Act("QuickBooks", f"deletes the item {theirs['Name']} (makes it inactive)", (gone,))
    customer = desks.contractor.all("invoices")[0]["customer_id"]
    invoice = _bill(desks, "1902", customer, ours, "3")
    told = f"bills that same item on the new invoice {invoice['number']}"
    yield Act("contractor", told, (_touched("invoice", "contractor", invoice, "total"),))


def _bill(desks: Desks, number: str, customer_id: str, item: Body, quantity: str) -> Body:
    line = {"item_id": item["id"], "description": item["description"], "quantity": quantity}
    return desks.contractor.add(
        "invoices", number=number, customer_id=customer_id, issue_date=TODAY.isoformat(),
        lines=[{**line, "unit_price": item["unit_price"]}],
    )  # fmt: skip


def _voided(desks: Desks) -> Iterator[Act]:
    ours, _ = desks.take()
    desks.contractor.void("invoices", ours)
    yield Act("contractor", f"voids invoice {ours['number']}", (_touched("invoice", "contractor", ours, "total"),))


def _new_invoice(desks: Desks) -> Iterator[Act]:
    theirs = next(i for i in desks.quickbooks.all("Item") if i.get("Sku") == "SVC-CALL")
    customer = next(c for c in desks.quickbooks.all("Customer") if c["DisplayName"] == "Ngozi Adeyemi")
    made = desks.quickbooks.add(
        "Invoice", DocNumber="Q-3004", CustomerRef={"value": customer["Id"]}, TxnDate=TODAY.isoformat(),
        Line=[own_line(str(theirs["Id"]), Decimal("178.00"))],
    )  # fmt: skip
    told = f"writes invoice {made['DocNumber']} for the new customer {customer['DisplayName']}"
    yield Act("QuickBooks", told, (_touched("invoice", "quickbooks", made, "total"),))


_ACTS: tuple[Callable[..., Iterator[Act]], ...] = (
    _customers, _new_invoice, _edits, _both_edit, _paid_in_quickbooks, _paid_at_contractor, _awkward_name,
    _deleted_item, _voided,
)  # fmt: skip


def _touched(entity: str, side: str, record: Body, *shows: str) -> Touched:
    return Touched(entity, side, str(record["id" if side == "contractor" else "Id"]), shows)


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def outcome(act: Act, contractor: Side, quickbooks: Side, pairs: Pairs, reasons: Reasons) -> Outcome:
    """What both servers say now about the records an act touched."""
    results = [_result(one, contractor, quickbooks, pairs, reasons) for one in act.touched]
    agreed = all(reason is None and same for _, same, reason in results)
    explained = all(same or reason is not None for _, same, reason in results)
    return Outcome(act, tuple(line for line, _, _ in results), agreed, explained)


def _result(
    one: Touched, contractor: Side, quickbooks: Side, pairs: Pairs, reasons: Reasons
) -> tuple[str, bool, Reason | None]:
    """In words; whether both sides agree; the reason where they do not."""
    at_contractor = one.side == "contractor"
    ours_id = one.id if at_contractor else pairs.back[one.entity].get(one.id)
    theirs_id = pairs.across[one.entity].get(one.id) if at_contractor else one.id
    ours = contractor.of(one.entity).get(ours_id or "")
    theirs = quickbooks.of(one.entity).get(theirs_id or "")
    reason = reasons.of(one.entity, ours_id, theirs_id)
    shown = ours or theirs
    label = shown.label if shown else f"{one.entity} {one.id}"
    if ours is None or theirs is None:
        where = "at the contractor" if theirs is None else "in QuickBooks"
        return f"{label} stands {where} only: {reason.cause if reason else 'without a reason'}", False, reason
    different = differences(ours, theirs, pairs)
    if different:
        return f"{label} differs: {'; '.join(different)}", False, reason
    return f"{label} is the same on both sides{_values(one, theirs)}", True, None


def _values(one: Touched, reading: Reading) -> str:
    if reading.state != "live":
        return f" ({reading.state})"
    named: list[tuple[str, Any]] = [(name, reading.values.get(name)) for name in one.shows if name != "name"]
    return f" ({', '.join(f'{name} {value}' for name, value in named)})" if named else ""
