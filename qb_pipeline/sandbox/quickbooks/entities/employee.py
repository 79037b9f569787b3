"""Employee.

Invariant: an SSN is never kept, only shown masked.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, HEAD, NAME_VERBS, PERSON
from qb_pipeline.sandbox.quickbooks.entities.names import apply_activity, require_unique, spread_name
from qb_pipeline.sandbox.quickbooks.entities.people import number_addresses, settle_display_name
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Number, Property, Text

OWN: dict[str, Property] = {
    "PrimaryAddr": ADDRESS,
    "SSN": Text(20),
    "BillableTime": Flag(),
    "BillRate": Number(),
    "CostRate": Number(),
    "HiredDate": Day(),
    "ReleasedDate": Day(),
    "BirthDate": Day(),
    "Gender": Choice(("Male", "Female")),
    "EmployeeNumber": Text(100),
    "EmployeeType": Text(100),
}
LAYOUT = (
    "SSN", "PrimaryAddr", "BillableTime", "BillRate", "CostRate", "BirthDate", "Gender", "HiredDate", "ReleasedDate",
    *HEAD, "Title", "GivenName", "MiddleName", "FamilyName", "Suffix", "DisplayName", "PrintOnCheckName", "Active",
    "PrimaryPhone", "Mobile", "PrimaryEmailAddr",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an employee. 2020 without a given or family name."""
    obj, before = draft.obj, draft.before
    if not obj.get("GivenName") and not obj.get("FamilyName"):
        raise missing("GivenName")
    settle_display_name(draft)
    apply_activity(draft, "DisplayName")
    require_unique(company, "Employee", obj, before)
    number_addresses(company, obj, before)
    obj.setdefault("BillableTime", False)
    obj.setdefault("PrintOnCheckName", str(obj["DisplayName"])[:110])
    if "SSN" in obj:
        obj["SSN"] = "XXX-XX-XXXX"
    obj.pop("CurrencyRef", None)
    return obj


EMPLOYEE = Entity(
    name="Employee",
    properties={**PERSON, **OWN},
    layout=LAYOUT,
    sequence="people",
    verbs=NAME_VERBS,
    complete=complete,
    kept=("Active", "SSN", "V4IDPseudonym"),
    effect=spread_name("Employee"),
)
