"""What recurs in the sample company: a maintenance contract and the rent of the yard.

Invariant: a template posts nothing, so the sample's balances do not depend on it.
"""

from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker
from qb_pipeline.sandbox.quickbooks.writes import create


def seed_templates(maker: Maker) -> None:
    """One of each side."""
    sold = {"ItemRef": maker.ref("Item", "Maintenance & Repair"), "Qty": 4, "UnitPrice": 68}
    contract = {
        "CustomerRef": maker.ref("Customer", "Juniper Apartments"),
        "Line": [{"DetailType": "SalesItemLineDetail", "Amount": 272, "SalesItemLineDetail": sold}],
    }
    rent = {
        "VendorRef": maker.ref("Vendor", "Anchor Tool Rental"),
        "Line": [
            {
                "DetailType": "AccountBasedExpenseLineDetail",
                "Amount": 950,
                "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "17"}},
            }
        ],
    }
    for kind, name, body in (("Invoice", "Monthly maintenance", contract), ("Bill", "Yard rent", rent)):
        template = {kind: {**body, "RecurringInfo": monthly(maker, name)}}
        create(maker.company, ENTITIES["RecurringTransaction"], template)


def monthly(maker: Maker, name: str) -> JsonObject:
    """On the first of every month, from the coming weeks on."""
    schedule = {"StartDate": maker.day(14), "IntervalType": "Monthly", "DayOfMonth": 1, "NumInterval": 1}
    return {"Name": name, "RecurType": "Automated", "Active": True, "ScheduleInfo": schedule}
