"""Create, update, void and delete: the steps every entity shares.

Invariant: a write is checked completely before anything is stored, and what it answers is what was stored.

    create(company, entity, body) / update(...) / delete(...) / void(...) -> the JSON object of the answer

All run inside the caller's transaction; a Fault leaves nothing behind because the caller rolls back.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.currencies import priced
from qb_pipeline.sandbox.quickbooks.entities.applications import refit
from qb_pipeline.sandbox.quickbooks.entities.tracking import check_tracking
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing, not_found, stale, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.references import Reference, references
from qb_pipeline.sandbox.quickbooks.schema import ReadOnly, clean, malformed

CONTROL = ("Id", "SyncToken", "sparse", "domain", "MetaData", "status")
# The id sequence all transactions share.
TRANSACTIONS = "transactions"
# What `/send` leaves on a form; some forms have no such property of their own.
MADE_BY_SENDING = ("EmailStatus", "BillEmail", "DeliveryInfo")


def create(company: Company, entity: Entity, body: JsonObject) -> JsonObject:
    """Store a new object."""
    require_verb(entity, "create")
    if entity.handlers:
        return entity.handlers["create"](company, body)
    sent = checked(company, entity, body, None)
    obj = {key: value for key, value in sent.items() if value is not None}
    completed = completed_by(company, entity, Draft(None, sent, obj))
    completed["Id"] = str(company.store.next_number(entity.sequence, entity.first_id - 1))
    stored = company.save(entity.name, completed, None, entity.layout, "Create")
    settle(company, entity.name, None, stored)
    entity.effect(company, None, stored)
    # An effect may have come back to this object (credits applied to a new invoice).
    return company.store.get(entity.name, str(stored["Id"])) or stored


def update(company: Company, entity: Entity, body: JsonObject) -> JsonObject:
    """Store the next version of an object, by a full or a sparse update."""
    require_verb(entity, "update")
    if entity.handlers:
        return entity.handlers["update"](company, body)
    before = current(company, entity, body)
    entity.guard(company, before)
    sent = checked(company, entity, body, before)
    sparse = sparse_flag(body)
    base = draft_base(company, entity, before, sparse=sparse)
    obj = {key: value for key, value in {**base, **sent}.items() if value is not None}
    completed = completed_by(company, entity, Draft(before, sent, obj, sparse))
    return replace(company, entity, before, {**completed, "Id": before["Id"]}, "Update")


def completed_by(company: Company, entity: Entity, draft: Draft) -> JsonObject:
    """What to store: classes and locations allowed, the entity's own rules, currency and rate."""
    if entity.sequence == TRANSACTIONS:
        check_tracking(company, draft)
    return priced(company, entity.name, draft, entity.complete(company, draft))


def draft_base(company: Company, entity: Entity, before: JsonObject, *, sparse: bool) -> JsonObject:
    """What the sent properties are laid over: a copy of its own, because completion works in place."""
    copy = company.store.get(entity.name, str(before["Id"])) or {}
    kept = (*entity.kept, *(key for key in MADE_BY_SENDING if made_by_sending(entity, key)))
    return copy if sparse else {key: copy[key] for key in kept if key in copy}


def made_by_sending(entity: Entity, key: str) -> bool:
    """Whether only a mail writes the property, so that no update touches it and its echo is ignored."""
    return key in MADE_BY_SENDING and isinstance(entity.properties.get(key, ReadOnly()), ReadOnly)


def void(company: Company, entity: Entity, body: JsonObject) -> JsonObject:
    """Zero a transaction and keep it."""
    if entity.voided is None:
        raise unsupported("void")
    before = current(company, entity, body)
    entity.guard(company, before)
    return replace(company, entity, before, entity.voided(company, before), "Void")


def delete(company: Company, entity: Entity, body: JsonObject) -> JsonObject:
    """Remove a transaction for good; the answer is the stub with status Deleted."""
    require_verb(entity, "delete")
    if entity.handlers:
        return entity.handlers["delete"](company, body)
    before = current(company, entity, body)
    entity.guard(company, before)
    company.erase(entity.name, before)
    settle(company, entity.name, before, None)
    entity.effect(company, before, None)
    refit(company, entity.name, before, None)
    unlink(company, (entity.name, str(before["Id"])))
    return {"domain": "QBO", "status": "Deleted", "Id": before["Id"]}


def unlink(company: Company, gone: Reference) -> None:
    """Take a removed transaction out of the LinkedTxn of whoever still names it."""
    for source, source_id in company.store.referrers(gone):
        before, after = company.store.get(source, source_id), company.store.get(source, source_id)
        if before is None or after is None:
            continue
        for holder in (after, *(after.get("Line") or [])):
            if holder.get("LinkedTxn"):
                holder["LinkedTxn"] = [link for link in holder["LinkedTxn"] if link.get("TxnId") != gone[1]]
        # An attachment only points at it and stays as it is.
        if after != before:
            company.save(source, after, before, tuple(after), "Update")


def replace(company: Company, entity: Entity, before: JsonObject, after: JsonObject, operation: str) -> JsonObject:
    """Store a new version with everything it entails."""
    stored = company.save(entity.name, after, before, entity.layout, operation)
    settle(company, entity.name, before, stored)
    entity.effect(company, before, stored)
    refit(company, entity.name, before, stored)
    # An effect may have come back to this object (a trimmed payment, a renamed parent).
    return company.store.get(entity.name, str(stored["Id"])) or stored


def checked(company: Company, entity: Entity, body: JsonObject, before: JsonObject | None) -> JsonObject:
    """The sent properties without the controlling ones, references resolved."""
    echoed = {key for key in before or {} if made_by_sending(entity, key)}
    sent = {key: value for key, value in body.items() if key not in CONTROL and key not in echoed}
    cleaned = clean(entity.properties, sent, entity.name)
    company.resolve(cleaned.refs, references(entity.name, before) if before else set())
    return cleaned.values


def current(company: Company, entity: Entity, body: JsonObject) -> JsonObject:
    """The stored object that `Id` and `SyncToken` name. 2020, 2030, 610, 5010."""
    identifier = identifier_of(body)
    if body.get("SyncToken") in (None, ""):
        raise missing("SyncToken")
    before = company.store.get(entity.name, identifier)
    if before is None:
        raise not_found()
    if str(body["SyncToken"]) != str(before.get("SyncToken", "0")):
        raise stale(entity.name, identifier)
    return before


def identifier_of(body: JsonObject) -> str:
    """The `Id` of a body. 2020 when it is missing, 2030 when it is no number."""
    identifier = body.get("Id")
    if identifier in (None, ""):
        raise missing("Id")
    if not str(identifier).isdecimal():
        raise Fault(2030, f"Id should be a valid number. Supplied value:{identifier}", element="Id")
    return str(identifier)


def sparse_flag(body: JsonObject) -> bool:
    """Whether the update is sparse. 2010 when the flag is no boolean."""
    flag = body.get("sparse")
    if flag is None or isinstance(flag, bool):
        return bool(flag)
    if isinstance(flag, str) and flag.lower() in ("true", "false"):
        return flag.lower() == "true"
    raise malformed("sparse")


def require_verb(entity: Entity, verb: str) -> None:
    """500 when QBO (or the sandbox) has no such operation for the entity."""
    if verb not in entity.verbs:
        raise unsupported(f"{verb} on {entity.name}")
