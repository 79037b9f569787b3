"""One list against itself: what may have been entered twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Values
from qb_pipeline.sync.matching import (
    Document,
    MatchClass,
    Named,
    Party,
    duplicate_documents,
    duplicate_names,
    duplicate_parties,
    duplicates,
)

HALE = {"phone": "512 555 0142", "line1": "12 Elm St", "city": "Austin", "postal_code": "78701"}


def test_a_customer_entered_three_times_gives_three_pairs_with_the_lower_id_left() -> None:
    rows = [Party("1", name="John Hale", **HALE), Party("2", name="Hale, John", **HALE),
            Party("3", name="J. Hale", **HALE), Party("4", name="Zoe Byrd", phone="303 444 7788")]  # fmt: skip
    found = duplicate_parties(rows)
    assert {(c.left_id, c.right_id) for c in found} == {("1", "2"), ("1", "3"), ("2", "3")}
    assert all(c.match_class.automatic for c in found)


def test_father_and_son_of_one_list_are_no_sure_duplicates() -> None:
    rows = [Party("1", name="John Hale", **HALE), Party("2", name="Peter Hale", **HALE)]
    assert [c.match_class for c in duplicate_parties(rows)] == [MatchClass.WEAK]


def test_a_pair_a_person_rejected_is_not_shown_again() -> None:
    rows = [Party("1", name="John Hale", **HALE), Party("2", name="Hale, John", **HALE)]
    assert duplicate_parties(rows, rejected={("1", "2")}) == []


def test_the_order_of_the_list_does_not_matter() -> None:
    rows = [Party(str(n), name="John Hale", **HALE) for n in range(4)]
    assert duplicate_parties(rows) == duplicate_parties(rows[::-1])


def test_list_entries_and_documents_entered_twice_are_found() -> None:
    entries = [Named("1", "Net 30"), Named("2", "NET 30"), Named("3", "Net 15")]
    assert [(c.left_id, c.right_id) for c in duplicate_names(entries)] == [("1", "2")]
    bill = Document("1", "B-9", 7, Decimal("80.00"), date(2026, 3, 1))
    twice = [bill, Document("2", "b9", 7, Decimal("80.00"), date(2026, 3, 3))]
    (found,) = duplicate_documents(twice)
    assert (found.left_id, found.right_id, found.match_class) == ("1", "2", MatchClass.STRONG)


def test_an_entity_finds_its_duplicates_by_its_own_kind_of_evidence() -> None:
    customer = {"name": "Ann Hale", "phone": "512 555 0142", "billing_line1": "12 Elm St", "billing_city": "Austin"}
    found = duplicates(ENTITIES["customer"], {"a": customer, "b": dict(customer)})
    assert [(c.left_id, c.right_id, c.match_class) for c in found] == [("a", "b", MatchClass.EXACT)]
    item = {"name": "Pipe", "sku": "P-1", "kind": "goods"}
    assert len(duplicates(ENTITIES["item"], {"a": item, "b": dict(item)})) == 1
    invoice: Values = {"number": "9", "customer": 4, "date": date(2026, 3, 1), "total": Decimal("5.00")}
    assert len(duplicates(ENTITIES["invoice"], {"a": invoice, "b": dict(invoice)}, rejected={("a", "b")})) == 0
