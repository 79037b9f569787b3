"""Very many changes between two readings, made in both offices over HTTP: how many are found, and what that costs.

Run: `python -m qb_pipeline_tests.benchmarks.bench_overflow [--silence] [changes …]`. Half of the changes is made in
each system (invoices edited and deleted, customers edited and new). Found is counted in the servers' own states, calls
in their own logs. With --silence the company was last read 31 days before, longer ago than QuickBooks' change feed
looks back. Exits 1 when anything is missed or undone, or when the run after it writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from qb_pipeline.store import embedded
from qb_pipeline_tests.benchmarks.bench_first_sync import Info, connect, log, sandbox
from qb_pipeline_tests.benchmarks.bench_sandboxes import say
from qb_pipeline_tests.benchmarks.overflow_books import Books, Plan, Shop, write_books
from qb_pipeline_tests.end_to_end.harness import is_write

DEFAULT = (1_000, 5_000)  # 50,000 takes a quarter of an hour
SILENCE = timedelta(days=31)


@dataclass(frozen=True)
class Cost:
    """One run of the product: what it said, what both servers were asked, its largest size in MB."""

    told: Mapping[str, Any]
    asked: Mapping[str, Sequence[Mapping[str, Any]]]
    megabytes: float
    seconds: float

    @property
    def writes(self) -> int:
        return sum(is_write(call) for calls in self.asked.values() for call in calls)

    def reads(self, side: str) -> Counter[str]:
        return Counter(_kind(call) for call in self.asked[side] if not is_write(call))

    def rows(self, side: str) -> int:
        return sum(int(counts.get(f"read_{side}", 0)) for counts in self.told["entities"].values())


def main(words: Sequence[str]) -> int:
    silent = "--silence" in words
    sizes = [int(word) for word in words if word != "--silence"]
    if sizes:
        return min(1, sum(not measure(n, silent=silent) for n in sizes))
    found = [measure(n, silent=False) for n in DEFAULT]
    return int(not all([*found, measure(DEFAULT[-1], silent=True)]))


def measure(changes: int, *, silent: bool) -> bool:
    """Agreement, then the changes, then one sync and one more; whether everything was found and the last one idle."""
    plan = Plan(changes)
    with tempfile.TemporaryDirectory(prefix="qb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the embedded server runs under another account
        write_books(folder / "data", plan)
        engine = create_engine(url := embedded.ensure(folder / "home"))
        environment = {**_outer(), "QB_HOME": str(folder / "home"), "QB_DATABASE_URL": url, "QB_RATE_SCALE": "0"}
        options = [("--data", str(folder / "data" / side), "--state", str(folder / side)) for side in _SIDES]
        try:
            with sandbox("contractor", *options[0]) as shop, sandbox("quickbooks", *options[1]) as books:
                connect(environment, books, shop)
                servers = {"contractor": shop, "quickbooks": books}
                _tell("agreed", sync(environment, servers))
                return _overflow(plan, servers, environment, engine, silent=silent)
        finally:
            engine.dispose()
            embedded.stop(folder / "home")


_SIDES = ("contractor", "quickbooks")


def _outer() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("QB_")}


def _overflow(
    plan: Plan, servers: Mapping[str, Info], environment: Mapping[str, str], engine: Engine, *, silent: bool
) -> bool:
    if silent:
        go_silent(engine)
    start = time.perf_counter()
    shares = [plan.share(office) for office in range(2)]
    Shop(servers["contractor"]).work(shares[0])
    Books(servers["quickbooks"]).work(shares[1])
    made = sum(share.total for share in shares)
    say(f"{made} changes made in {time.perf_counter() - start:.0f} s{', after 31 days of silence' * silent}")
    _tell("found", sync(environment, servers))
    # New connections, because the servers have closed the idle ones. Each office looks for what the other one did; its
    # own work must stand as well.
    shop, books = Shop(servers["contractor"]), Books(servers["quickbooks"])
    other = shop.shows(shares[1]), books.shows(shares[0])
    kept = shop.shows(shares[0]) + books.shows(shares[1])
    idle = sync(environment, servers)
    _tell("idle", idle)
    say(
        f"  {sum(other)} of {made} changes found, {made - sum(other)} missed, {made - kept} undone where they were "
        f"made; exceptions {_exceptions(engine)}; largest tables {_sizes(engine)}"
    )
    return sum(other) == kept == made and not idle.writes


def sync(environment: Mapping[str, str], servers: Mapping[str, Info]) -> Cost:
    """One run as a process of its own."""
    before = {side: int(log(server, 2**40)["next"]) for side, server in servers.items()}
    start = time.perf_counter()
    command = [sys.executable, "-m", "qb_pipeline.cli", "sync", "--json", "--allow-mass-change"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        told = json.loads(output.read())
    if process.returncode:
        raise RuntimeError(f"the sync ended with {process.returncode}: {told}")
    seconds = time.perf_counter() - start
    asked = {side: log(server, before[side])["requests"] for side, server in servers.items()}
    return Cost(told["companies"][0], asked, used.ru_maxrss / 1024, seconds)


def go_silent(engine: Engine) -> None:
    """Every reading position as it would stand had nothing been read for 31 days."""
    with engine.begin() as conn:
        moved = conn.execute(
            text(
                "update qb.cursor set value = value || jsonb_build_object('debts', '[]'::jsonb, 'floor', null, "
                "'read_to', to_jsonb(now() - :silence)) where value ? 'read_to'"
            ),
            {"silence": SILENCE},
        ).rowcount
    if not moved:
        raise RuntimeError("no reading position was moved")


def _tell(name: str, cost: Cost) -> None:
    parts = []
    for side in reversed(_SIDES):
        reads, rows = cost.reads(side), cost.rows(side)
        kinds = ", ".join(f"{n} {kind}" for kind, n in reads.most_common())
        per_call = rows / max(1, reads.total())
        parts.append(f"{side} {reads.total()} reads ({kinds}), {rows} rows, {per_call:.0f} a read")
    writes = {side: sum(is_write(c) for c in cost.asked[side]) for side in _SIDES}
    say(
        f"  {name}: {'; '.join(parts)}; writes {writes['quickbooks']} requests to QuickBooks, "
        f"{writes['contractor']} to the contractor; {cost.megabytes:.0f} MB, {cost.seconds:.0f} s"
    )


def _kind(call: Mapping[str, Any]) -> str:
    parts = call["path"].split("?")[0].split("/")
    return str(parts[4]) if parts[1] == "v3" else str(parts[3]) if parts[1] == "api" and len(parts) > 3 else "other"


def _exceptions(engine: Engine) -> dict[str, int]:
    with engine.connect() as conn:
        rows = conn.execute(text("select code, count(*) from qb.exception where state <> 'resolved' group by code"))
        return {str(code): int(count) for code, count in rows}


def _sizes(engine: Engine) -> str:
    """The five largest tables, indexes included."""
    size = text(
        "select relnamespace::regnamespace || '.' || relname, pg_total_relation_size(oid) / 1e6 from pg_class"
        " where relkind = 'r' and relnamespace::regnamespace::text ~ '^(qb|staging)' order by 2 desc limit 5"
    )
    with engine.connect() as conn:
        return ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in conn.execute(size).tuples())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
