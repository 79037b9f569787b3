"""Intuit counts every read, also those of a process that did not live to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, instance, kill

LOST = 1  # reads that a killed run may forget, beside those under way
AT_ONCE = 3


def read(made: Instance) -> int:
    """Reads that QuickBooks has served."""
    return sum(r["method"] == "GET" and "/v3/" in r["path"] for r in made.quickbooks.requests_since(0)[0])


def told(made: Instance) -> int:
    """Reads that count against the month's allowance, as `health` tells them."""
    _, out, _ = made.run("health", "--json")
    return int(json.loads(out)["companies"][0]["quota"]["metered"])


def kill_when(made: Instance, due: Callable[[], bool]) -> None:
    """Start a sync and kill it once something is so."""
    process = made.begin("sync")
    for _ in range(1200):
        if due():
            break
        time.sleep(0.05)
    assert kill(process), "it ended by itself"


def test_reads_of_a_run_that_is_killed_while_it_writes_are_counted(tmp_path: Path, database_url: str) -> None:
    with instance(tmp_path, database_url) as made:
        made.connect()
        made.sync()
        own = ContractorDesk(made.contractor)
        before = read(made), told(made)
        own.create("customers", {"name": "Killed"})
        made.quickbooks.control("faults", [{"match": {"method": "POST"}, "action": "delay", "seconds": 4}])
        kill_when(made, lambda: made.rows("select id from journal where phase = 'sent'") != [])
        made.quickbooks.control("faults", method="DELETE")
        served, counted = read(made) - before[0], told(made) - before[1]
        assert served >= 2
        assert served - LOST <= counted <= served


def test_reads_of_a_first_reading_that_is_killed_are_counted_page_by_page(tmp_path: Path, database_url: str) -> None:
    with instance(tmp_path, database_url) as made:
        made.connect()
        before = read(made), told(made)
        made.quickbooks.control("faults", [{"match": {"path": "*/query*"}, "action": "delay", "seconds": 0.5}])
        kill_when(made, lambda: read(made) - before[0] >= 12)
        made.quickbooks.control("faults", method="DELETE")
        served, counted = read(made) - before[0], told(made) - before[1]
        assert served >= 12
        assert served - AT_ONCE - LOST <= counted <= served
