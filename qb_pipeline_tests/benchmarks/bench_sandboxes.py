"""How fast the sandbox servers answer with much data in them: pages, single reads and writes from ten connections.

Run: `python -m qb_pipeline_tests.benchmarks.bench_sandboxes [records]`. Each figure stands beside the most it may be.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil  # type: ignore[import-untyped]  # ships no types
import requests

from qb_pipeline_tests.benchmarks.bench_first_sync import Info, sandbox
from qb_pipeline_tests.sandbox.kernel.test_memory import growth, size_of

CONNECTIONS = 10
WRITES = 1000
REQUESTS = 20_000
CUSTOMERS = 2_000
BANK, EXPENSE, VENDOR = "2", "3", "9000"
AT = "2026-01-01T00:00:00-08:00"
HEAD = {"domain": "QBO", "sparse": False, "SyncToken": "0", "MetaData": {"CreateTime": AT, "LastUpdatedTime": AT}}


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
        client = Connections(server["base_url"], "/api/v1", server["api_key"])
        page = timed(lambda _n: client.get("divisions", limit="500"), 20)
        rate = per_second(lambda n: client.post("divisions", {"name": f"New {n}"}, **{"Idempotency-Key": f"k{n}"}))
    say(f"contractor, {records} records: page of 500 in {page:.0f} ms (50 at most), {rate:.0f} writes/s (300 at least)")


def quickbooks(folder: Path, records: int) -> None:
    """Invoices with their postings, spread evenly over the customers."""
    data = folder / "quickbooks"
    data.mkdir()
    for entity, rows in books(records).items():
        with (data / f"{entity}.jsonl").open("w") as file:
            file.writelines(json.dumps({**HEAD, **row}) + "\n" for row in rows)
    start = time.perf_counter()
    with sandbox("quickbooks", "--data", str(data), "--state", str(folder / "state.db")) as server:
        say(f"QuickBooks, {records} invoices loaded and posted in {time.perf_counter() - start:.0f} s")
        address = (server["base_url"], f"/v3/company/{server['realm_id']}", token_of(server))
        client, (process,) = Connections(*address), psutil.Process().children()
        middle = f"SELECT * FROM Invoice ORDERBY Id STARTPOSITION {records // 2} MAXRESULTS 1000"
        page = timed(lambda _n: client.get("query", query=middle), 20)
        trial = timed(lambda _n: client.get("reports/TrialBalance", start_date="2020-01-01"), 3)
        say(f"  page of 1,000 in {page:.0f} ms (150 at most), TrialBalance in {trial:.0f} ms")
        say(f"  reads of one invoice: {pace(process, lambda n: client.get(f'invoice/{n + 1}'))}")
        for entity, body in WRITTEN.items():
            told = pace(process, lambda n, e=entity, b=body: client.post(e, b(n)))  # type: ignore[misc]  # bound now
            say(f"  writes of one {entity}: {told}")
        # A connection of its own, because the server has closed the idle one.
        memory(Connections(*address), process.pid, records)
    say(f"  load of the machine, 1 and 5 minutes: {os.getloadavg()[0]:.1f}, {os.getloadavg()[1]:.1f}")


def pace(process: psutil.Process, call: Callable[[int], object]) -> str:
    """How often a second, and how long the server's processor worked for each: that does not depend on the others."""
    before = sum(process.cpu_times()[:2])
    rate = per_second(call)
    each = (sum(process.cpu_times()[:2]) - before) / WRITES * 1000
    return f"{rate:.0f}/s from {CONNECTIONS} connections (300 at least), {each:.2f} ms of processor time each"


def memory(client: Connections, process: int, records: int) -> None:
    """Growth of the server over reads and edits of what is there; what is stored is not counted as growth."""
    customer = client.get(f"customer/{CUSTOMERS}")["Customer"]

    def ask(n: int) -> None:
        if n % 2:
            client.get(f"invoice/{n % records + 1}")
        else:
            key = {"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": True}
            customer.update(client.post("customer", {**key, "Notes": f"Note {n}"})["Customer"])

    grown = growth(process, ask, 2_000, REQUESTS)
    say(f"  grows by {grown:+.1f} MB over {REQUESTS} requests (5 at most), to {size_of(process):.0f} MB")


