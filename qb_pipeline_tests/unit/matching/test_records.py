"""Canonical records reach the matcher their entity declares."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Value, Values
from qb_pipeline.sync.matching import MatchClass, candidates

EXAMPLES: dict[str, dict[str, Value]] = {
    "customer": {"name": "Ann Hale", "phone": "512 555 0142", "billing_line1": "12 Elm St",
                 "billing_city": "Austin", "billing_state": "TX", "billing_postal_code": "78701"},
    "job": {"name": "Kitchen", "number": "J-7", "customer": 4},
    "item": {"name": "Pipe", "sku": "P-1", "kind": "goods"},
    "account": {"name": "Income:Services", "code": "4000", "kind": "Income"},
    "term": {"name": "Net 30", "due_days": 30},
    "payment_method": {"name": "Check"},
    "division": {"name": "Roofing"},
    "tax_code": {"name": "TX 8.25%", "percent": Decimal("8.25")},
    "tax_rate": {"name": "State", "percent": Decimal("6.25")},
    "invoice": {"number": "1042", "customer": 4, "date": date(2026, 3, 1), "total": Decimal("250.00")},
    "payment": {"customer": 4, "date": date(2026, 3, 1), "amount": Decimal("80.00"), "reference": "881"},
    "credit_memo": {"number": "1043", "customer": 4, "date": date(2026, 3, 9), "total": Decimal("20.00")},
}  # fmt: skip


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_entity_links_a_record_with_its_equal_on_the_other_side(entity: str) -> None:
    values = EXAMPLES[entity]
    (found,) = candidates(ENTITIES[entity], {"c1": values}, {"q1": dict(values)})
    assert (found.left_id, found.right_id, found.match_class) == ("c1", "q1", MatchClass.EXACT)


def test_the_contractor_is_named_as_the_side_that_lacks_a_field() -> None:
    full: Values = EXAMPLES["customer"]
    bare = {"name": full["name"], "phone": full["phone"]}
    (found,) = candidates(ENTITIES["customer"], {"c1": bare}, {"q1": full})
    assert "address missing in contractor" in found.evidence


def test_a_job_whose_customer_is_not_linked_yet_waits() -> None:
    waiting: Values = {**EXAMPLES["job"], "customer": None}
    assert candidates(ENTITIES["job"], {"c1": waiting}, {"q1": waiting}) == []


def test_jobs_of_other_customers_are_not_compared() -> None:
    other: Values = {**EXAMPLES["job"], "customer": 5}
    assert candidates(ENTITIES["job"], {"c1": EXAMPLES["job"]}, {"q1": other}) == []


def test_an_invoice_whose_customer_is_not_linked_yet_is_never_linked_by_itself() -> None:
    unlinked: Values = {**EXAMPLES["invoice"], "customer": None}
    (found,) = candidates(ENTITIES["invoice"], {"c1": EXAMPLES["invoice"]}, {"q1": unlinked})
    assert found.match_class is MatchClass.WEAK
    assert "party missing in QuickBooks" in found.evidence
