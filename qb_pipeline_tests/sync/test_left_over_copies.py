"""What the sync itself made is never taken for a new record of the side it was made in, whatever happened meanwhile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured, OwnerMustAct, PipelineError, Reconnect, RetryLater
from qb_pipeline.store import exceptions, links
from qb_pipeline.store.links import NewLink
from qb_pipeline.sync import reviewing
from qb_pipeline.sync.reviewing import Pair
from qb_pipeline_tests.sync.test_merging import merge, pair
from qb_pipeline_tests.sync.test_recovery_after_a_crash import settled, stop_at
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def payment_by(world: World, payer: str, **values: Any) -> str:
    """A payment has no number, so that nothing but the journal tells whose copy it is."""
    given = {"date": date(2026, 2, 10), "amount": Decimal("10.00"), "allocations": ()}
    return world.contractor.add("payment", customer=payer, **{**given, **values})


def linked_by_force(world: World, left: str, right: str, entity: str = "customer") -> None:
    with world.engine.begin() as conn:
        links.create_many(conn, [NewLink(COMPANY, entity, left, right)])


def link(world: World, left: str, right: str, entity: str = "customer") -> None:
    with world.engine.begin() as conn:
        reviewing.link(conn, COMPANY, Pair(entity, left, right))


def unlink(world: World, left: str, right: str, entity: str = "customer") -> reviewing.Unlinked:
    with world.engine.begin() as conn:
        return reviewing.unlink(conn, COMPANY, Pair(entity, left, right))


def apart(world: World, left: str, right: str, entity: str = "customer") -> None:
    with world.engine.begin() as conn:
        reviewing.keep_apart(conn, COMPANY, Pair(entity, left, right))


def counts(world: World, entity: str = "customer") -> tuple[int, int]:
    return len(world.contractor.live(entity)), len(world.quickbooks.live(entity))


def crashed_while_creating(world: World, phase: str) -> tuple[str, str]:
    """A customer whose creation in QuickBooks was cut off, and another one that somebody entered there by hand."""
    source = world.contractor.add("customer", **customer("Hazel Roofing"))
    stop_at(world, QUICKBOOKS, phase)
    twin = world.quickbooks.add("customer", **customer("Austin Roofs by Hazel"))
    world.run_only_reading()
    return source, twin


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done", "answered"])
def test_a_record_whose_creation_is_not_settled_is_not_linked_elsewhere(world: World, phase: str) -> None:
    source, twin = crashed_while_creating(world, phase)
    with pytest.raises(Misconfigured, match="not settled yet") as refused:
        link(world, source, twin)
    assert refused.value.code == "write_in_flight"
    world.run()
    assert counts(world) == (2, 2)
    settled(world)


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done", "answered"])
def test_a_copy_whose_source_was_linked_elsewhere_is_never_copied_back(world: World, phase: str) -> None:
    source, twin = crashed_while_creating(world, phase)
    linked_by_force(world, source, twin)
    world.run()
    [copy] = [i for i, row in world.quickbooks.live("customer").items() if i != twin]
    for _ in range(2):
        world.run()
    assert counts(world) == (1, 2)
    [said] = world.open_exceptions()
    assert (said.code, said.side, said.record_id) == ("linked_elsewhere", QUICKBOOKS, copy)
    assert "Hazel Roofing" in said.cause
    assert "Austin Roofs by Hazel" in said.cause
    unlink, link_again = f"unlink {source} {twin} --entity customer", f"link {source} {copy} --entity customer"
    assert f"qb-pipeline review {unlink}, then qb-pipeline review {link_again}" in said.fix
    world.quickbooks.let_go("customer", copy)
    world.run()
    assert world.codes() == []
    assert counts(world) == (1, 1)
    settled(world)


def test_a_copy_made_inactive_is_out_of_the_way_and_back_in_it_when_it_returns(world: World) -> None:
    source, twin = crashed_while_creating(world, "answered")
    linked_by_force(world, source, twin)
    world.run()
    [copy] = [i for i in world.quickbooks.live("customer") if i != twin]
    world.quickbooks.edit("customer", copy, active=False)
    world.run()
    assert world.codes() == []
    world.quickbooks.edit("customer", copy, active=True, notes="back")
    world.run()
    assert world.codes() == ["linked_elsewhere"]
    assert counts(world) == (1, 2)


def test_a_left_over_copy_that_a_person_calls_a_record_of_its_own_is_copied(world: World) -> None:
    source, twin = crashed_while_creating(world, "answered")
    linked_by_force(world, source, twin)
    world.run()
    [copy] = [i for i in world.quickbooks.live("customer") if i != twin]
    apart(world, source, copy)
    assert world.codes() == []
    world.run()
    assert counts(world) == (2, 2)
    settled(world)


def test_ignoring_or_retrying_its_exception_does_not_let_a_left_over_copy_go(world: World) -> None:
    source, twin = crashed_while_creating(world, "answered")
    linked_by_force(world, source, twin)
    world.run()
    for act in (exceptions.ignore, exceptions.retry):
        [said] = world.open_exceptions()
        with world.engine.begin() as conn:
            act(conn, COMPANY, [said.id])
        world.run()
        assert counts(world) == (1, 2)


def test_a_copy_unlinked_from_its_source_waits_with_it_until_somebody_says_what_they_are(world: World) -> None:
    source = world.contractor.add("customer", **customer())
    world.run()
    [copy] = world.quickbooks.live("customer")
    assert unlink(world, source, copy).made_here
    for _ in range(2):
        world.run()
    assert counts(world) == (1, 1)
    [said] = world.open_exceptions()
    assert (said.code, said.record_id) == ("linked_elsewhere", copy)
    assert f"qb-pipeline review link {source} {copy} --entity customer. " in said.fix
    assert f"review reject {source} {copy} --entity customer" in said.fix
    link(world, source, copy)
    settled(world)


def test_a_copy_unlinked_and_removed_leaves_its_source_to_be_written_anew(world: World) -> None:
    source = world.contractor.add("customer", **customer())
    world.run()
    [copy] = world.quickbooks.live("customer")
    unlink(world, source, copy)
    world.run()
    world.quickbooks.let_go("customer", copy)
    world.run()
    assert counts(world) == (1, 1)
    assert world.links()[source] not in (copy, None)
    assert world.codes() == []


def test_copies_on_both_sides_unlinked_and_linked_crosswise_are_written_nowhere(world: World) -> None:
    one, two = (world.contractor.add("customer", **customer(n)) for n in ("Hazel Roofing", "Birch Plumbing"))
    world.run()
    links_before = world.links()
    for record in (one, two):
        unlink(world, record, links_before[record] or "")
    link(world, one, links_before[two] or "")
    link(world, two, links_before[one] or "")
    world.run()
    assert counts(world) == (2, 2)
    settled(world)


# An answer is lost, and the sweep reads what was made before anybody asked again.


def lost_payment(world: World) -> tuple[str, str]:
    """A payment that QuickBooks has, though no answer came and none will for a while."""
    world.entities = ("customer", "payment")
    payer = world.contractor.add("customer", **customer())
    world.run()
    record = payment_by(world, payer)
    world.quickbooks.script = ["lost after it was done"]
    world.run()
    [copy] = world.quickbooks.live("payment")
    return record, copy


@pytest.mark.parametrize("edit", [{}, {"memo": "by cheque"}, {"amount": Decimal("11.00")}, {"date": date(2026, 2, 11)}])
def test_what_an_unanswered_write_made_is_not_copied_back_while_nobody_knows(
    world: World, edit: dict[str, Any]
) -> None:
    record, copy = lost_payment(world)
    world.quickbooks.edit("payment", copy, **edit)
    for _ in range(6):  # until it rests as dead, and beyond
        world.quickbooks.script = ["lost before it arrived"]
        world.run()
        assert counts(world, "payment") == (1, 1)
    assert [e.state.value for e in world.open_exceptions()] == ["dead"]
    world.quickbooks.script = []
    with world.engine.begin() as conn:
        exceptions.retry(conn, COMPANY)
    world.run()
    assert counts(world, "payment") == (1, 1)
    assert world.links("payment") == {record: copy}
    settled(world)


@pytest.mark.parametrize(
    "refusal",
    [
        RetryLater("Nobody answers.", code="unreachable"),
        RetryLater("Slow down.", code="throttled"),
        Reconnect("The token is refused.", code="invalid_grant", fix="Connect again."),
        OwnerMustAct("The subscription has lapsed.", code="qbo_6190", fix="Renew it.", who="owner"),
    ],
    ids=lambda e: e.code,
)
def test_a_refusal_that_says_nothing_of_the_first_sending_does_not_settle_a_lost_answer(
    world: World, refusal: PipelineError
) -> None:
    record, copy = lost_payment(world)
    world.quickbooks.edit("payment", copy, amount=Decimal("11.00"), date=date(2026, 3, 1))  # or it would match
    for _ in range(2):
        world.quickbooks.script = [refusal]
        world.run()
    world.quickbooks.script = []
    world.run()
    assert counts(world, "payment") == (1, 1)
    assert world.links("payment") == {record: copy}
    settled(world)


def test_a_record_with_an_unanswered_creation_is_not_matched_with_another_meanwhile(world: World) -> None:
    source = world.contractor.add("customer", **customer(phone="555 010 1000"))
    stop_at(world, QUICKBOOKS, "sent, not done")
    by_hand = world.quickbooks.add("customer", **customer(phone="555 010 1000"))
    world.quickbooks.script = ["lost before it arrived"]
    world.run()
    assert counts(world) == (1, 1)
    assert world.links() == {}
    world.quickbooks.unique = {"customer": "name"}
    world.run()
    assert world.links() == {source: by_hand}
    settled(world)


# The source moves while its creation is cut off.


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done", "answered"])
@pytest.mark.parametrize("state", [State.DELETED, State.VOIDED])
def test_a_document_gone_while_its_creation_was_cut_off_goes_on_the_other_side_too(
    world: World, phase: str, state: State
) -> None:
    world.entities = ("customer", "payment")
    payer = world.contractor.add("customer", **customer())
    world.run()
    record = payment_by(world, payer)
    stop_at(world, QUICKBOOKS, phase)
    world.contractor.let_go("payment", record, state)
    for _ in range(2):
        world.run()
    assert counts(world, "payment") == (0, 0)
    assert len(world.quickbooks.rows["payment"]) == 1
    assert world.codes() == []


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done", "answered"])
def test_a_name_made_inactive_while_its_creation_was_cut_off_is_inactive_on_both_sides(
    world: World, phase: str
) -> None:
    record = world.contractor.add("customer", **customer())
    stop_at(world, QUICKBOOKS, phase)
    world.contractor.edit("customer", record, active=False)
    world.run()
    [twin] = world.quickbooks.live("customer").values()
    assert (counts(world), twin["active"]) == ((1, 1), False)
    settled(world)


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done", "answered"])
def test_two_names_merged_while_the_creation_of_one_was_cut_off_are_never_doubled(world: World, phase: str) -> None:
    world.entities = ("customer", "invoice")
    (kept, twin) = pair(world, "Birch Plumbing", "555 010 2000")
    lost = world.contractor.add("customer", **customer("Hazel Roofing"))
    stop_at(world, QUICKBOOKS, phase)
    merge(world, CONTRACTOR, lost, kept)
    for _ in range(2):
        world.run()
    assert list(world.contractor.live("customer")) == [kept]
    assert [row["name"] for row in world.quickbooks.live("customer").values() if row.get("active")] == [
        "Birch Plumbing"
    ]
    assert len(world.quickbooks.live("customer")) == 2
    assert world.links()[kept] == twin


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done"])
def test_an_edit_made_while_the_creation_was_cut_off_follows_the_very_same_bytes(world: World, phase: str) -> None:
    world.entities = ("customer", "payment")
    payer = world.contractor.add("customer", **customer())
    world.run()
    record = payment_by(world, payer)
    stop_at(world, QUICKBOOKS, phase)
    world.contractor.edit("payment", record, amount=Decimal("12.00"), memo="was wrong")
    world.run()
    first, again, edit = [r for r in world.quickbooks.requests if r.entity == "payment"]
    assert (first.verb, first.key, first.body) == (again.verb, again.key, again.body)
    assert edit.verb == "update"
    [row] = world.quickbooks.live("payment").values()
    assert (row["amount"], row["memo"]) == (Decimal("12.00"), "was wrong")
    settled(world)


def test_a_pair_with_a_write_under_way_is_not_unlinked(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="gate 12")
    stop_at(world, QUICKBOOKS, "sent, done")
    with pytest.raises(Misconfigured, match="not settled yet") as refused:
        unlink(world, record, twin)
    assert refused.value.code == "write_in_flight"
    assert world.links() == {record: twin}
