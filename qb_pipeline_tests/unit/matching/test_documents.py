"""Invoices and payments are linked by number or reference, party, total and date, and money never disagrees."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sync.matching import Candidate, Document, MatchClass, match_documents

DAY = date(2026, 3, 10)


def _doc(record_id: str, number: str | None = "1042", party: int | None = 7, total: str = "250.00",
         day: date = DAY, reference: str | None = None) -> Document:  # fmt: skip
    return Document(record_id, number, party, Decimal(total), day, reference)


def _payment(record_id: str, reference: str | None, party: int | None = 7, day: date = DAY) -> Document:
    return Document(record_id, None, party, Decimal("80.00"), day, reference)


def _class(left: Document, right: Document) -> MatchClass:
    found = match_documents([left], [right])
    return found[0].match_class if found else MatchClass.NONE


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (_doc("R"), MatchClass.EXACT),
        (_doc("R", number="01042"), MatchClass.EXACT),
        (_doc("R", day=date(2026, 3, 15)), MatchClass.STRONG),
        (_doc("R", day=date(2026, 3, 16)), MatchClass.WEAK),
        (_doc("R", total="250.01"), MatchClass.WEAK),
        (_doc("R", number=None), MatchClass.STRONG),
        (_doc("R", number="1043"), MatchClass.WEAK),
        (_doc("R", party=None), MatchClass.WEAK),
        (_doc("R", party=8), MatchClass.WEAK),
        (_doc("R", party=8, day=date(2026, 4, 10)), MatchClass.NONE),
        (_doc("R", party=8, total="99.00"), MatchClass.NONE),
        (_doc("R", number=None, total="99.00"), MatchClass.NONE),
        (_doc("R", number=None, day=date(2026, 3, 11)), MatchClass.WEAK),
        (_doc("R", number=None, day=date(2026, 3, 16)), MatchClass.NONE),
        (_doc("R", number=None, party=None), MatchClass.NONE),
    ],
)
def test_an_invoice_is_linked_as_far_as_number_party_total_and_date_agree(
    right: Document, expected: MatchClass
) -> None:
    assert _class(_doc("L"), right) is expected


def test_conflicting_totals_are_named_in_the_evidence() -> None:
    (found,) = match_documents([_doc("L")], [_doc("R", total="260.00")])
    assert found.evidence == ("same number", "same party", "total differs: 250.00 / 260.00", "same date")


def test_a_payment_is_linked_by_its_reference() -> None:
    assert _class(_payment("L", "Check 881"), _payment("R", "check881")) is MatchClass.EXACT
    assert _class(_payment("L", "881"), _payment("R", "881", day=date(2026, 3, 12))) is MatchClass.STRONG
    assert _class(_payment("L", "881"), _payment("R", None)) is MatchClass.STRONG
    assert _class(_payment("L", "881"), _payment("R", "882")) is MatchClass.WEAK
    assert _class(_payment("L", "881", party=None), _payment("R", None, party=None)) is MatchClass.NONE


def test_equal_payments_without_reference_are_left_to_a_person() -> None:
    found = match_documents([_payment("L1", None), _payment("L2", None)], [_payment("R", None)])
    assert [c.match_class for c in found] == [MatchClass.WEAK, MatchClass.WEAK]


def test_a_referenced_pair_frees_its_unreferenced_neighbour() -> None:
    left = [_payment("L1", "881"), _payment("L2", None)]
    right = [_payment("R1", "881"), _payment("R2", None)]
    links = {(c.left_id, c.right_id, c.match_class) for c in match_documents(left, right)}
    assert links == {("L1", "R1", MatchClass.EXACT), ("L2", "R2", MatchClass.STRONG)}


LINES = ((11, Decimal("100.00")), (12, Decimal("150.00")))
OTHER_LINES = ((11, Decimal("125.00")), (12, Decimal("125.00")))


def _bill(record_id: str, number: str | None, day: date, lines: tuple[tuple[int, Decimal], ...]) -> Document:
    return Document(record_id, number, 7, Decimal("250.00"), day, lines=lines)


def test_equal_lines_make_up_for_a_missing_number_and_a_date_some_days_off() -> None:
    left = _bill("L", "77", DAY, LINES)
    assert _class(left, _bill("R", None, date(2026, 3, 13), LINES[::-1])) is MatchClass.STRONG
    assert _class(left, _bill("R", None, date(2026, 3, 13), ())) is MatchClass.WEAK
    assert _class(left, _bill("R", None, DAY, OTHER_LINES)) is MatchClass.WEAK
    assert _class(left, _bill("R", None, date(2026, 3, 16), LINES)) is MatchClass.NONE


def test_a_numbered_bill_booked_weeks_later_is_linked_only_if_its_lines_agree() -> None:
    left = _bill("L", "77", DAY, LINES)
    assert _class(left, _bill("R", "77", date(2026, 4, 10), LINES)) is MatchClass.STRONG
    assert _class(left, _bill("R", "77", date(2026, 4, 10), OTHER_LINES)) is MatchClass.WEAK
    assert _class(left, _bill("R", "77", date(2026, 7, 10), LINES)) is MatchClass.WEAK


def test_lines_are_told_in_the_evidence_where_both_sides_have_them() -> None:
    (found,) = match_documents([_bill("L", "77", DAY, LINES)], [_bill("R", "77", DAY, OTHER_LINES)])
    assert found.evidence[-1] == "lines differ"
    (found,) = match_documents([_bill("L", "77", DAY, LINES)], [_bill("R", "77", DAY, ())])
    assert found.evidence[-1] == "same date"


def test_a_rejected_pair_frees_the_payment_for_the_other_one() -> None:
    left, right = [_payment("L", None)], [_payment("R1", None), _payment("R2", None)]
    (found,) = match_documents(left, right, rejected={("L", "R1")})
    assert (found.right_id, found.match_class) == ("R2", MatchClass.STRONG)


DOCUMENTS = st.lists(
    st.builds(
        _doc,
        record_id=st.just(""),
        number=st.none() | st.sampled_from(["1", "2"]),
        party=st.none() | st.integers(1, 2),
        total=st.sampled_from(["10.00", "20.00"]),
        day=st.sampled_from([DAY, date(2026, 3, 12), date(2026, 5, 1)]),
    ),
    max_size=6,
)


def _numbered(prefix: str, rows: list[Document]) -> list[Document]:
    return [Document(f"{prefix}{n}", d.number, d.party, d.total, d.date, d.reference) for n, d in enumerate(rows)]


def _plain(found: list[Candidate]) -> set[tuple[str, str, MatchClass]]:
    return {(c.left_id, c.right_id, c.match_class) for c in found}


@given(left=DOCUMENTS, right=DOCUMENTS)
def test_money_and_party_agree_in_every_automatic_link_and_the_sides_may_be_swapped(
    left: list[Document], right: list[Document]
) -> None:
    lefts, rights = _numbered("L", left), _numbered("R", right)
    found = match_documents(lefts, rights)
    by_id = {d.id: d for d in (*lefts, *rights)}
    linked = [(by_id[c.left_id], by_id[c.right_id]) for c in found if c.match_class.automatic]
    assert all(a.total == b.total and a.party == b.party is not None for a, b in linked)
    assert len({a.id for a, _ in linked}) == len({b.id for _, b in linked}) == len(linked)
    assert {(b, a, c) for a, b, c in _plain(match_documents(rights, lefts))} == _plain(found)
    assert _plain(match_documents(lefts[::-1], rights[::-1])) == _plain(found)
