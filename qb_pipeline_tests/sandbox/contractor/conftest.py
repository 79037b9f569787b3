"""Fixtures: one server per module and the records most tests build on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.kernel.running import Client, contractor


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with contractor("--empty") as running:
        yield running


@dataclass(frozen=True)
class Office:
    """Ids of a small price book and of one customer and vendor with nothing on them."""

    client: Client
    customer: str
    vendor: str
    item: str
    free_item: str
    account: str
    rate: str

    def invoice(self, *amounts: str, **fields: Any) -> dict[str, Any]:
        """A new invoice with one line per amount."""
        lines = [{"item_id": self.item, "amount": amount} for amount in amounts]
        body = {"customer_id": self.customer, "issue_date": "2026-03-01", "lines": lines}
        return self.client.made("invoices", body | fields)

    def payment_body(self, amount: str, *allocations: tuple[dict[str, Any], str]) -> dict[str, Any]:
        """A payment applying the given amounts to the given invoices."""
        applied = [{"invoice_id": invoice["id"], "amount": part} for invoice, part in allocations]
        return {"customer_id": self.customer, "date": "2026-03-05", "amount": amount, "allocations": applied}


@pytest.fixture
def office(client: Client) -> Office:
    return Office(
        client=client,
        customer=client.made("customers", {"name": "Dana Reyes"})["id"],
        vendor=client.made("vendors", {"name": "Pipe & Co"})["id"],
        item=client.made("items", {"name": "Repair", "unit_price": "80.00"})["id"],
        free_item=client.made("items", {"name": "Permit", "taxable": False})["id"],
        account=client.made("accounts", {"name": "Checking", "kind": "Bank"})["id"],
        rate=client.made("tax_rates", {"name": "City", "rate": "8.25"})["id"],
    )


def code(answer: Any) -> tuple[int, str, str | None]:
    """Status, error code and field of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["field"]
