"""RecurringTransaction: a template that a schedule makes transactions of, wrapped in its kind.

Invariant: a template is checked like a transaction of its kind and posts nothing: it has neither number nor date.

    {"Invoice": {..., "RecurringInfo": {"Name": "Rent", "RecurType": "Automated", "ScheduleInfo": {...}}}}
"""

from collections.abc import Callable, Mapping

from qb_pipeline.sandbox.quickbooks.company import Company, arranged, restate
from qb_pipeline.sandbox.quickbooks.currencies import priced
from qb_pipeline.sandbox.quickbooks.entities.common import RO
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing, not_found, stale, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.references import references
from qb_pipeline.sandbox.quickbooks.rows import core
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Group, Number, Text, clean, malformed

NAME = "RecurringTransaction"
KINDS = (
    "Bill", "Purchase", "CreditMemo", "Deposit", "Estimate", "Invoice", "JournalEntry", "RefundReceipt",
    "SalesReceipt", "Transfer", "VendorCredit", "PurchaseOrder",
)  # fmt: skip
INTERVALS = ("Daily", "Weekly", "Monthly", "Yearly")
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SCHEDULE = Group(
    {
        "StartDate": Day(),
        "EndDate": Day(),
        "NextDate": Day(),
        "PreviousDate": RO,
        "IntervalType": Choice(INTERVALS),
        "DayOfWeek": Choice(DAYS),
        "MonthOfYear": Text(20),
        **dict.fromkeys(("NumInterval", "DayOfMonth", "WeekOfMonth", "DaysBefore", "RemindDays"), Number()),
        "MaxOccurrences": Number(),
    }
)
INFO = Group(
    {
        "Name": Text(100, name=True),
        "RecurType": Choice(("Automated", "Reminded", "UnScheduled")),
        "Active": Flag(),
        "ScheduleInfo": SCHEDULE,
    }
)
# Longer than any number a client can send, so completion neither draws a number nor finds it taken.
NO_NUMBER = "a template has no number"
CONTROL = ("Id", "SyncToken", "sparse", "domain", "MetaData", "status")
Handler = Callable[[Company, JsonObject], JsonObject]


def recurring(kinds: Mapping[str, Entity]) -> Entity:
    """The entity, able to wrap those of `kinds` that QBO lets recur."""
    known = {name: kinds[name] for name in KINDS if name in kinds}
    handlers: dict[str, Handler] = {
        "create": lambda company, body: write(company, known, body),
        "update": lambda company, body: write(company, known, body),
        "delete": lambda company, body: remove(company, known, body),
    }
    return Entity(
        name=NAME,
        properties={},
        layout=(),
        sequence="transactions",
        verbs=frozenset(handlers),
        complete=refuse,
        handlers=handlers,
    )


def refuse(_company: Company, _draft: Draft) -> JsonObject:
    """A template is written by its handlers alone."""
    raise unsupported(f"write {NAME}")


def inner(known: Mapping[str, Entity], body: JsonObject) -> tuple[Entity, JsonObject]:
    """The kind and the transaction inside. 2010 unless there is exactly one."""
    found = [name for name in body if body[name] is not None]
    if len(found) != 1 or not isinstance(body[found[0]], dict):
        raise malformed(f"{NAME}: one transaction in its kind")
    if found[0] not in known:
        raise Fault(2170, f"A {NAME} holds one of {', '.join(KINDS)}, not {found[0]}.", element=found[0])
    return known[found[0]], body[found[0]]