class Connections:
    """A kept connection for each thread that asks."""

    def __init__(self, base_url: str, root: str, token: str) -> None:
        self._where, self._root = urlsplit(base_url), root
        self._headers = {
            "Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json",
        }  # fmt: skip
        self._own = threading.local()

    def get(self, path: str, **params: str) -> dict[str, Any]:
        return self._ask("GET", f"{path}?{urlencode(params)}", None)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        return self._ask("POST", path, json.dumps(body), **headers)

    def _ask(self, method: str, path: str, body: str | None, **headers: str) -> dict[str, Any]:
        if not hasattr(self._own, "line"):
            self._own.line = http.client.HTTPConnection(str(self._where.hostname), self._where.port, timeout=60)
            self._own.line.connect()
            # Else each request waits for the acknowledgement of its headers.
            self._own.line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._own.line.request(method, f"{self._root}/{path}", body, {**self._headers, **headers})
        answer = self._own.line.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:400]!r}")
        found: dict[str, Any] = json.loads(text)
        return found


def timed(call: Callable[[int], object], times: int) -> float:
    """The median in milliseconds."""
    took = []
    for n in range(times):
        start = time.perf_counter()
        call(n)
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def per_second(call: Callable[[int], object]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(call, range(WRITES)):
            pass
    return WRITES / (time.perf_counter() - start)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def token_of(server: Info) -> str:
    answer = requests.post(f"{server['base_url']}/_sandbox/token", json={"realm_id": server["realm_id"]}, timeout=60)
    return str(answer.json()["access_token"])


def books(invoices: int) -> dict[str, Iterable[dict[str, Any]]]:
    """The recorded-looking objects of a company."""
    return {
        "Account": [account("1", "Services", "Income", "ServiceFeeIncome", "Revenue"),
                    account(BANK, "Checking", "Bank", "Checking", "Asset"),
                    account(EXPENSE, "Materials", "Expense", "SuppliesMaterials", "Expense")],
        "Item": [{"Id": "1", "Name": "Work", "FullyQualifiedName": "Work", "Active": True, "Type": "Service",
                  "UnitPrice": 25, "IncomeAccountRef": {"value": "1", "name": "Services"}}],
        "Vendor": [{"Id": VENDOR, "DisplayName": "Hill Supply", "Active": True, "Balance": 0}],
        "Customer": (customer(n, invoices) for n in range(1, CUSTOMERS + 1)),
        "Invoice": (invoice(n) for n in range(1, invoices + 1)),
    }  # fmt: skip


def account(identifier: str, name: str, kind: str, subtype: str, classification: str) -> dict[str, Any]:
    return {
        "Id": identifier, "Name": name, "FullyQualifiedName": name, "SubAccount": False, "Active": True,
        "Classification": classification, "AccountType": kind, "AccountSubType": subtype, "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
    }  # fmt: skip


def customer(n: int, invoices: int) -> dict[str, Any]:
    owed = 25 * len(range(n, invoices + 1, CUSTOMERS))
    return {
        "Id": str(n), "DisplayName": f"Customer {n}", "FullyQualifiedName": f"Customer {n}", "Active": True,
        "Job": False, "Balance": owed, "BalanceWithJobs": owed,
    }  # fmt: skip


def invoice(n: int) -> dict[str, Any]:
    who = (n - 1) % CUSTOMERS + 1
    day = date(2025, 1, 1) + timedelta(days=n % 500)
    return {
        "Id": str(n), "DocNumber": str(n), "TxnDate": day.isoformat(), "DueDate": day.isoformat(),
        "Line": [{**sold(), "Id": "1", "LineNum": 1}], "TxnTaxDetail": {"TotalTax": 0}, "TotalAmt": 25, "Balance": 25,
        "CustomerRef": {"value": str(who), "name": f"Customer {who}"}, "LinkedTxn": [],
    }  # fmt: skip


def sold() -> dict[str, Any]:
    detail = {"ItemRef": {"value": "1", "name": "Work"}, "Qty": 1, "UnitPrice": 25, "TaxCodeRef": {"value": "NON"}}
    return {"Amount": 25, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


def cost() -> dict[str, Any]:
    kind = "AccountBasedExpenseLineDetail"
    return {"Amount": 40, "DetailType": kind, kind: {"AccountRef": {"value": EXPENSE}}}


def paid(n: int) -> dict[str, Any]:
    """A payment of the invoice of its own."""
    who = {"CustomerRef": {"value": str(n % CUSTOMERS + 1)}}
    return {**who, "TotalAmt": 25, "Line": [{"Amount": 25, "LinkedTxn": [{"TxnId": str(n + 1), "TxnType": "Invoice"}]}]}


WRITTEN: dict[str, Callable[[int], dict[str, Any]]] = {
    "customer": lambda n: {"DisplayName": f"New {n}"},
    "invoice": lambda n: {"CustomerRef": {"value": str(n % CUSTOMERS + 1)}, "Line": [sold()]},
    "payment": paid,
    "bill": lambda _n: {"VendorRef": {"value": VENDOR}, "Line": [cost()]},
    "purchase": lambda _n: {"PaymentType": "Cash", "AccountRef": {"value": BANK}, "Line": [cost()]},
}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
