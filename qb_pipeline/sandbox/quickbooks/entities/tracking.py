"""Classes and locations, in companies that track them.

Invariant: a class or location that is new to a transaction stands only where the company's plan and settings have it;
what was stored before a setting changed may stay.

    check_tracking(company, draft)    2010 where the plan has no such property, 5030 where the setting is off
"""

from collections.abc import Iterator

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Plans without classes and locations, as OfferingSku of CompanyInfo names them.
SMALL_PLANS = ("simple start", "easystart", "essentials")
Tracked = tuple[str, str, str]


def check_tracking(company: Company, draft: Draft) -> None:
    """Refuse classes and locations that the company does not track there."""
    new = set(tracked(draft.sent)) - set(tracked(draft.before or {}))
    if not new:
        return
    settings = company.preferences().get("AccountingInfoPrefs") or {}
    for where, key, identifier in sorted(new):
        if small_plan(company):
            raise no_such_property(key)
        if reason := why_not(settings, where, key):
            raise Fault(5030, f"Feature not supported: {key} {identifier} on the {where}: {reason}.", element=key)


def why_not(settings: JsonObject, where: str, key: str) -> str | None:
    """What stands against it in the settings; None when nothing does."""
    by_line, by_form = settings.get("ClassTrackingPerTxnLine"), settings.get("ClassTrackingPerTxn")
    if key == "DepartmentRef":
        return None if settings.get("TrackDepartments") else "locations are not tracked (TrackDepartments)"
    if not by_line and not by_form:
        return "classes are not tracked (ClassTrackingPerTxn, ClassTrackingPerTxnLine)"
    if where == "transaction" and not by_form:
        return "classes are tracked by line (ClassTrackingPerTxnLine)"
    if where == "line" and not by_line:
        return "classes are tracked by transaction (ClassTrackingPerTxn)"
    return None


def tracked(obj: JsonObject) -> Iterator[Tracked]:
    """Each class and location: where it stands, as what, and its id."""
    for key in ("ClassRef", "DepartmentRef"):
        if identifier := ref_value(obj, key):
            yield "transaction", key, identifier
    for line in obj.get("Line") or []:
        yield from (("line", key, identifier) for key, identifier in inside(line))


def inside(part: JsonObject) -> Iterator[tuple[str, str]]:
    """The classes and locations anywhere in a line."""
    for key, value in part.items():
        if key in ("ClassRef", "DepartmentRef") and (identifier := ref_value(part, key)):
            yield key, identifier
        elif isinstance(value, dict):
            yield from inside(value)
        elif isinstance(value, list):
            for one in value:
                yield from inside(one) if isinstance(one, dict) else ()


def small_plan(company: Company) -> bool:
    """Whether the subscription has neither classes nor locations."""
    pairs = (company.store.get("CompanyInfo", "1") or {}).get("NameValue") or []
    sku = next((str(pair.get("Value")) for pair in pairs if pair.get("Name") == "OfferingSku"), "")
    return any(plan in sku.casefold() for plan in SMALL_PLANS)


def no_such_property(key: str) -> Fault:
    """2010, as for any property this company does not have."""
    return Fault(
        2010, f"Property Name:{key} specified is unsupported or invalid: the company's plan has none.", element=None
    )
