"""Which object refers to which: found by walking the stored JSON, for known and unknown entities alike.

Invariant: the name in a reference is the referred record's current name, because a rename visits every referrer.

    references("Invoice", obj) -> {("Customer", "12"), ("Item", "3"), ("Payment", "77")}
    rename_references(obj, "Customer", "12", "New name") -> True when a name changed
"""

from collections.abc import Iterator

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

BY_KEY = {
    "CustomerRef": "Customer",
    "ProjectRef": "Customer",
    "VendorRef": "Vendor",
    "EmployeeRef": "Employee",
    "ItemRef": "Item",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "SalesTermRef": "Term",
    "TermRef": "Term",
    "PaymentMethodRef": "PaymentMethod",
    "CustomerTypeRef": "CustomerType",
}
# How LinkedTxn spells a transaction, where it is not the entity's name.
LINK_TYPES = {
    "BillPaymentCheck": "BillPayment",
    "BillPaymentCreditCard": "BillPayment",
    "Expense": "Purchase",
    "Check": "Purchase",
    "CreditCardCredit": "Purchase",
    "ReimbCharge": "ReimburseCharge",
}
Reference = tuple[str, str]


def target_of(key: str, owner: str, ref: JsonObject) -> str | None:
    """The entity a reference under `key` points to; None where it is not followed (tax codes, currencies)."""
    if key == "ParentRef":
        return owner
    if key in ("EntityRef", "Entity"):
        kind = str(ref.get("type") or "")
        return (kind.capitalize() if kind.islower() or kind.isupper() else kind) or None
    if key.endswith("AccountRef"):
        return "Account"
    return BY_KEY.get(key)


def walk(owner: str, node: object) -> Iterator[tuple[Reference, JsonObject]]:
    """Every followed reference in a JSON tree with the dict that holds it."""
    if isinstance(node, list):
        for part in node:
            yield from walk(owner, part)
    elif isinstance(node, dict):
        for key, part in node.items():
            if key == "LinkedTxn" and isinstance(part, list):
                yield from links(part)
            elif key == "EntityRef" and isinstance(part, dict) and "Type" in node and "value" in part:
                # A journal line tells the kind of its party beside the reference, not inside it.
                yield (str(node["Type"]), str(part["value"])), part
            elif isinstance(part, dict) and "value" in part and (target := target_of(key, owner, part)):
                yield (target, str(part["value"])), part
            elif isinstance(part, dict | list):
                yield from walk(owner, part)


def links(linked: list[JsonObject]) -> Iterator[tuple[Reference, JsonObject]]:
    """The transactions of a LinkedTxn array."""
    for link in linked:
        kind = str(link.get("TxnType"))
        yield (LINK_TYPES.get(kind, kind), str(link.get("TxnId"))), link


def references(entity: str, obj: JsonObject) -> set[Reference]:
    """All records `obj` refers to."""
    return {reference for reference, _ in walk(entity, obj)}


def rename_references(entity: str, obj: JsonObject, target: Reference, name: str) -> bool:
    """Put `name` into every reference to `target` that shows a name; True when something changed."""
    changed = False
    for reference, holder in walk(entity, obj):
        if reference == target and "name" in holder and holder["name"] != name:
            holder["name"] = name
            changed = True
    return changed
