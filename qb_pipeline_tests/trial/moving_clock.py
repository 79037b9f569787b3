"""One clock for a whole trial: both servers, the product in this process and Dagster agree on what time it is.

Invariant: time only moves forward, for all at once; nothing but the clock is replaced.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self
from unittest import mock

import qb_pipeline.commands
from qb_pipeline_tests.end_to_end.harness import Sandbox


class Clock:
    """The machine's time plus what has been passed; `sandboxes` are moved with it."""

    def __init__(self, *sandboxes: Sandbox) -> None:
        self.passed = timedelta(0)
        self._sandboxes = sandboxes

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def advance(self, by: timedelta) -> None:
        self.passed += by
        for sandbox in self._sandboxes:
            sandbox.control("clock", {"advance_seconds": by.total_seconds()})

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """While it lasts, the product and Dagster in this process tell this clock's time."""
        for found in pkgutil.walk_packages(qb_pipeline.commands.__path__, "qb_pipeline.commands."):
            importlib.import_module(found.name)
        moved = _moved(self)
        with mock.patch.multiple("dagster._time", **_dagsters(self)):
            replaced = [m for n, m in sorted(sys.modules.items()) if _is_the_products(n, m)]
            for module in replaced:
                module.datetime = moved  # type: ignore[attr-defined]  # checked by _is_the_products
            try:
                yield
            finally:
                for module in replaced:
                    module.datetime = datetime  # type: ignore[attr-defined]  # as above


def _dagsters(clock: Clock) -> dict[str, Any]:
    return {
        "_mockable_get_current_datetime": clock.now,
        "_mockable_get_current_timestamp": lambda: clock.now().timestamp(),
    }


def _is_the_products(name: str, module: Any) -> bool:
    return name.startswith("qb_pipeline.") and getattr(module, "datetime", None) is datetime


def _moved(clock: Clock) -> type[datetime]:
    """A `datetime` whose `now` is the clock's; whatever it makes is a plain datetime."""

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Moved(datetime, metaclass=Meta):
        def __new__(cls, *args: Any, **kwargs: Any) -> Self:
            return datetime(*args, **kwargs)  # type: ignore[return-value]  # noqa: DTZ001 # types stay what they were

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return clock.now().astimezone(tz)  # type: ignore[return-value]  # as above

    return Moved
