"""`/_sandbox/ui`: what a person does in QuickBooks itself, out of the API's reach.

Invariant: a person's act leaves the same traces as an API write (tokens, times, events, CDC) and obeys the same books.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import PERSON, Company
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.book import merge as merge_postings
from qb_pipeline.sandbox.quickbooks.ledger.stock.record import merge_stock
from qb_pipeline.sandbox.quickbooks.references import walk
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.writes import create, delete, update

Act = dict[str, Any]
SUMMED = ("Balance", "BalanceWithJobs", "CurrentBalance", "CurrentBalanceWithSubAccounts", "QtyOnHand")
MERGEABLE = ("Customer", "Vendor", "Employee", "Item", "Account", "Class")


def perform(company: Company, act: Act) -> JsonObject:
    """Do one act. ControlError names what is wrong with it."""
    doing = ACTS.get(str(act.get("act")))
    if doing is None:
        raise ControlError(f"act {act.get('act')!r} is unknown; use one of {', '.join(ACTS)}", field="act")
    company.user = PERSON
    try:
        return doing(company, act)
    except Fault as fault:
        raise ControlError(f"QuickBooks refuses it: {fault}", field="act", status=409, code="refused") from fault


def text(act: Act, name: str) -> str:
    """A required text field."""
    value = act.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"{act.get('act')} needs {name} as text", field=name)
    return value


def stored(company: Company, entity: str, identifier: str) -> JsonObject:
    """The object acted on."""
    if entity not in ENTITIES:
        raise ControlError(f"entity {entity} is not modelled; use one of {', '.join(ENTITIES)}", field="entity")
    found = company.store.get(entity, identifier)
    if found is None:
        raise ControlError(f"there is no {entity} {identifier}", field="id", status=404, code="not_found")
    return found


def edit(company: Company, act: Act) -> JsonObject:
    """A sparse update without having to know the token."""
    entity, identifier, fields = text(act, "entity"), text(act, "id"), act.get("fields")
    if not isinstance(fields, dict):
        raise ControlError("edit needs fields as an object", field="fields")
    token = stored(company, entity, identifier)["SyncToken"]
    body = {**fields, "Id": identifier, "SyncToken": token, "sparse": True}
    return {entity: update(company, ENTITIES[entity], body)}


def remove(company: Company, act: Act) -> JsonObject:
    """Delete a transaction, or make a name inactive."""
    entity, identifier = text(act, "entity"), text(act, "id")
    token = stored(company, entity, identifier)["SyncToken"]
    body = {"Id": identifier, "SyncToken": token}
    if "delete" in ENTITIES[entity].verbs:
        return {entity: delete(company, ENTITIES[entity], body)}
    return {entity: update(company, ENTITIES[entity], {**body, "sparse": True, "Active": False})}


def close_books(company: Company, act: Act) -> JsonObject:
    """Set the closing date; an empty one opens the books again."""
    given = act.get("date")
    if given:
        try:
            given = date.fromisoformat(str(given)).isoformat()
        except ValueError as error:
            raise ControlError(f"date must be YYYY-MM-DD, got {given!r}", field="date") from error
    before = company.preferences()
    accounting = {k: v for k, v in (before.get("AccountingInfoPrefs") or {}).items() if k != "BookCloseDate"}
    after = {**before, "AccountingInfoPrefs": {**accounting, **({"BookCloseDate": given} if given else {})}}
    company.save("Preferences", after, before, tuple(before), "Update")
    return {"BookCloseDate": given}


def deposit(company: Company, act: Act) -> JsonObject:
    """Bring payments from undeposited funds to the bank."""
    payments = act.get("payments")
    if not isinstance(payments, list) or not payments:
        raise ControlError("deposit needs payments as a list of ids", field="payments")
    account = act.get("account") or account_of_subtype(company, "Checking")
    if not account:
        raise ControlError("deposit needs an account: the company has no checking account", field="account")
    lines = [{"LinkedTxn": [{"TxnId": str(payment), "TxnType": "Payment"}]} for payment in payments]
    body: JsonObject = {"DepositToAccountRef": {"value": str(account)}, "Line": lines}
    if act.get("date"):
        body["TxnDate"] = act["date"]
    return {"Deposit": create(company, ENTITIES["Deposit"], body)}


def merge(company: Company, act: Act) -> JsonObject:
    """Everything of `from` goes to `into`; `from` is gone for good."""
    entity, loser_id, winner_id = text(act, "entity"), text(act, "from"), text(act, "into")
    if entity not in MERGEABLE:
        raise ControlError(f"{entity} cannot be merged; only {', '.join(MERGEABLE)}", field="entity")
    if loser_id == winner_id:
        raise ControlError("from and into must differ", field="into")
    loser, winner = stored(company, entity, loser_id), stored(company, entity, winner_id)
    if ref_value(loser, "ParentRef") != ref_value(winner, "ParentRef"):
        raise ControlError("only two records below the same parent can be merged here", field="into", code="refused")
    for source, source_id in company.store.referrers((entity, loser_id)):
        repoint(company, (source, source_id), (entity, loser_id), winner)
    merge_postings(company, (entity, loser_id), (entity, winner_id))
    if entity == "Item":
        merge_stock(company, loser_id, winner_id)
    take_over_balance(company, entity, company.store.get(entity, loser_id) or loser, winner_id)
    company.store.remove(entity, loser, int(company.now.timestamp()), company.stamp)
    current = company.store.get(entity, winner_id) or winner
    merged = company.save(entity, current, current, tuple(current), None)
    # The paths of what stood below the loser begin with another name now.
    ENTITIES[entity].effect(company, {**merged, "FullyQualifiedName": ""}, merged)
    company.announce(entity, winner_id, "Merge", deleted_id=loser_id)
    return {entity: merged, "deleted": loser_id}


def repoint(company: Company, source: tuple[str, str], loser: tuple[str, str], winner: JsonObject) -> None:
    """Let one referrer name the winner instead of the loser; a transaction gets the next token."""
    obj = company.store.get(*source)
    before = company.store.get(*source)
    if obj is None or before is None:
        return
    for reference, holder in walk(source[0], obj):
        if reference == loser and "value" in holder:
            holder["value"] = winner["Id"]
            if "name" in holder:
                holder["name"] = reference_name(loser[0], winner)
    if "Id" not in obj:
        # A recurring transaction wraps its kind; a template is no transaction whose token would tell anybody.
        company.store.put(source[0], obj, before)
        return
    company.save(source[0], obj, before, tuple(obj), "Update")


def take_over_balance(company: Company, entity: str, loser: JsonObject, winner_id: str) -> None:
    """The winner's balances grow by the loser's."""
    winner = company.store.get(entity, winner_id)
    if winner is None:
        return
    sums = {key: number(decimal_of(winner.get(key)) + decimal_of(loser.get(key))) for key in SUMMED if key in winner}
    company.store.put(entity, {**winner, **sums}, winner)


ACTS: dict[str, Callable[[Company, Act], JsonObject]] = {
    "edit": edit,
    "delete": remove,
    "close_books": close_books,
    "deposit": deposit,
    "merge": merge,
}
