"""What a transaction moves in and out of stock.

Invariant: every line with an inventory item is one movement, with what the transaction itself posted to the asset.

    movements(company, "Bill", bill, postings) -> [Move("11", "in", 5, own=50, ...)]
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import customer_of
from qb_pipeline.sandbox.quickbooks.ledger.rules.purchases import BY_ITEM, expense_lines
from qb_pipeline.sandbox.quickbooks.ledger.rules.sales import ITEM, sale_lines
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Which way a positive quantity goes: 1 into the stock, -1 out of it.
SALES = {"Invoice": -1, "SalesReceipt": -1, "CreditMemo": 1, "RefundReceipt": 1}
PURCHASES = {"Bill": 1, "Purchase": 1, "VendorCredit": -1}
ADJUSTMENT = "InventoryAdjustment"
IN, OUT = "in", "out"
Spot = tuple[str, str | None]


@dataclass(frozen=True)
class Move:
    """Units of one item coming in or going out; `quantity` is positive in the direction of `kind`.

    A sale's return is an issue of a negative quantity: it brings back the units that left last, at their cost.
    """

    item: str
    kind: str
    quantity: Decimal
    # What the transaction's own postings debited to the asset account.
    own: Decimal
    asset: str
    # The other side: cost of goods sold, or the account of an adjustment.
    target: str
    # What came in is worth this; None: the last known price.
    value: Decimal | None = None
    party: Reference | None = None
    klass: str | None = None
    department: str | None = None
    line: str | None = None


def moves_stock(entity: str) -> bool:
    """Whether the entity's lines move quantities."""
    return entity in SALES or entity in PURCHASES or entity == ADJUSTMENT


def movements(company: Company, entity: str, obj: JsonObject, postings: list[Posting]) -> list[Move]:
    """Every movement of a stored transaction, in the order of its lines."""
    if entity in SALES:
        return list(sold(company, obj, SALES[entity]))
    if entity == ADJUSTMENT:
        return list(adjusted(company, obj))
    sign = -1 if entity == "Purchase" and obj.get("Credit") else PURCHASES[entity]
    return list(bought(company, obj, sign, postings))


def inventory_item(company: Company, detail: JsonObject) -> JsonObject | None:
    """The item of a line when it is one whose quantity is tracked."""
    identifier = ref_value(detail, "ItemRef")
    item = company.store.get("Item", identifier) if identifier and identifier.isdecimal() else None
    return item if item is not None and item.get("Type") == "Inventory" else None


def accounts_of(company: Company, item: JsonObject) -> tuple[str, str]:
    """Where an item's cost lies, and where it goes when sold."""
    asset = ref_value(item, "AssetAccountRef") or account_for(company, "Inventory")
    return asset, ref_value(item, "ExpenseAccountRef") or account_for(company, "SuppliesMaterialsCogs")


def sold(company: Company, obj: JsonObject, sign: int) -> Iterator[Move]:
    """Issues of a sales form; negative ones where goods come back."""
    for line in sale_lines(obj.get("Line") or []):
        detail = line.get(ITEM) or {}
        quantity = -sign * decimal_of(detail.get("Qty"))
        item = inventory_item(company, detail) if quantity else None
        if item is not None:
            asset, expense = accounts_of(company, item)
            yield Move(
                item["Id"], OUT, quantity, Decimal(0), asset, expense, party=customer_of(obj),
                klass=ref_value(detail, "ClassRef") or ref_value(obj, "ClassRef"),
                department=ref_value(obj, "DepartmentRef"), line=line.get("Id"),
            )  # fmt: skip


def bought(company: Company, obj: JsonObject, sign: int, postings: list[Posting]) -> Iterator[Move]:
    """Receipts at what was paid; what goes back to the vendor is an issue."""
    quantities: defaultdict[Spot, Decimal] = defaultdict(Decimal)
    details: dict[Spot, JsonObject] = {}
    for line in expense_lines(obj.get("Line") or []):
        detail = line.get(BY_ITEM) or {}
        if "ItemRef" in detail:
            spot = (str(ref_value(detail, "ItemRef")), line.get("Id"))
            # A line that names no quantity is one piece.
            quantities[spot] += sign * decimal_of(detail.get("Qty", 1))
            details[spot] = detail
    for spot, quantity in quantities.items():
        item = inventory_item(company, details[spot])
        if item is not None:
            yield purchased(company, obj, item, details[spot], quantity, spot, postings)


def purchased(
    company: Company, obj: JsonObject, item: JsonObject, detail: JsonObject, quantity: Decimal, spot: Spot,
    postings: list[Posting],
) -> Move:  # fmt: skip
    """One bought line; an amount without a quantity goes to the cost of goods sold at once."""
    asset, expense = accounts_of(company, item)
    on_asset = (one.amount for one in postings if one.account == asset and (one.item, one.line) == spot)
    own = sum(on_asset, Decimal(0))
    received = quantity > 0
    return Move(
        item["Id"], IN if received else OUT, abs(quantity), own, asset, expense, value=own if received else None,
        klass=ref_value(detail, "ClassRef"), department=ref_value(obj, "DepartmentRef"), line=spot[1],
    )  # fmt: skip


def adjusted(company: Company, obj: JsonObject) -> Iterator[Move]:
    """Counted differences against the account of the adjustment."""
    target = ref_value(obj, "AdjustAccountRef") or account_for(company, "SuppliesMaterialsCogs")
    for line in obj.get("Line") or []:
        detail = line.get("ItemAdjustmentLineDetail") or {}
        item, quantity = inventory_item(company, detail), decimal_of(detail.get("QtyDiff"))
        if item is not None and quantity:
            asset, _ = accounts_of(company, item)
            yield Move(
                item["Id"], IN if quantity > 0 else OUT, abs(quantity), Decimal(0), asset, target,
                klass=ref_value(detail, "ClassRef"), department=ref_value(obj, "DepartmentRef"), line=line.get("Id"),
            )  # fmt: skip
