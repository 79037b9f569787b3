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
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
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
    obj["Type"] = "DATE_DRIVEN" if "DayOfMonthDue" in obj else "STANDARD"
    if obj["Type"] == "STANDARD" and "DueDays" not in obj:
        raise missing("DueDays")
    if "DayOfMonthDue" in obj and not 1 <= int(obj["DayOfMonthDue"]) <= 31:
        raise Fault(2180, "DayOfMonthDue must be between 1 and 31.", element="DayOfMonthDue")
    apply_activity(draft, "Name")
    require_unique(company, "Term", obj, draft.before)
    return obj


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
