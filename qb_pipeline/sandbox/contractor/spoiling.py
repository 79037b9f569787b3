"""The contractor API's faults about records: poison rows and rows that change between two pages.

Invariant: a poisoned answer is refused whole, and a changed row is changed as by somebody else's hand: new version,
new time, an event.
"""

import json
from typing import Any
from xml.sax.saxutils import escape

from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, Collection
from qb_pipeline.sandbox.contractor.problems import Problem
from qb_pipeline.sandbox.contractor.service import Service
from qb_pipeline.sandbox.kernel.calls import Answer, Call, Incoming
from qb_pipeline.sandbox.kernel.fault_rules import FaultRule, same
from qb_pipeline.sandbox.kernel.spoiling import due_to_change, is_poison


class ContractorSpoiler:
    """The faults over one workspace."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def prepare(self, rule: FaultRule, incoming: Incoming, call: Call) -> Incoming:
        """A row changes before the page is answered."""
        collection = COLLECTIONS.get(call.entity or "")
        asked = collection is not None and call.operation == "list" and same(rule.match["entity"], call.entity)
        if rule.action == "row_change" and collection is not None and asked and due_to_change(rule):
            self._change(rule, collection)
        return incoming

    def _change(self, rule: FaultRule, collection: Collection) -> None:
        candidates = self._service.store.live_ids(collection.name)
        chosen = rule.own["id"] or (rule.draw.choice(candidates) if candidates else None)
        if chosen not in candidates:
            rule.note = f"there is no {collection.name}/{chosen} to change"
            return
        try:
            if rule.own["change"] == "touch":
                self._service.touch(collection, str(chosen))
            else:
                self._service.delete(collection, str(chosen), None)
        except Problem as problem:
            rule.note = problem.message

    def review(self, rule: FaultRule, _incoming: Incoming, call: Call, answer: Answer) -> Answer:
        """Refuse a page or record that holds a poisoned one."""
        concerned = rule.action == "poison" and answer.status == 200 and same(rule.match["entity"], call.entity)
        if not concerned or call.operation not in ("list", "get"):
            return answer
        body = json.loads(answer.body)
        rows: list[dict[str, Any]] = body["data"] if call.operation == "list" else [body]
        if call.operation == "get" and not rule.own["reads"]:
            return answer
        if not any(is_poison(rule, row, row["id"]) for row in rows) or not rule.strikes():
            return answer
        problem = Problem(rule.status, "unreadable_record", "a record of this answer cannot be read")
        return Answer(rule.status, json.dumps(problem.envelope()).encode())

    def xml(self, answer: Answer) -> Answer:
        """A refusal as a proxy in XML would word it."""
        message = json.loads(answer.body)["error"]["message"]
        body = f'<?xml version="1.0" encoding="UTF-8"?><error><message>{escape(message)}</message></error>'
        return Answer(answer.status, body.encode(), {"content-type": "application/xml"})
