"""TaxAgency: to whom sales tax is paid.

Invariant: an agency has a name of its own and a liability account its tax is posted to; neither is changed through the
API.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_called
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD
from qb_pipeline.sandbox.quickbooks.entities.names import require_unique
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Day, Flag, Text

LAYOUT = (
    "TaxAgencyConfig", "TaxTrackedOnPurchases", "TaxTrackedOnSales", "TaxRegistrationNumber", "LastFileDate", *HEAD,
    "DisplayName",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """2020 without a name, 6240 for one that is taken."""
    obj = draft.obj
    if not obj.get("DisplayName"):
        raise missing("DisplayName")
    require_unique(company, "TaxAgency", obj, draft.before)
    obj.setdefault("TaxTrackedOnPurchases", False)
    obj.setdefault("TaxTrackedOnSales", True)
    return obj


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new agency comes with the account its tax is owed on."""
    if before is not None or after is None:
        return
    name = f"{after['DisplayName']} Payable"
    account_called(company, name, "Other Current Liability", "Liability", "GlobalTaxPayable")


TAX_AGENCY = Entity(
    name="TaxAgency",
    properties={
        **ECHOED,
        "DisplayName": Text(100, name=True),
        "TaxTrackedOnSales": Flag(),
        "TaxTrackedOnPurchases": Flag(),
        "TaxRegistrationNumber": Text(100),
        "TaxAgencyConfig": Text(100),
        "LastFileDate": Day(),
    },
    layout=LAYOUT,
    sequence="TaxAgency",
    verbs=frozenset({"create"}),
    complete=complete,
    effect=effect,
)
