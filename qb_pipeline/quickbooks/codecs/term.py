"""Payment terms: so many days after the invoice, or a fixed day of the month.

Invariant: the two kinds of terms are told apart by which of the day fields is filled, never by their name.
"""

from __future__ import annotations

from qb_pipeline.entities.records import Decoded
from qb_pipeline.entities.term import TERM
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.base import KeptInQuickBooks
from qb_pipeline.quickbooks.codecs.fields import Raw


class TermCodec(KeptInQuickBooks):
    entity = TERM

    def decode(self, raw: Raw) -> Decoded:
        return Decoded(
            {
                "name": fields.read_name(raw, "Name"),
                "due_days": fields.read_integer(raw, "DueDays"),
                "discount_percent": fields.read_number(raw, "DiscountPercent"),
                "discount_days": fields.read_integer(raw, "DiscountDays"),
                "due_day_of_month": fields.read_integer(raw, "DayOfMonthDue"),
                "active": fields.is_active(raw),
            }
        )
