"""What the bookkeeper has entered in QuickBooks before the two systems ever met.

Invariant: everything goes in through QuickBooks' own API, as a person's entries would; a document entered on both
sides has the same number, lines and total, and only names, streets and phones are spelled another way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from qb_pipeline.demo.generator import Workspace
from qb_pipeline.demo.spellings import respelled
from qb_pipeline.demo.wire import Body, QuickBooksScreen

Record = dict[str, Any]
KNOWN_ITEMS, KNOWN_JOBS, KNOWN_INVOICES, KNOWN_PAYMENTS = 22, 8, 30, 12
# Customers and work the contractor's system has never heard of.
OWN_CUSTOMERS = ("Tule Basin Irrigation District", "Ferreira, Beatriz", "Hangar 9 Aviation LLC")
OWN_INVOICES = (("Q-3001", 0, "640.00"), ("Q-3002", 0, "1275.50"), ("Q-3003", 2, "389.00"))


@dataclass
class Entered:
    """The contractor's records that QuickBooks knows too, and the ids they got there."""

    customers: list[Record]
    items: list[Record]
    jobs: list[Record]
    invoices: list[Record]
    payments: list[Record]
    ids: dict[str, str] = field(default_factory=dict)


def choose(workspace: Workspace, seed: int) -> Entered:
    """Two thirds of the customers, most items, some jobs, invoices and payments among them."""
    random = Random(seed + 1)
    customers = random.sample(workspace["customers"], len(workspace["customers"]) * 2 // 3)
    items = workspace["items"][:KNOWN_ITEMS]
    known = {r["id"] for r in (*customers, *items)}
    jobs = [j for j in workspace["jobs"] if j["customer_id"] in known][:KNOWN_JOBS]
    known |= {j["id"] for j in jobs}
    invoices = [i for i in workspace["invoices"] if i["status"] != "draft" and _refers_to(i) <= known][:KNOWN_INVOICES]
    known |= {i["id"] for i in invoices}
    paid = [p for p in workspace["payments"] if p["allocations"] and _pays(p) <= known][:KNOWN_PAYMENTS]
    return Entered([respelled(random, c) for c in customers], items, jobs, invoices, paid)


def _refers_to(invoice: Record) -> set[str]:
    items = {line["item_id"] for line in invoice["lines"] if line["item_id"]}
    return items | {invoice["customer_id"]} | ({invoice["job_id"]} if invoice["job_id"] else set())


def _pays(payment: Record) -> set[str]:
    return {a["invoice_id"] for a in payment["allocations"]}


def enter(screen: QuickBooksScreen, workspace: Workspace, entered: Entered) -> None:
    """Type it all in, lists first; `entered.ids` then says which id each record got in QuickBooks."""
    ids = entered.ids
    ids |= _lists(screen, workspace)
    _add(screen, ids, "Class", workspace["divisions"], lambda r: {"Name": r["name"]})
    _add(screen, ids, "Customer", entered.customers, lambda r: customer_body(r, ids))
    _add(screen, ids, "Customer", entered.jobs, lambda r: _job_body(r, ids))
    _add(screen, ids, "Item", entered.items, lambda r: _item_body(r, ids))
    _add(screen, ids, "Invoice", entered.invoices, lambda r: _invoice_body(r, ids))
    _add(screen, ids, "Payment", entered.payments, lambda r: _payment_body(r, ids))
    _own(screen, ids)


def _lists(screen: QuickBooksScreen, workspace: Workspace) -> dict[str, str]:
    """The lists every QuickBooks company has from the start, by name."""
    pairs = (("accounts", "Account"), ("terms", "Term"), ("payment_methods", "PaymentMethod"), ("tax_rates", "TaxCode"))
    found: dict[str, str] = {}
    for collection, entity in pairs:
        there = {o["Name"]: str(o["Id"]) for o in screen.all(entity)}
        found |= {r["id"]: there[r["name"]] for r in workspace[collection]}
    return found


def _add(
    screen: QuickBooksScreen,
    ids: dict[str, str],
    entity: str,
    records: Sequence[Record],
    body: Callable[[Record], Body],
) -> None:
    made = screen.add_many(entity, [body(r) for r in records])
    ids |= {r["id"]: str(m["Id"]) for r, m in zip(records, made, strict=True)}


def customer_body(party: Record, ids: dict[str, str]) -> Body:
    """A top-level customer; what the office never wrote down is left out."""
    body: Body = {"DisplayName": party["name"], "Taxable": bool(party.get("taxable", True))}
    given = {"CompanyName": "company_name", "GivenName": "first_name", "FamilyName": "last_name", "Notes": "notes"}
    body |= {key: party[name] for key, name in given.items() if party.get(name)}
    if party.get("email"):
        body["PrimaryEmailAddr"] = {"Address": party["email"]}
    if party.get("phone"):
        body["PrimaryPhone"] = {"FreeFormNumber": party["phone"]}
    if party.get("billing_address"):
        body["BillAddr"] = address_body(party["billing_address"])
    if party.get("terms_id"):
        body["SalesTermRef"] = {"value": ids[party["terms_id"]]}
    return body


def address_body(address: Record) -> Body:
    """An address in QuickBooks' words."""
    parts = {"Line1": "line1", "Line2": "line2", "City": "city", "CountrySubDivisionCode": "state"}
    parts |= {"PostalCode": "postal_code", "Country": "country"}
    return {key: address[name] for key, name in parts.items() if address.get(name)}


def _job_body(job: Record, ids: dict[str, str]) -> Body:
    shown = f"{job['name']} ({job['number']})"
    return {
        "DisplayName": shown,
        "Job": True,
        "ParentRef": {"value": ids[job["customer_id"]]},
        "ShipAddr": address_body(job["address"]),
    }


def _item_body(item: Record, ids: dict[str, str]) -> Body:
    body: Body = {
        "Name": item["name"],
        "Sku": item["sku"],
        "Description": item["description"],
        "Type": "Service" if item["kind"] in ("service", "labor") else "NonInventory",
        "UnitPrice": Decimal(item["unit_price"]),
        "Taxable": item["taxable"],
        "IncomeAccountRef": {"value": ids[item["income_account_id"]]},
    }
    if item["unit_cost"]:
        body["PurchaseCost"] = Decimal(item["unit_cost"])
        body["ExpenseAccountRef"] = {"value": ids[item["expense_account_id"]]}
    return body


def _invoice_body(invoice: Record, ids: dict[str, str]) -> Body:
    body: Body = {
        "DocNumber": invoice["number"],
        "CustomerRef": {"value": ids[invoice["job_id"] or invoice["customer_id"]]},
        "TxnDate": invoice["issue_date"],
        "DueDate": invoice["due_date"],
        "SalesTermRef": {"value": ids[invoice["terms_id"]]},
        "Line": [_line_body(line, ids) for line in invoice["lines"]],
    }
    if invoice["memo"]:
        body["CustomerMemo"] = {"value": invoice["memo"]}
    if invoice["tax_rate_id"]:
        body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": ids[invoice["tax_rate_id"]]}}
    return body


def _line_body(line: Record, ids: dict[str, str]) -> Body:
    if line["item_id"] is None:
        if line["amount"] is None:
            return {"DetailType": "DescriptionOnly", "Description": line["description"], "DescriptionLineDetail": {}}
        discount = {"PercentBased": False}
        return {"DetailType": "DiscountLineDetail", "Amount": -Decimal(line["amount"]), "DiscountLineDetail": discount}
    detail: Body = {
        "ItemRef": {"value": ids[line["item_id"]]},
        "Qty": Decimal(line["quantity"]),
        "UnitPrice": Decimal(line["unit_price"]),
        "TaxCodeRef": {"value": "TAX" if line["taxable"] else "NON"},
    }
    if line["division_id"]:
        detail["ClassRef"] = {"value": ids[line["division_id"]]}
    amount = Decimal(line["amount"])
    described = {"Description": line["description"]}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, **described, "SalesItemLineDetail": detail}


