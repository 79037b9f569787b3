"""Counts what a first sync into an empty QuickBooks company costs, and what the run after it costs, at growing sizes.

Run: `python -m qb_pipeline_tests.benchmarks.bench_first_sync [customers] [invoices]`. Both sandboxes are real servers.
The sync is the command line's without limits of our own (QB_RATE_SCALE=0); calls are counted in the servers' own logs.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ITEMS = 20
_COMMON = {"version": "1", "deleted_at": None}
Info = Mapping[str, Any]


def main(customers: int, invoices: int) -> None:
    for share in (10, 2, 1):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), customers // share, invoices // share)


def measure(folder: Path, customers: int, invoices: int) -> None:
    """One first sync and the run after it."""
    write_workspace(folder / "data", customers, invoices)
    environment = {**os.environ, "QB_HOME": str(folder / "home"), "QB_RATE_SCALE": "0"}
    with sandbox("quickbooks", "--empty") as books, sandbox("contractor", "--data", str(folder / "data")) as shop:
        connect(environment, books, shop)
        for name in ("first", "following"):
            start, seen = time.perf_counter(), {id(s): log(s)["next"] for s in (books, shop)}
            subprocess.run(
                [sys.executable, "-m", "qb_pipeline.cli", "sync", "--json"],
                env=environment,
                check=True,
                capture_output=True,
            )
            seconds = time.perf_counter() - start
            calls = {side: log(s, seen[id(s)])["requests"] for side, s in (("books", books), ("shop", shop))}
            report(name, customers, invoices, calls, seconds)


def report(name: str, customers: int, invoices: int, calls: dict[str, list[dict[str, Any]]], seconds: float) -> None:
    kinds = Counter(call["path"].split("?")[0].rsplit("/", 1)[-1] for call in calls["books"])
    batches = [call for call in calls["books"] if "/batch" in call["path"]]
    items = sum(call["items"] or 0 for call in batches)
    least = sum(math.ceil(n / 30) for n in (customers, invoices, ITEMS))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(
        f"{customers} customers, {invoices} invoices, {name} run: QuickBooks {len(calls['books'])} calls "
        f"({', '.join(f'{n} {k}' for k, n in kinds.most_common())}), "
        + (f"{items / len(batches):.1f} items a batch (least {least} batches), " if batches else "no write, ")
        + f"contractor {len(calls['shop'])} calls, largest child {peak:.0f} MB, {seconds:.0f} s\n"
    )
    sys.stdout.flush()


@contextmanager
def sandbox(kind: str, *options: str) -> Iterator[Info]:
    """A sandbox process; yields what its first line says."""
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", kind, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def connect(environment: Mapping[str, str], books: Info, shop: Info) -> None:
    command = [
        sys.executable, "-m", "qb_pipeline.cli", "connect", "--company", "bench", "--contractor-system", "reference",
        "--contractor-url", shop["base_url"], "--contractor-key", shop["api_key"],
        "--quickbooks-api", books["base_url"],
        "--quickbooks-discovery", books["discovery_url"], "--client-id", books["client_id"],
        "--client-secret", books["client_secret"], "--authorize", "auto",
    ]  # fmt: skip
    subprocess.run(command, env=environment, check=True, capture_output=True)


def log(server: Info, since: int = 0) -> dict[str, Any]:
    return dict(requests.get(f"{server['base_url']}/_sandbox/requests", params={"since": since}, timeout=60).json())


def write_workspace(folder: Path, customers: int, invoices: int) -> None:
    """A contractor's workspace as files the sandbox loads."""
    folder.mkdir(parents=True)
    _write(folder / "customers.jsonl", (_customer(n) for n in range(customers)))
    _write(folder / "items.jsonl", (_item(n) for n in range(ITEMS)))
    _write(folder / "invoices.jsonl", (_invoice(n, customers) for n in range(invoices)))


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w") as file:
        for n, row in enumerate(rows):
            at = f"2026-10-01T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}.000000Z"
            file.write(json.dumps({**_COMMON, "created_at": at, "updated_at": at, **row}) + "\n")


def _customer(n: int) -> dict[str, Any]:
    address = {"line1": f"{n} Main St", "city": "Dover", "state": "DE", "postal_code": "19901", "country": "USA"}
    return {
        "id": f"cus_{n:06d}", "name": f"Customer {n:05d} {n * 7919 % 10007}", "email": f"c{n}@example.com",
        "phone": f"302555{n % 10000:04d}", "billing_address": {**address, "line2": None}, "taxable": False,
        "active": True,
    }  # fmt: skip


def _item(n: int) -> dict[str, Any]:
    return {
        "id": f"itm_{n:06d}", "name": f"Item {n:03d}", "sku": f"S{n}", "kind": "service", "unit_price": "10",
        "taxable": False, "active": True,
    }  # fmt: skip


def _invoice(n: int, customers: int) -> dict[str, Any]:
    lines = [_line(n, 2 * n, "2", "10", "20.00"), _line(n + 1, 2 * n + 1, "1", "5", "5.00")]
    return {
        "id": f"inv_{n:06d}", "number": f"N{n}", "customer_id": f"cus_{n % customers:06d}",
        "issue_date": f"2026-10-{1 + n % 28:02d}", "due_date": "2026-11-15", "lines": lines, "subtotal": "25.00",
        "tax": "0.00", "total": "25.00", "balance": "25.00", "status": "sent", "kind": "standard",
    }  # fmt: skip


def _line(item: int, number: int, quantity: str, price: str, amount: str) -> dict[str, Any]:
    return {
        "id": f"lin_{number:07d}", "item_id": f"itm_{item % ITEMS:06d}", "description": "Work", "quantity": quantity,
        "unit_price": price, "amount": amount, "taxable": False,
    }  # fmt: skip


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:3] or ("5000", "10000")))
