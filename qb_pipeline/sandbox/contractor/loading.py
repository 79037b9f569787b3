"""Filling a workspace: from a folder of JSONL files, or with a small sample.

Invariant: loaded records keep the ids, versions and times they bring, obey the same rules as the API, and what a file
says about totals, balances and statuses must agree with what its documents and payments make of them.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from qb_pipeline.sandbox.contractor import rules
from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, COMMON, DECLARED, Collection, stored_field
from qb_pipeline.sandbox.contractor.problems import Problem
from qb_pipeline.sandbox.contractor.service import Service, banked
from qb_pipeline.sandbox.contractor.store import allocations, is_live
from qb_pipeline.sandbox.contractor.values import Record, clean, defaults, require
from qb_pipeline.sandbox.kernel.clock import iso
from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.sandbox.kernel.errors import DataError

COMPUTED = ("subtotal", "total", "balance", "status", "deposit_id")


def load_folder(service: Service, folder: Path) -> dict[str, int]:
    """Load `<collection>.jsonl` files, all or nothing. Returns the number of records per collection; DataError."""
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        raise DataError(f"{folder} holds no <collection>.jsonl; collections are {', '.join(COLLECTIONS)}")
    for file in files:
        if file.stem not in COLLECTIONS:
            raise DataError(f"{file.name} names no collection; collections are {', '.join(COLLECTIONS)}")
    with transaction(service.store.conn):
        claims = [claim for collection in DECLARED for claim in load_collection(service, collection, folder)]
        for where, collection_name, record_id, claimed in claims:
            check_claims(service, where, collection_name, record_id, claimed)
    service.store.reset_time()
    counts: dict[str, int] = {}
    for _, name, _, _ in claims:
        counts[name] = counts.get(name, 0) + 1
    return counts


Claim = tuple[str, str, str, Record]


def load_collection(service: Service, collection: Collection, folder: Path) -> Iterator[Claim]:
    """Load one file; yields what each record claims about the fields the server computes."""
    file = folder / f"{collection.name}.jsonl"
    if not file.exists():
        return
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{file.name} line {number}"
                record_id, claimed = load_line(service, collection, line, where)
                yield where, collection.name, record_id, claimed


def load_line(service: Service, collection: Collection, line: str, where: str) -> tuple[str, Record]:
    """Insert one record and settle what it pays or banks; returns its id and its claims."""
    try:
        body = json.loads(line)
        if not isinstance(body, dict):
            raise DataError(f"{where}: must be a JSON object")
        given = clean(tuple(map(stored_field, (*COMMON, *collection.fields))), body)
        record = prepared(service, collection, given)
        if service.store.get(collection.name, record["id"]) is not None:
            raise DataError(f"{where}: id {record['id']} is there already")
        plain = {name: value for name, value in given.items() if name not in {*COMPUTED, *(f.name for f in COMMON)}}
        filled = service.complete(collection, record, plain, None, known=record)
    except Problem as problem:
        raise DataError(f"{where}: {problem.message}") from problem
    except (ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"{where}: {error}") from error
    service.store.put(collection, filled)
    settle_targets(service, collection, filled)
    return filled["id"], {name: given[name] for name in COMPUTED if name in given}


def prepared(service: Service, collection: Collection, given: Record) -> Record:
    """The record with every field, its own identity and times, and line ids."""
    record: Record = dict.fromkeys(field.name for field in COMMON) | defaults(collection.fields) | given
    record["id"] = record["id"] or service.store.new_id(collection.prefix)
    record["version"] = whole_version(record["version"] or "1")
    record["updated_at"] = normal_time(record["updated_at"]) or service.store.stamp()
    record["created_at"] = normal_time(record["created_at"]) or record["updated_at"]
    record["deleted_at"] = normal_time(record["deleted_at"])
    if record.get("status") == "paid" and collection.open_balance:
        record["status"] = "sent"
    if "deposit_id" in record:
        record["deposit_id"] = None
    require(collection.fields, record)
    return record


def whole_version(version: str) -> str:
    """Versions are whole numbers, so that they can go up."""
    if not version.isdecimal():
        raise ValueError(f"version {version!r} is no whole number")
    return version


def normal_time(text: str | None) -> str | None:
    """A time in the stored form."""
    return None if text is None else iso(datetime.fromisoformat(text))


def settle_targets(service: Service, collection: Collection, record: Record) -> None:
    """Balances and deposit marks of the records this one touches; their versions and times stay."""
    if not is_live(record):
        return
    store = service.store
    if collection.allocates is not None:
        target = COLLECTIONS[collection.allocates.target]
        for target_id in allocations(collection, record):
            store.put(target, rules.settle(store, target, service.find(target, target_id)))
    if collection.totals == "deposit":
        payments = COLLECTIONS["payments"]
        for payment_id in banked(record):
            store.put(payments, {**service.find(payments, payment_id), "deposit_id": record["id"]})


def check_claims(service: Service, where: str, name: str, record_id: str, claimed: Record) -> None:
    """DataError when a file's total, balance or status is not what its documents make of it."""
    actual = service.find(COLLECTIONS[name], record_id)
    for field, value in claimed.items():
        if value is not None and value != actual[field]:
            raise DataError(f"{where}: {field} is {value!r} but the loaded documents make it {actual[field]!r}")


SAMPLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accounts", {"name": "Service Income", "code": "4000", "kind": "Income"}),
    ("accounts", {"name": "Job Materials", "code": "5000", "kind": "Cost of Goods Sold"}),
    ("accounts", {"name": "Checking", "code": "1000", "kind": "Bank"}),
    ("tax_rates", {"name": "County sales tax", "code": "CO", "rate": "8.25"}),
    ("terms", {"name": "Net 30", "due_days": 30}),
    ("payment_methods", {"name": "Check", "kind": "non_credit_card"}),
    ("payment_methods", {"name": "Visa", "kind": "credit_card"}),
    ("divisions", {"name": "Plumbing"}),
    ("divisions", {"name": "Heating"}),
    ("locations", {"name": "Main yard"}),
    ("customers", {"name": "Ada Alvarez", "first_name": "Ada", "last_name": "Alvarez", "email": "ada@example.com"}),
    ("customers", {"name": "Birch Street Bakery", "company_name": "Birch Street Bakery", "terms_id": "trm_000001"}),
    ("customers", {"name": "Cole Property Group", "company_name": "Cole Property Group", "phone": "555-010-2233"}),
    ("vendors", {"name": "Valley Supply", "kind": "supplier"}),
    ("jobs", {"number": "J-100", "name": "Water heater", "customer_id": "cus_000001", "division_id": "div_000001"}),
    (
        "jobs",
        {
            "number": "J-101",
            "name": "Kitchen rough-in",
            "customer_id": "cus_000003",
            "phases": [{"code": "01", "name": "Rough"}, {"code": "02", "name": "Finish"}],
            "contract_amount": "18500.00",
        },
    ),
    ("items", {"name": "Labor hour", "kind": "labor", "unit_price": "95.00", "income_account_id": "acc_000001"}),
    (
        "items",
        {
            "name": "Water heater 50 gal",
            "sku": "WH-50",
            "kind": "material",
            "unit_price": "890.00",
            "unit_cost": "610.00",
            "income_account_id": "acc_000001",
            "expense_account_id": "acc_000002",
        },
    ),
)


def load_sample(service: Service) -> None:
    """A workspace to look around in: lists, three customers, two jobs, two items; no documents."""
    with transaction(service.store.conn):
        for name, body in SAMPLE:
            service.create(COLLECTIONS[name], body)
