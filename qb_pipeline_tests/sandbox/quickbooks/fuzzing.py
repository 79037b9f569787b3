"""What the fuzzer needs: the sandbox's OpenAPI document narrowed to one company, and what every answer must fulfil.

Invariant: an answer is a success or a refusal in QuickBooks' words; 500 stands only over its own fault 10000.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import requests
import simplejson
from hypothesis import HealthCheck, settings

from qb_pipeline.sandbox.quickbooks.openapi import document
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

# SANDBOX_FUZZ_EXAMPLES=500 for a long run; more than the default also means other examples each time.
COMMITTED = 4
EXAMPLES = int(os.environ.get("SANDBOX_FUZZ_EXAMPLES", COMMITTED))
FUZZED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES == COMMITTED,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
SLOWEST_SECONDS = 5
MOST_IDS = 12
METHODS = ("get", "post", "delete")
REFUSED_BY_ALL = ("error", "Fault", "fault")


def operations(prefix: str) -> list[tuple[str, str]]:
    """(method, path) of every operation below an address."""
    paths = document("", "1")["paths"]
    return [(method, path) for path in paths if path.startswith(prefix) for method in METHODS if method in paths[path]]


def narrowed(books: Books) -> Body:
    """The served document with ids that exist, so that random bodies get past the check of references."""
    described: Body = requests.get(f"{books.base}/_sandbox/openapi.json", timeout=20).json()
    known = {target: ids(books, target) for target in sorted(targets(described))}
    schemas = described["components"]["schemas"]
    for name, schema in schemas.items():
        if "Id" in schema.get("properties", {}):
            schema["properties"]["Id"] = {"type": "string", "enum": [*ids(books, name), "999999"]}
            schema["properties"]["SyncToken"] = {"type": "string", "enum": ["0", "1", "2"]}
    changed: Body = pointed(described, known)
    return changed


def ids(books: Books, entity: str) -> list[str]:
    """Some ids of an entity; none where it cannot be queried."""
    status, answer = books.get("query", query=f"select * from {entity} maxresults {MOST_IDS}")
    found = answer.get("QueryResponse", {}).get(entity, []) if status == 200 else []
    return [str(one["Id"]) for one in found if "Id" in one] or ["1"]


def targets(node: Any) -> Iterator[str]:
    """Every kind of record that some reference points at."""
    if isinstance(node, dict):
        if "x-target" in node:
            yield node["x-target"]
        for part in node.values():
            yield from targets(part)
    if isinstance(node, list):
        for part in node:
            yield from targets(part)


def pointed(node: Any, known: dict[str, list[str]]) -> Any:
    """The document with each reference limited to `known` ids and one that nobody has."""
    if isinstance(node, list):
        return [pointed(part, known) for part in node]
    if not isinstance(node, dict):
        return node
    if "x-target" in node:
        value = {"type": "string", "enum": [*known[node["x-target"]], "999999"]}
        return {
            "type": "object",
            "properties": {"value": value},
            "required": ["value"],
            "additionalProperties": False,
        }
    return {key: pointed(part, known) for key, part in node.items()}


def check(response: requests.Response) -> None:
    """A sound answer, in time, that speaks of no failure of the sandbox."""
    assert response.elapsed.total_seconds() < SLOWEST_SECONDS, response.url
    assert "the sandbox failed" not in response.text, response.text
    assert "Traceback" not in response.text, response.text
    assert response.status_code < 500 or '"10000"' in response.text, (response.status_code, response.text)
    if "application/json" in response.headers.get("content-type", ""):
        answer = simplejson.loads(response.text, use_decimal=True)
        if response.status_code >= 400:
            assert any(key in answer for key in REFUSED_BY_ALL), answer
