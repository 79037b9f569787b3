"""The reference connector passes the conformance suite against the real contractor sandbox, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
import requests

from qb_pipeline.contractor.conformance import Bench, ConnectorConformance, body_of
from qb_pipeline.contractor.protocol import Connector, canonical
from qb_pipeline.contractor.registry import open_connector
from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.entities.records import State, Values
from qb_pipeline.errors import FixTheData, PlanAgain, PossibleDuplicate
from qb_pipeline_tests.unit.contractor.servers import listen

SAME_INSTANT = [f"cus_same{n}" for n in range(5)]
COLLECTION = {"customer": "customers", "invoice": "invoices", "payment": "payments", "item": "items", "job": "jobs"}


class ReferenceBench:
    """The contractor sandbox with five customers of one instant, and the reference connector."""

    entity = "customer"
    document: str | None = "invoice"
    same_instant = frozenset(SAME_INSTANT)

    def __init__(self, server: Mapping[str, str]) -> None:
        self.server = server
        self.url = server["base_url"]
        self.connector: Connector = open_connector("reference", self.url, server["api_key"])
        system = load_system("reference")
        paging = replace(system.listing.paging, size=2)
        small = replace(system, listing=replace(system.listing, paging=paging))
        self.small_pages: Connector = RestConnector(small, self.url, server["api_key"])
        self._made: dict[str, str] = {}

    def ref(self, entity: str) -> str:
        """A record of that entity to refer to, made once."""
        if entity not in self._made:
            body = body_of(self.connector.codec(entity).encode_create(self.values(entity, f"a {entity}")))
            made = self.connector.create(entity, body, idempotency_key=f"ref-{entity}-{time.monotonic_ns()}")
            self._made[entity] = made.id
        return self._made[entity]

    def values(self, entity: str, name: str) -> Values:
        made: Values = getattr(self, f"_{entity}")(name)
        return made

    def _account(self, name: str) -> Values:
        return {"name": f"Income:{name}", "code": "4010", "kind": "Income", "active": True}

    def _tax_code(self, name: str) -> Values:
        return {"name": name, "percent": Decimal("8.25"), "active": True}

    def _term(self, name: str) -> Values:
        return {
            "name": name,
            "due_days": 30,
            "discount_percent": Decimal(2),
            "discount_days": 10,
            "due_day_of_month": None,
            "active": True,
        }

    def _payment_method(self, name: str) -> Values:
        return {"name": name, "kind": "credit_card", "active": True}

    def _division(self, name: str) -> Values:
        return {"name": name, "active": False}

    def _customer(self, name: str) -> Values:
        parts = ("12 Oak St", "Unit 4", "Springfield", "IL", "62704", "USA")
        names = ("line1", "line2", "city", "state", "postal_code", "country")
        return {
            "name": name,
            "company_name": "Ärmel & Co",
            "first_name": "Ann",
            "last_name": "O'Hara",
            "email": "Ann@Example.com",
            "phone": "(555) 010-2030",
            **{f"billing_{part}": value for part, value in zip(names, parts, strict=True)},
            "taxable": False,
            "tax_code": self.ref("tax_code"),
            "terms": self.ref("term"),
            "notes": "gate code 12\nring twice",
            "active": True,
        }

    def _job(self, name: str) -> Values:
        return {
            "name": name,
            "number": "J-1",
            "customer": self.ref("customer"),
            "site_line1": "1 Elm St",
            "site_city": "Peoria",
            "active": True,
        }

    def _item(self, name: str) -> Values:
        return {
            "name": name,
            "sku": "P-1",
            "description": "Copper pipe",
            "kind": "goods",
            "unit_price": Decimal("12.345"),
            "unit_cost": Decimal("7.5"),
            "income_account": self.ref("account"),
            "expense_account": self.ref("account"),
            "taxable": True,
            "active": True,
        }

    def _invoice(self, name: str) -> Values:
        sold = {
            "kind": "item",
            "item": self.ref("item"),
            "description": "Pipe",
            "quantity": Decimal(3),
            "unit_price": Decimal("12.345"),
            "amount": Decimal("37.04"),
            "taxable": True,
            "division": self.ref("division"),
        }
        note = {"kind": "text", "description": "thank you", "taxable": False}
        less = {"kind": "discount", "description": "loyal", "amount": Decimal("-5.00"), "taxable": True}
        return {
            "number": name[:21],
            "customer": self.ref("customer"),
            "job": self.ref("job"),
            "date": date(2026, 3, 1),
            "due_date": date(2026, 3, 31),
            "terms": self.ref("term"),
            "lines": ({"id": None, **sold}, {"id": None, **note}, {"id": None, **less}),
            "tax_code": self.ref("tax_code"),
            "tax": Decimal("2.64"),
            "memo": "thanks",
        }

    def _payment(self, name: str) -> Values:
        return {
            "customer": self.ref("customer"),
            "date": date(2026, 3, 5),
            "amount": Decimal("10.00"),
            "method": self.ref("payment_method"),
            "reference": name[:21],
            "allocations": ({"id": None, "invoice": self.ref("invoice"), "amount": Decimal("4.00")},),
            "memo": "on account",
        }

    def _credit_memo(self, name: str) -> Values:
        sold = {**self._invoice(name), "number": f"C {name}"[:21]}
        applied = ({"id": None, "invoice": self.ref("invoice"), "amount": Decimal("1.50")},)
        return {k: v for k, v in sold.items() if k not in ("due_date", "terms")} | {"applications": applied}

    def with_key(self, api_key: str) -> Connector:
        return open_connector("reference", self.url, api_key)

    def lose_next_answer(self, operation: str) -> None:
        self.fault({"match": {"operation": operation}, "action": "drop_after", "times": 1})

    def refuse_next(self, operation: str, status: int, *, times: int = 1, retry_after: int | None = None) -> None:
        rule = {"match": {"operation": operation}, "action": "status", "status": status, "times": times}
        self.fault(rule | ({"seconds": retry_after} if retry_after else {}))

    def fault(self, rule: Mapping[str, Any]) -> None:
        answer = requests.post(f"{self.url}/_sandbox/faults", json=[rule], timeout=10)
        assert answer.status_code < 300, answer.text

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/_sandbox/faults", timeout=10).raise_for_status()

    def delivery(self, entity: str, id: str) -> tuple[Mapping[str, str], bytes, str]:  # noqa: A002 - the bench's word
        """The delivery the sandbox really sends when that record (or, for `any`, a new one) is changed."""
        deliveries: Queue[tuple[dict[str, str], bytes]] = Queue()
        with listen(lambda headers, body: deliveries.put((headers, body))) as url:
            requests.post(f"{self.url}/_sandbox/subscribe", json={"url": url}, timeout=10).raise_for_status()
            self._touch(entity, id)
            while True:
                headers, body = deliveries.get(timeout=10)
                if id == "any" or json.loads(body)["record_id"] == id:
                    return headers, body, self.server["webhook_secret"]

    def _touch(self, entity: str, record: str) -> None:
        if record == "any":
            body = body_of({"name": "touched"})
            self.connector.create(entity, body, idempotency_key=f"touch-{time.monotonic_ns()}")
            return
        current = self.connector.get(entity, record)
        body = body_of({"notes": "touched"})
        self.connector.update(entity, record, body, expected_version=current.version, idempotency_key="touch")


def customers_of_one_instant(folder: Path) -> Path:
    folder.mkdir()
    stamp = "2026-01-05T10:00:00.000000Z"
    rows = [
        {"id": i, "name": f"Same {i}", "version": "1", "created_at": stamp, "updated_at": stamp} for i in SAME_INSTANT
    ]
    (folder / "customers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def first_line(process: subprocess.Popen[str]) -> str:
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stdout = process.stdout
    Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    return lines.get(timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    data = customers_of_one_instant(tmp_path_factory.mktemp("sandbox") / "data")
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", "contractor", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            found: dict[str, str] = json.loads(first_line(process))
            yield found
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def reference(server: dict[str, str]) -> ReferenceBench:
    requests.post(f"{server['base_url']}/_sandbox/limits", json={"enforce": False}, timeout=10).raise_for_status()
    return ReferenceBench(server)


@pytest.fixture
def bench(reference: ReferenceBench) -> Iterator[ReferenceBench]:
    yield reference
    reference.clear_faults()


class TestReferenceConnector(ConnectorConformance):
    def test_the_bench_is_one(self, bench: ReferenceBench) -> None:
        checked: Bench = bench
        assert checked.connector.describe().system == "reference"


def patch(bench: ReferenceBench, collection: str, record: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A change made by a person over there."""
    headers = {"Authorization": f"Bearer {bench.server['api_key']}"}
    address = f"{bench.url}/api/v1/{collection}/{record}"
    version = requests.get(address, headers=headers, timeout=10).json()["version"]
    answer = requests.patch(address, json=fields, headers={**headers, "If-Match": f'"{version}"'}, timeout=10)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def make(bench: ReferenceBench, entity: str, name: str, **other: Any) -> Any:
    values = {**bench.values(entity, name), **other}
    body = body_of(bench.connector.codec(entity).encode_create(values))
    return bench.connector.create(entity, body, idempotency_key=f"make-{entity}-{name}")


