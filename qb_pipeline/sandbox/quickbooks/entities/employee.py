"""Employee.

Invariant: an SSN is never kept, only shown masked.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, HEAD, NAME_VERBS, PERSON
from qb_pipeline.sandbox.quickbooks.entities.names import MARK, apply_activity, require_unique, spread_name
from qb_pipeline.sandbox.quickbooks.entities.people import PARTS, number_addresses, settle_display_name
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import business, missing
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
    """Check and fill in an employee. 2020, 6000, 6080, 6240."""
    obj, before = draft.obj, draft.before
    check_names(company, draft)
    if company.switches.payroll:
        check_address(obj)
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


def check_names(company: Company, draft: Draft) -> None:
    """2020 without a given or family name; with payroll both are needed, and DisplayName is made of them."""
    obj = draft.obj
    present = [key for key in ("GivenName", "FamilyName") if obj.get(key)]
    if not present:
        raise missing("GivenName")
    if not company.switches.payroll:
        return
    for key in ("GivenName", "FamilyName"):
        if key not in present:
            raise missing(key)
    derived = " ".join(str(obj[part]) for part in PARTS if obj.get(part))
    if draft.given("DisplayName") and MARK.sub("", str(draft.sent["DisplayName"])) != derived:
        raise business("With payroll, DisplayName is made of the parts of the name.", element="DisplayName")
    obj["DisplayName"] = derived


def check_address(obj: JsonObject) -> None:
    """2020 without the city and state that payroll needs."""
    address = obj.get("PrimaryAddr") or {}
    for key in ("City", "CountrySubDivisionCode"):
        if not address.get(key):
            raise missing(f"PrimaryAddr.{key}")


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
