"""A document that the contractor removed and that money settles in QuickBooks: no application is lost unasked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions
from qb_pipeline.sync import deciding
from qb_pipeline.sync.plan import OPEN, Application, Plan, Tree, Verdict, plan
from qb_pipeline.sync.rules import Rules
from qb_pipeline.sync.undo import undo
from qb_pipeline_tests.sync.builders import gone, invoice_values, line, linked
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.test_plan_documents import one_line_base
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
DATED = date(2026, 2, 10)
MONEY = Decimal("80.00")
GONE = pytest.mark.parametrize("state", [State.VOIDED, State.DELETED])


# --- the planner ---


def removed(*applied: Application, balance: str = "0.00", agreed: Mapping[str, Any] | None = None) -> Plan:
    """What is planned for an invoice that the contractor voided, to which this is applied in QuickBooks."""
    ours = gone(State.VOIDED, invoice_values(line("1", "framing")), "c1")
    theirs = invoice_values(line("9", "framing"), balance=Decimal(balance))
    tree: Tree = linked(ours, theirs, {**one_line_base(), **(agreed or {})}, applied=applied)
    return plan(ENTITIES["invoice"], tree, Rules())


def test_a_payment_that_the_contractor_knows_nothing_of_holds_a_removal_and_is_named() -> None:
    decided = removed(Application("Payment 7 (80.00)", agreed=False), Application("Payment 8 (5.00)", agreed=True))
    [problem] = decided.problems
    assert (decided.verdict, decided.operations, problem.code) == (Verdict.CONFLICT, [], "removed_but_edited")
    assert problem.cause == (
        "Record 1042 is voided in the contractor's system but Payment 7 (80.00) is applied to it in QuickBooks."
    )


def test_what_the_contractor_took_back_itself_holds_no_removal() -> None:
    [operation] = removed(Application("Payment 7 (80.00)", agreed=True)).operations
    assert (operation.verb, operation.target) == ("void", QUICKBOOKS)


@pytest.mark.parametrize("agreed", [True, False])
def test_a_deposited_payment_freezes_the_document_that_it_settles(agreed: bool) -> None:
    decided = removed(Application("Payment 7 (80.00)", agreed, frozen="it is part of deposit 4"))
    [problem] = decided.problems
    assert (decided.verdict, decided.operations, problem.code) == (Verdict.EXCEPTION, [], "frozen")
    assert "Payment 7 (80.00) is applied to it, and it is part of deposit 4" in problem.cause


@pytest.mark.parametrize(("balance", "verdict"), [("20.00", Verdict.WRITE), ("10.00", Verdict.CONFLICT)])
def test_a_persons_word_holds_for_what_was_applied_then(balance: str, verdict: Verdict) -> None:
    decided = removed(Application("Payment 7 (60.00)", agreed=False), balance=balance, agreed={OPEN: Decimal(20)})
    assert decided.verdict is verdict


# --- whole runs ---


def invoiced(world: World, side: Side = CONTRACTOR) -> tuple[str, str]:
    """An invoice of 80.00 of one side that both sides have: its ids at the contractor's and in QuickBooks."""
    world.entities = ("customer", "invoice", "payment")
    payer = world.port(side).add("customer", **customer())
    world.port(side).add("invoice", number="1", customer=payer, date=DATED, lines=(), balance=MONEY, total=MONEY)
    world.run()
    [record], [twin] = world.contractor.live("invoice"), world.quickbooks.live("invoice")
    world.quickbooks.edit("invoice", twin, balance=MONEY)
    world.run()
    return record, twin


def pay(world: World, side: Side, invoice: str) -> str:
    [payer] = world.port(side).live("customer")
    share = ({"id": invoice, "invoice": invoice, "amount": MONEY},)
    if side is QUICKBOOKS:
        world.quickbooks.edit("invoice", invoice, balance=Decimal(0))
    return world.port(side).add("payment", customer=payer, date=DATED, amount=MONEY, reference="CHK", allocations=share)


def held(world: World) -> None:
    """One run found the invoice removed here and paid there; further runs write nothing and say the same."""
    world.run()
    before, said = world.writes(), {(e.code, e.cause) for e in world.open_exceptions()}
    world.run()
    world.run()
    assert (world.writes(), {(e.code, e.cause) for e in world.open_exceptions()}) == (before, said)


@GONE
def test_an_invoice_that_was_paid_in_quickbooks_meanwhile_is_not_removed_there(world: World, state: State) -> None:
    record, twin = invoiced(world)
    world.contractor.let_go("invoice", record, state)
    pay(world, QUICKBOOKS, twin)
    held(world)
    assert list(world.quickbooks.live("invoice")) == [twin]
    [said] = [e for e in world.open_exceptions() if e.code == "removed_but_edited"]
    assert "Payment CHK (80.00) is applied to it in QuickBooks" in said.cause


