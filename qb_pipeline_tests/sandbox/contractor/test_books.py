"""Whatever happens in whatever order, the books add up and nothing is there twice.

Invariant checked: for every live document, balance = total - live allocations, computed here from the lists alone.
"""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from qb_pipeline_tests.sandbox.contractor.conftest import Office
from qb_pipeline_tests.sandbox.kernel.running import Client, contractor

ZERO = Decimal(0)


def everything(client: Client, collection: str) -> list[dict[str, Any]]:
    """All records that are not deleted, over all pages."""
    records: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = client.get(collection, limit=500, **cursor).json()
        records += page["data"]
        if page["next_cursor"] is None:
            return records
        cursor = {"cursor": page["next_cursor"]}


def applied(client: Client) -> Counter[str]:
    """Cents applied to each invoice by live payments and credit memos."""
    cents: Counter[str] = Counter()
    for collection, field in (("payments", "allocations"), ("credit_memos", "applied_to")):
        for record in everything(client, collection):
            if record["status"] != "void":
                for entry in record[field]:
                    cents[entry["invoice_id"]] += int(Decimal(entry["amount"]) * 100)
    return cents


class Clerk:
    """Does random things to invoices, payments, credits and deposits; refusals are fine, wrong books are not."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.client, self.random = office, office.client, random.Random(seed)
        self.statuses: Counter[int] = Counter()

    def act(self) -> None:
        acts: list[Callable[[], requests.Response]] = [
            self.bill, self.bill, self.pay, self.pay, self.pay, self.credit, self.change, self.reallocate,
            self.bank, self.end, self.end,
        ]  # fmt: skip
        self.statuses[self.random.choice(acts)().status_code] += 1

    def pick(self, collection: str) -> dict[str, Any]:
        return dict(self.random.choice(everything(self.client, collection) or [{"id": "none", "version": "1"}]))

    def amount(self) -> str:
        return f"{self.random.randint(1, 9000) / 100:.2f}"

    def lines(self) -> list[dict[str, Any]]:
        return [{"item_id": self.office.item, "amount": self.amount()} for _ in range(self.random.randint(1, 3))]

    def bill(self) -> requests.Response:
        body = {"customer_id": self.office.customer, "issue_date": "2026-01-01", "tax_rate_id": self.office.rate}
        return self.client.post("invoices", body | {"lines": self.lines()})

    def applications(self) -> list[dict[str, str]]:
        chosen = {one["id"]: one for one in (self.pick("invoices") for _ in range(2))}.values()
        return [{"invoice_id": one["id"], "amount": one.get("balance", "1.00")} for one in chosen]

    def pay(self) -> requests.Response:
        body = {"customer_id": self.office.customer, "date": "2026-01-02", "amount": "200.00"}
        return self.client.post("payments", body | {"allocations": self.applications()})

    def credit(self) -> requests.Response:
        body = {"customer_id": self.office.customer, "issue_date": "2026-01-02", "lines": self.lines()}
        return self.client.post("credit_memos", body | {"applied_to": self.applications()[:1]})

    def change(self) -> requests.Response:
        invoice = self.pick("invoices")
        return self.client.patch(f"invoices/{invoice['id']}", {"lines": self.lines()}, invoice["version"])

    def reallocate(self) -> requests.Response:
        payment = self.pick("payments")
        body = {"allocations": self.applications()}
        return self.client.patch(f"payments/{payment['id']}", body, payment["version"])

    def bank(self) -> requests.Response:
        payment = self.pick("payments")
        line = {"payment_id": payment["id"], "amount": payment.get("amount", "1.00")}
        body = {"date": "2026-01-03", "account_id": self.office.account, "lines": [line]}
        return self.client.post("deposits", body)

    def end(self) -> requests.Response:
        collection = self.random.choice(["invoices", "payments", "payments", "credit_memos", "deposits"])
        path = f"{collection}/{self.pick(collection)['id']}"
        return self.client.delete(path) if self.random.random() < 0.5 else self.client.void(path)


def test_the_books_add_up_after_any_sequence_of_acts(office: Office) -> None:
    clerk = Clerk(office, seed=11)
    for _ in range(400):
        clerk.act()
    assert clerk.statuses[500] == 0
    assert min(clerk.statuses[200], clerk.statuses[201]) > 40
    cents = applied(office.client)
    invoices = everything(office.client, "invoices")
    for invoice in invoices:
        paid = Decimal(cents[invoice["id"]]) / 100
        expected = ZERO if invoice["status"] == "void" else Decimal(invoice["total"]) - paid
        assert Decimal(invoice["balance"]) == expected, invoice["id"]
        assert (invoice["status"] == "paid") == (expected == 0 and paid > 0), invoice["id"]
    banked = {
        line["payment_id"]: deposit["id"]
        for deposit in everything(office.client, "deposits")
        for line in deposit["lines"]
    }
    payments = everything(office.client, "payments")
    assert {one["id"]: one["deposit_id"] for one in payments if one["deposit_id"]} == banked
    balance = office.client.control("state")["collections"]["invoices"]["sum_balance"]
    assert Decimal(balance) == sum((Decimal(one["balance"]) for one in invoices), ZERO)


def stubborn_post(client: Client, body: dict[str, Any]) -> int:
    """Send one create until it is answered with 201; returns the number of attempts."""
    key = uuid.uuid4().hex
    for attempt in range(1, 50):
        try:
            if client.post("divisions", body, key=key).status_code == 201:
                return attempt
        except requests.ConnectionError:
            continue
    raise AssertionError("the server never answered")


def test_retries_with_one_key_create_once_whatever_breaks(tmp_path: Path) -> None:
    with contractor("--empty", "--state", tmp_path / "state.db") as client:
        rules: list[dict[str, Any]] = [
            {"action": "drop_after"},
            {"action": "drop_before"},
            {"action": "status", "status": 503},
        ]
        client.control("faults", [{**rule, "probability": 0.25, "seed": n} for n, rule in enumerate(rules)])
        attempts = sum(stubborn_post(client, {"name": f"D{number}"}) for number in range(100))
        client.control("faults", method="DELETE")
        names = [one["name"] for one in everything(client, "divisions")]
        log = client.control("requests")["requests"]
    assert attempts > 120
    assert sorted(names) == sorted(f"D{number}" for number in range(100))
    assert sum(entry["items"] for entry in log if entry["method"] == "POST") == 100
