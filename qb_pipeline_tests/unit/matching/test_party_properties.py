"""What holds for any two lists of parties."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from qb_pipeline.sync.matching import Candidate, MatchClass, Party, match_parties

NAMES = [
    "John Hale", "Jon Hale", "Hale, John", "Mary Hale", "John & Mary Hale", "John Hale Jr", "J Hale", "Hale John",
    "Hale Roofing LLC", "Hale Roofing Inc", "Hale Roofing", "Hale Roofing - North", "Hale Roofing Supply",
    "Hael Roofing", "M\u00fcller", "Mueller", "Anna M\u00fcller", "Anna Mueller", "John Hale (deleted)", "John Hale1",
]  # fmt: skip
PHONES = ["512 555 0142", "(512) 555-0143", "+1 512 555 0142 x3"]
MAILS = ["john.hale@gmail.com", "johnhale@gmail.com", "office@hale.example", "info@hale.example"]
STREETS = ["12 North Main Street", "12 N Main St", "14 Main St", "12 Main St Apt 4", "12 Mian St"]


def _fields(names: list[str], phones: list[str], mails: list[str], streets: list[str]) -> st.SearchStrategy[Party]:
    return st.builds(
        Party,
        id=st.just(""),
        name=st.none() | st.sampled_from(names),
        company_name=st.none() | st.sampled_from(names),
        phone=st.none() | st.sampled_from(phones),
        email=st.none() | st.sampled_from(mails),
        line1=st.none() | st.sampled_from(streets),
        postal_code=st.none() | st.sampled_from(["78701", "78702"]),
    )


def _numbered(prefix: str, rows: list[Party]) -> list[Party]:
    return [replace(row, id=f"{prefix}{n}") for n, row in enumerate(rows)]


ROWS = st.lists(_fields(NAMES, PHONES, MAILS, STREETS), max_size=7)
STRANGERS = st.lists(
    st.builds(
        Party,
        id=st.just(""),
        name=st.sampled_from(["Zyx Quux", "Wolfgang Qvist", "Quux Excavating LLC"]),
        phone=st.none() | st.sampled_from(["303 444 7788", "303 444 9911"]),
        email=st.none() | st.sampled_from(["wq@zyx.example", "z@quux.example"]),
        line1=st.none() | st.sampled_from(["8800 Zebra Pkwy", "9 Yonder Rd"]),
        postal_code=st.none() | st.sampled_from(["99501", "99502"]),
    ),
    max_size=6,
)


def _plain(found: list[Candidate]) -> set[tuple[str, str, MatchClass, object]]:
    return {(c.left_id, c.right_id, c.match_class, c.score) for c in found}


@given(left=ROWS, right=ROWS)
def test_swapping_the_sides_swaps_the_answer(left: list[Party], right: list[Party]) -> None:
    lefts, rights = _numbered("L", left), _numbered("R", right)
    there = _plain(match_parties(lefts, rights))
    back = _plain(match_parties(rights, lefts))
    assert {(b, a, c, s) for a, b, c, s in back} == there


@given(left=ROWS, right=ROWS, seed=st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(left: list[Party], right: list[Party], seed: int) -> None:
    lefts, rights = _numbered("L", left), _numbered("R", right)
    shuffled_left, shuffled_right = lefts.copy(), rights.copy()
    Random(seed).shuffle(shuffled_left)
    Random(seed + 1).shuffle(shuffled_right)
    assert match_parties(shuffled_left, shuffled_right) == match_parties(lefts, rights)


@given(left=ROWS, right=ROWS, more_left=STRANGERS, more_right=STRANGERS)
def test_unrelated_rows_change_no_answer_about_the_others(
    left: list[Party], right: list[Party], more_left: list[Party], more_right: list[Party]
) -> None:
    lefts, rights = _numbered("L", left), _numbered("R", right)
    alone = _plain(match_parties(lefts, rights))
    mixed = _plain(match_parties(_numbered("X", more_left) + lefts, rights + _numbered("Y", more_right)))
    assert {c for c in mixed if c[0].startswith("L") and c[1].startswith("R")} == alone
    assert not {c for c in mixed if c[0].startswith("L") != c[1].startswith("R")}


@settings(max_examples=200)
@given(left=ROWS, right=ROWS)
def test_no_record_is_in_two_automatic_links_or_in_more_than_three_candidates(
    left: list[Party], right: list[Party]
) -> None:
    found = match_parties(_numbered("L", left), _numbered("R", right))
    linked = Counter(i for c in found if c.match_class.automatic for i in (c.left_id, c.right_id))
    shown = Counter(i for c in found if not c.match_class.automatic for i in (c.left_id, c.right_id))
    assert max(linked.values(), default=0) <= 1
    assert max(shown.values(), default=0) <= 3
    assert not set(linked) & set(shown)
    assert all(0 <= c.score <= 1 and c.score.as_tuple().exponent == -4 and c.evidence for c in found)
    assert MatchClass.NONE not in {c.match_class for c in found}