@GONE
@pytest.mark.parametrize("side", list(Side))
def test_an_invoice_that_is_removed_with_its_payment_is_removed_with_it_on_the_other_side(
    world: World, side: Side, state: State
) -> None:
    record, twin = invoiced(world)
    invoice = record if side is CONTRACTOR else twin
    payment = pay(world, side, invoice)
    world.run()
    assert len(world.port(side.other).live("payment")) == 1
    world.port(side).let_go("payment", payment, state)
    world.port(side).let_go("invoice", invoice, state)
    world.run()
    assert (world.port(side.other).live("payment"), world.port(side.other).live("invoice")) == ({}, {})
    assert world.codes() == []


def test_an_invoice_whose_payment_the_contractor_released_is_removed_after_the_release(world: World) -> None:
    record, _ = invoiced(world)
    payment = pay(world, CONTRACTOR, record)
    world.run()
    world.contractor.edit("payment", payment, allocations=())
    world.contractor.let_go("invoice", record, State.VOIDED)
    world.run()
    assert [row["allocations"] for row in world.quickbooks.live("payment").values()] == [()]
    assert (world.quickbooks.live("invoice"), world.codes()) == ({}, [])


def test_an_invoice_stays_while_its_payment_was_removed_here_and_edited_there(world: World) -> None:
    record, twin = invoiced(world)
    payment = pay(world, CONTRACTOR, record)
    world.run()
    [paid] = world.quickbooks.live("payment")
    world.contractor.let_go("payment", payment, State.VOIDED)
    world.contractor.let_go("invoice", record, State.VOIDED)
    world.quickbooks.edit("payment", paid, memo="the bank says it is good")
    held(world)
    assert (list(world.quickbooks.live("invoice")), world.codes()) == ([twin], ["removed_but_edited"] * 2)


def take(world: World, side: Side) -> None:
    with world.engine.begin() as conn:
        [found] = exceptions.listing(conn, COMPANY, codes=["removed_but_edited"])
        deciding.take(conn, COMPANY, found, side)


def test_a_person_may_have_the_paid_invoice_removed_all_the_same(world: World) -> None:
    record, twin = invoiced(world)
    world.contractor.let_go("invoice", record, State.VOIDED)
    pay(world, QUICKBOOKS, twin)
    held(world)
    take(world, CONTRACTOR)
    world.run()
    assert world.quickbooks.live("invoice") == {}
    assert "removed_but_edited" not in world.codes()


def test_a_person_may_have_the_paid_invoice_made_anew_at_the_contractors(world: World) -> None:
    record, twin = invoiced(world, QUICKBOOKS)
    world.contractor.let_go("invoice", record, State.DELETED)
    pay(world, QUICKBOOKS, twin)
    world.contractor.refuses = lambda item: refusal() if item.entity == "payment" else None
    held(world)
    take(world, QUICKBOOKS)
    world.contractor.refuses = lambda _item: None
    world.run()
    [anew] = world.contractor.live("invoice")
    [paid] = world.contractor.live("payment").values()
    assert (list(world.quickbooks.live("invoice")), world.codes()) == ([twin], [])
    assert [x["invoice"] for x in paid["allocations"]] == [anew]


# --- undo ---


@pytest.mark.parametrize("side", list(Side))
def test_an_invoice_that_an_unlinked_payment_settles_since_is_not_taken_back(world: World, side: Side) -> None:
    world.entities = ("customer", "invoice", "payment")
    payer = world.port(side.other).add("customer", **customer())
    world.run()
    world.port(side.other).add("invoice", number="1", customer=payer, date=DATED, lines=())
    run = world.run().run_id
    [twin] = world.port(side).live("invoice")
    pay(world, side, twin)
    world.run_only_reading()
    result = undo(world.context(), run)
    assert [(i.name, i.why_not) for i in result.refused] == [("Invoice 1", "1 payments refer to it")]
    assert (result.done, list(world.port(side).live("invoice"))) == ([], [twin])


def test_a_customer_who_has_an_invoice_that_is_not_linked_yet_is_not_taken_back(world: World) -> None:
    world.entities = ("customer", "invoice")
    world.contractor.add("customer", **customer())
    run = world.run().run_id
    [payer] = world.quickbooks.live("customer")
    world.quickbooks.add("invoice", number="1", customer=payer, date=DATED, lines=())
    world.run_only_reading()
    result = undo(world.context(), run)
    assert [i.why_not for i in result.refused] == ["1 invoices refer to it"]
