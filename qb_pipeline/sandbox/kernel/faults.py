"""Faults on order: what goes wrong, for which requests, how often.

Invariant: the same rules, seed and order of requests give the same faults.

A rule is {"match", "action", "status", "seconds", "times", "probability", "seed", …}; all but `action` may be left out
where nothing else is said. Rules are tried in the order they were added; GET lists each with `fired`.
They are forgotten when the server ends.

- match: `method`, `entity`, `operation`, `realm` compare without regard to case; `path` is a substring of path + query
  string, or, when it holds a `*`, an fnmatch pattern for the whole path with or without its query string; `body` is a
  substring of the request's body. An empty match is every request.
- times: how often it fires at most (default: always). probability 0 to 1 (default 1), drawn from `seed` (default 0).

Requests:

- `status`: answer `status` (400-599). `when` "before" (default): nothing was done; "after": the work is done, then the
  status is answered. `seconds` adds a Retry-After header. `body`: "own" (the server's envelope, default), "xml",
  "html" (as a proxy words it), "empty", or "cut" (half of the own envelope). Throttling on order is `status` 429.
- `drop_before`: close the connection, nothing was done. `drop_after`: do it, then close unanswered.
- `delay`: wait `seconds`, then go on; `when` "after" does the work first. Further rules still count.
- `expire_token`: the caller's token dies first, so the server itself answers 401.

Rows (they need match.entity, the kind of record; the other criteria are of the request):

- `poison`: whatever answer would contain the row is refused with `status` (default 400) in the server's words: pages of
  a query or list, change feeds, reads of the row itself (not with `reads` false), queries inside a batch. `ids` names
  the rows; `where` {"BillEmail.Address": "x"} finds them by their fields, all of which must be equal as text. Counts,
  writes, tombstones and answers without the row are not touched, so bisecting isolates it.
- `row_change`: before the `page`-th matching page request (default 2) is answered, and before each later one until
  `times` (default 1), the row `id` (or one drawn by the seed) changes: `change` "touch" gives it a new version and time
  as an edit elsewhere would, "delete" removes it. Where that cannot be done, the listed rule gets a `note` saying why.

Batches (the server must know batches):

- `batch_item`: one item fails with `code` (default 10000): match.entity and match.operation are the item's, `b_id` or
  `position` (from 0) name it. `when` "before": it is not done; "after": it is done and yet answered with the fault. The
  whole batch after it took effect: `status` with `when` "after" and match.operation "batch".

Webhooks (match.entity and match.operation are the event's; one draw for each event and subscription):

- `webhook_lost`: never sent. `webhook_doubled`: sent twice. `webhook_delayed`: sent `seconds` later.
- `webhook_shuffled`: held back for a drawn part of `seconds` (default 1), so that later events overtake it.

    rules.add([{...}, ...])   all or none; ControlError 400 naming the rule and what is wrong
    rules.clear();  rules.describe() -> [{..., "fired": n}]
    rules.decide(incoming, call) -> [FaultRule, ...]      what strikes this request, in order, at most one of it final
    rules.served(incoming, call) -> [FaultRule, ...]      what the server's Spoiler has to try on it
    rules.fate(entity, operation) -> Fate                 what becomes of one webhook event
"""

from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.fault_rules import ACTIONS, NOTIFYING, SERVED, FaultRule, matches, parse_rule, same

NOT_FINAL = ("delay",)
# Criteria that mean the row, or the item of a batch, and not the request around it.
ABOUT_THE_ROW = {"poison": ("entity",), "row_change": ("entity",), "batch_item": ("entity", "operation")}


@dataclass
class Fate:
    """What becomes of one event on its way to one receiver; `delay` in seconds."""

    lost: bool = False
    doubled: bool = False
    delayed: bool = False
    shuffled: bool = False
    delay: float = 0.0


class FaultRules:
    """The rules in force, in the order they were added."""

    def __init__(self, actions: tuple[str, ...] = ACTIONS) -> None:
        self._actions = actions
        self._rules: list[FaultRule] = []

    def add(self, rules: object) -> None:
        """Check and append a list of rules; ControlError 400 when any of them is not understood."""
        if not isinstance(rules, list):
            raise ControlError('send a JSON list of rules, for example [{"match": {}, "action": "drop_after"}]')
        self._rules += [parse_rule(rule, position, self._actions) for position, rule in enumerate(rules)]

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._rules = []

    def describe(self) -> list[dict[str, Any]]:
        """The rules as sent, each with `fired`."""
        return [rule.describe() for rule in self._rules]

    def decide(self, incoming: Incoming, call: Call) -> list[FaultRule]:
        """Delays that fire, then at most one other rule, which ends the list."""
        firing: list[FaultRule] = []
        for rule in self._rules:
            if rule.action in SERVED or rule.action in NOTIFYING or not rule.fires(incoming, call):
                continue
            firing.append(rule)
            if rule.action not in NOT_FINAL:
                break
        return firing

    def served(self, incoming: Incoming, call: Call) -> list[FaultRule]:
        """The rules that may concern a row or item of this request; whether they do, the Spoiler sees."""
        return [
            rule
            for rule in self._rules
            if rule.action in SERVED
            and not rule.spent
            and matches(rule.match, incoming, call, but=ABOUT_THE_ROW[rule.action])
        ]

    def fate(self, entity: str | None, operation: str | None) -> Fate:
        """Draw what becomes of one event."""
        fate = Fate()
        facts = {"entity": entity, "operation": operation}
        for rule in self._rules:
            if rule.action not in NOTIFYING or fate.lost:
                continue
            if all(same(wanted, facts.get(name)) for name, wanted in rule.match.items()) and rule.strikes():
                befall(fate, rule)
        return fate


def befall(fate: Fate, rule: FaultRule) -> None:
    """Let one rule act on an event."""
    name = rule.action.removeprefix("webhook_")
    setattr(fate, name, True)
    if name == "delayed":
        fate.delay += rule.seconds
    elif name == "shuffled":
        fate.delay += rule.seconds * rule.draw.random()
