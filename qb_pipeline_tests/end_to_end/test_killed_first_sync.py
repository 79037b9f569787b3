"""A first sync that is killed again and again ends as if nobody had touched it.

Invariant: the undisturbed run of the same two systems is the measure; what both sides hold in the end is compared in
plain words, so neither a second copy nor a gap nor another amount can hide behind new ids.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from qb_pipeline_tests.end_to_end.harness import (
    ContractorDesk,
    Instance,
    QuickBooksDesk,
    Raw,
    cents,
    instance,
    kill,
)  # fmt: skip
from qb_pipeline_tests.end_to_end.harness_judge import Judge
from qb_pipeline_tests.end_to_end.harness_views import Books, View

SEED = 11
CUSTOMERS, JOBS, ITEMS, INVOICES, PAYMENTS = 24, 10, 12, 60, 40


def _fill(contractor: ContractorDesk, quickbooks: QuickBooksDesk) -> None:
    """A company with work behind it; every fourth customer and item, and some documents, are in QuickBooks too."""
    random = Random(SEED)
    customers = [contractor.create("customers", _party(random)) for _ in range(CUSTOMERS)]
    jobs = [
        contractor.create(
            "jobs",
            {"name": f"{_word(random)} house", "number": f"J-{n}", "customer_id": random.choice(customers)["id"]},
        )
        for n in range(JOBS)
    ]
    items = [
        contractor.create(
            "items",
            {
                "name": f"{_word(random)} work",
                "sku": f"{_word(random)}-{n}",
                "unit_price": f"{10 + n}.5",
                "taxable": False,
            },
        )
        for n in range(ITEMS)
    ]
    theirs = {c["id"]: quickbooks.create("Customer", _in_quickbooks(c))["Id"] for c in customers[::4]}
    sold = {
        i["id"]: quickbooks.create("Item", {
            "Name": i["name"], "Sku": i["sku"], "Type": "Service", "UnitPrice": Decimal(i["unit_price"]),
            "IncomeAccountRef": {"value": "1"},
        })["Id"]
        for i in items[::4]
    }  # fmt: skip
    invoices = [_invoice(random, contractor, n, customers, jobs, items) for n in range(INVOICES)]
    for invoice in invoices[::5]:
        lines = invoice["lines"]
        if invoice["customer_id"] in theirs and not invoice["job_id"] and all(x["item_id"] in sold for x in lines):
            quickbooks.create("Invoice", _same_invoice(invoice, theirs, sold))
    for number, invoice in enumerate(random.sample(invoices, PAYMENTS)):
        _pay(random, contractor, number, invoice)
    for number in range(8):
        new = quickbooks.create("Customer", _in_quickbooks(_party(random)))["Id"]
        quickbooks.create("Invoice", {"CustomerRef": {"value": new}, "DocNumber": f"Q-{number}",
        "TxnDate": "2026-10-05",
                                      "Line": [_line(next(iter(sold.values())), Decimal(2),
                                      Decimal("10.5"))]})  # fmt: skip


def _word(random: Random) -> str:
    """A name unlike any other, so that nobody has to be asked whether two are one."""
    return "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(4)).title()


def _party(random: Random) -> Raw:
    name = f"{_word(random)} {_word(random)}"
    return {
        "name": name,
        "email": f"{name.replace(' ', '.')}@example.com",
        "phone": f"302 555 {random.randrange(10_000):04d}",
    }


def _in_quickbooks(party: Raw) -> Raw:
    return {
        "DisplayName": party["name"], "PrimaryEmailAddr": {"Address": party["email"]},
        "PrimaryPhone": {"FreeFormNumber": party["phone"]},
    }  # fmt: skip


def _invoice(
    random: Random, contractor: ContractorDesk, n: int, customers: list[Raw], jobs: list[Raw], items: list[Raw]
) -> Raw:
    job = random.choice(jobs) if random.random() < 0.3 else None
    customer = job["customer_id"] if job else random.choice(customers)["id"]
    few = items[::4] if random.random() < 0.3 else items
    lines = [
        {
            "item_id": (item := random.choice(few))["id"],
            "quantity": str(random.randrange(1, 9)),
            "unit_price": item["unit_price"],
        }
        for _ in range(random.randrange(1, 4))
    ]
    return contractor.create("invoices", {
        "number": f"I-{1000 + n}", "customer_id": customer, "job_id": job["id"] if job else None,
        "issue_date": f"2026-10-{1 + n % 28:02d}", "due_date": "2026-12-01", "lines": lines,
    })  # fmt: skip


def _line(item: str, quantity: Decimal, price: Decimal) -> Raw:
    detail = {"ItemRef": {"value": item}, "Qty": quantity, "UnitPrice": price, "TaxCodeRef": {"value": "NON"}}
    return {"DetailType": "SalesItemLineDetail", "Amount": cents(quantity * price), "SalesItemLineDetail": detail}


def _same_invoice(invoice: Raw, customers: Mapping[str, str], items: Mapping[str, str]) -> Raw:
    return {
        "CustomerRef": {"value": customers[invoice["customer_id"]]}, "DocNumber": invoice["number"],
        "TxnDate": invoice["issue_date"], "DueDate": invoice["due_date"],
        "Line": [_line(items[x["item_id"]], Decimal(x["quantity"]),
        Decimal(x["unit_price"])) for x in invoice["lines"]],
    }  # fmt: skip


def _pay(random: Random, contractor: ContractorDesk, number: int, invoice: Raw) -> None:
    part = cents(Decimal(invoice["total"]) * random.choice((Decimal(1), Decimal("0.5"))))
    extra = Decimal(random.choice(("0", "0", "5.00")))
    contractor.create("payments", {
        "customer_id": invoice["customer_id"], "date": f"2026-11-{1 + number % 20:02d}", "amount": str(part + extra),
        "reference": f"CHK {number}", "allocations": [{"invoice_id": invoice["id"], "amount": str(part)}],
    })  # fmt: skip


@dataclass(frozen=True)
class Start:
    """Both systems before the first sync, and what an undisturbed first sync makes of them."""

    states: Mapping[str, Path]
    outcome: Mapping[str, Any]
    requests: int
    seconds: float


@contextmanager
def fresh_database(template_url: str, name: str) -> Iterator[str]:
    url = make_url(template_url)
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(url.database)))
        )
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def said(instance: Instance) -> dict[str, Any]:
    """What both systems hold, without ids: each record in words, with the number of times it is there."""
    judge = Judge(instance)
    verdict = judge.judge()
    return {
        "wrong": verdict.wrong,
        "contractor": _in_words(judge.contractor),
        "quickbooks": _in_words(judge.quickbooks),
        "linked": Counter(r["entity"] for r in judge.links),
        "agreeing": verdict.agreeing,
        "explained": dict(verdict.explained),
    }


def _in_words(books: Books) -> Counter[str]:
    def named(value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and value[0] in books.views:
            view = books.views[value[0]].get(value[1])
            return view.title if view else value
        if isinstance(value, list):
            return sorted(str(named(v)) for v in value)
        return tuple(named(v) for v in value) if isinstance(value, tuple) else value

    def told(entity: str, view: View) -> str:
        return f"{entity} {view.state} " + str({k: named(v) for k, v in view.values.items() if k not in _LISTED})

    return Counter(told(entity, view) for entity, views in books.views.items() for view in views.values())


_LISTED = ("income_account", "expense_account", "terms", "tax_code", "method")  # ids that differ from run to run


@pytest.fixture(scope="module")
def start(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    folder = tmp_path_factory.mktemp("undisturbed")
    return prepare(folder, template_url)


def prepare(folder: Path, template_url: str) -> Start:
    with fresh_database(template_url, "killed_fill") as url, instance(folder, url) as filled:
        _fill(ContractorDesk(filled.contractor), QuickBooksDesk(filled.quickbooks))
    states = {kind: folder / f"{kind}.sqlite" for kind in ("contractor", "quickbooks")}
    with began(folder / "measure", "killed_measure", template_url, states) as measured:
        seen, began_at = _requests(measured), time.monotonic()
        measured.sync()
        return Start(states, said(measured), _requests(measured) - seen, time.monotonic() - began_at)


@contextmanager
def began(folder: Path, name: str, template_url: str, states: Mapping[str, Path]) -> Iterator[Instance]:
    """A connected instance between copies of the saved systems."""
    folder.mkdir(parents=True)
    copies = {kind: folder / f"{kind}.sqlite" for kind in states}
    for state in states.values():
        for part in state.parent.glob(f"{state.name}*"):
            shutil.copy(part, folder / part.name)
    with fresh_database(template_url, name) as url, instance(folder, url, copies) as made:
        made.connect()
        yield made


def _requests(instance: Instance) -> int:
    return sum(box.requests_since(0)[1] for box in (instance.contractor, instance.quickbooks))


def killed_sync(instance: Instance, due: Callable[[int, float], bool]) -> bool:
    """Start a sync and kill it as soon as `due(requests, seconds)`; False when it had ended before."""
    seen, began_at = _requests(instance), time.monotonic()
    process = instance.begin("sync", "--json")
    while process.is_alive() and not due(_requests(instance) - seen, time.monotonic() - began_at):
        time.sleep(0.005)
    return kill(process)


def after(requests: int) -> Callable[[int, float], bool]:
    return lambda seen, _seconds: seen >= requests


def finished(instance: Instance, attempts: int = 6) -> dict[str, Any]:
    """Sync until it succeeds, then what both systems say."""
    for _ in range(attempts):
        process = instance.begin("sync", "--json")
        process.join(120)
        if process.exitcode == 0:
            return said(instance)
    raise AssertionError(f"it never succeeded: {(instance.home / 'command.log').read_text()[-2000:]}")


def differences(outcome: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Every deviation from the undisturbed run, in words."""
    found = list(outcome["wrong"])
    for side in ("contractor", "quickbooks"):
        found += [f"too much in {side}: {x} ({n})" for x, n in (outcome[side] - expected[side]).items()]
        found += [f"missing in {side}: {x} ({n})" for x, n in (expected[side] - outcome[side]).items()]
    if outcome["linked"] != expected["linked"]:
        found.append(f"links {outcome['linked']} instead of {expected['linked']}")
    return found


