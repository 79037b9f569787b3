"""Purchase orders that bills and purchases take over.

Invariant: an order is Closed while every line of it is on a bill or purchase, unless a person closed it; its LinkedTxn
names exactly the bills and purchases that name it.

    check_orders(company, obj, before, vendor)     2500, 620
    bill_orders(company, "Bill", before, after)     the effect of a write on the orders
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.transaction import with_links
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value

ORDER = "PurchaseOrder"
TAKERS = ("Bill", "Purchase")


def orders_of(obj: JsonObject | None) -> dict[str, set[str] | None]:
    """Order id -> the ids of its lines that the form takes over; None for the whole order."""
    found: dict[str, set[str] | None] = {}
    for holder in (obj or {}, *((obj or {}).get("Line") or [])):
        for link in holder.get("LinkedTxn") or []:
            if link.get("TxnType") == ORDER:
                add(found, str(link.get("TxnId")), link.get("TxnLineId"), head=holder is obj)
    return found


def add(found: dict[str, set[str] | None], order: str, line: object, *, head: bool) -> None:
    """Take one link in; without a line it stands for the whole order."""
    if head or line in (None, ""):
        found[order] = None
    else:
        lines = found.get(order)
        found[order] = {*(lines or ()), str(line)}


def check_orders(company: Company, obj: JsonObject, before: JsonObject | None, vendor: str | None) -> None:
    """2500 for an order that does not exist, 620 for another vendor's or one that is closed already."""
    known = orders_of(before)
    for order in orders_of(obj):
        found = company.store.get(ORDER, order)
        if found is None:
            raise Fault(2500, f"Invalid Reference Id : {ORDER} element id {order} not found", element="LinkedTxn")
        if ref_value(found, "VendorRef") != vendor:
            raise Fault(620, f"{ORDER} {order} belongs to another vendor.", element="LinkedTxn")
        if found.get("POStatus") == "Closed" and order not in known:
            raise Fault(620, f"{ORDER} {order} is closed.", element="LinkedTxn")


def bill_orders(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Link and close the orders taken over now, free and open those no longer."""
    old, new = orders_of(before), orders_of(after)
    taker = str((after or before or {})["Id"])
    for order in sorted({*old, *new}):
        found = company.store.get(ORDER, order)
        if found is None or old.get(order, ()) == new.get(order, ()):
            continue
        others = [link for link in found.get("LinkedTxn") or [] if link.get("TxnId") != taker]
        links = [*others, {"TxnId": taker, "TxnType": entity}] if order in new else others
        changed = {**with_links(found, links), "POStatus": "Closed" if covered(company, found, links) else "Open"}
        changed.setdefault("LinkedTxn", [])
        company.save(ORDER, changed, found, tuple(found), "Update")


def covered(company: Company, order: JsonObject, links: list[JsonObject]) -> bool:
    """Whether the linked forms take over every line of the order."""
    rest = {str(line["Id"]) for line in order.get("Line") or [] if "Id" in line}
    for link in links:
        taken = orders_of(company.store.get(str(link.get("TxnType")), str(link.get("TxnId"))))
        if order["Id"] in taken:
            lines = taken[str(order["Id"])]
            rest = set() if lines is None else rest - lines
    return bool(links) and not rest
