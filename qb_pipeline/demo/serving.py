"""`demo --serve`: the servers of the demo stay, and Dagster's web pages show its runs.

Invariant: everything started here ends with the command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from qb_pipeline.commands.children import children
from qb_pipeline.demo.stack import COMPANY

_WORKSPACE = """load_from:
  - python_module:
      module_name: qb_pipeline.definitions
      location_name: qb_pipeline
"""


def serve(home: Path, port: int, say: Callable[[str], None]) -> None:
    """Dagster's web server and daemon on the demo's own instance, until SIGINT or SIGTERM."""
    workspace = home / "dagster" / "workspace.yaml"
    workspace.write_text(_WORKSPACE)
    with children(home / "logs") as family:
        family.start("dagster-daemon", [sys.executable, "-m", "dagster._daemon", "run", "-w", str(workspace)])
        pages = ["-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)]
        family.start("dagster-webserver", [sys.executable, "-m", "dagster_webserver", *pages])
        say(f"Dagster shows company {COMPANY!r} at http://127.0.0.1:{port}; Ctrl-C ends everything")
        family.wait()
