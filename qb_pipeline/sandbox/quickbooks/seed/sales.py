"""What the sample company sold: estimates, invoices, sales receipts, credits, refunds and the money that came in.

Invariant: every sum is quantity times price of the price book, and invoices are of every kind there is: paid, partly
paid, open, overdue, taxed in either state, discounted, for jobs, and with stock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker

# Item, quantity, unit price.
Sold = tuple[str, int, int | Decimal]
CALIFORNIA, RENO = "2", "3"


@dataclass(frozen=True)
class Form:
    """One sales form; `days` from today, `tax` the TaxCode of a form that is taxed."""

    name: str
    customer: str
    days: int
    sold: Sequence[Sold]
    tax: str | None = None
    class_name: str | None = None
    location: str | None = None
    percent_off: int = 0
    # The estimate that is billed.
    estimate: str | None = None
    more: JsonObject = field(default_factory=dict)


ESTIMATES = (
    Form("barrel racks", "Alder Creek Winery:Barrel hall", -95, (("Carpentry", 40, 75), ("Lumber 2x4", 60, 12)),
         class_name="Commercial", more={"TxnStatus": "Accepted"}),
    Form("kitchen", "Hartwell Residence:Kitchen remodel", -60, (("Design", 12, 95), ("Carpentry", 64, 75)),
         class_name="Remodel", more={"TxnStatus": "Accepted"}),
    Form("gym roof", "Dunmore Elementary:Gym roof", -30, (("Demolition", 24, 65), ("Carpentry", 80, 75)),
         class_name="Commercial"),
    Form("shelving", "Dunmore Elementary:Library shelving", -80, (("Carpentry", 24, 75),),
         class_name="Commercial", more={"TxnStatus": "Accepted"}),
    Form("patio cover", "Fennel & Fig Kitchen:Patio cover", -8, (("Deck board", 60, 28), ("Carpentry", 18, 75)),
         CALIFORNIA, "Remodel", percent_off=5),
)  # fmt: skip
INVOICES = (
    Form("racks 1", "Alder Creek Winery:Barrel hall", -90, (("Carpentry", 20, 75), ("Lumber 2x4", 30, 12)),
         CALIFORNIA, "Commercial", estimate="barrel racks"),
    Form("hinges", "Kestrel Cycles", -85, (("Door lock set", 4, 89), ("Installation", 3, 70)), CALIFORNIA, "Repair"),
    Form("deck", "Hartwell Residence:Deck", -75, (("Deck board", 48, 28), ("Carpentry", 30, 75)), CALIFORNIA,
         "Remodel"),
    Form("shelving", "Dunmore Elementary:Library shelving", -70, (("Carpentry", 24, 75),),
         class_name="Commercial", estimate="shelving"),
    Form("wiring", "Brightwater Dental", -66, (("Electrical", 9, 110), ("Permit fee", 1, 150)),
         class_name="Commercial"),
    Form("windows A", "Juniper Apartments:Building A", -62, (("Window unit", 4, 310), ("Installation", 10, 70)), RENO,
         "Commercial", "Truckee shop"),
    Form("kiln room", "Ito Pottery Studio", -50, (("Drywall sheet", 18, 19), ("Painting", 12, 55)), RENO, "Remodel",
         "Truckee shop"),
    Form("racks 2", "Alder Creek Winery:Barrel hall", -40, (("Carpentry", 20, 75), ("Lumber 2x4", 30, 12)),
         CALIFORNIA, "Commercial"),
    Form("kitchen start", "Hartwell Residence:Kitchen remodel", -35, (("Design", 12, 95), ("Demolition", 16, 65)),
         class_name="Remodel", percent_off=10, estimate="kitchen"),
    Form("roof leak", "Eastgate Storage", -28, (("Site visit", 1, 85), ("Maintenance & Repair", 7, 68)),
         class_name="Repair"),
    Form("heaters", "Fennel & Fig Kitchen", -21, (("Patio heater", 2, 420),), CALIFORNIA, "Commercial"),
    Form("packing shed", "Grady Orchard", -14, (("Concrete mix", 22, Decimal("7.5")), ("Carpentry", 14, 75)),
         CALIFORNIA, "Repair"),
    Form("gutters", "Lopez, Daniel", -9, (("Maintenance & Repair", 3, 68),), class_name="Repair"),
    Form("windows B", "Juniper Apartments:Building B", -5, (("Window unit", 3, 310), ("Installation", 8, 70)), RENO,
         "Commercial", "Truckee shop"),
    Form("cellar door", "Alder Creek Winery", -3, (("Door lock set", 2, 89), ("Carpentry", 5, 75)), CALIFORNIA,
         "Repair"),
)  # fmt: skip
CREDITS = (
    Form("lock returned", "Kestrel Cycles", -60, (("Door lock set", 1, 89),), CALIFORNIA),
    Form("late finish", "Juniper Apartments", -30, (("Installation", 2, 70),)),
)
RECEIPTS = (
    Form("spring tune", "Calloway Family", -44, (("Maintenance & Repair", 2, 68),),
         more={"PaymentMethodRef": {"value": "1"}}),
    Form("lock sale", "Lopez, Daniel", -26, (("Door lock set", 1, 89),), CALIFORNIA,
         more={"PaymentMethodRef": {"value": "3"}}),
    Form("heater sale", "Calloway Family", -6, (("Patio heater", 1, 420),), CALIFORNIA,
         more={"PaymentMethodRef": {"value": "2"}, "PaymentRefNum": "4471"}),
)  # fmt: skip
REFUNDS = (
    Form("heater returned", "Calloway Family", -4, (("Patio heater", 1, 420),), CALIFORNIA,
         more={"DepositToAccountRef": {"value": "35"}}),
)  # fmt: skip


def seed_sales(maker: Maker) -> None:
    """Every sales form, oldest kind first: invoices may refer to estimates."""
    for estimate in ESTIMATES:
        make_form(maker, "Estimate", estimate)
    for invoice in INVOICES:
        make_form(maker, "Invoice", invoice)
    for credit in CREDITS:
        make_form(maker, "CreditMemo", credit)
    for receipt in RECEIPTS:
        make_form(maker, "SalesReceipt", receipt)
    for refund in REFUNDS:
        make_form(maker, "RefundReceipt", refund)


def make_form(maker: Maker, entity: str, form: Form) -> None:
    """One form with its lines."""
    lines = [line(maker, form, *sold) for sold in form.sold]
    if form.percent_off:
        discount = {"PercentBased": True, "DiscountPercent": form.percent_off, "DiscountAccountRef": {"value": "86"}}
        lines.append({"DetailType": "DiscountLineDetail", "DiscountLineDetail": discount})
    maker.make(
        entity,
        form.name,
        CustomerRef=maker.ref("Customer", form.customer),
        TxnDate=maker.day(form.days),
        DepartmentRef=maker.ref("Department", form.location or "West Sacramento yard"),
        Line=lines,
        LinkedTxn=None if form.estimate is None else [maker.link("Estimate", form.estimate)],
        TxnTaxDetail=None if form.tax is None else {"TxnTaxCodeRef": {"value": form.tax}},
        **form.more,
    )


def line(maker: Maker, form: Form, item: str, quantity: int, price: int | Decimal) -> JsonObject:
    """One line; goods are taxed where the form is, work is not."""
    detail: JsonObject = {
        "ItemRef": maker.ref("Item", item),
        "Qty": quantity,
        "UnitPrice": price,
        "TaxCodeRef": {"value": "TAX" if form.tax and maker.taxable(item) else "NON"},
    }
    if form.class_name is not None:
        detail["ClassRef"] = maker.ref("Class", form.class_name)
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": quantity * price,
        "Description": item,
        "SalesItemLineDetail": detail,
    }
