"""Rate limits as sliding windows, off until somebody asks for them.

Invariant: within any window of a rule at most `limit` requests of one scope pass; refused requests do not count.

    LimitRule(name, limit, window_seconds, scope)     scope(incoming, call) -> str | None; None: the rule does not apply
    limits.set(enforce=True, time_scale=60)           a time_scale of 60 turns a minute into a second
    limits.check(incoming, call, now) -> LimitRule | None    the rule that refuses, else None and the request is counted
    limits.describe() -> {"enforce", "time_scale", "refused", "rules": [{"name", "limit", "window_seconds"}]}
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming


@dataclass(frozen=True)
class LimitRule:
    """At most `limit` requests per `window_seconds` for each value that `scope` gives."""

    name: str
    limit: int
    window_seconds: float
    scope: Callable[[Incoming, Call], str | None]


class Limits:
    """All rules of one server with their windows."""

    def __init__(self, rules: Sequence[LimitRule] = ()) -> None:
        self._rules = tuple(rules)
        self._windows: dict[tuple[str, str], deque[float]] = {}
        self.enforce = False
        self.time_scale = 1.0
        self.refused = 0

    def set(self, *, enforce: bool | None = None, time_scale: float | None = None) -> None:
        """Change what is given; switching enforcement on begins with empty windows."""
        if time_scale is not None:
            self.time_scale = time_scale
        if enforce is not None:
            self.enforce = enforce
            self._windows.clear()

    def check(self, incoming: Incoming, call: Call, now: float) -> LimitRule | None:
        """`now` in seconds (any fixed origin). The first rule that refuses, else the request counts in all windows."""
        if not self.enforce:
            return None
        windows = []
        for rule in self._rules:
            scope = rule.scope(incoming, call)
            if scope is None:
                continue
            window = self._windows.setdefault((rule.name, scope), deque())
            self._forget_before(window, now - rule.window_seconds / self.time_scale)
            if len(window) >= rule.limit:
                self.refused += 1
                return rule
            windows.append(window)
        for window in windows:
            window.append(now)
        return None

    @staticmethod
    def _forget_before(window: deque[float], start: float) -> None:
        while window and window[0] <= start:
            window.popleft()

    def describe(self) -> dict[str, Any]:
        """The switch, the scale and the rules, for `/_sandbox/limits`."""
        rules = [
            {"name": rule.name, "limit": rule.limit, "window_seconds": rule.window_seconds} for rule in self._rules
        ]
        return {"enforce": self.enforce, "time_scale": self.time_scale, "refused": self.refused, "rules": rules}
