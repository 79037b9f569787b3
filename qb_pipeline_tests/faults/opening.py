"""A database server of one's own, for what runs outside pytest.

Invariant: it stands in a temporary folder and ends with the block.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qb_pipeline.store import embedded
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare


@contextmanager
def own_postgres() -> Iterator[tuple[Path, str]]:
    """A folder and the address of a migrated database to copy others from."""
    home = Path(tempfile.mkdtemp(prefix="qb-soak-"))
    url = embedded.ensure(home, durable=False)
    try:
        engine = make_engine(url)
        prepare(engine)
        engine.dispose()
        yield home, url
    finally:
        embedded.stop(home)
        shutil.rmtree(home)
