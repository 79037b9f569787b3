"""Customer, with sub-customers (jobs).

Invariant: Job and ParentRef go together; Balance and BalanceWithJobs are the ledger's, never the client's.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, HEAD, NAME_VERBS, PERSON, RO
from qb_pipeline.sandbox.quickbooks.entities.names import (
    Tree,
    apply_activity,
    place_in_tree,
    require_childless,
    require_unique,
    spread_name,
)
from qb_pipeline.sandbox.quickbooks.entities.opening_balance import open_customer, opening_of
from qb_pipeline.sandbox.quickbooks.entities.people import number_addresses, settle_display_name
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_branch
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Property, Ref, Text

TREE = Tree("Customer", "DisplayName", "Job", level=True)
OWN: dict[str, Property] = {
    # Writable when the customer is made: its opening balance.
    "Balance": MONEY,
    "CompanyName": Text(100),
    "Notes": Text(2000),
    "BillAddr": ADDRESS,
    "ShipAddr": ADDRESS,
    "OtherAddr": ADDRESS,
    "Job": Flag(),
    "ParentRef": Ref("Customer", named=False),
    "BillWithParent": Flag(),
    "Level": RO,
    "BalanceWithJobs": RO,
    "OpenBalanceDate": Day(),
    "PreferredDeliveryMethod": Choice(("Print", "Email", "None")),
    "Taxable": Flag(),
    "DefaultTaxCodeRef": Ref("TaxCode", named=False),
    "TaxExemptionReasonId": Text(10),
    "ResaleNum": Text(16),
    "SalesTermRef": Ref("Term"),
    "PaymentMethodRef": Ref("PaymentMethod"),
    "CustomerTypeRef": Ref("CustomerType"),
    "PrimaryTaxIdentifier": Text(100),
    "IsProject": Flag(),
}
LAYOUT = (
    "Taxable", "BillAddr", "ShipAddr", "OtherAddr", "Notes", "Job", "BillWithParent", "ParentRef", "Level",
    "SalesTermRef", "PaymentMethodRef", "Balance", "BalanceWithJobs", "CurrencyRef", "PreferredDeliveryMethod",
    "IsProject", "ClientEntityId", *HEAD, "Title", "GivenName", "MiddleName", "FamilyName", "Suffix",
    "FullyQualifiedName", "CompanyName", "DisplayName", "PrintOnCheckName", "Active", "PrimaryPhone",
    "AlternatePhone", "Mobile", "Fax", "PrimaryEmailAddr", "WebAddr", "DefaultTaxCodeRef",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a customer."""
    obj, before = draft.obj, draft.before
    settle_display_name(draft)
    check_job(company, draft)
    check_exemption(draft.obj)
    check_settled(draft)
    require_childless(company, draft, "Customer")
    apply_activity(draft, "DisplayName")
    require_unique(company, "Customer", obj, before)
    place_in_tree(company, draft, TREE)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    check_delivery(obj)
    number_addresses(company, obj, before)
    for key, default in defaults(obj).items():
        obj.setdefault(key, default)
    opening = opening_of(draft)
    for key in ("Balance", "BalanceWithJobs"):
        obj[key] = (before or {}).get(key, number(opening))
    if before is not None:
        obj.pop("OpenBalanceDate", None)
        obj.update({key: before[key] for key in ("OpenBalanceDate",) if key in before})
    return obj


def defaults(obj: JsonObject) -> JsonObject:
    """What QBO fills in."""
    return {
        "Taxable": False,
        "BillWithParent": False,
        "PreferredDeliveryMethod": "None",
        "IsProject": False,
        "ClientEntityId": "0",
        "PrintOnCheckName": str(obj.get("CompanyName") or obj["DisplayName"])[:110],
    }


def check_job(company: Company, draft: Draft) -> None:
    """6150 unless Job and ParentRef go together; a job stays one; projects are not modelled."""
    sent, before = draft.sent, draft.before
    if sent.get("IsProject") and not (before or {}).get("IsProject"):
        raise not_modelled("creating a project over REST")
    if before is not None and before.get("Job"):
        if sent.get("Job") is False or ("ParentRef" in sent and sent["ParentRef"] is None):
            raise Fault(6150, "A sub-customer cannot be turned into a customer through the API.", element="Job")
        draft.obj.setdefault("ParentRef", before["ParentRef"])
        draft.obj["Job"] = True
    if bool(draft.obj.get("Job")) != ("ParentRef" in draft.obj):
        raise Fault(6150, "Job true needs a ParentRef, and a ParentRef needs Job true.", element="ParentRef")
    if before is not None and before.get("BillWithParent", False) != draft.obj.get("BillWithParent", False):
        refuse_rebilling(company, before)
    if draft.obj.get("BillWithParent") and "ParentRef" not in draft.obj:
        raise business("BillWithParent is only for sub-customers.", element="BillWithParent")


def refuse_rebilling(company: Company, customer: JsonObject) -> None:
    """6130 once there are invoices that were billed one way."""
    if company.store.referrers(("Customer", str(customer["Id"])), "Invoice"):
        raise Fault(
            6130,
            f"BillWithParent of customer {customer['Id']} cannot be changed: there are invoices.",
            element="BillWithParent",
        )


def check_exemption(obj: JsonObject) -> None:
    """2180 for a reason of exemption that does not exist."""
    reason = obj.get("TaxExemptionReasonId")
    if reason is not None and str(reason) not in {str(number) for number in range(1, 16)}:
        raise Fault(2180, f"TaxExemptionReasonId must be 1 to 15, not {reason}.", element="TaxExemptionReasonId")


def check_settled(draft: Draft) -> None:
    """6220 when a customer with a balance is to be made inactive."""
    before = draft.before
    if before is None or draft.obj.get("Active") is not False or before.get("Active") is False:
        return
    if decimal_of(before.get("Balance")) != 0:
        raise Fault(6220, f"Customer {before['Id']} has a balance of {before['Balance']}; settle it first.")


def check_delivery(obj: JsonObject) -> None:
    """6420 when documents go by e-mail and there is no address."""
    if obj.get("PreferredDeliveryMethod") == "Email" and not obj.get("PrimaryEmailAddr"):
        raise Fault(6420, "PreferredDeliveryMethod Email needs a PrimaryEmailAddr.", element="PrimaryEmailAddr")


SPREAD = spread_name("Customer")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new name spreads; a new parent takes over the balance; an opening balance becomes an invoice."""
    SPREAD(company, before, after)
    if before is None and after is not None and after["Balance"]:
        open_customer(company, after)
    if before is not None and after is not None:
        move_branch(company, "Customer", "BalanceWithJobs", before, after)


KEPT = (
    "CurrencyRef", "Active", "IsProject", "ClientEntityId", "Job", "ParentRef", "PreferredDeliveryMethod",
    "BillWithParent",
    "OpenBalanceDate", "V4IDPseudonym", "DefaultTaxCodeRef",
)  # fmt: skip
CUSTOMER = Entity(
    name="Customer",
    properties={**PERSON, **OWN},
    layout=LAYOUT,
    sequence="people",
    verbs=NAME_VERBS,
    complete=complete,
    kept=KEPT,
    effect=effect,
)
