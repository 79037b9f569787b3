"""The wording of fault rules: which keys each action takes, and what their values may be.

Invariant: a rule that is not understood to its last key is refused and changes nothing.

    parse_rule(rule, position, actions) -> FaultRule      ControlError 400 names the rule and the key
"""

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming
from qb_pipeline.sandbox.kernel.errors import ControlError

# Told by the kernel alone, whatever the server.
PLAIN = ("status", "drop_before", "drop_after", "delay")
# Done by the server's own Spoiler (spoiling.py), because they need to know its records.
SERVED = ("poison", "row_change", "batch_item")
NOTIFYING = ("webhook_lost", "webhook_doubled", "webhook_delayed", "webhook_shuffled")
ACTIONS = (*PLAIN, "expire_token", *SERVED, *NOTIFYING)
COMMON_KEYS = ("match", "action", "status", "seconds", "times", "probability", "seed")
OWN_KEYS: dict[str, tuple[str, ...]] = {
    "status": ("when", "body"),
    "delay": ("when",),
    "poison": ("ids", "where", "reads"),
    "row_change": ("page", "id", "change"),
    "batch_item": ("position", "b_id", "code", "when"),
}
MATCH_KEYS = ("method", "path", "entity", "operation", "realm", "body")
CHOICES = {
    "when": ("before", "after"),
    "change": ("touch", "delete"),
    "body": ("own", "xml", "html", "empty", "cut"),
}
DEFAULT_STATUS = {"poison": 400}
SHUFFLE_WITHIN_SECONDS = 1.0
# A row changes once unless the rule says how often; everything else goes on until it is taken away.
DEFAULT_TIMES = {"row_change": 1}


@dataclass
class FaultRule:
    """One validated rule, how many requests it looked at and how often it fired."""

    source: dict[str, Any]
    match: dict[str, str]
    action: str
    status: int
    seconds: float
    times: int | None
    probability: float
    draw: random.Random
    # The keys that only this action takes, with their defaults filled in.
    own: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0
    # Why the last strike came to nothing (the row is not there, or may not be removed); shown with the rule.
    note: str | None = None

    @property
    def after(self) -> bool:
        """Whether the rule strikes when the server has done its work."""
        return self.own.get("when") == "after"

    @property
    def spent(self) -> bool:
        """Whether it has fired as often as it may."""
        return self.times is not None and self.fired >= self.times

    def describe(self) -> dict[str, Any]:
        """The rule as sent, with `fired`, and `note` where there is one."""
        return {**self.source, "fired": self.fired} | ({"note": self.note} if self.note else {})

    def strikes(self) -> bool:
        """Draw: whether it fires this time; counts when it does."""
        if self.spent or self.draw.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def fires(self, incoming: Incoming, call: Call) -> bool:
        """Whether the rule strikes this request; a spent rule and one that does not match draw nothing."""
        return not self.spent and matches(self.match, incoming, call) and self.strikes()


def matches(match: dict[str, str], incoming: Incoming, call: Call, *, but: tuple[str, ...] = ()) -> bool:
    """Whether every given criterion fits, those named in `but` left aside."""
    facts = {"method": incoming.method, "entity": call.entity, "operation": call.operation, "realm": call.realm}
    return all(fits(name, wanted, incoming, facts) for name, wanted in match.items() if name not in but)


def fits(name: str, wanted: str, incoming: Incoming, facts: dict[str, str | None]) -> bool:
    """One criterion of a match."""
    if name == "path":
        return path_matches(wanted, incoming)
    if name == "body":
        return wanted.encode() in incoming.body
    return same(wanted, facts[name])


