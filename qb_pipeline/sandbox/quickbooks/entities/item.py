"""Item: Service, NonInventory, Inventory, Category.

Invariant: an item that can be sold has an income account, and an inventory item all three of its accounts.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD, NAME_VERBS, RO
from qb_pipeline.sandbox.quickbooks.entities.inventory_adjustment import write_off
from qb_pipeline.sandbox.quickbooks.entities.names import (
    Tree,
    apply_activity,
    place_in_tree,
    require_childless,
    require_unique,
    spread_name,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.stock.restock import STARTING, begin, repost
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Number, Property, Ref, Text

TYPES = ("Service", "NonInventory", "Inventory", "Category", "Group")
TREE = Tree("Item", "Name", "SubItem", level=True)
INVENTORY_NEEDS = ("QtyOnHand", "InvStartDate", "AssetAccountRef", "IncomeAccountRef", "ExpenseAccountRef")
# Which accounts an item may sell and buy on.
ACCOUNTS = {
    "IncomeAccountRef": ("Income", "Other Income"),
    "ExpenseAccountRef": (
        "Expense", "Cost of Goods Sold", "Other Expense", "Other Current Asset", "Fixed Asset", "Other Asset",
        "Other Current Liability", "Long Term Liability", "Equity", "Income", "Other Income", "Bank", "Credit Card",
    ),
}  # fmt: skip
INVENTORY_ACCOUNTS = {
    "IncomeAccountRef": ("Income", "Other Income"),
    "ExpenseAccountRef": ("Cost of Goods Sold",),
    "AssetAccountRef": ("Other Current Asset",),
}
OWN: dict[str, Property] = {
    **ECHOED,
    "Name": Text(100, name=True),
    "Sku": Text(100),
    "Description": Text(4000),
    "Active": Flag(),
    "SubItem": Flag(),
    "ParentRef": Ref("Item", named=False),
    "Level": RO,
    "FullyQualifiedName": RO,
    "Taxable": Flag(),
    "SalesTaxIncluded": Flag(),
    "UnitPrice": Number(),
    "Type": Choice(TYPES),
    "IncomeAccountRef": Ref("Account"),
    "PurchaseDesc": Text(1000),
    "PurchaseCost": Number(),
    "PurchaseTaxIncluded": Flag(),
    "ExpenseAccountRef": Ref("Account"),
    "AssetAccountRef": Ref("Account"),
    "PrefVendorRef": Ref("Vendor"),
    "TrackQtyOnHand": Flag(),
    "QtyOnHand": Number(),
    "ReorderPoint": Number(),
    "InvStartDate": Day(),
    "SalesTaxCodeRef": Ref("TaxCode", named=False),
    "PurchaseTaxCodeRef": Ref("TaxCode", named=False),
    "ClassRef": Ref("Class"),
    "TaxClassificationRef": Ref("", named=False),
    "DeferredRevenue": RO,
    "ItemCategoryType": RO,
    "ItemGroupDetail": RO,
    "PrintGroupedItems": RO,
}
LAYOUT = (
    "Name", "Sku", "Description", "Active", "SubItem", "ParentRef", "Level", "FullyQualifiedName", "Taxable",
    "UnitPrice", "Type", "IncomeAccountRef", "PurchaseDesc", "PurchaseCost", "ExpenseAccountRef", "AssetAccountRef",
    "PrefVendorRef", "TrackQtyOnHand", "QtyOnHand", "ReorderPoint", "InvStartDate", "TaxClassificationRef",
    "ClassRef", "DeferredRevenue", *HEAD,
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an item."""
    obj, before = draft.obj, draft.before
    if not obj.get("Name"):
        raise missing("Name")
    obj.setdefault("Type", "Service" if before is None else before.get("Type", "Service"))
    check_type(obj, before)
    require_childless(company, draft, "Item")
    apply_activity(draft, "Name")
    require_unique(company, "Item", obj, before)
    place_in_tree(company, draft, TREE)
    if not obj["SubItem"]:
        del obj["SubItem"]
    if obj["Type"] == "Category":
        return category(obj)
    complete_inventory(obj, before)
    complete_accounts(company, obj)
    for key, default in {"Taxable": False, "UnitPrice": 0, "PurchaseCost": 0, "DeferredRevenue": False}.items():
        obj.setdefault(key, default)
    return obj


