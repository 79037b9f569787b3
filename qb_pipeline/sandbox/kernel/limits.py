"""Rate limits as sliding windows, off until somebody asks for them.

Invariant: within any window of a rule at most `limit` requests of one scope pass; refused requests do not count; scopes
that are quiet for a whole window are forgotten, so that memory follows the traffic and not its history.

    LimitRule(name, limit, window_seconds, scope)     scope(incoming, call) -> str | None; None: the rule does not apply
                                                      window_seconds 0: `limit` requests at once
    limits.set(enforce=True, time_scale=60)           a time_scale of 60 turns a minute into a second
    limits.check(incoming, call, now) -> LimitRule | None    the rule that refuses, else None and the request is counted
    with limits.in_flight(incoming, call): ...        the request counts as being worked on
    limits.describe() -> {"enforce", "time_scale", "retry_after", "latency_seconds", "refused", "rules": [...]}

`latency_seconds` (default 0) makes every request take that long, as the real service does: only then do requests
overlap enough for an at-once limit to matter. `retry_after` (default off) adds that header to a 429. Both follow the
time scale; `refused` counts since the start, in all and for each rule.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Call, Incoming

SWEEP_EVERY = 1000
AT_ONCE_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class LimitRule:
    """At most `limit` requests per `window_seconds` for each value that `scope` gives; at once when that is 0."""

    name: str
    limit: int
    window_seconds: float
    scope: Callable[[Incoming, Call], str | None]


Window = tuple[str, str]


class Limits:
    """All rules of one server with their windows."""

    def __init__(self, rules: Sequence[LimitRule] = ()) -> None:
        self._rules = tuple(rules)
        self._windows: dict[Window, deque[float]] = {}
        self._busy: Counter[Window] = Counter()
        self._checks = 0
        self._refused: Counter[str] = Counter()
        self._latency = 0.0
        self.enforce = False
        self.retry_after = False
        self.time_scale = 1.0

    def set(
        self,
        *,
        enforce: bool | None = None,
        time_scale: float | None = None,
        retry_after: bool | None = None,
        latency_seconds: float | None = None,
    ) -> None:
        """Change what is given; switching enforcement on begins with empty windows."""
        self.time_scale = self.time_scale if time_scale is None else time_scale
        self.retry_after = self.retry_after if retry_after is None else retry_after
        self._latency = self._latency if latency_seconds is None else latency_seconds
        if enforce is not None:
            self.enforce = enforce
            self._windows.clear()

    @property
    def refused(self) -> int:
        """How many requests all rules have refused."""
        return self._refused.total()

    @property
    def latency_seconds(self) -> float:
        """How long each request takes, scaled."""
        return self._latency / self.time_scale

    def check(self, incoming: Incoming, call: Call, now: float) -> LimitRule | None:
        """`now` in seconds (any fixed origin). The first rule that refuses, else the request counts in all windows."""
        if not self.enforce:
            return None
        self._sweep(now)
        windows = []
        for rule, scope in self._applying(incoming, call):
            if rule.window_seconds == 0:
                full = self._busy[rule.name, scope] >= rule.limit
            else:
                window = self._windows.setdefault((rule.name, scope), deque())
                self._forget_before(window, now - rule.window_seconds / self.time_scale)
                windows.append(window)
                full = len(window) >= rule.limit
            if full:
                self._refused[rule.name] += 1
                return rule
        for window in windows:
            window.append(now)
        return None

    @contextmanager
    def in_flight(self, incoming: Incoming, call: Call) -> Iterator[None]:
        """Count the request in the at-once rules for the length of the block."""
        if not self.enforce:
            yield
            return
        held = [(rule.name, scope) for rule, scope in self._applying(incoming, call) if rule.window_seconds == 0]
        self._busy.update(held)
        try:
            yield
        finally:
            for window in held:
                self._busy[window] -= 1
                if self._busy[window] <= 0:
                    del self._busy[window]

    def retry_after_of(self, rule: LimitRule) -> float:
        """The seconds a refusal by `rule` tells the client to wait; 0 when it tells nothing."""
        if not self.retry_after:
            return 0.0
        return (rule.window_seconds or AT_ONCE_RETRY_SECONDS) / self.time_scale

    def _applying(self, incoming: Incoming, call: Call) -> Iterator[tuple[LimitRule, str]]:
        for rule in self._rules:
            scope = rule.scope(incoming, call)
            if scope is not None:
                yield rule, scope

    def _sweep(self, now: float) -> None:
        """Now and then, forget the windows in which nothing counts any more."""
        self._checks += 1
        if self._checks % SWEEP_EVERY:
            return
        spans = {rule.name: rule.window_seconds / self.time_scale for rule in self._rules}
        for key, window in list(self._windows.items()):
            self._forget_before(window, now - spans[key[0]])
            if not window:
                del self._windows[key]

    @staticmethod
    def _forget_before(window: deque[float], start: float) -> None:
        while window and window[0] <= start:
            window.popleft()

    def describe(self) -> dict[str, Any]:
        """The switches, the scale and the rules, for `/_sandbox/limits`."""
        rules = [
            {
                "name": rule.name,
                "limit": rule.limit,
                "window_seconds": rule.window_seconds,
                "refused": self._refused[rule.name],
            }
            for rule in self._rules
        ]
        return {
            "enforce": self.enforce,
            "time_scale": self.time_scale,
            "retry_after": self.retry_after,
            "latency_seconds": self._latency,
            "refused": self.refused,
            "rules": rules,
        }
