"""A generated book with relatives, sister companies and branches: no wrong link, and most true ones found."""

from __future__ import annotations

import pytest

from qb_pipeline.sync.matching import match_parties
from qb_pipeline_tests.unit.matching.generated import make_book


@pytest.mark.parametrize("seed", range(1, 7))
def test_no_automatic_link_of_a_generated_book_is_wrong_and_nine_in_ten_true_ones_are_found(seed: int) -> None:
    book = make_book(400, seed=seed)
    links = {(c.left_id, c.right_id) for c in match_parties(book.left, book.right) if c.match_class.automatic}
    assert links - book.links == set()
    assert len(links & book.links) >= 0.9 * len(book.links)


def test_a_seed_gives_the_same_book_again() -> None:
    assert make_book(50, seed=3) == make_book(50, seed=3)
    assert make_book(50, seed=3) != make_book(50, seed=4)
