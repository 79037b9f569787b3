"""What a server must do for the faults that concern its own records: poison, row_change, batch_item.

Invariant: the server itself knows nothing of faults; a Spoiler stands between it and the client and changes either the
request before it is worked on or the answer after.

    spoiler.prepare(rule, incoming, call) -> Incoming            a row changes, an item leaves the batch
    spoiler.review(rule, incoming, call, answer) -> Answer       an answer is refused, an item's answer replaced
    spoiler.xml(answer) -> Answer                                the `body` "xml" of a status fault
    dressed(answer, kind, spoiler) -> Answer                     the `body` of a status fault

Both call `rule.strikes()` exactly where the fault could happen, so that `times`, `probability` and `fired` count rows
and items and not requests.
"""

from typing import Any, Protocol

from qb_pipeline.sandbox.kernel.calls import Answer, Call, Incoming
from qb_pipeline.sandbox.kernel.fault_rules import FaultRule


class Spoiler(Protocol):
    """One server's faults about records."""

    def prepare(self, rule: FaultRule, incoming: Incoming, call: Call) -> Incoming:
        """Before the server works; returns the request it shall see."""

    def review(self, rule: FaultRule, incoming: Incoming, call: Call, answer: Answer) -> Answer:
        """After the server has worked; returns what the client shall see. `incoming` is what the server saw."""

    def xml(self, answer: Answer) -> Answer:
        """A refusal as XML, as gateways word it whatever the client accepts."""


def is_poison(rule: FaultRule, row: dict[str, Any], identifier: object) -> bool:
    """Whether a `poison` rule means this row: named by `ids`, or equal to all of `where`."""
    if str(identifier) in rule.own["ids"]:
        return True
    where = rule.own["where"]
    return bool(where) and all(value_at(row, path) == wanted for path, wanted in where.items())


def value_at(row: dict[str, Any], path: str) -> str | None:
    """The field at a dotted path as text; None when it is not there."""
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value)


def due_to_change(rule: FaultRule) -> bool:
    """Count one page request for a `row_change` rule; whether the row changes before it is answered."""
    rule.seen += 1
    return rule.seen >= int(rule.own["page"]) and rule.strikes()


PAGE = "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr>nginx</body></html>"


def dressed(answer: Answer, kind: str, spoiler: Spoiler) -> Answer:
    """The answer of a status fault in the `body` its rule asks for."""
    if kind == "own":
        return answer
    if kind == "xml":
        return spoiler.xml(answer)
    if kind == "html":
        return Answer(answer.status, PAGE.format(status=answer.status).encode(), {"content-type": "text/html"})
    return Answer(answer.status, b"" if kind == "empty" else answer.body[: len(answer.body) // 2], answer.headers)
