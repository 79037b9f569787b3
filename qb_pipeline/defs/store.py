"""The store as Dagster's processes reach it: settings from the environment, one engine per process.

Invariant: no connection before the first use, and the tables are up to date before anything reads one.
"""

from __future__ import annotations

import threading

from sqlalchemy import Engine

from qb_pipeline.settings import Settings, settings
from qb_pipeline.store.embedded import database_url
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare

_lock = threading.Lock()
_engines: dict[str, Engine] = {}  # by URL


def open_store(current: Settings | None = None) -> tuple[Settings, Engine]:
    """The settings of this environment and the engine that belongs to them; the first call brings the tables up to
    date and starts the embedded server where no other is set."""
    chosen = current or settings()
    with _lock:
        url = database_url(chosen)
        if url not in _engines:
            engine = make_engine(url)
            prepare(engine)
            _engines[url] = engine
        return chosen, _engines[url]


def close_stores() -> None:
    """Give back every connection, before a database or its server goes away."""
    with _lock:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()
