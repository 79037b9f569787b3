"""The OpenAPI document tells of every address and property, as the server checks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from qb_pipeline.sandbox.quickbooks.entities.registry import BY_ADDRESS, ENTITIES
from qb_pipeline.sandbox.quickbooks.reports.registry import REPORTS
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

COMPANY = "/v3/company/{realm}"
# Read without an id.
SINGLE = {"preferences", "exchangerate"}


@pytest.fixture
def described(server: Body) -> Body:
    found: Body = requests.get(f"{server['base_url']}/_sandbox/openapi.json", timeout=20).json()
    return found


def pointers(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for part in node.values():
            yield from pointers(part)
    if isinstance(node, list):
        for part in node:
            yield from pointers(part)


def test_every_entity_and_report_has_its_address(described: Body, server: Body) -> None:
    paths = described["paths"]
    assert described["servers"] == [{"url": server["base_url"]}]
    for address in BY_ADDRESS.keys() - SINGLE - {"creditcardpayment"}:
        assert "get" in paths[f"{COMPANY}/{address}/{{id}}"]
    for name, entity in ENTITIES.items():
        assert ("post" in paths.get(f"{COMPANY}/{name.lower()}", {})) == bool(entity.verbs)
    assert {f"{COMPANY}/reports/{name}" for name in REPORTS} <= set(paths)


def test_every_pointer_leads_somewhere(described: Body) -> None:
    schemas = described["components"]["schemas"]
    assert {pointer.rsplit("/", 1)[-1] for pointer in pointers(described)} <= set(schemas)


def test_what_the_document_calls_read_only_is_ignored_and_what_it_lacks_is_refused(
    described: Body, books: Books
) -> None:
    properties = described["components"]["schemas"]["Vendor"]["properties"]
    assert properties["V4IDPseudonym" if "V4IDPseudonym" in properties else "MetaData"]["readOnly"] is True
    made = books.make("Vendor", {"DisplayName": "Hill Supply", "MetaData": {"CreateTime": "2001-01-01"}})
    assert not made["MetaData"]["CreateTime"].startswith("2001")
    assert "Colour" not in properties
    assert books.refused("vendor", {"DisplayName": "Dale", "Colour": "green"})[1] == "2010"
    longest = properties["DisplayName"]["maxLength"]
    assert books.refused("vendor", {"DisplayName": "x" * (longest + 1)})[1] == "2050"
    assert books.make("Vendor", {"DisplayName": "x" * longest})["Id"]