def same(wanted: str, fact: str | None) -> bool:
    """Equal without regard to case."""
    return wanted.lower() == (fact or "").lower()


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
    action = rule.get("action")
    if action not in actions:
        raise ControlError(f"{where}: action {action!r} is unknown; use one of {', '.join(actions)}", field="action")
    reject_unknown(rule, (*COMMON_KEYS, *OWN_KEYS.get(str(action), ())), f"{where} ({action})")
    require_keys(rule, str(action), where)
    times = rule.get("times", DEFAULT_TIMES.get(str(action)))
    status, seconds = DEFAULT_STATUS.get(str(action), 500), default_seconds(str(action))
    seed = number(rule, "seed", default=0, low=-(2.0**53), high=2.0**53, where=where, whole=True)
    return FaultRule(
        source=dict(rule),
        match=parse_match(rule.get("match", {}), where),
        action=str(action),
        status=int(number(rule, "status", default=status, low=400, high=599, where=where, whole=True)),
        seconds=number(rule, "seconds", default=seconds, low=0, high=86_400, where=where),
        times=None
        if times is None
        else int(number(rule, "times", default=times, low=0, high=1e9, where=where, whole=True)),
        probability=number(rule, "probability", default=1, low=0, high=1, where=where),
        draw=random.Random(int(seed)),
        own=own_keys(rule, str(action), where),
    )


def default_seconds(action: str) -> float:
    """How long where the rule does not say."""
    return SHUFFLE_WITHIN_SECONDS if action == "webhook_shuffled" else 0


def require_keys(rule: dict[str, Any], action: str, where: str) -> None:
    """ControlError 400 for an action that lacks what it cannot do without."""
    if action == "status" and "status" not in rule:
        raise ControlError(f"{where}: action status needs a status (400-599)", field="status")
    if action in ("delay", "webhook_delayed") and "seconds" not in rule:
        raise ControlError(f"{where}: action {action} needs seconds", field="seconds")
    match = rule.get("match")
    if action in ("poison", "row_change") and not (isinstance(match, dict) and match.get("entity")):
        raise ControlError(f"{where}: action {action} needs match.entity, the kind of record", field="match.entity")
    if action == "poison" and not (rule.get("ids") or rule.get("where")):
        raise ControlError(f'{where}: action poison needs "ids" or "where", or it would strike no row', field="ids")


def own_keys(rule: dict[str, Any], action: str, where: str) -> dict[str, Any]:
    """The keys that only this action takes, checked."""
    return {key: OWN_CHECKS[key](rule, key, where) for key in OWN_KEYS.get(action, ())}


def choice(rule: dict[str, Any], key: str, where: str) -> str:
    """One of CHOICES, the first when nothing is said."""
    value = rule.get(key, CHOICES[key][0])
    if value not in CHOICES[key]:
        known = ", ".join(CHOICES[key])
        raise ControlError(f"{where}: {key} must be one of {known}, got {value!r}", field=key)
    return str(value)


def id_list(rule: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Ids as text."""
    value = rule.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ControlError(f"{where}: {key} must be a list of texts, got {value!r}", field=key)
    return tuple(value)


def conditions(rule: dict[str, Any], key: str, where: str) -> dict[str, str]:
    """{"a.b": "text"}: what the fields of a row must be equal to."""
    value = rule.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(wanted, str) for wanted in value.values()):
        raise ControlError(f'{where}: {key} must be an object like {{"BillEmail.Address": "x"}}', field=key)
    return {str(path): wanted for path, wanted in value.items()}


def text_or_none(rule: dict[str, Any], key: str, where: str) -> str | None:
    """Text, or None when it is not given."""
    value = rule.get(key)
    if value is not None and not isinstance(value, str):
        raise ControlError(f"{where}: {key} must be text, got {value!r}", field=key)
    return value


def flag(rule: dict[str, Any], key: str, where: str) -> bool:
    """true or false; true when it is not given."""
    value = rule.get(key, True)
    if not isinstance(value, bool):
        raise ControlError(f"{where}: {key} must be true or false, got {value!r}", field=key)
    return value


def whole(default: int | None, low: int, high: int) -> Any:
    """A check for a whole number in [low, high]; `default` when it is not given."""

    def check(rule: dict[str, Any], key: str, where: str) -> int | None:
        if rule.get(key) is None:
            return default
        return int(number(rule, key, default=0, low=low, high=high, where=where, whole=True))

    return check


OWN_CHECKS: dict[str, Any] = {
    "when": choice,
    "body": choice,
    "change": choice,
    "ids": id_list,
    "where": conditions,
    "reads": flag,
    "page": whole(2, 1, 10**6),
    "id": text_or_none,
    "position": whole(None, 0, 10**6),
    "b_id": text_or_none,
    "code": whole(10_000, 1, 99_999),
}


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
