"""Generated books with relatives, sister companies and branches: no wrong link, most true ones found, few questions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from qb_pipeline.sync.matching import match_parties
from qb_pipeline_tests.unit.matching.generated import TRAPS, Pair, make_book
from qb_pipeline_tests.unit.matching.generated_slips import SLIPS

ROWS = 1_500


@pytest.mark.parametrize("seed", [1, 2])
def test_a_generated_book_is_linked_without_a_fault_and_with_few_questions(seed: int) -> None:
    book = make_book(ROWS, seed=seed)
    found = match_parties(book.left, book.right)
    links = {(c.left_id, c.right_id) for c in found if c.match_class.automatic}
    asked = {(c.left_id, c.right_id) for c in found} - links
    assert len(links - book.links) <= 0.001 * len(links)
    assert len(links & book.links) >= 0.90 * len(book.links)
    assert len((links | asked) & book.links) >= 0.99 * len(book.links)
    assert len(asked) < 60 * ROWS / 1_000


@pytest.mark.parametrize("seed", range(11, 17))
def test_small_books_are_linked_without_a_fault(seed: int) -> None:
    book = make_book(400, seed=seed)
    links = {(c.left_id, c.right_id) for c in match_parties(book.left, book.right) if c.match_class.automatic}
    assert links - book.links == set()
    assert len(links & book.links) >= 0.9 * len(book.links)


def test_every_slip_and_trap_is_in_a_book_of_that_size() -> None:
    book = make_book(ROWS, seed=1)
    assert {slip for made in book.slips.values() for slip in made} == {name for name, _ in SLIPS}
    assert {*book.traps.values()} == {name for name, _, _ in TRAPS}


@pytest.mark.parametrize("lost", [("phone", "email"), ("email",), ("line1", "line2", "city", "state", "postal_code")])
def test_books_that_lack_a_kind_of_contact_are_linked_without_a_fault(lost: tuple[str, ...]) -> None:
    book = make_book(ROWS, seed=3)
    nothing: dict[str, None] = dict.fromkeys(lost)
    left, right = ([replace(p, **nothing) for p in side] for side in (book.left, book.right))  # type: ignore[arg-type]  # texts
    links = {(c.left_id, c.right_id) for c in match_parties(left, right) if c.match_class.automatic}
    assert links - book.links == set()
    assert len(links & book.links) >= 0.7 * len(book.links)


def test_a_rejected_link_is_not_made_again_and_no_other_link_is_lost() -> None:
    book = make_book(400, seed=3)
    first = {(c.left_id, c.right_id) for c in match_parties(book.left, book.right) if c.match_class.automatic}
    refused: set[Pair] = set(sorted(first)[:20])
    again = match_parties(book.left, book.right, rejected=refused)
    assert not refused & {(c.left_id, c.right_id) for c in again}
    assert first - refused <= {(c.left_id, c.right_id) for c in again if c.match_class.automatic}


def test_scores_are_chances() -> None:
    book = make_book(3_000, seed=7)
    found = match_parties(book.left, book.right)
    for low, high in (("0", "0.1"), ("0.4", "0.6"), ("0.9", "0.95"), ("0.985", "1")):
        scored = [c for c in found if Decimal(low) <= c.score <= Decimal(high)]
        true = sum((c.left_id, c.right_id) in book.links for c in scored) / len(scored)
        assert abs(float(sum(c.score for c in scored)) / len(scored) - true) < 0.15


def test_a_seed_gives_the_same_book_again() -> None:
    assert make_book(50, seed=3) == make_book(50, seed=3)
    assert make_book(50, seed=3) != make_book(50, seed=4)
