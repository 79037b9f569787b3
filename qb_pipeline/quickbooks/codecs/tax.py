"""Sales tax codes and the rates they add up to.

Invariant: a code's percent is the sum of all its sales rates or unknown; it is never a part of the sum.
"""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline.entities import values as canonical
from qb_pipeline.entities.records import Decoded
from qb_pipeline.entities.tax_code import TAX_CODE
from qb_pipeline.entities.tax_rate import TAX_RATE
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.base import KeptInQuickBooks
from qb_pipeline.quickbooks.codecs.fields import Raw

PSEUDO_CODES = frozenset({"TAX", "NON", "CustomSalesTax"})


class TaxRateCodec(KeptInQuickBooks):
    entity = TAX_RATE

    def decode(self, raw: Raw) -> Decoded:
        return Decoded(
            {
                "name": fields.read_text(raw, "Name"),
                "percent": fields.read_number(raw, "RateValue"),
                "active": fields.is_active(raw),
            }
        )


class TaxCodeCodec(KeptInQuickBooks):
    entity = TAX_CODE

    def decode(self, raw: Raw) -> Decoded:
        pseudo = raw.get("Id") in PSEUDO_CODES
        values = {
            "name": fields.read_text(raw, "Name"),
            "percent": self._percent(raw),
            "active": fields.is_active(raw),
        }
        reason = "a line-level code of QuickBooks, carried by each line's taxable flag"
        return Decoded(values, skip=reason if pseudo else None)

    def _percent(self, raw: Raw) -> Decimal | None:
        details = fields.objects(raw, "SalesTaxRateList", "TaxRateDetail")
        rates = [fields.read_ref(detail, "TaxRateRef") or "" for detail in details]
        known = [self.facts.rate_percents[rate] for rate in rates if rate in self.facts.rate_percents]
        return canonical.number(sum(known, Decimal(0))) if len(known) == len(rates) else None
