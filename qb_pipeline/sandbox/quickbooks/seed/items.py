"""The sample company's price book: services, materials, stock, categories and a bundle.

Invariant: the first ten ids are services, sold without stock, because suites sell the item with id 10; the first item
by name can be sold.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.company import put
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker

# Name, price, income account, description.
SERVICES = (
    ("Services", 0, "1", ""),
    ("Hours", 60, "1", "Time of the crew"),
    ("Carpentry", 75, "46", "Framing, trim and doors"),
    ("Design", 95, "82", "Drawings and permits"),
    ("Demolition", 65, "46", "Removal and hauling"),
    ("Electrical", 110, "48", "Licensed electrician"),
    ("Installation", 70, "46", "Fixtures and appliances"),
    ("Painting", 55, "46", "Preparation and two coats"),
    ("Maintenance & Repair", 68, "50", "Small repairs"),
    ("Site visit", 85, "50", "Inspection with a written estimate"),
    ("Cleanup", 40, "50", "Broom clean"),
)
CATEGORIES = ("Materials", "Outdoor")
# Name, category, price, cost, Sku.
MATERIALS = (
    ("Concrete mix", "Materials", Decimal("7.5"), Decimal("4.6"), "CON-80"),
    ("Lumber 2x4", "Materials", 12, Decimal("6.8"), "LUM-24"),
    ("Drywall sheet", "Materials", 19, 11, "DRY-48"),
    ("Permit fee", None, 150, 150, "PERMIT"),
)
# Name, category, price, cost, quantity on hand, Sku.
STOCK = (
    ("Deck board", "Outdoor", 28, 16, 240, "DB-16"),
    ("Door lock set", "Materials", 89, 52, 30, "LOCK-1"),
    ("Patio heater", "Outdoor", 420, 275, 8, "HEAT-9"),
    ("Window unit", "Materials", 310, 205, 14, "WIN-3"),
)
BUNDLE = "Deck starter kit"
BUNDLED = (("Deck board", 40), ("Concrete mix", 6), ("Carpentry", 16))
# Days ago the stock was counted; before any sale of it.
COUNTED = -180


def seed_items(maker: Maker) -> None:
    """The whole price book; stock begins against opening balance equity."""
    for name, price, income, description in SERVICES:
        account = {"value": income}
        maker.make(
            "Item", name, Name=name, Type="Service", UnitPrice=price, IncomeAccountRef=account, Description=description
        )
    for name in CATEGORIES:
        maker.make("Item", name, Name=name, Type="Category")
    for material in MATERIALS:
        seed_material(maker, *material)
    for stocked in STOCK:
        seed_stock(maker, *stocked)
    seed_bundle(maker)


def placed(maker: Maker, category: str | None) -> JsonObject:
    """Where an item stands among the categories."""
    return {} if category is None else {"SubItem": True, "ParentRef": maker.ref("Item", category)}


def seed_material(
    maker: Maker, name: str, category: str | None, price: Decimal | int, cost: Decimal | int, sku: str
) -> None:
    """Something bought and sold without being counted."""
    maker.make(
        "Item",
        name,
        Name=name,
        Type="NonInventory",
        Sku=sku,
        UnitPrice=price,
        PurchaseCost=cost,
        Taxable=True,
        IncomeAccountRef={"value": "47"},
        ExpenseAccountRef={"value": "63"},
        **placed(maker, category),
    )


def seed_stock(maker: Maker, name: str, category: str, price: int, cost: int, quantity: int, sku: str) -> None:
    """Something counted."""
    maker.make(
        "Item",
        name,
        Name=name,
        Type="Inventory",
        Sku=sku,
        UnitPrice=price,
        PurchaseCost=cost,
        Taxable=True,
        TrackQtyOnHand=True,
        QtyOnHand=quantity,
        InvStartDate=maker.day(COUNTED),
        IncomeAccountRef={"value": "79"},
        ExpenseAccountRef={"value": "80"},
        AssetAccountRef={"value": "81"},
        **placed(maker, category),
    )


def seed_bundle(maker: Maker) -> None:
    """A bundle, put in place directly: QBO has no way to write one."""
    lines = []
    for name, quantity in BUNDLED:
        part = maker.stored("Item", name)
        lines.append({"ItemRef": {"value": part["Id"], "name": part["FullyQualifiedName"]}, "Qty": quantity})
    bundle: JsonObject = {
        "Id": str(maker.company.store.next_number("Item")),
        "Name": BUNDLE,
        "Description": "Boards, footings and two days of a carpenter",
        "Active": True,
        "FullyQualifiedName": BUNDLE,
        "Taxable": False,
        "UnitPrice": 0,
        "Type": "Group",
        "PrintGroupedItems": False,
        "ItemGroupDetail": {"ItemGroupLine": lines},
    }
    maker.remember("Item", BUNDLE, put(maker.company, "Item", bundle, ENTITIES["Item"].layout))
