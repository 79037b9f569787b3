"""How fast the sandbox servers answer with much data in them: pages, single reads and writes from ten connections.

Run: `python -m qb_pipeline_tests.benchmarks.bench_sandboxes [records]`. Each figure stands beside the most it may be.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from qb_pipeline_tests.benchmarks.bench_first_sync import Info, sandbox

CONNECTIONS = 10
WRITES = 1000


def main(records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        contractor(Path(folder), records)
        quickbooks(Path(folder), records)


def contractor(folder: Path, records: int) -> None:
    data = folder / "contractor"
    data.mkdir()
    line = json.dumps({"name": "Division", "updated_at": "2026-01-01T00:00:00Z"}) + "\n"
    (data / "divisions.jsonl").write_text(line * records)
    with sandbox("contractor", "--data", str(data)) as server:
        headers = {"Authorization": f"Bearer {server['api_key']}"}
        url = f"{server['base_url']}/api/v1/divisions"
        page = timed(lambda n: requests.get(url, params={"limit": 500}, headers=headers, timeout=60), 20)
        rate = per_second(
            lambda n: requests.post(
                url, json={"name": f"New {n}"}, headers={**headers, "Idempotency-Key": f"k{n}"}, timeout=60
            )
        )
    say(f"contractor, {records} records: page of 500 in {page:.0f} ms (50 at most), {rate:.0f} writes/s (300 at least)")


def quickbooks(folder: Path, records: int) -> None:
    data = folder / "quickbooks"
    data.mkdir()
    with (data / "Customer.jsonl").open("w") as file:
        for n in range(1, records + 1):
            file.write(json.dumps(_customer(n)) + "\n")
    with sandbox("quickbooks", "--data", str(data)) as server:
        company = f"{server['base_url']}/v3/company/{server['realm_id']}"
        headers = {"Authorization": f"Bearer {_token(server)}", "Accept": "application/json"}
        middle = f"SELECT * FROM Customer ORDERBY Id STARTPOSITION {records // 2} MAXRESULTS 1000"
        page = timed(
            lambda n: requests.get(f"{company}/query", params={"query": middle}, headers=headers, timeout=60), 20
        )
        reads = per_second(lambda n: requests.get(f"{company}/customer/{n + 1}", headers=headers, timeout=60))
        writes = per_second(
            lambda n: requests.post(
                f"{company}/customer", json={"DisplayName": f"New {n}"}, headers=headers, timeout=60
            )
        )
    say(
        f"QuickBooks, {records} customers: page of 1,000 in {page:.0f} ms (150 at most), "
        f"{reads:.0f} reads/s and {writes:.0f} writes/s from {CONNECTIONS} connections (300 at least)"
    )


def timed(call: Callable[[int], requests.Response], times: int) -> float:
    """The median in milliseconds."""
    took = []
    for n in range(times):
        start = time.perf_counter()
        call(n).raise_for_status()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def per_second(call: Callable[[int], requests.Response]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for answer in pool.map(call, range(WRITES)):
            answer.raise_for_status()
    return WRITES / (time.perf_counter() - start)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _token(server: Info) -> str:
    answer = requests.post(f"{server['base_url']}/_sandbox/token", json={"realm_id": server["realm_id"]}, timeout=60)
    return str(answer.json()["access_token"])


def _customer(n: int) -> dict[str, Any]:
    at = "2026-01-01T00:00:00-08:00"
    return {
        "DisplayName": f"Customer {n}", "FullyQualifiedName": f"Customer {n}", "Active": True, "Job": False,
        "Balance": 0, "domain": "QBO", "sparse": False, "Id": str(n), "SyncToken": "0",
        "MetaData": {"CreateTime": at, "LastUpdatedTime": at},
    }  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
