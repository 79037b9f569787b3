"""The demo's syncs are runs of Dagster's job `sync`, kept where Dagster's web pages show them.

Invariant: what Dagster logs goes to QB_HOME/logs, and a run that failed stops the demo with its reason.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from qb_pipeline.demo.meter import Tally
from qb_pipeline.demo.stack import COMPANY, Stack
from qb_pipeline.errors import PipelineError


class _Log(io.TextIOBase):
    """A log file that hands the words of each informing line on as progress."""

    def __init__(self, path: Path, progress: Callable[[str], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a")
        self._progress = progress

    def write(self, text: str) -> int:
        self._file.write(text)
        if " - INFO - " in text:
            self._progress(text.rstrip().rpartition(" - ")[2])
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        super().close()  # flushes once more
        self._file.close()


def sync(stack: Stack, progress: Callable[[str], None]) -> tuple[str, Tally]:
    """One run to its end; returns its id and what it counted per entity."""
    from qb_pipeline.defs.running import run_sync  # noqa: PLC0415  # Dagster takes seconds to import

    log = stack.home / "logs" / "dagster-runs.log"
    with _Log(log, progress) as stream, redirect_stderr(stream), redirect_stdout(stream):
        done = run_sync(stack.settings, COMPANY)
    if not done.success:
        raise PipelineError(
            f"The Dagster run {done.run_id} failed: {done.error or 'see its log'}",
            code="demo_sync",
            fix=f"The run's log is {log}.",
        )
    return done.run_id, done.tally
