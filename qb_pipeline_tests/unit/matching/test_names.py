"""List entries are linked by code or full name within their scope; a likeness only asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sync.matching import MatchClass, Named, match_names


def _class(left: Named, right: Named) -> MatchClass:
    found = match_names([left], [right])
    return found[0].match_class if found else MatchClass.NONE


def test_an_equal_code_links_whatever_the_name() -> None:
    assert _class(Named("L", "Sink", "SKU-7"), Named("R", "Kitchen sink, steel", "sku 7")) is MatchClass.EXACT


def test_an_equal_full_name_links_where_no_code_contradicts() -> None:
    assert _class(Named("L", "Net 30"), Named("R", "NET30")) is MatchClass.EXACT
    assert _class(Named("L", "Income:Services", "4000"), Named("R", "Income:Services")) is MatchClass.EXACT
    assert _class(Named("L", "Services", "4000"), Named("R", "Services", "4100")) is MatchClass.WEAK


def test_a_likeness_only_asks() -> None:
    assert _class(Named("L", "Plumbing service"), Named("R", "Plumbing services")) is MatchClass.WEAK
    assert _class(Named("L", "Services"), Named("R", "Income:Services")) is MatchClass.WEAK
    assert _class(Named("L", "Visa"), Named("R", "Check")) is MatchClass.NONE


def test_other_numbers_make_another_entry() -> None:
    assert _class(Named("L", "Net 15"), Named("R", "Net 30")) is MatchClass.NONE
    assert _class(Named("L", "Net 10"), Named("R", "Net 100")) is MatchClass.NONE


def test_jobs_are_compared_within_one_customer_only() -> None:
    left = [Named("L1", "Kitchen", "J-1", 7), Named("L2", "Kitchen", None, 8)]
    right = [Named("R1", "Kitchen", None, 8), Named("R2", "Kitchen", "J-1", 9)]
    found = [(c.left_id, c.right_id, c.match_class) for c in match_names(left, right)]
    assert found == [("L2", "R1", MatchClass.EXACT)]


def test_a_code_used_twice_links_nobody() -> None:
    right = [Named("R1", "Pipe", "7"), Named("R2", "Valve", "7")]
    found = match_names([Named("L", "Tap", "7")], right)
    assert {c.match_class for c in found} == {MatchClass.WEAK}
    assert len(found) == 2


def test_of_two_with_the_same_code_the_one_with_the_name_is_linked() -> None:
    found = match_names([Named("L", "Pipe", "7")], [Named("R1", "Pipe", "7"), Named("R2", "Valve", "7")])
    assert [(c.right_id, c.match_class) for c in found] == [("R1", MatchClass.EXACT)]


def test_code_and_name_that_point_at_different_entries_are_left_to_a_person() -> None:
    found = match_names([Named("L", "Pipe", "7")], [Named("R1", "Valve", "7"), Named("R2", "Pipe")])
    assert {(c.right_id, c.match_class) for c in found} == {("R1", MatchClass.WEAK), ("R2", MatchClass.WEAK)}


def test_a_live_entry_goes_before_its_deleted_twin() -> None:
    found = match_names([Named("L", "Sales")], [Named("R1", "Sales (deleted)"), Named("R2", "Sales")])
    assert [(c.right_id, c.match_class) for c in found] == [("R2", MatchClass.EXACT)]


def test_an_equal_name_of_another_kind_is_only_asked_about() -> None:
    income, expense = (
        Named("L", "Services", facts=(("kind", "Income"),)),
        Named("R", "Services", facts=(("kind", "Expense"),)),
    )
    (found,) = match_names([income], [expense])
    assert found.match_class is MatchClass.WEAK
    assert found.evidence == ("same name", "kind differs: Income / Expense")
    assert _class(income, Named("R", "Services", facts=(("kind", None),))) is MatchClass.EXACT


def test_the_entry_of_the_same_kind_goes_before_its_namesake() -> None:
    right = [
        Named("R1", "Services", facts=(("kind", "Expense"),)),
        Named("R2", "Services", facts=(("kind", "Income"),)),
    ]
    found = match_names([Named("L", "Services", facts=(("kind", "Income"),))], right)
    assert [(c.right_id, c.match_class) for c in found] == [("R2", MatchClass.EXACT)]


def test_a_rejected_pair_of_entries_is_not_returned() -> None:
    assert match_names([Named("L", "Net 30")], [Named("R", "NET30")], rejected={("L", "R")}) == []


def test_entries_without_name_and_code_match_nothing() -> None:
    assert match_names([Named("L", None)], [Named("R", "")]) == []


ENTRIES = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["Net 30", "net30", "Services", "Service", "Income:Services", "Sales (deleted)"]),
        st.none() | st.sampled_from(["1", "01", "2"]),
        st.none() | st.integers(1, 2),
    ),
    max_size=7,
)


@given(left=ENTRIES, right=ENTRIES)
def test_links_are_one_to_one_within_a_scope_and_independent_of_side_and_order(
    left: list[tuple[str | None, str | None, int | None]], right: list[tuple[str | None, str | None, int | None]]
) -> None:
    lefts = [Named(f"L{n}", *row) for n, row in enumerate(left)]
    rights = [Named(f"R{n}", *row) for n, row in enumerate(right)]
    found = {(c.left_id, c.right_id, c.match_class) for c in match_names(lefts, rights)}
    scope = {n.id: n.scope for n in (*lefts, *rights)}
    linked = [(a, b) for a, b, c in found if c.automatic]
    assert all(scope[a] == scope[b] for a, b, _ in found)
    assert len({a for a, _ in linked}) == len({b for _, b in linked}) == len(linked)
    assert {(c.right_id, c.left_id, c.match_class) for c in match_names(rights[::-1], lefts[::-1])} == found
