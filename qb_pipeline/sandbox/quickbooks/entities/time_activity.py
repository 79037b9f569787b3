"""TimeActivity: hours of an employee or a vendor, billable to a customer.

Invariant: it names one person, says its duration in one way, and only an invoice marks it as billed.
"""

from datetime import datetime

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD, RO, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, inactive, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Number, Property, Ref, Text
from qb_pipeline.sandbox.quickbooks.times import PACIFIC

PERSON = {"Employee": "EmployeeRef", "Vendor": "VendorRef"}
CLOCK = ("StartTime", "EndTime")
# Largest values of the numbers of a duration.
RANGES = {"Hours": 8760, "Minutes": 59, "BreakHours": 8760, "BreakMinutes": 59}
OWN: dict[str, Property] = {
    **ECHOED,
    "TxnDate": Day(),
    "NameOf": Choice(tuple(PERSON)),
    "EmployeeRef": Ref("Employee"),
    "VendorRef": Ref("Vendor"),
    "CustomerRef": Ref("Customer"),
    "ProjectRef": Ref("Customer", named=False),
    "DepartmentRef": Ref("Department"),
    "ClassRef": Ref("Class"),
    "ItemRef": Ref(""),
    "PayrollItemRef": RO,
    "BillableStatus": Choice(("Billable", "NotBillable", "HasBeenBilled")),
    "Taxable": Flag(),
    "HourlyRate": Number(),
    "CostRate": Number(),
    **{key: Number(0) for key in RANGES},
    **{key: Text(40) for key in CLOCK},
    "Description": Text(4000),
    "TransactionLocationType": Text(100),
    "LinkedTxn": RO,
    "CustomField": RO,
    "OtherNameRef": RO,
    "TimeChargeId": RO,
}
LAYOUT = (
    "TxnDate", "NameOf", *PERSON.values(), "CustomerRef", "ProjectRef", "DepartmentRef", "ClassRef", "ItemRef",
    "BillableStatus", "Taxable", "HourlyRate", "CostRate", "BreakHours", "BreakMinutes", *CLOCK, "Hours", "Minutes",
    "Description", *HEAD,
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a time activity. 2020, 2060, 2170, 2180, 2500, 610, 6000, 6210, 6290, 6300, 6310, 6390."""
    obj = draft.obj
    check_person(obj)
    complete_date(company, obj)
    check_duration(draft)
    complete_status(draft)
    complete_item(company, draft)
    obj.setdefault("Taxable", False)
    obj.setdefault("HourlyRate", 0)
    if decimal_of(obj["HourlyRate"]) < 0:
        raise Fault(2190, f"HourlyRate must not be below 0. Supplied value:{obj['HourlyRate']}", element="HourlyRate")
    return obj


def check_person(obj: JsonObject) -> None:
    """2020 without a kind, 6290 for both an employee and a vendor, 6300 for none of the kind."""
    if "NameOf" not in obj:
        raise missing("NameOf")
    key = PERSON[str(obj["NameOf"])]
    if all(other in obj for other in PERSON.values()):
        raise Fault(6290, "Either EmployeeRef or VendorRef can be given, not both.", element="NameOf")
    if key not in obj:
        raise Fault(6300, f"NameOf {obj['NameOf']} needs {key}.", element=key)


def check_duration(draft: Draft) -> None:
    """Hours and minutes or two times of a clock: 6390 for both, 2020 for neither."""
    obj = draft.obj
    # A sparse update that says the duration the other way leaves the first one behind.
    if draft.sparse and any(draft.given(key) for key in CLOCK) != any(draft.given(key) for key in ("Hours", "Minutes")):
        gone = ("Hours", "Minutes") if any(draft.given(key) for key in CLOCK) else CLOCK
        for key in gone:
            obj.pop(key, None)
    by_clock, by_sum = any(key in obj for key in CLOCK), any(key in obj for key in ("Hours", "Minutes"))
    if by_clock and by_sum and any(decimal_of(obj.get(key)) for key in ("Hours", "Minutes")):
        raise Fault(6390, "Give either Hours and Minutes or StartTime and EndTime, not both.", element="Hours")
    for key, largest in RANGES.items():
        if not 0 <= decimal_of(obj.get(key)) <= largest:
            raise Fault(2180, f"{key} must lie between 0 and {largest}. Supplied value:{obj[key]}", element=key)
    if by_clock:
        complete_clock(obj)
    elif not by_sum:
        raise missing("Hours")
    else:
        obj.setdefault("Hours", 0)
        obj.setdefault("Minutes", 0)


def complete_clock(obj: JsonObject) -> None:
    """Both times, in their order. 2020, 2060, 6000."""
    for key in ("Hours", "Minutes"):
        obj.pop(key, None)
    moments = []
    for key in CLOCK:
        if key not in obj:
            raise missing(key)
        moments.append(moment_of(obj, key))
        obj[key] = moments[-1].isoformat(timespec="seconds")
    if moments[1] < moments[0]:
        raise business("EndTime must not be before StartTime.", element="EndTime")


def moment_of(obj: JsonObject, key: str) -> datetime:
    """A time as written; without an offset it is Pacific time."""
    try:
        moment = datetime.fromisoformat(str(obj[key]))
    except ValueError as error:
        raise Fault(2060, f"{key} should be a date with a time. Supplied value:{obj[key]}", element=key) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)


def complete_status(draft: Draft) -> None:
    """2170 for what only an invoice sets, 6310 for billable time without a customer."""
    obj, was = draft.obj, (draft.before or {}).get("BillableStatus")
    status = obj.setdefault("BillableStatus", "NotBillable" if was is None else was)
    if status == "HasBeenBilled" and was != "HasBeenBilled":
        raise Fault(2170, "BillableStatus HasBeenBilled is set by billing the time.", element="BillableStatus")
    if status == "Billable" and "CustomerRef" not in obj:
        raise Fault(6310, "Billable time needs a CustomerRef.", element="CustomerRef")


def complete_item(company: Company, draft: Draft) -> None:
    """The service with its current name; a billable one brings its price along. 2500, 610, 6000."""
    identifier = ref_value(draft.obj, "ItemRef")
    if identifier is None:
        return
    item = company.require("Item", identifier)
    if item.get("Active") is False and identifier != ref_value(draft.before or {}, "ItemRef"):
        raise inactive("Item", identifier)
    if item.get("Type") in ("Category", "Group", "Inventory"):
        raise business(f"Item {identifier} is of type {item['Type']}; time needs a service.", element="ItemRef")
    draft.obj["ItemRef"] = {"value": identifier, "name": reference_name("Item", item)}
    if draft.obj["BillableStatus"] == "Billable" and "HourlyRate" not in draft.obj:
        draft.obj["HourlyRate"] = item.get("UnitPrice", 0)


TIME_ACTIVITY = Entity(
    name="TimeActivity",
    properties=OWN,
    layout=LAYOUT,
    sequence="TimeActivity",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    guard=refuse_closed,
)
