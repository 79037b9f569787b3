"""Memory that does not follow the number of requests: a server is asked for a while and its size looked at.

`python -m qb_pipeline_tests.sandbox.kernel.test_memory 20000` shows the figures for as many requests as wanted.
"""

import http.client
import json
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # ships no types

from qb_pipeline_tests.sandbox.kernel.running import Client, contractor
from qb_pipeline_tests.sandbox.quickbooks.books import Body, running

Ask = Callable[[int], None]
MEGABYTE = 1 << 20


def connection(base_url: str) -> http.client.HTTPConnection:
    """A bare connection: the client must not be what takes the time."""
    where = urlsplit(base_url)
    return http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)


def contractor_traffic(client: Client) -> Ask:
    """Reads, refusals, replays and edits of one record; a subscriber that is never there; ever new callers."""
    key = {"Authorization": f"Bearer {client.first_line['api_key']}", "Content-Type": "application/json"}
    line = connection(client.base_url)
    record = client.made("divisions", {"name": "North"})
    version = 1

    def ask(number: int) -> None:
        nonlocal version
        kind = number % 5
        if kind == 0:
            line.request("GET", "/api/v1/divisions?limit=5", headers=key)
        elif kind == 1:
            headers = {**key, "If-Match": f'"{version}"'}
            body = json.dumps({"name": f"North {number}"})
            line.request("PATCH", f"/api/v1/divisions/{record['id']}", body, headers)
            version += 1
        elif kind == 2:
            line.request("POST", "/api/v1/divisions", '{"name": "Once"}', {**key, "Idempotency-Key": "once"})
        elif kind == 3:
            line.request("POST", "/api/v1/divisions", "{}", {**key, "Idempotency-Key": f"never-{number}"})
        else:
            line.request("GET", "/api/v1/divisions", headers={"Authorization": f"Bearer stranger-{number}"})
        answer = line.getresponse()
        answer.read()
        assert answer.status == (200, 200, 201, 422, 401)[kind], (kind, answer.status)

    return ask


def quickbooks_traffic(info: Body) -> Ask:
    """Reads, queries, refusals, replays, edits of one customer, token refreshes."""
    line = connection(info["base_url"])

    def call(method: str, path: str, body: str | None = None, **headers: str) -> Body:
        line.request(method, path, body, {**headers, "Accept": "application/json"})
        answer = line.getresponse()
        found: Body = json.loads(answer.read())
        return {**found, "status": answer.status}

    pair = call("POST", "/_sandbox/token", "{}")
    company, token = f"/v3/company/{pair['realm_id']}", {"Authorization": f"Bearer {pair['access_token']}"}
    made = call("POST", f"{company}/customer", '{"DisplayName": "Ann"}', **token)["Customer"]["Id"]
    edits = 0

    def ask(number: int) -> None:
        nonlocal edits
        kind = number % 4
        if kind == 0:
            answer = call("GET", f"{company}/query?query=select%20*%20from%20Customer", **token)
        elif kind == 1:
            body = {"Id": made, "SyncToken": str(edits), "sparse": True, "Notes": f"Note {number}"}
            answer = call("POST", f"{company}/customer", json.dumps(body), **token)
            edits += 1
        elif kind == 2:
            answer = call("POST", f"{company}/customer?requestid=once", '{"DisplayName": "Ben"}', **token)
        else:
            answer = call("GET", f"{company}/customer/999999", **token)
        assert answer["status"] == (200, 200, 200, 400)[kind], answer

    return ask


def size_of(process: int) -> float:
    """Resident megabytes."""
    return float(psutil.Process(process).memory_info().rss) / MEGABYTE


def growth(process: int, ask: Ask, warm_up: int, count: int) -> float:
    """Megabytes by which a server grows over `count` requests after `warm_up`."""
    for number in range(warm_up):
        ask(number)
    before = size_of(process)
    for number in range(warm_up, warm_up + count):
        ask(number)
    return size_of(process) - before


def of_contractor(warm_up: int, count: int) -> float:
    with contractor("--empty") as client:
        client.control("subscribe", {"url": "http://127.0.0.1:9/nobody"})
        client.control("limits", {"enforce": True, "time_scale": 1_000_000})
        return growth(client.process.pid, contractor_traffic(client), warm_up, count)


def of_quickbooks(warm_up: int, count: int) -> float:
    with running() as info:
        return growth(info["process"].pid, quickbooks_traffic(info), warm_up, count)


def test_the_contractor_server_does_not_grow_with_requests() -> None:
    assert of_contractor(2_000, 4_000) < 3


def test_the_quickbooks_server_does_not_grow_with_requests() -> None:
    assert of_quickbooks(2_000, 4_000) < 3


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for name, measured in (("contractor", of_contractor(2_000, wanted)), ("quickbooks", of_quickbooks(2_000, wanted))):
        sys.stdout.write(f"{name}: {measured:+.1f} MB over {wanted} requests\n")
