"""The rules every name list shares: unique names, trees, inactivation, and renames that reach every reference.

Invariant: two active records of one name space never have the same name, and a reference shows the current name.
"""

import re
from dataclasses import dataclass

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.references import rename_references
from qb_pipeline.sandbox.quickbooks.rows import name_key, ref_value, reference_name

DELETED = " (deleted)"
MARK = re.compile(r" \(deleted(?: \d+)?\)$")
DEEPEST = 4


@dataclass(frozen=True)
class Tree:
    """How an entity nests: the flag that says "sub", and whether the level is shown."""

    entity: str
    name: str
    flag: str
    level: bool


def apply_activity(draft: Draft, name: str) -> None:
    """Add or take off ` (deleted)` when Active changes; new records are active."""
    obj, before = draft.obj, draft.before
    obj.setdefault("Active", True if before is None else before.get("Active", True))
    was = True if before is None else before.get("Active", True)
    if obj["Active"] is False and was is not False and not MARK.search(str(obj[name])):
        obj[name] = f"{obj[name]}{DELETED}"
    elif obj["Active"] is True and was is False:
        obj[name] = MARK.sub("", str(obj[name]))


def require_unique(company: Company, entity: str, obj: JsonObject, before: JsonObject | None) -> None:
    """6240 when another record of the name space has this name; inactive ones step aside with a number."""
    holder = clash(company, entity, obj, before)
    if holder is None:
        return
    if obj.get("Active") is False:
        step_aside(company, entity, obj, before)
        return
    raise Fault(6240, f"The name supplied already exists. : Id={holder}. Another record is already using this name.")


def clash(company: Company, entity: str, obj: JsonObject, before: JsonObject | None) -> str | None:
    """The id of another record with the same unique name."""
    key = name_key(entity, obj)
    holder = company.store.holder_of_name(key) if key else None
    if holder is None or (before is not None and holder == (entity, str(before["Id"]))):
        return None
    return holder[1]


def step_aside(company: Company, entity: str, obj: JsonObject, before: JsonObject | None) -> None:
    """`X (deleted)` is taken: become `X (deleted 1)`, `X (deleted 2)`…"""
    name = "DisplayName" if "DisplayName" in obj else "Name"
    stem, attempt = str(obj[name]).removesuffix(")"), 1
    while clash(company, entity, obj, before) is not None:
        obj[name] = f"{stem} {attempt})"
        attempt += 1


def place_in_tree(company: Company, draft: Draft, tree: Tree) -> None:
    """Check the parent and set the full path, the level and the flag. 900, 6150, 6180."""
    obj, parent_id = draft.obj, ref_value(draft.obj, "ParentRef")
    if parent_id is None:
        obj["FullyQualifiedName"] = obj[tree.name]
        obj.pop("Level", None)
        obj[tree.flag] = False
        return
    parent = company.require(tree.entity, parent_id)
    refuse_cycle(company, draft, tree, parent)
    level = depth(company, tree.entity, parent) + 1
    if level + height(company, tree.entity, draft.before) > DEEPEST:
        raise Fault(6180, f"{tree.entity} {obj[tree.name]} would be deeper than {DEEPEST} levels below the top.")
    obj["ParentRef"] = {"value": parent_id}
    obj["FullyQualifiedName"] = f"{parent.get('FullyQualifiedName')}:{obj[tree.name]}"
    obj[tree.flag] = True
    if tree.level:
        obj["Level"] = level


def refuse_cycle(company: Company, draft: Draft, tree: Tree, parent: JsonObject) -> None:
    """900 when the record would stand below itself."""
    own = None if draft.before is None else draft.before["Id"]
    above: JsonObject | None = parent
    while above is not None:
        if above["Id"] == own:
            raise Fault(900, f"{tree.entity} {own} cannot stand below itself.", element="ParentRef")
        higher = ref_value(above, "ParentRef")
        above = company.store.get(tree.entity, higher) if higher else None


def depth(company: Company, entity: str, obj: JsonObject) -> int:
    """0 for a record at the top."""
    parent = ref_value(obj, "ParentRef")
    above = company.store.get(entity, parent) if parent else None
    return 0 if above is None else depth(company, entity, above) + 1


def height(company: Company, entity: str, obj: JsonObject | None) -> int:
    """How many levels stand below a record."""
    children = [] if obj is None else children_of(company, entity, obj)
    return max((height(company, entity, child) + 1 for child in children), default=0)


def children_of(company: Company, entity: str, obj: JsonObject) -> list[JsonObject]:
    """The records directly below one."""
    found = company.store.referrers((entity, str(obj["Id"])), entity)
    candidates = [company.store.get(entity, identifier) for _, identifier in found]
    return [child for child in candidates if child and ref_value(child, "ParentRef") == obj["Id"]]


def require_childless(company: Company, draft: Draft, entity: str) -> None:
    """6000 when a record with active sub-records is to be made inactive."""
    before = draft.before
    if before is None or draft.obj.get("Active") is not False or before.get("Active") is False:
        return
    active = [child for child in children_of(company, entity, before) if child.get("Active") is not False]
    if active:
        names = ", ".join(str(reference_name(entity, child)) for child in active)
        raise business(f"{entity} {before['Id']} has active sub-records; make them inactive first: {names}")


def spread_name(entity: str) -> "SpreadName":
    """The effect of a renamed record on everything that shows its name."""
    return SpreadName(entity)


@dataclass(frozen=True)
class SpreadName:
    """Callable effect: paths of sub-records and names in references follow a rename."""

    entity: str

    def __call__(self, company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
        """Only a changed name does anything; neither token nor time of the referrers moves."""
        if before is None or after is None:
            return
        if before.get("FullyQualifiedName") != after.get("FullyQualifiedName"):
            self._rename_children(company, after)
        name = reference_name(self.entity, after)
        if name is not None and name != reference_name(self.entity, before):
            self._rename_in_referrers(company, str(after["Id"]), name)

    def _rename_children(self, company: Company, parent: JsonObject) -> None:
        for child in children_of(company, self.entity, parent):
            renamed = dict(child)
            own = child.get("DisplayName") or child.get("Name")
            renamed["FullyQualifiedName"] = f"{parent.get('FullyQualifiedName')}:{own}"
            company.store.put(self.entity, renamed, child)
            self(company, child, renamed)

    def _rename_in_referrers(self, company: Company, identifier: str, name: str) -> None:
        target = (self.entity, identifier)
        for source, source_id in company.store.referrers(target):
            obj = company.store.get(source, source_id)
            if obj is not None and rename_references(source, obj, target, name):
                # The references are the same, only a name inside changed: `before` equals `obj` for the index.
                company.store.put(source, obj, obj)
