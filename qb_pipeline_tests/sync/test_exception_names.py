"""QuickBooks' ids in its messages become the names that people know."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.shown import in_full, label
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData, PlanAgain, PossibleDuplicate
from qb_pipeline.quickbooks.catalogue import CATALOGUE
from qb_pipeline.store import candidates, exceptions
from qb_pipeline.store.candidates import Decision, Proposal
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.sync import refusals
from qb_pipeline.sync.naming import Known, in_words
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import World, customer

QUICKBOOKS = Side.QUICKBOOKS


def invoice_refused(world: World, error: FixTheData | PlanAgain | PossibleDuplicate) -> Reported:
    """An invoice of a customer who is linked; QuickBooks refuses the invoice with `error`."""
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    world.run()
    world.contractor.add("invoice", number="1234", customer=payer, date=date(2026, 2, 10), lines=())
    world.quickbooks.refuses = lambda item: error if item.entity == "invoice" else None
    world.run()
    [found] = world.open_exceptions()
    return found


def test_a_reference_that_quickbooks_does_not_know_is_named_with_what_to_do(world: World) -> None:
    said = "The record refers to something. QuickBooks says: Invalid Reference Id : Names element id q1 not found"
    found = invoice_refused(world, PlanAgain(said, code="qbo_2500", fix="Again."))
    assert found.cause == "Invoice 1234: customer ABC Corp does not exist in QuickBooks."
    [(ours, theirs)] = world.links().items()
    assert found.fix == (
        "Create it there, or link it to an existing customer. Either way: qb-pipeline review unlink "
        f"{ours} {theirs} --entity customer, then qb-pipeline review link {ours} B --entity customer, where B is its "
        "id there."
    )
    assert found.who == "accountant"


def test_a_reference_that_was_made_inactive_is_named_even_where_quickbooks_names_none(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.add("invoice", number="1234", customer=payer, date=date(2026, 2, 10), lines=())
    said = PlanAgain("Something you use is inactive.", code="qbo_610", fix="Again.")

    def meanwhile(item: object) -> None:
        world.quickbooks.let_go("customer", twin, State.DELETED)
        with world.engine.begin() as conn:
            from qb_pipeline.store import staging  # only this test looks behind the engine's back

            staging.mark_deleted(conn, "acme", QUICKBOOKS, "customer", [twin], world.now())

    world.quickbooks.on_request = meanwhile
    world.quickbooks.refuses = lambda item: said if item.entity == "invoice" else None
    world.run()
    causes = [e.cause for e in world.open_exceptions()]
    assert "Invoice 1234: customer ABC Corp does not exist in QuickBooks." in causes


def name_refused(world: World, record: str, existing: str) -> Reported:
    """The creation of a customer ABC Corp, refused for its name with the id of the one that has it."""
    said = f"The name is taken. QuickBooks says: The name supplied already exists. : Id={existing}"
    error = PossibleDuplicate(said, code="qbo_6240", fix="Link.", existing_id=existing)
    world.quickbooks.refuses = lambda item: error if b"abc" in item.body.lower() else None
    world.run()
    [found] = [e for e in world.open_exceptions() if e.record_id == record]
    return found


RENAME = (
    "Rename one of the two, for example to 'ABC Corp (customer)' in the contractor's system. If you rename the one in "
    "QuickBooks, then run qb-pipeline errors retry --code qbo_6240."
)


@pytest.mark.parametrize("entity", ["customer", "item", "account", "division"])
def test_a_vendor_or_employee_in_the_way_is_not_called_what_another_list_has_under_its_id(
    world: World, entity: str
) -> None:
    world.entities = (entity,)
    world.quickbooks.add(entity, name="Sales", active=True)
    world.run()
    world.entities = ("customer",)
    record = world.contractor.add("customer", **customer("ABC Corp"))
    found = name_refused(world, record, "q1")
    assert found.cause == "Customer ABC Corp: a customer, vendor or employee has this name in QuickBooks already."
    assert found.fix == RENAME


def test_a_customer_in_the_way_that_is_linked_to_another_is_told_apart_by_a_new_name_only(world: World) -> None:
    world.contractor.add("customer", **customer("Abc Corp"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    record = world.contractor.add("customer", **customer("ABC Corp", phone="555 010 9999"))
    found = name_refused(world, record, twin)
    assert found.cause == "Customer ABC Corp: another customer has this name in QuickBooks already."
    assert found.fix == RENAME


def test_a_customer_in_the_way_that_is_linked_to_nothing_may_be_linked_by_the_command_as_it_stands(
    world: World,
) -> None:
    world.quickbooks.add("customer", **customer("ABC Corp"))
    record = world.contractor.add("customer", **customer("ABC Corp"))
    with world.engine.begin() as conn:
        pair = Proposal("customer", record, "q1", candidates.BY_HAND, Decimal("0.9"))
        candidates.settle(conn, "acme", pair, Decision.REJECTED)
    world.contractor.refuses = lambda _item: refusal()  # so that the other one is not copied and linked
    found = name_refused(world, record, "q1")
    assert found.fix == (
        f"If they are the same: qb-pipeline review link {record} q1 --entity customer. Otherwise: "
        f"{RENAME[0].lower()}{RENAME[1:]}"
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("The entity Estimate 75 that you link does not exist", "The entity Estimate 75 that you link does not exist"),
        ("Invoice 75 is closed", "Invoice R-12 is closed"),
        ("Invalid : Invoice element id 75 not found", "Invalid : Invoice R-12 not found"),
        ("already exists. : Id=75", "already exists. : Invoice R-12"),
        ("already exists. : Id=753", "already exists. : Id=753"),
        ("75 lines are too many", "75 lines are too many"),
    ],
)
def test_only_what_is_clearly_this_records_id_is_replaced(said: str, told: str) -> None:
    assert in_words(said, [Known(ENTITIES["invoice"], "75", "Invoice R-12", there=True, active=True)]) == told


def test_a_record_that_cannot_be_changed_says_how_to_thaw_it_or_where_to_take_the_edit_back() -> None:
    said = refusals.frozen("Payment R-7", "it is part of a bank deposit; take it out of the deposit", QUICKBOOKS)
    assert said.cause.startswith("Payment R-7 can't be changed in QuickBooks: it is part of a bank deposit; take it")
    assert said.fix.startswith("Take back the edit in the contractor's system. Or lift in QuickBooks what stands in")


def test_an_unanswered_write_is_named_in_the_run_that_recovers_as_in_the_one_that_wrote(world: World) -> None:
    world.contractor.add("customer", **customer("ABC Corp"))
    world.quickbooks.script = ["lost before it arrived"] * 3
    for _ in range(3):
        world.run()
        assert [e.record_label for e in world.open_exceptions()] == ["Customer ABC Corp"]


def number_refused(world: World, record: str) -> Reported:
    """The creation of an invoice 1042, refused for its number."""
    said = PossibleDuplicate("The number is used.", code="qbo_6140", fix="Link the two.")
    world.quickbooks.unique = {"invoice": "number"}
    world.quickbooks.refuses = lambda item: said if b'"1042"' in item.body else None
    world.run()
    [found] = [e for e in world.open_exceptions() if e.record_id == record]
    return found


def billed(world: World, payer: str, dated: date) -> str:
    total = Decimal("80.00")
    return world.contractor.add("invoice", number="1042", customer=payer, date=dated, lines=(), total=total)


def test_a_number_that_a_void_document_keeps_is_set_free_by_renumbering_that_one(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    first = billed(world, payer, date(2026, 2, 10))
    world.run()
    world.contractor.let_go("invoice", first, State.VOIDED)
    world.run()
    found = number_refused(world, billed(world, payer, date(2026, 3, 10)))
    assert found.cause == (
        "Invoice 1042: invoice 1042 of 2026-02-10 has this number in QuickBooks. It is void there, and a void document "
        "keeps its number."
    )
    assert found.fix == (
        "In QuickBooks, give the void one another number, for example '1042-V'; then run qb-pipeline errors retry "
        "--code qbo_6140. Or give the other one another number in the contractor's system; it is then tried again by "
        "itself."
    )
    [void] = [i for i, row in world.quickbooks.rows["invoice"].items() if row.state is State.VOIDED]
    world.quickbooks.rows["invoice"][void].values["number"] = "1042-V"
    world.quickbooks.let_go("invoice", void, State.VOIDED)
    world.quickbooks.refuses = lambda _item: None
    with world.engine.begin() as conn:
        exceptions.retry(conn, "acme", codes=["qbo_6140"])
    written = world.writes()
    world.run()
    world.run()
    assert (world.codes(), world.writes()) == ([], written + 1), "and the void one keeps its number there"


def test_a_number_that_a_linked_document_has_is_to_be_changed_and_never_linked(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    billed(world, payer, date(2026, 2, 10))
    world.run()
    [twin] = world.quickbooks.live("invoice")
    world.quickbooks.edit("invoice", twin, total=Decimal("80.00"))  # which it reckons itself
    found = number_refused(world, billed(world, payer, date(2026, 3, 10)))
    assert found.cause == "Invoice 1042: invoice 1042 of 2026-02-10 (80.00) has this number in QuickBooks."
    assert found.fix == RENUMBER


RENUMBER = (
    "Give one of the two another number. If that is the one in QuickBooks, then run qb-pipeline errors retry --code "
    "qbo_6140."
)


def test_a_number_that_an_unlinked_document_has_may_be_the_same_document(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    there = {"number": "1042", "customer": twin, "date": date(2026, 2, 1), "lines": (), "total": Decimal("75.00")}
    other = world.quickbooks.add("invoice", **there)
    world.contractor.refuses = lambda _item: refusal()  # so that it is not copied and linked
    record = billed(world, payer, date(2026, 3, 10))
    with world.engine.begin() as conn:
        pair = Proposal("invoice", record, other, candidates.BY_HAND, Decimal("0.9"))
        candidates.settle(conn, "acme", pair, Decision.REJECTED)
    found = number_refused(world, record)
    same = f"qb-pipeline review link {record} {other} --entity invoice"
    assert found.fix == f"If they are the same: {same}. Otherwise: {RENUMBER[0].lower()}{RENUMBER[1:]}"


def test_where_nobody_knows_which_document_has_the_number_a_void_one_is_thought_of(world: World) -> None:
    fix = CATALOGUE["6140"].fix
    assert "A void document keeps its number" in fix
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    found = number_refused(world, billed(world, payer, date(2026, 3, 10)))
    assert (found.cause, found.fix) == ("The number is used.", "Link the two.")


def test_a_payment_without_a_reference_is_called_by_its_date_and_amount() -> None:
    paid = {"date": date(2026, 9, 8), "amount": Decimal("120.50")}
    assert label(ENTITIES["payment"], paid) == "Payment of 2026-09-08 (120.50)"
    assert in_full(ENTITIES["payment"], paid) == "Payment of 2026-09-08 (120.50)"
    assert label(ENTITIES["payment"], {**paid, "reference": "CHK 9"}) == "Payment CHK 9"


def test_two_payments_of_a_day_that_newly_wait_are_told_apart(world: World) -> None:
    world.entities = ("customer", "payment")
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    for amount in ("80.00", "95.00"):
        world.contractor.add("payment", customer=payer, date=date(2026, 9, 8), amount=Decimal(amount), allocations=())
    world.run()
    [found] = world.open_exceptions()
    assert sorted(found.blocks) == ["Payment of 2026-09-08 (80.00)", "Payment of 2026-09-08 (95.00)"]
