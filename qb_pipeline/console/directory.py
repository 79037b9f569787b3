"""The companies as the receiver needs them: realms and the secrets that sign webhooks.

Invariant: what is remembered is at most `LASTS` seconds old, and a signature that fits nothing is judged by companies
read within the last second, so that a company is heard as soon as it is connected; why one can't be heard is logged
once, when it is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from qb_pipeline.console.hearing import Known, Unheard, no_key, read
from qb_pipeline.errors import PipelineError
from qb_pipeline.settings import Settings
from qb_pipeline.sync.health import Verdict

LASTS = 5.0
_YOUNG = 1.0
_log = structlog.get_logger(__name__)


class Directory:
    """Remembers `Known`; reads are made in `executor`, one at a time."""

    def __init__(self, engine: Engine, settings: Settings, executor: Executor) -> None:
        self._read = partial(read, engine, settings)
        self._executor = executor
        self._known = Known()
        self._one_at_a_time = asyncio.Lock()

    async def known(self, at_most: float = LASTS) -> Known:
        """The companies, read at most `at_most` seconds ago; raises SQLAlchemy's errors."""
        if self._known.age() <= at_most:
            return self._known
        async with self._one_at_a_time:
            if self._known.age() > at_most:
                before = self._known.unheard
                self._known = await asyncio.get_running_loop().run_in_executor(self._executor, self._read)
                _tell(each for each in self._known.unheard if each not in before)
        return self._known

    async def newest(self) -> Known:
        """As `known`, for whoever found nothing that fits; forged deliveries cost one read a second, not one each."""
        return await self.known(_YOUNG)

    async def unheard(self) -> tuple[Unheard, ...]:
        """Whose webhooks are refused, and why; of a store that does not answer, others tell."""
        try:
            return (await self.known()).unheard
        except PipelineError as error:
            return (no_key(error),)
        except SQLAlchemyError:
            return self._known.unheard


def _tell(found: Iterable[Unheard]) -> None:
    for each in found:
        say = _log.info if each.finding.gravity is Verdict.OK else _log.warning
        source = each.side.value if each.side else None
        say("console.webhooks_refused", company=each.company, source=source, why=each.why, fix=each.finding.fix)
