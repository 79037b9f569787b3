"""Assignment takes clear winners only."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sync.matching.assign import MARGIN_BITS, assign
from qb_pipeline.sync.matching.model import MatchClass, Scored


def _pair(left: str, right: str, bits: float, match_class: MatchClass = MatchClass.STRONG) -> Scored:
    return Scored(left, right, match_class, bits, Decimal("0.9990"), ("same name",))


def _links(*pairs: Scored) -> set[tuple[str, str]]:
    return {(c.left_id, c.right_id) for c in assign(pairs) if c.match_class.automatic}


def test_a_runner_up_within_the_margin_demotes_both() -> None:
    assert _links(_pair("a", "x", 10), _pair("a", "y", 10 - MARGIN_BITS + 0.1)) == set()
    assert _links(_pair("a", "x", 10), _pair("a", "y", 10 - MARGIN_BITS)) == {("a", "x")}


def test_a_weak_rival_demotes_too() -> None:
    assert _links(_pair("a", "x", 10), _pair("b", "x", 9, MatchClass.WEAK)) == set()


def test_a_rival_that_found_its_partner_is_no_rival_any_more() -> None:
    assert _links(_pair("a", "x", 20), _pair("b", "x", 10), _pair("b", "y", 9)) == {("a", "x"), ("b", "y")}


def test_a_demoted_pair_is_never_shown_as_certain() -> None:
    found = assign([_pair("a", "x", 10), _pair("a", "y", 10)])
    assert {c.score for c in found} == {Decimal("0.9500")}
    assert {c.evidence for c in found} == {("same name", "another record is nearly as close")}


def test_a_rejected_pair_frees_both_records_for_their_next_best_partners() -> None:
    pairs = [_pair("a", "x", 20), _pair("a", "y", 10), _pair("b", "x", 10)]
    assert _links(*pairs) == {("a", "x")}
    freed = assign(pairs, {("a", "x")})
    assert {(c.left_id, c.right_id) for c in freed if c.match_class.automatic} == {("a", "y"), ("b", "x")}


def test_a_rejected_rival_no_longer_makes_a_link_doubtful() -> None:
    pairs = [_pair("a", "x", 10), _pair("a", "y", 10)]
    assert _links(*pairs) == set()
    (found,) = assign(pairs, {("a", "y")})
    assert (found.right_id, found.match_class) == ("x", MatchClass.STRONG)


PAIRS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")),
    st.tuples(st.integers(-3, 20), st.sampled_from([MatchClass.EXACT, MatchClass.STRONG, MatchClass.WEAK])),
)


@given(PAIRS)
def test_links_are_one_to_one_and_beat_every_open_rival_by_the_margin(
    drawn: dict[tuple[str, str], tuple[int, MatchClass]],
) -> None:
    pairs = [_pair(a, b, bits, c) for (a, b), (bits, c) in drawn.items()]
    found = assign(pairs)
    links = {c.left_id: c.right_id for c in found if c.match_class.automatic}
    assert len(set(links.values())) == len(links) == sum(c.match_class.automatic for c in found)
    assert found == assign(pairs[::-1])
    for pair in (p for p in pairs if p.left_id in links and links[p.left_id] != p.right_id):
        own = drawn[pair.left_id, links[pair.left_id]][0]
        taken = pair.right_id in links.values()
        assert own - pair.bits >= MARGIN_BITS or taken
