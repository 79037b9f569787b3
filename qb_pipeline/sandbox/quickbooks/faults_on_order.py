"""QuickBooks' faults about records: poison rows, rows that change between two pages, single items of a batch.

Invariant: the accounting API itself knows nothing of them. A poisoned answer becomes fault 4002 and all others leave
untouched, byte for byte; an item that shall fail before its work never reaches the API.

What can be ordered, and how, is told in `sandbox/kernel/faults.py`; here match.entity names a QBO entity (Invoice) and
ids are QBO's Ids.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Answer, Call, Incoming
from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.fault_rules import FaultRule, same
from qb_pipeline.sandbox.kernel.spoiling import due_to_change, is_poison
from qb_pipeline.sandbox.quickbooks.answers import XML, answered
from qb_pipeline.sandbox.quickbooks.batch import CONTROL
from qb_pipeline.sandbox.quickbooks.entities.registry import name_of
from qb_pipeline.sandbox.quickbooks.faults import MESSAGES, Fault, system_failure
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps, loads
from qb_pipeline.sandbox.quickbooks.ui import perform
from qb_pipeline.sandbox.quickbooks.world import World
from qb_pipeline.sandbox.quickbooks.xmltext import intuit_response

FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
XML_OBJECT = re.compile(r"<(\w+)\b[^>]*><Id>(\d+)</Id>")
COUNT = re.compile(r"\bselect\s+count\b", re.IGNORECASE)
# As it came in the one recorded case: an invoice had been saved with a broken address.
POISON = "QueryProcessingError: To email address entered is invalid"


class QuickBooksSpoiler:
    """The faults over all companies of one sandbox."""

    def __init__(self, world: World) -> None:
        self._world = world

    def prepare(self, rule: FaultRule, incoming: Incoming, call: Call) -> Incoming:
        """Change a row before a page is answered; put a mark in the place of a batch item that shall fail."""
        if rule.action == "row_change" and asks_page_of(incoming, call, rule.match["entity"]) and due_to_change(rule):
            self._change(rule, str(call.realm))
        if rule.action == "batch_item" and call.operation == "batch" and not rule.after:
            return with_struck(rule, incoming)
        return incoming

    def _change(self, rule: FaultRule, realm: str) -> None:
        """Touch or remove the row; where that cannot be done the rule has fired all the same, and notes why."""
        if not self._world.known(realm):
            rule.note = f"there is no realm {realm}"
            return
        company, entity = self._world.company(realm), str(name_of(rule.match["entity"]))
        chosen = rule.own["id"] or self._drawn(rule, company.store.company, entity)
        before = company.store.get(entity, chosen) if chosen else None
        if before is None:
            rule.note = f"there is no {entity} {chosen} to change in realm {realm}"
            return
        try:
            with transaction(self._world.conn):
                if rule.own["change"] == "touch":
                    company.save(entity, dict(before), before, tuple(before), "Update")
                else:
                    perform(company, {"act": "delete", "entity": entity, "id": chosen})
        except ControlError as error:
            self._world.forget_roles()
            rule.note = error.message

    def _drawn(self, rule: FaultRule, company: int, entity: str) -> str | None:
        rows = self._world.conn.execute(
            "SELECT id FROM objects WHERE c = ? AND entity = ? AND active = 1 ORDER BY num, id", (company, entity)
        ).fetchall()
        return str(rule.draw.choice(rows)[0]) if rows else None

    def review(self, rule: FaultRule, incoming: Incoming, call: Call, answer: Answer) -> Answer:
        """Refuse what holds a poisoned row; put the fault of an item in its place."""
        if answer.status != 200 or not concerns(rule, call):
            return answer
        body = loads_or_none(answer.body)
        if rule.action == "batch_item":
            return self._item_faults(rule, incoming, answer)
        if call.operation == "batch" and isinstance(body, dict):
            return replace(answer, body=dumps(self._poisoned_items(rule, body)).encode())
        rows = rows_of(body) if isinstance(body, dict) else rows_of_xml(answer.body)
        if any(meant(rule, entity, row) for entity, row in rows) and rule.strikes():
            fault = poison_fault(rule.status)
            text = dumps(fault.body(self._world.clock.now()))
            return answered(incoming, fault.http, text, self._world.switches.any_accept)
        return answer

    def _poisoned_items(self, rule: FaultRule, body: JsonObject) -> JsonObject:
        """The batch answer with the fault where a query inside it met a poisoned row."""
        items = []
        for item in body.get("BatchItemResponse", []):
            bad = not {"QueryResponse", "CDCResponse"}.isdisjoint(item) and any(
                meant(rule, entity, row) for entity, row in rows_of(item)
            )
            struck = bad and rule.strikes()
            items.append({"Fault": poison_fault(rule.status).item(), "bId": item["bId"]} if struck else item)
        return {**body, "BatchItemResponse": items}

    def _item_faults(self, rule: FaultRule, incoming: Incoming, answer: Answer) -> Answer:
        """Each struck item answers with its fault: one marked before the work, or one drawn now that it is done."""
        items, body = items_of(loads_or_none(incoming.body)), loads_or_none(answer.body)
        answers = body.get("BatchItemResponse") if isinstance(body, dict) else None
        if not isinstance(answers, list) or len(answers) != len(items):
            return answer
        mark, fault = mark_of(rule), item_fault(int(rule.own["code"]))
        struck = struck_items(rule, items) if rule.after else {n for n, one in enumerate(items) if is_marked(one, mark)}
        spoiled = [
            {"Fault": fault, **{key: one[key] for key in one if key == "bId"}} if n in struck else one
            for n, one in enumerate(answers)
        ]
        return replace(answer, body=dumps({**body, "BatchItemResponse": spoiled}).encode())

    def xml(self, answer: Answer) -> Answer:
        """The refusal in QBO's XML, whatever the client accepts."""
        body = loads_or_none(answer.body)
        if body is None:
            return answer
        return Answer(answer.status, intuit_response(body).encode(), {"content-type": XML})