def _payment_body(payment: Record, ids: dict[str, str]) -> Body:
    lines = [
        {
            "Amount": Decimal(a["amount"]),
            "LinkedTxn": [{"TxnId": ids[a["invoice_id"]], "TxnType": "Invoice"}],
        }
        for a in payment["allocations"]
    ]
    return {
        "CustomerRef": {"value": ids[payment["customer_id"]]},
        "TxnDate": payment["date"],
        "TotalAmt": Decimal(payment["amount"]),
        "PaymentMethodRef": {"value": ids[payment["method_id"]]},
        "PaymentRefNum": payment["reference"],
        "Line": lines,
    }


def _own(screen: QuickBooksScreen, ids: dict[str, str]) -> None:
    """The bookkeeper's own customers and invoices."""
    customers = screen.add_many("Customer", [{"DisplayName": name, "Taxable": False} for name in OWN_CUSTOMERS])
    bodies = [
        {
            "DocNumber": number,
            "CustomerRef": {"value": customers[whose]["Id"]},
            "TxnDate": "2025-09-12",
            "SalesTermRef": {"value": ids["trm_000003"]},
            "Line": [own_line(ids["itm_000005"], Decimal(amount))],
        }
        for number, whose, amount in OWN_INVOICES
    ]
    screen.add_many("Invoice", bodies)


def own_line(item: str, amount: Decimal) -> Body:
    """A line that sells one of an item for `amount`."""
    detail: Body = {"ItemRef": {"value": item}, "Qty": 1, "UnitPrice": amount, "TaxCodeRef": {"value": "NON"}}
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "Description": "As agreed",
        "SalesItemLineDetail": detail,
    }
