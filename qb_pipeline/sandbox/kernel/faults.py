"""Fault rules: what goes wrong, for which requests, how often.

Invariant: the same rules, seed and order of requests give the same faults.

A rule is {"match": {"method", "path", "entity", "operation"}, "action", "status", "seconds", "times", "probability",
"seed"}; everything but `action` may be left out.

- match: `method`, `entity`, `operation` compare without regard to case; `path` is a substring of path + query string,
  or, when it holds a `*`, an fnmatch pattern for the whole path with or without its query string. An empty match is
  every request.
- action `status`: answer `status` (400-599) instead of working; `seconds` adds a Retry-After header.
- action `drop_before`: close the connection, nothing was done. `drop_after`: do it, then close unanswered.
- action `delay`: wait `seconds`, then go on (further rules still count). `expire_token`: the caller's token dies first.
- times: how often it fires at most (default: always). probability 0 to 1 (default 1), drawn from `seed` (default 0).

    rules.add([{...}, ...])   all or none; ControlError 400 naming the rule and what is wrong
    rules.clear();  rules.describe() -> [{..., "fired": n}];  rules.decide(incoming, call) -> [FaultRule, ...]

`decide` gives the rules that fire on this request: any number of delays, then at most one other, which ends the list.
"""

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.kernel.errors import ControlError

ACTIONS = ("status", "drop_before", "drop_after", "delay", "expire_token")
RULE_KEYS = ("match", "action", "status", "seconds", "times", "probability", "seed")
MATCH_KEYS = ("method", "path", "entity", "operation")


@dataclass
class FaultRule:
    """One validated rule and how often it fired."""

    source: dict[str, Any]
    match: dict[str, str]
    action: str
    status: int
    seconds: float
    times: int | None
    probability: float
    draw: random.Random
    fired: int = field(default=0)

    def fires(self, incoming: Incoming, call: Call) -> bool:
        """Whether the rule strikes this request; counts and draws when it does match."""
        if self.times is not None and self.fired >= self.times:
            return False
        if not matches(self.match, incoming, call) or self.draw.random() >= self.probability:
            return False
        self.fired += 1
        return True


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
        return [{**rule.source, "fired": rule.fired} for rule in self._rules]

    def decide(self, incoming: Incoming, call: Call) -> list[FaultRule]:
        """Delays that fire, then at most one other rule."""
        firing: list[FaultRule] = []
        for rule in self._rules:
            if rule.fires(incoming, call):
                firing.append(rule)
                if rule.action != "delay":
                    break
        return firing


def matches(match: dict[str, str], incoming: Incoming, call: Call) -> bool:
    """Whether every given criterion fits."""
    facts = {"method": incoming.method, "entity": call.entity, "operation": call.operation}
    return all(
        path_matches(wanted, incoming) if name == "path" else wanted.lower() == (facts[name] or "").lower()
        for name, wanted in match.items()
    )


def path_matches(pattern: str, incoming: Incoming) -> bool:
    """Substring of the target, or the whole path or target by fnmatch when the pattern holds a `*`."""
    if "*" not in pattern:
        return pattern in incoming.target
    return fnmatchcase(incoming.path, pattern) or fnmatchcase(incoming.target, pattern)


def parse_rule(rule: object, position: int, actions: tuple[str, ...] = ACTIONS) -> FaultRule:
    """Check one rule; ControlError 400 names its position, the key and the values allowed."""
    where = f"rule {position}"
    if not isinstance(rule, dict):
        raise ControlError(f"{where}: must be a JSON object")
    reject_unknown(rule, RULE_KEYS, where)
    match = parse_match(rule.get("match", {}), where)
    action = rule.get("action")
    if action not in actions:
        raise ControlError(f"{where}: action {action!r} is unknown; use one of {', '.join(actions)}", field="action")
    if action == "status" and "status" not in rule:
        raise ControlError(f"{where}: action status needs a status (400-599)", field="status")
    if action == "delay" and "seconds" not in rule:
        raise ControlError(f"{where}: action delay needs seconds", field="seconds")
    times = rule.get("times")
    return FaultRule(
        source=dict(rule),
        match=match,
        action=str(action),
        status=int(number(rule, "status", default=500, low=400, high=599, where=where, whole=True)),
        seconds=number(rule, "seconds", default=0, low=0, high=86_400, where=where),
        times=None
        if times is None
        else int(number(rule, "times", default=0, low=0, high=1e9, where=where, whole=True)),
        probability=number(rule, "probability", default=1, low=0, high=1, where=where),
        draw=random.Random(int(number(rule, "seed", default=0, low=-(2.0**53), high=2.0**53, where=where, whole=True))),
    )


def parse_match(match: object, where: str) -> dict[str, str]:
    """The criteria as text; null means "any"."""
    if not isinstance(match, dict):
        raise ControlError(f"{where}: match must be a JSON object", field="match")
    reject_unknown(match, MATCH_KEYS, f"{where}: match")
    given = {str(key): value for key, value in match.items() if value is not None}
    for key, value in given.items():
        if not isinstance(value, str):
            raise ControlError(f"{where}: match.{key} must be text, got {value!r}", field=f"match.{key}")
    return given


def reject_unknown(given: dict[Any, Any], known: tuple[str, ...], where: str) -> None:
    """ControlError 400 naming the first key that is not known."""
    for key in given:
        if key not in known:
            raise ControlError(f"{where}: unknown key {key!r}; known are {', '.join(known)}", field=str(key))


def number(
    rule: dict[str, Any], key: str, *, default: float, low: float, high: float, where: str, whole: bool = False
) -> float:
    """A number within [low, high]; booleans and text are refused."""
    value = rule.get(key)
    if value is None:
        return default
    right_type = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not right_type or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ControlError(f"{where}: {key} must be {kind} from {low:g} to {high:g}, got {value!r}", field=key)
    return float(value)
