"""Recurring transactions through python-quickbooks, which wraps them in their kind."""

from __future__ import annotations

from typing import Any

import pytest
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects.recurringtransaction import RecurringTransaction

from qb_pipeline_tests.sandbox.clients.bodies import BODIES, Sample, fresh

KINDS = (
    "Bill", "CreditMemo", "Deposit", "Estimate", "Invoice", "JournalEntry", "Purchase", "RefundReceipt",
    "SalesReceipt", "Transfer", "VendorCredit",
)  # fmt: skip


def made(kind: str, names: Sample, qb: Any) -> Any:
    """A saved template of a kind, read back."""
    schedule = {"StartDate": "2026-12-01", "IntervalType": "Monthly", "DayOfMonth": 1, "NumInterval": 1}
    info = {"Name": fresh("Template"), "RecurType": "Automated", "Active": True, "ScheduleInfo": schedule}
    saved = RecurringTransaction.from_json({kind: {**BODIES[kind](names), "RecurringInfo": info}}).save(qb=qb)
    return RecurringTransaction.get(getattr(saved, kind).Id, qb=qb)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_made_found_by_its_kind_changed_and_deleted(kind: str, names: Sample, qb: Any) -> None:
    template = made(kind, names, qb)
    inner = getattr(template, kind)
    inner.RecurringInfo.ScheduleInfo.DayOfMonth = 15
    vars(inner).pop("PurchaseEx", None)
    template.save(qb=qb)
    of_kind = RecurringTransaction.where(f"Type = '{kind}'", qb=qb)
    assert all(hasattr(one, kind) for one in of_kind)
    (found,) = [one for one in of_kind if getattr(one, kind).Id == inner.Id]
    assert getattr(found, kind).RecurringInfo.ScheduleInfo.DayOfMonth == 15
    found.delete(qb=qb)
    with pytest.raises(ObjectNotFoundException):
        RecurringTransaction.get(inner.Id, qb=qb)
    assert len(RecurringTransaction.where(f"Type = '{kind}'", qb=qb)) == len(of_kind) - 1


def test_a_template_posts_nothing(names: Sample, qb: Any) -> None:
    before = qb.get_report("TrialBalance")["Rows"]
    made("Bill", names, qb).delete(qb=qb)
    assert qb.get_report("TrialBalance")["Rows"] == before


def test_two_templates_cannot_have_one_name(names: Sample, qb: Any) -> None:
    template = made("Invoice", names, qb)
    again = RecurringTransaction.from_json({"Invoice": {**BODIES["Invoice"](names)}})
    again.Invoice.RecurringInfo = template.Invoice.RecurringInfo
    with pytest.raises(QuickbooksException) as refused:
        again.save(qb=qb)
    assert refused.value.error_code == 6240
    template.delete(qb=qb)
