"""How long a console takes to answer webhooks: 100 events a second, each in a delivery of its own, as they would come.

Run: `python -m qb_pipeline_tests.benchmarks.bench_webhooks [seconds] [events per second]`. The console is a process of
its own, its embedded server commits to disk, and both formats are sent, every tenth delivery a second time. Times run
from the moment a delivery was due, so that a console that falls behind can't hide it. Exits 1 when p99 is 100 ms or
more, when anything is answered other than 200, or when the inbox does not hold every event exactly once.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from qb_pipeline_tests.unit.console.running import VERIFIER, cloud, entity, intuit, legacy

SENDERS = 16
MOST_MILLISECONDS = 100.0
KEY = "a key for the benchmark"


def main(seconds: int, rate: int) -> int:
    with tempfile.TemporaryDirectory(prefix="qb-bench-") as folder, console(Path(folder)) as base_url:
        send(base_url, [delivery(n, "warm") for n in range(20)], rate)  # opens connections, reads the companies
        before = waiting(base_url)
        deliveries = [delivery(n, "event") for n in range(seconds * rate)]
        times, statuses = send(base_url, deliveries, rate)
        stored, wanted = waiting(base_url) - before, len(set(deliveries))
    cuts = statistics.quantiles(times, n=1000)
    p50, p99, worst = cuts[499], cuts[989], max(times)
    say(
        f"{rate} events/s for {seconds} s: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({MOST_MILLISECONDS:.0f} at most), "
        f"slowest {worst:.1f} ms; {stored} events stored of {wanted} sent; answers {statuses}"
    )
    return 0 if p99 < MOST_MILLISECONDS and set(statuses) == {200} and stored == wanted else 1


def delivery(n: int, name: str) -> tuple[bytes, str]:
    """A body and its signature; every tenth is the one before it again."""
    record = n - 1 if n % 10 == 9 else n
    if record % 2:
        document: object = [cloud(f"{name}-{record}", record=str(record))]
    else:
        document = legacy(entity(record=f"{name}-{record}"))
    body = json.dumps(document).encode()
    return body, intuit(body, VERIFIER)


def send(base_url: str, deliveries: list[tuple[bytes, str]], rate: int) -> tuple[list[float], dict[int, int]]:
    """The milliseconds each took after it was due, and how many had which status."""
    own, began = threading.local(), time.perf_counter() + 0.1

    def one(n: int) -> tuple[float, int]:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        due = began + n / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        body, signature = deliveries[n]
        headers = {"intuit-signature": signature, "content-type": "application/json"}
        answer = own.session.post(f"{base_url}/webhooks/quickbooks", data=body, headers=headers, timeout=30)
        return (time.perf_counter() - due) * 1000, answer.status_code

    with ThreadPoolExecutor(SENDERS) as pool:
        found = list(pool.map(one, range(len(deliveries))))
    statuses = [status for _, status in found]
    return [took for took, _ in found], {status: statuses.count(status) for status in sorted(set(statuses))}


def waiting(base_url: str) -> int:
    """Events kept; of an unknown realm, as no company is connected here."""
    health = requests.get(f"{base_url}/health", headers={"Authorization": f"Bearer {KEY}"}, timeout=30).json()
    return int(sum(row["events"] for row in health["inbox"]))


@contextmanager
def console(home: Path) -> Iterator[str]:
    """A console on an embedded server that is as careful as in real use."""
    home.chmod(0o755)  # as root, the embedded server runs under another account
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
    given = {"QB_HOME": str(home), "QB_VERIFIER_TOKEN": VERIFIER, "QB_CONSOLE_KEY": KEY}
    command = [sys.executable, "-m", "qb_pipeline.cli", "console", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=inherited | given, cwd=home)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["base_url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*given, *(20, 100)[len(given) :]))
