"""How long a console takes to answer webhooks: 100 events a second, each in a delivery of its own, as they would come.

Run: `python -m qb_pipeline_tests.benchmarks.bench_webhooks [seconds] [events per second]`. The console is a process of
its own, its embedded server commits to disk, and both formats are sent, every tenth delivery a second time. Times run
from the moment a delivery was due, so that a console that falls behind can't hide it. Exits 1 when p99 is 100 ms or
more, when anything is answered other than 200, or when the inbox does not hold every event exactly once. Beside them
stands the floor: the same senders asking the same process, at the same rate, for nothing but whether it lives.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from qb_pipeline.store.embedded import database_url
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.migrate import prepare
from qb_pipeline_tests.unit.console.running import VERIFIER, cloud, enter, entity, intuit, legacy, settings_for

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
        floor, _ = paced(rate, len(deliveries), lambda session, _: session.get(f"{base_url}/health/live", timeout=30))
    (p50, p99), (floor50, floor99) = percentiles(times), percentiles(floor)
    say(
        f"{rate} events/s for {seconds} s: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({MOST_MILLISECONDS:.0f} at most), "
        f"slowest {max(times):.1f} ms (floor: p50 {floor50:.1f} ms, p99 {floor99:.1f} ms); "
        f"{stored} events stored of {wanted} sent; answers {statuses}"
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

    def post(session: requests.Session, n: int) -> requests.Response:
        body, signature = deliveries[n]
        headers = {"intuit-signature": signature, "content-type": "application/json"}
        return session.post(f"{base_url}/webhooks/quickbooks", data=body, headers=headers, timeout=30)

    return paced(rate, len(deliveries), post)


def paced(
    rate: int, count: int, call: Callable[[requests.Session, int], requests.Response]
) -> tuple[list[float], dict[int, int]]:
    """`count` calls, begun `rate` times a second whatever became of those before."""
    own, began = threading.local(), time.perf_counter() + 0.1

    def one(n: int) -> tuple[float, int]:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        due = began + n / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        status = call(own.session, n).status_code
        return (time.perf_counter() - due) * 1000, status

    with ThreadPoolExecutor(SENDERS) as pool:
        found = list(pool.map(one, range(count)))
    statuses = [status for _, status in found]
    return [took for took, _ in found], {status: statuses.count(status) for status in sorted(set(statuses))}


def percentiles(times: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(times, n=1000)
    return cuts[499], cuts[989]


def waiting(base_url: str) -> int:
    """Events that wait for the next run of their company."""
    health = requests.get(f"{base_url}/health", headers={"Authorization": f"Bearer {KEY}"}, timeout=30).json()
    return sum(int(kept["events"]) for kept in health["inbox"] if kept["state"] == "new")


@contextmanager
def console(home: Path) -> Iterator[str]:
    """A console on an embedded server that is as careful as in real use."""
    home.chmod(0o755)  # as root, the embedded server runs under another account
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
    given = {"QB_HOME": str(home), "QB_VERIFIER_TOKEN": VERIFIER, "QB_CONSOLE_KEY": KEY}
    command = [sys.executable, "-m", "qb_pipeline.cli", "console", "--port", "0", "--json"]
    _enter_company(home)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=inherited | given, cwd=home)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["base_url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _enter_company(home: Path) -> None:
    """The realm's company, so that events go the way they go every day."""
    current = settings_for(home)
    engine = make_engine(database_url(current))
    prepare(engine)
    enter(engine, current, "acme")
    engine.dispose()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*given, *(20, 100)[len(given) :]))