def check_type(obj: JsonObject, before: JsonObject | None) -> None:
    """Bundles are read only; inventory items keep their type; categories stay active."""
    if obj["Type"] == "Group":
        raise unsupported("writing an Item of Type Group")
    if before is not None and before.get("Type") != obj["Type"] and "Inventory" in (before.get("Type"), obj["Type"]):
        raise business(f"Item {before['Id']} cannot change its Type from {before.get('Type')} to {obj['Type']}.")
    if obj["Type"] == "Category" and obj.get("Active") is False:
        raise business("An Item of Type Category cannot be made inactive.", element="Active")


def category(obj: JsonObject) -> JsonObject:
    """A category has a name and a place, nothing else."""
    allowed = ("Name", "Active", "SubItem", "ParentRef", "Level", "FullyQualifiedName", "Type")
    return {key: obj[key] for key in allowed if key in obj}


def complete_inventory(obj: JsonObject, before: JsonObject | None) -> None:
    """Inventory needs quantity, start date and three accounts; its quantity is not the client's to change."""
    tracked = obj["Type"] == "Inventory"
    if not tracked:
        if obj.get("TrackQtyOnHand"):
            raise business("TrackQtyOnHand is only for Items of Type Inventory.", element="TrackQtyOnHand")
        obj["TrackQtyOnHand"] = False
        for key in ("QtyOnHand", "InvStartDate"):
            obj.pop(key, None)
        return
    if before is not None:
        obj["QtyOnHand"] = before.get("QtyOnHand", 0)
        obj.setdefault("InvStartDate", before.get("InvStartDate"))
    if before is None and not obj.get("TrackQtyOnHand"):
        raise business("An Item of Type Inventory needs TrackQtyOnHand true.", element="TrackQtyOnHand")
    for key in INVENTORY_NEEDS:
        if obj.get(key) is None:
            raise Fault(6520, f"Inventory item needs {key}.", element=key) if key == "QtyOnHand" else missing(key)
    if before is None and decimal_of(obj["QtyOnHand"]) < 0:
        raise Fault(2160, f"QtyOnHand must not be negative: {obj['QtyOnHand']}.", element="QtyOnHand")
    obj["TrackQtyOnHand"] = True


def complete_accounts(company: Company, obj: JsonObject) -> None:
    """Accounts of the right type; a service without any sells on the default income account. 6430."""
    income, expense = ref_value(obj, "IncomeAccountRef"), ref_value(obj, "ExpenseAccountRef")
    if income is None and expense is None:
        default = account_of_subtype(company, "ServiceFeeIncome")
        if default is None:
            raise missing("IncomeAccountRef")
        obj["IncomeAccountRef"] = {
            "value": default,
            "name": company.require("Account", default)["FullyQualifiedName"],
        }
    for key, kinds in (INVENTORY_ACCOUNTS if obj["Type"] == "Inventory" else ACCOUNTS).items():
        identifier = ref_value(obj, key)
        kind = None if identifier is None else company.require("Account", identifier).get("AccountType")
        if kind is not None and kind not in kinds:
            raise Fault(6430, f"{key} {identifier} is of type {kind}, not {kinds[0]}.", element=key)


SPREAD = spread_name("Item")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new name spreads; what a new item holds is posted; what an item made inactive holds is written off."""
    SPREAD(company, before, after)
    if after is None or after.get("Type") != "Inventory":
        return
    if before is None:
        begin(company, after)
        return
    if before.get("InvStartDate") != after.get("InvStartDate"):
        repost(company, (STARTING, str(after["Id"])))
    if before.get("Active") is not False and after.get("Active") is False and decimal_of(after.get("QtyOnHand")):
        write_off(company, after)


ITEM = Entity(
    name="Item",
    properties=OWN,
    layout=LAYOUT,
    sequence="Item",
    verbs=NAME_VERBS,
    complete=complete,
    kept=("Active", "Type", "QtyOnHand", "TrackQtyOnHand", "InvStartDate", "DeferredRevenue"),
    effect=effect,
)