def test_updating_one_line_keeps_the_fields_of_lines_that_nobody_maps(bench: ReferenceBench) -> None:
    job = patch(bench, "jobs", bench.ref("job"), {"phases": [{"code": "01", "name": "Rough-in"}]})
    made = make(bench, "invoice", "phases")
    lines = [{**line} for line in made.raw["lines"]]
    lines[0]["phase_id"] = job["phases"][0]["id"]
    patch(bench, "invoices", made.id, {"lines": lines})
    current = bench.connector.get("invoice", made.id)
    values = dict(bench.connector.codec("invoice").decode(current.raw).values)
    old = values["lines"]
    assert isinstance(old, tuple)
    values["lines"] = ({**old[0], "description": "Pipe, cut"}, *old[1:])
    body = bench.connector.codec("invoice").encode_update(values, frozenset({"lines"}), current.raw)
    after = bench.connector.update(
        "invoice", made.id, body_of(body), expected_version=current.version, idempotency_key="l1"
    )
    assert after.raw["lines"][0]["phase_id"] == lines[0]["phase_id"]
    assert after.raw["lines"][0]["description"] == "Pipe, cut"
    assert [line["id"] for line in after.raw["lines"]] == [line["id"] for line in current.raw["lines"]]
    assert after.raw["lines"][1:] == current.raw["lines"][1:]


