"""How much of what Intuit's limits allow a first sync writes, and what a steady stream of 429s costs it.

Invariant: every figure is counted from the QuickBooks server's own request log, the books and the journal, never from
what the pipeline says of itself. The exit code is 1 when the share is below nine tenths or something was lost or
doubled.

    python -m qb_pipeline_tests.benchmarks.bench_throughput [--customers N] [--invoices N] [--scale S] [--latency S]
                                                            [--only limits|refusals]

The server enforces 500 requests a minute, 10 a second, 10 at once and 40 batches a minute over sliding windows. A batch
of 30 is one request, so that a minute holds 40 * 30 + 460 = 1,660 writes. `--scale` makes time pass faster on both
sides (short runs; a scale beyond 4 measures the processor instead), `--latency` is what each request takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import requests
from sqlalchemy.engine import make_url

from qb_pipeline_tests.benchmarks.bench_first_sync import Info, connect, log, sandbox, write_workspace
from qb_pipeline_tests.faults.opening import own_postgres

REQUESTS, BATCHES, ITEMS = 500, 40, 30
CEILING = BATCHES * ITEMS + REQUESTS - BATCHES
TARGET = 0.9
MINUTE = 60.0
_STREAM = {"match": {"method": "POST", "path": "/v3/company/*"}, "action": "status", "status": 429, "seed": 7}
_RUNS = 6


def main() -> int:
    """Both parts; returns 1 when a promise was broken."""
    given = _arguments()
    kept = True
    if given.only != "refusals":
        kept &= sustained(given)
    if given.only != "limits":
        kept &= refused(given)
    return int(not kept)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2500)
    parser.add_argument("--invoices", type=int, default=4000)
    parser.add_argument("--scale", type=float, default=1.0, help="how much faster time passes (default 1)")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds each request takes, unscaled (default 0.3)")
    parser.add_argument("--only", choices=("limits", "refusals"), help="one of the two parts")
    return parser.parse_args()


@dataclass(frozen=True)
class Stage:
    """A company between two servers, not synchronised yet."""

    environment: Mapping[str, str]
    books: Info
    database: str

    def control(self, name: str, body: Any) -> None:
        requests.post(f"{self.books['base_url']}/_sandbox/{name}", json=body, timeout=30).raise_for_status()

    def sync(self) -> tuple[list[dict[str, Any]], float]:
        """One run of the command; the data requests QuickBooks logged meanwhile, and the seconds it took."""
        start, seen = time.monotonic(), log(self.books)["next"]
        command = [sys.executable, "-m", "qb_pipeline.cli", "sync", "--json"]
        done = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"sync ended with {done.returncode}: {done.stderr}")
        calls = [c for c in log(self.books, seen)["requests"] if c["path"].startswith("/v3/company/")]
        return calls, time.monotonic() - start

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as conn:
            return conn.execute(statement.encode()).fetchall()

    def held(self, name: str, key: str) -> list[str]:
        """The natural keys of all objects in the books."""
        token = requests.post(
            f"{self.books['base_url']}/_sandbox/token", json={"realm_id": self.books["realm_id"]}, timeout=30
        ).json()["access_token"]
        found: list[str] = []
        while True:
            statement = f"select {key} from {name} startposition {len(found) + 1} maxresults 1000"
            page = requests.get(
                f"{self.books['base_url']}/v3/company/{self.books['realm_id']}/query", params={"query": statement},
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}, timeout=60,
            ).json()["QueryResponse"].get(name, [])  # fmt: skip
            found += [row[key] for row in page]
            if len(page) < 1000:
                return found


@contextmanager
def stage(customers: int, invoices: int, scale: float) -> Iterator[Stage]:
    with own_postgres() as (folder, url):
        write_workspace(folder / "data", customers, invoices)
        database = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        settings = {"QB_HOME": str(folder / "home"), "QB_DATABASE_URL": database, "QB_RATE_SCALE": str(scale)}
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("QB_")}, **settings}
        with sandbox("quickbooks", "--empty") as books, sandbox("contractor", "--data", str(folder / "data")) as shop:
            connect(environment, books, shop)
            yield Stage(environment, books, database)


def sustained(given: argparse.Namespace) -> bool:
    """A first sync against enforced limits: writes a minute in its whole minutes, beside what the limits allow."""
    with stage(given.customers, given.invoices, given.scale) as company:
        limits = {"enforce": True, "time_scale": given.scale, "latency_seconds": given.latency}
        company.control("limits", limits)
        calls, seconds = company.sync()
        company.control("limits", {"enforce": False, "latency_seconds": 0})
        minutes = by_minute([c for c in calls if _wrote(c)], given.scale)
        whole = minutes[:-1] or minutes
        mean = sum(m["items"] for m in whole) / len(whole)
        say(
            f"{given.customers} customers, {given.invoices} invoices, limits at scale {given.scale:g}, "
            f"{given.latency:g} s a request: {seconds:.0f} s in all, {sum(c['status'] == 429 for c in calls)} of "
            f"{len(calls)} requests answered 429"
        )
        for number, minute in enumerate(minutes, 1):
            say(
                f"  minute {number}{'' if minute in whole else ' (not whole)'}: {minute['items']} writes in "
                f"{minute['batches']} batches and {minute['singles']} single requests"
            )
        say(
            f"  sustained {mean:.0f} writes a minute of {CEILING} possible ({BATCHES} batches of {ITEMS} and "
            f"{REQUESTS - BATCHES} singles): {mean / CEILING:.1%} (wanted: {TARGET:.0%})"
        )
        return (mean >= TARGET * CEILING) & whole_and_once(company, given.customers, given.invoices)


def by_minute(writes: list[dict[str, Any]], scale: float) -> list[Counter[str]]:
    """Writes in minutes (of scaled time) since the first one of the customers: the few lists before them are over in
    two batches."""
    times = [datetime.fromisoformat(w["at"]) for w in writes]
    begin = min(times)
    minutes: list[Counter[str]] = []
    for write, at in zip(writes, times, strict=True):
        number = int((at - begin).total_seconds() * scale // MINUTE)
        minutes += [Counter() for _ in range(number + 1 - len(minutes))]
        minutes[number].update(items=write["items"], **{"batches" if "/batch" in write["path"] else "singles": 1})
    return minutes


def _wrote(call: Mapping[str, Any]) -> bool:
    return call["status"] == 200 and bool(call["items"])


def refused(given: argparse.Namespace) -> bool:
    """The same work with and without a stream of 429s on order: what it costs, and that nothing is lost or doubled."""
    customers, invoices, scale = 1000, 1500, 4.0
    kept = True
    for name, rule in (
        ("no 429s on order", None),
        ("3 requests in 100 refused without Retry-After", {**_STREAM, "probability": 0.03}),
        ("1 request in 10 refused with Retry-After: 1", {**_STREAM, "probability": 0.1, "seconds": 1}),
    ):
        with stage(customers, invoices, scale) as company:
            company.control("limits", {"enforce": True, "time_scale": scale, "latency_seconds": given.latency})
            if rule is not None:
                company.control("faults", [rule])
            calls, seconds, runs = _until_settled(company)
            company.control("faults", [])
            company.control("limits", {"enforce": False, "latency_seconds": 0})
            say(
                f"{customers} customers, {invoices} invoices, scale {scale:g}, {name}: first run {seconds:.0f} s, "
                f"{sum(c['status'] == 429 for c in calls)} of {len(calls)} requests answered 429, "
                f"nothing to write in run {runs}"
            )
            kept &= whole_and_once(company, customers, invoices)
    return kept


def _until_settled(company: Stage) -> tuple[list[dict[str, Any]], float, int]:
    """Run until a run writes nothing: all requests, the seconds of the first run, and the number of the idle one."""
    calls, seconds = company.sync()
    for run in range(2, _RUNS + 1):
        more, _ = company.sync()
        calls += more
        if not any(map(_wrote, more)):
            return calls, seconds, run
    raise SystemExit(f"run {_RUNS} still writes")


def whole_and_once(company: Stage, customers: int, invoices: int) -> bool:
    """Says what the books, the links and the journal hold; whether that is everything, once, and settled."""
    names, numbers = company.held("Customer", "DisplayName"), company.held("Invoice", "DocNumber")
    phases = dict(company.rows("select phase, count(*) from qb.journal group by phase"))
    linked = dict(company.rows("select entity, count(*) from qb.link where state = 'live' group by entity"))
    open_now = sum(phases.get(phase, 0) for phase in ("planned", "sent", "answered"))
    say(
        f"  in the books {len(names)} customers ({len(set(names))} names) and {len(numbers)} invoices "
        f"({len(set(numbers))} numbers); linked {linked.get('customer', 0)} and {linked.get('invoice', 0)}; journal "
        f"{', '.join(f'{n} {phase}' for phase, n in sorted(phases.items()))}, {open_now} open"
    )
    return (
        len(names) == len(set(names)) == linked.get("customer") == customers
        and len(numbers) == len(set(numbers)) == linked.get("invoice") == invoices
        and open_now == 0
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
