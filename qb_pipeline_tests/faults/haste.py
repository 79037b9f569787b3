"""Nobody waits: sleepers wake at once, later, and what threads would do at once is done one after the other.

Invariant: only time and the order of events differ from what runs elsewhere; one seed is one order of events.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.transport import Transport
from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline.sync.reading import positions

# Nearly everything in a real company is older than what two readings have in common; here it would all be younger.
OVERLAP = timedelta(seconds=2)


class OneAfterTheOther(Executor):
    """Does at once what it is given, so that one seed is one order of events."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        super().__init__()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # a future holds whatever ended its work
            done.set_exception(error)
        return done


class QuickClock(SystemClock):
    """Who sleeps wakes up at once, later."""

    slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + QuickClock.slept

    def sleep(self, seconds: float) -> None:
        QuickClock.slept += seconds


@contextmanager
def nobody_waits() -> Iterator[None]:
    """Within the block, in this process."""
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(positions, "OVERLAP", OVERLAP))
        for name in ("monotonic", "sleep"):
            patches.enter_context(mock.patch.object(SystemClock, name, getattr(QuickClock, name)))
        for made in (RestConnector, Transport):
            patches.enter_context(mock.patch.dict(made.__init__.__kwdefaults__, sleep=lambda _seconds: None))
        for module in [m for n, m in sys.modules.items() if n.startswith("qb_pipeline.sync")]:
            if getattr(module, "ThreadPoolExecutor", None) is ThreadPoolExecutor:
                patches.enter_context(mock.patch.object(module, "ThreadPoolExecutor", OneAfterTheOther))
        yield
