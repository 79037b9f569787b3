"""`POST /batch`: up to 30 items, one after the other, each on its own.

Invariant: an item's fault undoes that item and nothing else; with a requestid, an item that succeeded once is replayed.

    run_batch(company, body, request_id) -> BatchResult(text, written)
"""

from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.sandbox.quickbooks.cdc import changes
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.registry import BY_ADDRESS, for_query, writable
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps
from qb_pipeline.sandbox.quickbooks.query.evaluate import answer
from qb_pipeline.sandbox.quickbooks.replay import LONGEST_FOR_BATCH, check_b_id, check_request_id, recall, remember
from qb_pipeline.sandbox.quickbooks.schema import malformed
from qb_pipeline.sandbox.quickbooks.writes import create, delete, update, void

MOST_ITEMS = 30
CONTROL = ("bId", "operation", "optionsData", "options")


@dataclass(frozen=True)
class BatchResult:
    """The BatchItemResponse array as JSON text, and how many items wrote something now."""

    text: str
    written: int


def run_batch(company: Company, body: Any, request_id: str | None) -> BatchResult:
    """Run all items in order. Faults that concern the whole: 2010, 2020, 1040, 2130."""
    check_request_id(request_id, LONGEST_FOR_BATCH)
    if not isinstance(body, dict) or "BatchItemRequest" not in body:
        raise missing("BatchItemRequest")
    items = body["BatchItemRequest"]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise malformed("BatchItemRequest")
    if len(items) > MOST_ITEMS:
        raise Fault(1040, f"The batch has {len(items)} items; the maximum is {MOST_ITEMS}.")
    for item in items:
        check_b_id(request_id, b_id_of(item, required=request_id is not None))
    answers = [run_item(company, item, request_id) for item in items]
    return BatchResult(f"[{','.join(text for text, _ in answers)}]", sum(wrote for _, wrote in answers))


def b_id_of(item: JsonObject, *, required: bool = False) -> str:
    """The client's mark of an item, "" without one; 2020 where a replay has to tell the items apart by it."""
    if item.get("bId") not in (None, ""):
        return str(item["bId"])
    if required:
        raise missing("bId")
    return ""


def marked(content: JsonObject, b_id: str) -> str:
    """An item's answer, under its mark where it has one."""
    return dumps({**content, "bId": b_id} if b_id else content)


def run_item(company: Company, item: JsonObject, request_id: str | None) -> tuple[str, int]:
    """One item's answer as JSON text, and 1 when it wrote something now."""
    b_id = b_id_of(item)
    replayed = recall(company.store, request_id, b_id)
    if replayed is not None:
        return replayed, 0
    try:
        with transaction(company.store.conn):
            text, wrote = perform(company, item, b_id)
            if wrote:
                remember(company.store, request_id, text, b_id)
    except Fault as fault:
        return marked({"Fault": fault.item()}, b_id), 0
    return text, wrote


def perform(company: Company, item: JsonObject, b_id: str) -> tuple[str, int]:
    """Run a query, a change feed or a write."""
    mark = f'"bId":{dumps(b_id)},' if b_id else ""
    if "Query" in item:
        content = answer(company.store, str(item["Query"]), for_query, company.now)
        return f'{{{mark}"QueryResponse":{content}}}', 0
    if "CDCQuery" in item:
        asked = item["CDCQuery"] if isinstance(item["CDCQuery"], dict) else {}
        wanted, since = text_of(asked, "Entities"), text_of(asked, "ChangedSince")
        found = changes(company.store, wanted, since, company.now, company.switches.cdc_cap)
        return f'{{{mark}"CDCResponse":{found}}}', 0
    names = [key for key in item if key not in CONTROL]
    if len(names) != 1:
        raise malformed("BatchItemRequest: one entity an item")
    company.require_subscription()
    stored = write(company, names[0], item)
    return marked({names[0]: stored}, b_id), 1


def text_of(asked: JsonObject, name: str) -> str | None:
    """A text of a CDCQuery; anything else counts as missing."""
    value = asked.get(name)
    return value if isinstance(value, str) else None


def write(company: Company, name: str, item: JsonObject) -> JsonObject:
    """One write; `optionsData` void zeroes, allowduplicatedocnum lets a number be used twice."""
    if name not in BY_ADDRESS.values():
        raise Fault(2000, f"Unsupported object name: {name}.")
    entity, body, operation = writable(name), item[name], item.get("operation", "create")
    if not isinstance(body, dict):
        raise malformed(name)
    options = frozenset(str(item.get("optionsData") or "").lower().split(","))
    company.include = options
    if operation == "create":
        return create(company, entity, body)
    if operation == "update":
        return void(company, entity, body) if "void" in options else update(company, entity, body)
    if operation == "delete":
        return delete(company, entity, body)
    raise unsupported(str(operation))