def test_the_undisturbed_first_sync_brings_everything_to_both_sides(start: Start) -> None:
    assert start.outcome["wrong"] == []
    assert start.outcome["explained"] == {}
    assert start.outcome["agreeing"] >= CUSTOMERS + JOBS + ITEMS + INVOICES + PAYMENTS


@pytest.mark.parametrize(("seed", "steps"), [(1, (3, 11)), (2, (14, 30))])
def test_a_first_sync_killed_again_and_again_ends_like_an_undisturbed_one(
    start: Start, seed: int, steps: tuple[int, int], template_url: str, tmp_path: Path
) -> None:
    random = Random(seed)
    with began(tmp_path / "run", f"killed_{seed}", template_url, start.states) as disturbed:
        kills = sum(killed_sync(disturbed, after(random.randint(*steps))) for _ in range(6))
        outcome = finished(disturbed)
        assert kills >= 3
        assert differences(outcome, start.outcome) == []


def test_faults_and_a_kill_together_leave_no_copy_and_no_gap(start: Start, template_url: str, tmp_path: Path) -> None:
    with began(tmp_path / "run", "killed_faults", template_url, start.states) as disturbed:
        disturbed.quickbooks.control("faults", faults(seed=3))
        disturbed.contractor.control("faults", faults(seed=4, path="/api/v1/")[:-1])
        killed_sync(disturbed, after(start.requests // 2))
        disturbed.begin("sync", "--json").join(120)
        calm(disturbed)
        outcome = finished(disturbed)
        assert differences(outcome, start.outcome) == []


def faults(seed: int, path: str = "/v3/") -> list[Raw]:
    """Every way in which a request can go wrong, each for one in twenty, but not for ever."""
    ways: tuple[tuple[str, Raw], ...] = (
        ("drop_after", {}),
        ("drop_before", {}),
        ("status", {"status": 500}),
        ("status", {"status": 429}),
        ("expire_token", {}),
    )
    return [
        {"match": {"path": path}, "action": action, "probability": 0.05, "times": 1, "seed": seed + n, **more}
        for n, (action, more) in enumerate(ways)
    ]


def calm(instance: Instance) -> None:
    """No more faults, and what waits for its next attempt is due."""
    for box in (instance.quickbooks, instance.contractor):
        box.control("faults", method="DELETE")
    instance.rows("update exception set next_attempt_at = now() where next_attempt_at is not null returning id")
