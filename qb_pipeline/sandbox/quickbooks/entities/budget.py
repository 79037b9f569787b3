"""Budget: planned amounts by account and period.

Invariant: a budget covers one fiscal year; each of its amounts has an account of the profit and loss and a day within.
"""

from datetime import date, timedelta

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD
from qb_pipeline.sandbox.quickbooks.entities.names import require_unique
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Group, Many, Property, Ref, Text

KINDS = {"ProfitAndLoss": ("Revenue", "Expense"), "BalanceSheet": ("Asset", "Liability", "Equity")}
PERIODS = ("Monthly", "Quarterly", "Annually")
DETAIL = Group(
    {
        "Amount": MONEY,
        "BudgetDate": Day(),
        "AccountRef": Ref("Account"),
        "CustomerRef": Ref("Customer"),
        "ClassRef": Ref("Class"),
        "DepartmentRef": Ref("Department"),
    }
)
OWN: dict[str, Property] = {
    **ECHOED,
    "Name": Text(100, name=True),
    "StartDate": Day(),
    "EndDate": Day(),
    "BudgetType": Choice(tuple(KINDS)),
    "BudgetEntryType": Choice(PERIODS),
    "Active": Flag(),
    "BudgetDetail": Many(DETAIL),
}
LAYOUT = ("Name", "StartDate", "EndDate", "BudgetType", "BudgetEntryType", "Active", "BudgetDetail", *HEAD)
REQUIRED = ("Name", "StartDate", "EndDate", "BudgetType")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a budget. 2020, 6240, 6490, 6500, 6510."""
    obj = draft.obj
    for key in REQUIRED:
        if not obj.get(key):
            raise missing(key)
    if "BudgetEntryType" not in obj:
        raise Fault(6490, f"BudgetEntryType is required: one of {', '.join(PERIODS)}.", element="BudgetEntryType")
    first, last = date.fromisoformat(obj["StartDate"]), date.fromisoformat(obj["EndDate"])
    if first.day != 1 or last + timedelta(days=1) != first.replace(year=first.year + 1):
        raise Fault(6510, f"A budget covers one year: {first} to {last} does not.", element="EndDate")
    require_unique(company, "Budget", obj, draft.before)
    obj.setdefault("Active", True)
    obj["BudgetDetail"] = [complete_detail(company, obj, detail) for detail in obj.get("BudgetDetail") or []]
    return obj


def complete_detail(company: Company, obj: JsonObject, detail: JsonObject) -> JsonObject:
    """One amount. 2020, 6500, 6510."""
    for key in ("AccountRef", "BudgetDate"):
        if key not in detail:
            raise missing(f"BudgetDetail.{key}")
    account = company.require("Account", str(ref_value(detail, "AccountRef")))
    if account.get("Classification") not in KINDS[obj["BudgetType"]]:
        kind = account.get("AccountType")
        raise Fault(
            6500, f"Account {account['Id']} of type {kind} is none of {obj['BudgetType']}.", element="AccountRef"
        )
    if not obj["StartDate"] <= detail["BudgetDate"] <= obj["EndDate"]:
        raise Fault(6510, f"{detail['BudgetDate']} lies outside the budget's year.", element="BudgetDate")
    return arranged({"Amount": 0, **detail}, ("BudgetDate", "Amount", "AccountRef"))


BUDGET = Entity(
    name="Budget",
    properties=OWN,
    layout=LAYOUT,
    sequence="Budget",
    verbs=frozenset({"create", "update", "delete"}),
    complete=complete,
    kept=("Active",),
)