def write(company: Company, known: Mapping[str, Entity], body: JsonObject) -> JsonObject:
    """Create a template, or with an Id change it. 2010, 2020, 5010, 610, 6240 and what its kind refuses."""
    kind, sent_body = inner(known, body)
    whole = current(company, kind, sent_body) if sent_body.get("Id") not in (None, "") else None
    before = None if whole is None else core(whole)
    properties = {**kind.properties, "RecurringInfo": INFO, "RecurDataRef": RO}
    cleaned = clean(properties, {k: v for k, v in sent_body.items() if k not in CONTROL}, kind.name)
    company.resolve(cleaned.refs, references(kind.name, before) if before else set())
    base = dict(before or {}) if sent_body.get("sparse") or before is None else {}
    obj = {k: v for k, v in {**base, **cleaned.values}.items() if v is not None and k not in CONTROL}
    info = complete_info(company, obj.pop("RecurringInfo", None), before)
    draft = Draft(before, cleaned.values, {**obj, "DocNumber": NO_NUMBER}, bool(sent_body.get("sparse")))
    completed = priced(company, kind.name, draft, kind.complete(company, draft))
    for key in ("DocNumber", "TxnDate", "LinkedTxn"):
        completed.pop(key, None)
    return keep(company, kind, whole, {**completed, "RecurringInfo": info})


def keep(company: Company, kind: Entity, whole: JsonObject | None, obj: JsonObject) -> JsonObject:
    """Store the next version, wrapped."""
    before = core(whole) if whole else None
    obj["Id"] = before["Id"] if before else str(company.store.next_number("transactions"))
    obj["RecurDataRef"] = (before or {}).get("RecurDataRef") or {"value": str(company.store.next_number(NAME))}
    meta = {**((before or {}).get("MetaData") or {"CreateTime": company.stamp}), "LastUpdatedTime": company.stamp}
    token = "0" if before is None else str(int(before["SyncToken"]) + 1)
    restate(obj)
    head = {"domain": "QBO", "sparse": False, "SyncToken": token, "MetaData": meta}
    stored = {kind.name: arranged({**obj, **head}, (*kind.layout, "RecurDataRef", "RecurringInfo"))}
    company.store.put(NAME, stored, whole)
    return stored


def complete_info(company: Company, info: JsonObject | None, before: JsonObject | None) -> JsonObject:
    """The schedule. 2020 without a name or a schedule, 6240 for a name that is taken."""
    info = dict(info or {})
    if not info.get("Name"):
        raise missing("RecurringInfo.Name")
    holder = company.store.holder_of_name(f"{NAME}//{str(info['Name']).casefold()}")
    if holder is not None and holder[1] != (before or {}).get("Id"):
        raise Fault(6240, f"The name supplied already exists. : Id={holder[1]}")
    info.setdefault("RecurType", "UnScheduled")
    info.setdefault("Active", True)
    if info["RecurType"] == "UnScheduled":
        info.pop("ScheduleInfo", None)
        return info
    schedule = dict(info.get("ScheduleInfo") or {})
    if "IntervalType" not in schedule:
        raise missing("RecurringInfo.ScheduleInfo.IntervalType")
    schedule.setdefault("NumInterval", 1)
    schedule.setdefault("StartDate", company.now.date().isoformat())
    schedule.setdefault("NextDate", schedule["StartDate"])
    return {**info, "ScheduleInfo": schedule}


def current(company: Company, kind: Entity, sent: JsonObject) -> JsonObject:
    """The stored template that Id and SyncToken name. 2020, 610, 5010."""
    identifier = str(sent.get("Id") or "")
    if not identifier:
        raise missing("Id")
    if sent.get("SyncToken") in (None, ""):
        raise missing("SyncToken")
    whole = company.store.get(NAME, identifier)
    if whole is None or kind.name not in whole:
        raise not_found()
    if str(sent["SyncToken"]) != str(whole[kind.name]["SyncToken"]):
        raise stale(NAME, identifier)
    return whole


def remove(company: Company, known: Mapping[str, Entity], body: JsonObject) -> JsonObject:
    """Delete a template; what it made stays."""
    kind, sent = inner(known, {name: value for name, value in body.items() if isinstance(value, dict)})
    whole = current(company, kind, sent)
    company.store.remove(NAME, whole, int(company.now.timestamp()), company.stamp)
    return {"status": "Deleted", "domain": "QBO", kind.name: {"Id": sent["Id"]}}
