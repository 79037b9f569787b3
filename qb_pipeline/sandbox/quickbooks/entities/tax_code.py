"""What is read only: TaxCode, TaxRate, CustomerType, JournalCode, TaxPayment.

Invariant: no request changes these; a tax code comes into being through the tax service alone.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject


def refuse(_company: Company, _draft: Draft) -> JsonObject:
    """500: whoever comes here got past the verbs."""
    raise unsupported("write")


def read_only(name: str, properties: tuple[str, ...], sequence: str | None = None) -> Entity:
    """An entity that is queried and read; writing it answers 500 Unsupported Operation, as QBO does."""
    return Entity(
        name=name,
        properties=dict.fromkeys(properties, RO),
        layout=(*properties, *HEAD),
        sequence=sequence or name,
        verbs=frozenset(),
        complete=refuse,
    )


TAX_CODE = read_only(
    "TaxCode",
    (
        "Name", "Description", "Active", "Hidden", "Taxable", "TaxGroup", "SalesTaxRateList", "PurchaseTaxRateList",
        "AdjustmentTaxRateList", "TaxCodeConfigType",
    ),
)  # fmt: skip
TAX_RATE = read_only(
    "TaxRate",
    (
        "Name", "Description", "Active", "RateValue", "AgencyRef", "TaxReturnLineRef", "SpecialTaxType",
        "EffectiveTaxRate", "DisplayType", "OriginalTaxRate",
    ),
)  # fmt: skip
CUSTOMER_TYPE = read_only("CustomerType", ("Name", "Active"))
JOURNAL_CODE = read_only("JournalCode", ("Name", "Type", "Description", "Active"))
TAX_PAYMENT = read_only(
    "TaxPayment", ("PaymentDate", "PaymentAmount", "PaymentAccountRef", "Description", "Refund"), "transactions"
)
READ_ONLY = (TAX_CODE, TAX_RATE, CUSTOMER_TYPE, JOURNAL_CODE, TAX_PAYMENT)
