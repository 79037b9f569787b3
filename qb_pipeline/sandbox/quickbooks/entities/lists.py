"""The small lists: Class, Department (location), Term, PaymentMethod.

Invariant: each has a name that is unique within its list and, for the trees, below its parent.
"""

from collections.abc import Callable

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD, NAME_VERBS, RO
from qb_pipeline.sandbox.quickbooks.entities.names import (
    Tree,
    apply_activity,
    place_in_tree,
    require_childless,
    require_unique,
    spread_name,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.schema import Choice, Flag, Number, Property, Ref, Text

FIRST_CLASS_ID = 2_000_000_000_000_000_001


def tree_rules(tree: Tree) -> Callable[[Company, Draft], JsonObject]:
    """The completion of a list that nests and has nothing but names."""

    def complete(company: Company, draft: Draft) -> JsonObject:
        if not draft.obj.get("Name"):
            raise missing("Name")
        require_childless(company, draft, tree.entity)
        apply_activity(draft, "Name")
        require_unique(company, tree.entity, draft.obj, draft.before)
        place_in_tree(company, draft, tree)
        return draft.obj

    return complete


def tree_entity(tree: Tree, first_id: int) -> Entity:
    """Class or Department."""
    properties: dict[str, Property] = {
        **ECHOED,
        "Name": Text(100, name=True),
        tree.flag: Flag(),
        "ParentRef": Ref(tree.entity, named=False),
        "FullyQualifiedName": RO,
        "Active": Flag(),
        "Address": RO,
    }
    return Entity(
        name=tree.entity,
        properties=properties,
        layout=("Name", tree.flag, "ParentRef", "FullyQualifiedName", "Active", *HEAD),
        sequence=tree.entity,
        verbs=NAME_VERBS,
        complete=tree_rules(tree),
        kept=("Active",),
        effect=spread_name(tree.entity),
        first_id=first_id,
    )


def complete_term(company: Company, draft: Draft) -> JsonObject:
    """STANDARD terms count days, DATE_DRIVEN ones name a day of the month."""
    obj = draft.obj
    if not obj.get("Name"):
        raise missing("Name")
    settle_term_type(draft)
    apply_activity(draft, "Name")
    require_unique(company, "Term", obj, draft.before)
    return obj


def settle_term_type(draft: Draft) -> None:
    """2020 for a term that says neither days nor a day; 2180 and 2150 for numbers out of range."""
    obj, sent = draft.obj, draft.sent
    # Clients with fixed classes send zeros for the kind of term they do not mean.
    dated = bool(obj.get("DayOfMonthDue")) and not (sent.get("DueDays") and not sent.get("DayOfMonthDue"))
    for key in STANDARD if dated else DATE_DRIVEN:
        obj.pop(key, None)
    obj["Type"] = "DATE_DRIVEN" if dated else "STANDARD"
    if not dated and "DueDays" not in obj:
        raise missing("DueDays")
    for key, (lowest, highest) in RANGES.items():
        if key in obj and not lowest <= decimal_of(obj[key]) <= highest:
            code = 2150 if key == "DiscountPercent" else 2180
            raise Fault(code, f"{key} must lie between {lowest} and {highest}, not {obj[key]}.", element=key)


def complete_payment_method(company: Company, draft: Draft) -> JsonObject:
    """A name and whether it is a credit card."""
    obj = draft.obj
    if not obj.get("Name"):
        raise missing("Name")
    obj.setdefault("Type", "NON_CREDIT_CARD")
    apply_activity(draft, "Name")
    require_unique(company, "PaymentMethod", obj, draft.before)
    return obj


CLASS = tree_entity(Tree("Class", "Name", "SubClass", level=False), FIRST_CLASS_ID)
DEPARTMENT = tree_entity(Tree("Department", "Name", "SubDepartment", level=False), 1)
STANDARD = ("DueDays", "DiscountDays")
DATE_DRIVEN = ("DayOfMonthDue", "DueNextMonthDays", "DiscountDayOfMonth")
RANGES = {
    "DueDays": (0, 999),
    "DiscountDays": (0, 999),
    "DayOfMonthDue": (1, 31),
    "DueNextMonthDays": (0, 999),
    "DiscountDayOfMonth": (1, 31),
    "DiscountPercent": (0, 100),
}
TERM_NUMBERS = ("DiscountPercent", "DueDays", "DiscountDays", "DayOfMonthDue", "DueNextMonthDays", "DiscountDayOfMonth")
TERM = Entity(
    name="Term",
    properties={
        **ECHOED,
        "Name": Text(31),
        "Active": Flag(),
        "Type": RO,
        **{key: Number() for key in TERM_NUMBERS},
    },
    layout=("Name", "Active", "Type", *TERM_NUMBERS, *HEAD),
    sequence="Term",
    verbs=NAME_VERBS,
    complete=complete_term,
    kept=("Active",),
    effect=spread_name("Term"),
)
PAYMENT_METHOD = Entity(
    name="PaymentMethod",
    properties={
        **ECHOED,
        "Name": Text(31),
        "Active": Flag(),
        "Type": Choice(("CREDIT_CARD", "NON_CREDIT_CARD")),
    },
    layout=("Name", "Active", "Type", *HEAD),
    sequence="PaymentMethod",
    verbs=NAME_VERBS,
    complete=complete_payment_method,
    kept=("Active",),
    effect=spread_name("PaymentMethod"),
)