def test_a_draft_is_skipped_with_its_reason_until_it_is_sent(bench: ReferenceBench) -> None:
    made = make(bench, "invoice", "drafted")
    drafted = patch(bench, "invoices", made.id, {"status": "draft"})
    codec = bench.connector.codec("invoice")
    assert codec.decode(drafted).skip == "draft: it is sent to QuickBooks once it leaves draft"
    assert codec.decode(patch(bench, "invoices", made.id, {"status": "sent"})).skip is None


def test_a_second_invoice_with_the_same_number_is_a_possible_duplicate(bench: ReferenceBench) -> None:
    make(bench, "invoice", "INV-7")
    body = body_of(bench.connector.codec("invoice").encode_create(bench.values("invoice", "INV-7")))
    with pytest.raises(PossibleDuplicate) as failure:
        bench.connector.create("invoice", body, idempotency_key="another")
    assert "INV-7" in failure.value.cause


def test_a_payment_shows_what_is_not_applied_and_is_frozen_once_deposited(bench: ReferenceBench) -> None:
    made = make(bench, "payment", "P-1")
    codec = bench.connector.codec("payment")
    assert codec.decode(made.raw).values["unapplied"] == Decimal("6.00")
    assert codec.decode(made.raw).frozen is None
    headers = {"Authorization": f"Bearer {bench.server['api_key']}", "Idempotency-Key": "dep-1"}
    deposit = {
        "date": "2026-03-06",
        "account_id": bench.ref("account"),
        "lines": [{"payment_id": made.id, "amount": "10.00"}],
    }
    banked = requests.post(f"{bench.url}/api/v1/deposits", json=deposit, headers=headers, timeout=10)
    assert banked.status_code == 201, banked.text
    frozen = bench.connector.get("payment", made.id)
    assert str(codec.decode(frozen.raw).frozen).startswith("deposited")
    with pytest.raises(FixTheData):
        bench.connector.void("payment", made.id, expected_version=frozen.version, idempotency_key="v")


def test_a_voided_payment_releases_its_invoice(bench: ReferenceBench) -> None:
    made = make(bench, "payment", "P-2", allocations=())
    voided = bench.connector.void("payment", made.id, expected_version=made.version, idempotency_key="v2")
    assert canonical(bench.connector, "payment", voided).state is State.VOIDED


def test_writing_to_a_record_voided_meanwhile_asks_to_plan_again(bench: ReferenceBench) -> None:
    made = make(bench, "invoice", "moved")
    voided = bench.connector.void("invoice", made.id, expected_version=made.version, idempotency_key="v3")
    with pytest.raises(PlanAgain):
        bench.connector.update(
            "invoice", made.id, body_of({"memo": "late"}), expected_version=voided.version, idempotency_key="m"
        )


def test_labor_reads_as_service_and_its_kind_is_never_written_on_update(bench: ReferenceBench) -> None:
    made = make(bench, "item", "Hours", kind="service")
    labor = patch(bench, "items", made.id, {"kind": "labor"})
    codec = bench.connector.codec("item")
    values = codec.decode(labor).values
    assert values["kind"] == "service"
    assert codec.encode_update({**values, "name": "Hour"}, frozenset({"name"}), labor) == {"name": "Hour"}


def test_a_job_with_a_number_alone_is_named_by_it(bench: ReferenceBench) -> None:
    made = bench.connector.create(
        "job", body_of({"number": "J-77", "customer_id": bench.ref("customer")}), idempotency_key="j77"
    )
    assert canonical(bench.connector, "job", made).values["name"] == "J-77"


def test_changing_one_part_of_an_address_keeps_the_other_parts(bench: ReferenceBench) -> None:
    made = make(bench, "customer", "Mover")
    codec = bench.connector.codec("customer")
    values = {**codec.decode(made.raw).values, "billing_line1": "9 New Rd"}
    body = codec.encode_update(values, frozenset({"billing_line1"}), made.raw)
    after = bench.connector.update(
        "customer", made.id, body_of(body), expected_version=made.version, idempotency_key="move"
    )
    assert after.raw["billing_address"] == {**made.raw["billing_address"], "line1": "9 New Rd"}