def loads_or_none(body: bytes) -> Any:
    """The JSON value; None for what is no JSON."""
    try:
        return loads(body)
    except (ValueError, RecursionError):
        return None


def concerns(rule: FaultRule, call: Call) -> bool:
    """Whether a rule can change the answer of such a call at all."""
    if rule.action == "batch_item":
        return call.operation == "batch"
    if call.operation == "read":
        return rule.action == "poison" and bool(rule.own["reads"])
    return rule.action == "poison" and call.operation in ("query", "cdc", "batch")


def asks_page_of(incoming: Incoming, call: Call, entity: str) -> bool:
    """Whether the request is a page of a query over this entity, and no count."""
    if call.operation != "query":
        return False
    statement = incoming.query.get("query") or incoming.body.decode(errors="replace")
    found = FROM.search(statement)
    return found is not None and same(entity, found.group(1)) and not COUNT.search(statement)


def rows_of(body: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """(entity, object) of everything alive in an answer of query, cdc or read."""
    responses = [body.get("QueryResponse")]
    for part in body.get("CDCResponse", []):
        responses += part.get("QueryResponse", [])
    for response in responses:
        for entity, rows in (response or {}).items():
            if isinstance(rows, list):
                yield from ((entity, row) for row in rows if row.get("status") != "Deleted")
    yield from ((key, value) for key, value in body.items() if isinstance(value, dict) and "Id" in value)


def rows_of_xml(body: bytes) -> Iterator[tuple[str, JsonObject]]:
    """(entity, {"Id"}) of the objects in an answer in XML, where a rule can name them by their ids only."""
    return ((entity, {"Id": found}) for entity, found in XML_OBJECT.findall(body.decode(errors="replace")))


def meant(rule: FaultRule, entity: str, row: JsonObject) -> bool:
    """Whether a poison rule means this row."""
    return same(rule.match["entity"], entity) and is_poison(rule, row, row.get("Id"))


def poison_fault(status: int) -> Fault:
    """4002."""
    return Fault(4002, POISON, element=None, http=status, kind="Service")


def item_fault(code: int) -> JsonObject:
    """The Fault of a batch item that fails on order."""
    return Fault(code, "simulated failure").item() if code in MESSAGES and code != 10_000 else failure(code)


def failure(code: int) -> JsonObject:
    """A system failure, under its own code or another one that the sandbox has no words for."""
    fault = system_failure("simulated failure").item()
    return {**fault, "Error": [{**error, "code": str(code)} for error in fault["Error"]]}


def b_id(item: JsonObject) -> str:
    """The client's mark of an item, as text like the API answers it."""
    return str(item.get("bId"))


def items_of(sent: Any) -> list[JsonObject]:
    """The items of a batch; none where the body is no batch, which the API will say itself."""
    items = sent.get("BatchItemRequest") if isinstance(sent, dict) else None
    return items if isinstance(items, list) and all(isinstance(item, dict) for item in items) else []


def struck_items(rule: FaultRule, items: list[JsonObject]) -> set[int]:
    """The positions of the items on which a rule fires now."""
    return {n for n, item in enumerate(items) if chosen(rule, item, n) and rule.strikes()}


def mark_of(rule: FaultRule) -> str:
    """What stands in the place of a struck item: a query that the API cannot read, so it does nothing."""
    return f"struck on order, code {rule.own['code']}"


def is_marked(item: JsonObject, mark: str) -> bool:
    """Whether this mark has taken the place of an item."""
    return item.get("Query") == mark


def chosen(rule: FaultRule, item: JsonObject, position: int) -> bool:
    """Whether a batch_item rule means this item."""
    wanted_id, wanted_position = rule.own["b_id"], rule.own["position"]
    if wanted_id not in (None, b_id(item)) or wanted_position not in (None, position):
        return False
    facts = {"entity": entity_of(item), "operation": operation_of(item)}
    return all(same(rule.match[name], facts[name]) for name in facts if name in rule.match)


def entity_of(item: JsonObject) -> str | None:
    """What an item writes."""
    return next((key for key in item if key not in (*CONTROL, "Query", "CDCQuery")), None)


def operation_of(item: JsonObject) -> str:
    """query, create, update, delete or void."""
    if "Query" in item or "CDCQuery" in item:
        return "query"
    return "void" if "void" in str(item.get("optionsData") or "").lower() else str(item.get("operation", "create"))


def with_struck(rule: FaultRule, incoming: Incoming) -> Incoming:
    """The request with a mark in the place of the items on which the rule fires; the very same where it does not."""
    sent = loads_or_none(incoming.body)
    items = items_of(sent)
    struck = struck_items(rule, items)
    if not struck:
        return incoming
    mark = {"Query": mark_of(rule)}
    kept = [
        {**mark, **{key: one[key] for key in one if key == "bId"}} if n in struck else one
        for n, one in enumerate(items)
    ]
    body = dumps({**sent, "BatchItemRequest": kept}).encode()
    return Incoming(incoming.method, incoming.path, incoming.query_string, incoming.headers, body)
