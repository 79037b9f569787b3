"""A person's decisions about pairs hold: linked, kept apart, unlinked, linked elsewhere; by hand or by workbook."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.reports import review_decisions, review_workbook
from qb_pipeline.reports.review_workbook import Question
from qb_pipeline.store import candidates, companies
from qb_pipeline.store.candidates import Candidate, Decision
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.sync import reviewing
from qb_pipeline.sync.reviewing import Pair
from qb_pipeline_tests.sync.test_first_contact import decisions, same_on_both, weak_pair
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def pair(left: str, right: str, entity: str = "customer") -> Pair:
    return Pair(entity, left, right)


def waiting(world: World) -> list[Candidate]:
    with world.engine.connect() as conn:
        return candidates.listing(conn, COMPANY)


@pytest.mark.parametrize("gone", list(Side))
def test_a_record_that_is_gone_is_not_linked_because_the_other_would_follow_it(world: World, gone: Side) -> None:
    left = world.contractor.add("customer", **customer("Hazel Roofing"))
    right = world.quickbooks.add("customer", **customer("Oak Plumbing"))
    world.run_only_reading()
    world.port(gone).let_go("customer", left if gone is CONTRACTOR else right)
    world.run_only_reading()
    with world.engine.begin() as conn, pytest.raises(Misconfigured, match="is deleted there") as refused:
        reviewing.link(conn, COMPANY, pair(left, right))
    assert refused.value.code == "record_gone"
    assert world.links() == {}


def test_an_automatic_link_taken_back_is_not_made_again_and_both_records_live_on(world: World) -> None:
    left, right = same_on_both(world)
    world.run()
    with world.engine.begin() as conn:
        assert reviewing.unlink(conn, COMPANY, pair(left, right)).called == "Customer Hazel Roofing"
    assert world.writes() == 0
    world.run()
    world.run()
    assert world.links().get(left) != right
    assert decisions(world) == [(left, right, Decision.REJECTED)]
    assert len(world.names(CONTRACTOR)) == len(world.names(QUICKBOOKS)) == 2


def test_a_record_unlinked_and_linked_to_another_is_copied_nowhere(world: World) -> None:
    left, wrong = same_on_both(world)
    world.run()
    right = world.quickbooks.add("customer", **customer("Hazel Roofers of Austin"))
    world.run()
    copied = {native for native in world.contractor.live("customer") if native != left}
    with world.engine.begin() as conn:
        reviewing.unlink(conn, COMPANY, pair(left, wrong))
        reviewing.unlink(conn, COMPANY, pair(copied.pop(), right))
        reviewing.link(conn, COMPANY, pair(left, right))
    before = len(world.quickbooks.live("customer"))
    world.run()
    assert world.links()[left] == right
    assert len(world.quickbooks.live("customer")) == before, "the copy that lost its partner is no new record"
    assert world.codes() == ["linked_elsewhere"]


def test_unlinking_tells_how_many_linked_records_refer_to_the_record(world: World) -> None:
    world.entities = ("customer", "invoice")
    left, right = same_on_both(world)
    values = {"number": "1042", "date": date(2026, 2, 10), "lines": (), "total": Decimal("10.00")}
    world.contractor.add("invoice", customer=left, **values)
    world.run()
    with world.engine.begin() as conn:
        assert reviewing.unlink(conn, COMPANY, pair(left, right)).referring == 1


def test_a_pair_nobody_proposed_can_be_kept_apart_and_stays_apart(world: World) -> None:
    left, right = same_on_both(world)
    world.run_only_reading()
    with world.engine.begin() as conn:
        reviewing.keep_apart(conn, COMPANY, pair(left, right))
    world.run()
    assert world.links().get(left) != right


def test_linking_one_of_two_candidates_rejects_the_other(world: World) -> None:
    left, right = weak_pair(world)
    other = world.quickbooks.add("customer", **customer("Hazel Roofing Co", phone="555 010 7777"))
    world.run()
    assert {c.quickbooks_id for c in waiting(world)} == {right, other}
    with world.engine.begin() as conn:
        reviewing.link(conn, COMPANY, pair(left, right))
    assert waiting(world) == []
    world.run()
    assert world.links()[left] == right


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda conn, left, right: reviewing.link(conn, COMPANY, pair(left, right)), "linked_already"),
        (lambda conn, left, right: reviewing.keep_apart(conn, COMPANY, pair(left, right)), "linked_already"),
        (lambda conn, left, _: reviewing.unlink(conn, COMPANY, pair(left, "999")), "not_linked"),
        (lambda conn, _, right: reviewing.link(conn, COMPANY, pair("nobody", right)), "unknown_record"),
    ],
)
def test_a_decision_that_cannot_stand_is_refused_with_its_reason(world: World, act: object, code: str) -> None:
    left, right = same_on_both(world)
    world.run()
    with world.engine.begin() as conn, pytest.raises(Misconfigured) as refused:
        act(conn, left, right)  # type: ignore[operator]  # the lambdas above
    assert refused.value.code == code
    assert world.links() == {left: right}


# The workbook.


def exported(world: World, path: Path, decision: dict[tuple[str, str], str]) -> Path:
    """The open pairs as a workbook, decided."""
    with world.engine.begin() as conn:
        if not companies.listing(conn):
            companies.save(conn, Sealer(bytes(32)), COMPANY, contractor_system="reference")
    questions = [
        Question(COMPANY, reviewing.pair_of(c), "Customer", "left", "right", "50 %", "; ".join(c.evidence), "", "")
        for c in waiting(world)
    ]
    review_workbook.write(path, questions)
    return decide(path, decision)


def decide(path: Path, decision: dict[tuple[str, str], str]) -> Path:
    book = load_workbook(path)
    sheet = book[review_workbook.SHEET]
    headings = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        values = dict(zip(headings, row, strict=True))
        word = decision.get((str(values["Contractor id"].value), str(values["QuickBooks id"].value)))
        if word is not None:
            values["Decision"].value = word
    book.save(path)
    return path


def take_over(world: World, path: Path) -> review_decisions.Taken:
    return review_decisions.apply(world.engine, path, review_workbook.read(path), 1)


def two_weak_pairs(world: World) -> tuple[tuple[str, str], tuple[str, str]]:
    first = weak_pair(world)
    left = world.contractor.add("customer", **customer("Birch Plumbing", phone="555 010 3000"))
    right = world.quickbooks.add("customer", **customer("Birch Plumbing LLC", phone="555 010 4000"))
    world.run()
    assert len(waiting(world)) == 2
    return first, (left, right)


def test_a_workbook_comes_back_with_its_decisions_and_what_is_left_empty_waits_on(world: World, tmp_path: Path) -> None:
    first, second = two_weak_pairs(world)
    path = exported(world, tmp_path / "pairs.xlsx", {first: "Same", second: ""})
    assert take_over(world, path) == review_decisions.Taken(linked=1)
    assert [reviewing.pair_of(c) for c in waiting(world)] == [pair(*second)]
    world.run()
    assert world.links() == dict([first])


def test_importing_a_workbook_twice_changes_nothing_more(world: World, tmp_path: Path) -> None:
    first, second = two_weak_pairs(world)
    path = exported(world, tmp_path / "pairs.xlsx", {first: "same", second: "different"})
    assert take_over(world, path) == review_decisions.Taken(linked=1, kept_apart=1)
    assert take_over(world, path) == review_decisions.Taken(known=2)


def test_one_row_that_cannot_stand_takes_the_whole_workbook_back(world: World, tmp_path: Path) -> None:
    first, second = two_weak_pairs(world)
    path = exported(world, tmp_path / "pairs.xlsx", {first: "same", second: "same"})
    with world.engine.begin() as conn:
        reviewing.keep_apart(conn, COMPANY, pair(*second))
    with pytest.raises(Misconfigured, match=r"row \d: the pair has been rejected meanwhile"):
        take_over(world, path)
    assert [reviewing.pair_of(c) for c in waiting(world)] == [pair(*first)]


def test_words_that_are_no_decision_and_contradictions_are_named_by_row(world: World, tmp_path: Path) -> None:
    left, right = weak_pair(world)
    other = world.quickbooks.add("customer", **customer("Hazel Roofing Co", phone="555 010 7777"))
    world.run()
    path = exported(world, tmp_path / "pairs.xlsx", {(left, right): "perhaps"})
    with pytest.raises(Misconfigured, match=r"row \d: 'perhaps' is no decision"):
        review_workbook.read(path)
    decide(path, {(left, right): "same", (left, other): "same"})
    with pytest.raises(Misconfigured, match=r"rows 2 and 3 contradict each other"):
        review_workbook.read(path)


def test_ids_and_names_in_the_workbook_stay_text(tmp_path: Path) -> None:
    question = Question("Acme", Pair("customer", "007", "0058"), "Customer", "=1+1", "x", "50 %", "why", "", "")
    review_workbook.write(tmp_path / "pairs.xlsx", [question])
    [answer] = review_workbook.read(decide(tmp_path / "pairs.xlsx", {("007", "0058"): "same"}))
    assert answer.pair == Pair("customer", "007", "0058")
    sheet = load_workbook(tmp_path / "pairs.xlsx")[review_workbook.SHEET]
    assert sheet["C2"].value == "=1+1"
    assert sheet["C2"].data_type == "s"


def test_a_file_that_is_no_workbook_is_refused_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "pairs.xlsx").write_text("Decision;A;B")
    with pytest.raises(Misconfigured, match="no workbook that can be read"):
        review_workbook.read(tmp_path / "pairs.xlsx")
