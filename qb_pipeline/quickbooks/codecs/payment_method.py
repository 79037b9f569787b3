"""Payment methods.

Invariant: a kind that QBO does not declare stays unknown; it is not guessed from the method's name.
"""

from __future__ import annotations

from qb_pipeline.entities.payment_method import PAYMENT_METHOD
from qb_pipeline.entities.records import Decoded
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.base import KeptInQuickBooks
from qb_pipeline.quickbooks.codecs.fields import Raw

_KINDS = {"CREDIT_CARD": "credit_card", "NON_CREDIT_CARD": "non_credit_card"}


class PaymentMethodCodec(KeptInQuickBooks):
    entity = PAYMENT_METHOD

    def decode(self, raw: Raw) -> Decoded:
        return Decoded(
            {
                "name": fields.read_name(raw, "Name"),
                "kind": _KINDS.get(str(raw.get("Type"))),
                "active": fields.is_active(raw),
            }
        )
