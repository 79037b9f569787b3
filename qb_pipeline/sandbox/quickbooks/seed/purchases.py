"""What the sample company bought: purchase orders, bills and their payments, credits, and expenses paid at once.

Invariant: the newest bill is of the first vendor by name and wholly open, because suites pay the first bill they find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker


@dataclass(frozen=True)
class Cost:
    """One line: an amount for an account, or a quantity of an item at a price; `customer` is whom it was for."""

    amount: int
    account: str | None = None
    item: str | None = None
    quantity: int = 0
    customer: str | None = None
    billable: bool = False


# Name, vendor, days from today, costs.
Bought = tuple[str, str, int, Sequence[Cost]]
ORDERS: tuple[Bought, ...] = (
    ("boards", "Valley Lumber Supply", -48, (Cost(1600, item="Deck board", quantity=100),)),
    ("windows", "Pine Ridge Hardware", -16, (Cost(1230, item="Window unit", quantity=6),)),
    ("locks", "Pine Ridge Hardware", -4, (Cost(520, item="Door lock set", quantity=10),)),
)
BILLS: tuple[Bought, ...] = (
    ("policy", "Bell Insurance Brokers", -88, (Cost(1180, account="11"), Cost(640, account="57"))),
    ("lumber", "Valley Lumber Supply", -72, (Cost(408, account="63", customer="Hartwell Residence:Deck"),)),
    ("boards", "Valley Lumber Supply", -41, (Cost(1600, item="Deck board", quantity=100),)),
    ("rewiring", "Ortega Electric", -36, (Cost(950, account="60", customer="Brightwater Dental"),)),
    ("power", "Capital Power", -25, (Cost(212, account="76"),)),
    ("footings", "Delta Concrete Supply", -13,
     (Cost(276, account="63", customer="Grady Orchard", billable=True), Cost(45, account="28"))),
    ("signs", "Everly Signs", -10, (Cost(330, account="7"),)),
    ("books", "Quill Bookkeeping", -7, (Cost(225, account="69"),)),
    ("lift", "Anchor Tool Rental", -2, (Cost(460, account="62", customer="Juniper Apartments:Building B"),)),
)  # fmt: skip
# Orders that came with a bill of the same name.
DELIVERED = ("boards",)
# Name, vendor, days from today, "Check" or "CreditCard", bills paid whole.
BILL_PAYMENTS = (
    ("policy", "Bell Insurance Brokers", -64, "Check", ("policy",)),
    ("lumber", "Valley Lumber Supply", -45, "CreditCard", ("lumber",)),
    ("rewiring", "Ortega Electric", -22, "Check", ("rewiring",)),
)
CREDITS: tuple[Bought, ...] = (("split boards", "Valley Lumber Supply", -38, (Cost(96, account="63"),)),)
# Vendor, days from today, PaymentType, account that pays, costs.
EXPENSES: tuple[tuple[str, int, str, str, Sequence[Cost]], ...] = (
    ("Northside Fuel", -58, "CreditCard", "41", (Cost(84, account="56"),)),
    ("Pine Ridge Hardware", -46, "CreditCard", "42", (Cost(137, account="20"),)),
    ("Anchor Tool Rental", -33, "Check", "35", (Cost(310, account="29"),)),
    ("Northside Fuel", -19, "CreditCard", "41", (Cost(91, account="56"),)),
    ("Pine Ridge Hardware", -15, "Cash", "35", (Cost(58, account="15"), Cost(36, account="72"))),
    ("Everly Signs", -1, "CreditCard", "42", (Cost(120, account="22"),)),
)


def seed_purchases(maker: Maker) -> None:
    """Orders first, the newest bill last."""
    for order in ORDERS:
        make_bought(maker, "PurchaseOrder", order, APAccountRef={"value": "33"})
    for bill in BILLS:
        came = [maker.link("PurchaseOrder", bill[0])] if bill[0] in DELIVERED else None
        make_bought(maker, "Bill", bill, LinkedTxn=came)
    for name, vendor, days, kind, bills in BILL_PAYMENTS:
        pay_bills(maker, name, vendor, days, kind, bills)
    for credit in CREDITS:
        make_bought(maker, "VendorCredit", credit)
    for number, (vendor, days, kind, account, costs) in enumerate(EXPENSES):
        maker.make(
            "Purchase",
            str(number),
            PaymentType=kind,
            AccountRef={"value": account},
            EntityRef={**(maker.ref("Vendor", vendor) or {}), "type": "Vendor"},
            TxnDate=maker.day(days),
            Line=[line(maker, cost) for cost in costs],
        )


def make_bought(maker: Maker, entity: str, bought: Bought, **more: Any) -> None:
    """A document of a vendor."""
    name, vendor, days, costs = bought
    lines = [line(maker, cost) for cost in costs]
    maker.make(entity, name, VendorRef=maker.ref("Vendor", vendor), TxnDate=maker.day(days), Line=lines, **more)


def line(maker: Maker, cost: Cost) -> JsonObject:
    """One line of an order, a bill, a credit or an expense."""
    detail: JsonObject = {"BillableStatus": "Billable" if cost.billable else "NotBillable"}
    if cost.customer is not None:
        detail["CustomerRef"] = maker.ref("Customer", cost.customer)
    if cost.item is None:
        detail["AccountRef"] = {"value": cost.account}
        return {
            "DetailType": "AccountBasedExpenseLineDetail",
            "Amount": cost.amount,
            "AccountBasedExpenseLineDetail": detail,
        }
    detail |= {"ItemRef": maker.ref("Item", cost.item), "Qty": cost.quantity, "UnitPrice": cost.amount // cost.quantity}
    return {"DetailType": "ItemBasedExpenseLineDetail", "Amount": cost.amount, "ItemBasedExpenseLineDetail": detail}


def pay_bills(maker: Maker, name: str, vendor: str, days: int, kind: str, bills: tuple[str, ...]) -> None:
    """Whole bills, from Checking or with the Mastercard."""
    owed = {bill: maker.stored("Bill", bill)["Balance"] for bill in bills}
    source = (
        {"CheckPayment": {"BankAccountRef": {"value": "35"}}}
        if kind == "Check"
        else {"CreditCardPayment": {"CCAccountRef": {"value": "41"}}}
    )
    maker.make(
        "BillPayment",
        name,
        VendorRef=maker.ref("Vendor", vendor),
        TxnDate=maker.day(days),
        PayType=kind,
        TotalAmt=sum(owed.values()),
        Line=[{"Amount": amount, "LinkedTxn": [maker.link("Bill", bill)]} for bill, amount in owed.items()],
        **source,
    )
