"""The product's console as a process of its own, to which both servers send their webhooks.

Invariant: an event counts as delivered only when it stands in the product's inbox.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from qb_pipeline_tests.end_to_end.harness import COMPANY
from qb_pipeline_tests.trial.buyer import Buyer

_SECONDS = 20


@contextmanager
def console(buyer: Buyer) -> Iterator[None]:
    """Both servers send what happens to the console, until the block ends."""
    installed = buyer.installed
    shared = {
        "QB_VERIFIER_TOKEN": installed.quickbooks.info["verifier_token"],
        "QB_WEBHOOK_SECRET": installed.contractor.info["webhook_secret"],
    }
    command = [sys.executable, "-m", "qb_pipeline.cli", "console", "--port", "0", "--json"]
    process = subprocess.Popen(
        command, env=installed.environment() | shared, cwd=installed.home, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())["webhooks"]
    addresses = (
        (installed.quickbooks, {"url": told["quickbooks"], "format": "cloudevents"}),
        (installed.contractor, {"url": f"{told['contractor']}/{quote(COMPANY, safe='')}"}),
    )
    try:
        for box, body in addresses:
            box.control("subscribe", body)
        yield
    finally:
        for box, body in addresses:
            box.control("subscribe", {"url": body["url"]}, method="DELETE")
        process.terminate()
        process.wait(20)
        process.stdout.close()


def delivered(buyer: Buyer, record_id: str) -> bool:
    """Waits until an event of the record is in the inbox."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        if any(row["record_id"] == record_id for row in buyer.installed.rows("select record_id from inbox")):
            return True
        time.sleep(0.05)
    return False
