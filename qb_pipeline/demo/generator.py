"""A contractor's company out of a seed: customers, jobs, price book, invoices, payments.

Invariant: the same seed gives the same bytes, whatever the machine or the day, and every document's totals, tax,
balance and status follow from its lines and payments (the sandbox checks them while loading).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

from qb_pipeline.demo import words

Record = dict[str, Any]
SEED = 7
TODAY = date(2025, 9, 30)
"""The day on which the story plays; fixed, so that two runs in different months are the same."""
CUSTOMERS, JOBS, INVOICES, PAYMENTS = 60, 40, 150, 110
_PERSONS = CUSTOMERS - len(words.COMPANIES)
_CENT = Decimal("0.01")
_TAX_PERCENT = Decimal(8)
TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30))
METHODS = (
    ("Check", "non_credit_card"), ("Cash", "non_credit_card"), ("Visa", "credit_card"), ("MasterCard", "credit_card"),
    ("ACH", "non_credit_card"),
)  # fmt: skip
ACCOUNTS = (("Services", "Income"), ("Sales of Product Income", "Income"), ("Cost of Goods Sold", "Cost of Goods Sold"))


@dataclass
class Workspace:
    """The contractor's records by collection, in the form the reference API gives them."""

    collections: dict[str, list[Record]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Record]:
        return self.collections.setdefault(name, [])

    def find(self, name: str, record_id: str) -> Record:
        return next(r for r in self[name] if r["id"] == record_id)

    def write(self, folder: Path) -> None:
        """One `<collection>.jsonl` a collection, for `sandbox contractor --data`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, records in self.collections.items():
            lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def generate(seed: int = SEED) -> Workspace:
    """The whole company; about 60 customers, 40 jobs, 30 items, 150 invoices, 110 payments."""
    random, workspace = Random(seed), Workspace()
    _lists(workspace)
    _customers(random, workspace)
    _jobs(random, workspace)
    _items(workspace)
    _invoices(random, workspace)
    _payments(random, workspace)
    for record in workspace["invoices"]:
        record["balance"], record["status"] = _settled(workspace, record)
    return workspace


def money(value: Decimal) -> str:
    """Money as the reference API spells it."""
    return f"{value.quantize(_CENT, ROUND_HALF_UP):.2f}"


def _dated(record: Record, day: date, second: int = 0) -> Record:
    stamp = f"{day.isoformat()}T17:{second // 60 % 60:02d}:{second % 60:02d}.000000Z"
    return {**record, "version": "1", "created_at": stamp, "updated_at": stamp}


def _add(workspace: Workspace, collection: str, prefix: str, day: date, /, **values: Any) -> Record:
    number = len(workspace[collection]) + 1
    record = _dated({"id": f"{prefix}_{number:06d}", **values}, day, number)
    workspace[collection].append(record)
    return record


def _lists(workspace: Workspace) -> None:
    begun = TODAY - timedelta(days=700)
    for name, kind in ACCOUNTS:
        _add(workspace, "accounts", "acc", begun, name=name, kind=kind, active=True)
    _add(workspace, "tax_rates", "tax", begun, name="California", rate=str(_TAX_PERCENT), active=True)
    for name, days in TERMS:
        _add(workspace, "terms", "trm", begun, name=name, due_days=days, active=True)
    for name, kind in METHODS:
        _add(workspace, "payment_methods", "pmt", begun, name=name, kind=kind, active=True)
    for name in words.DIVISIONS:
        _add(workspace, "divisions", "div", begun, name=name, active=True)


def _customers(random: Random, workspace: Workspace) -> None:
    given, family = list(words.GIVEN), list(words.FAMILY)
    random.shuffle(given)
    random.shuffle(family)
    persons: list[Record] = [_person(first, last) for first, last in zip(given, family, strict=True)][:_PERSONS]
    companies: list[Record] = [_company(random, name, form) for name, form in words.COMPANIES]
    mixed = persons + companies
    random.shuffle(mixed)
    for number, named in enumerate(mixed):
        _add(workspace, "customers", "cus", TODAY - timedelta(days=600 - number), **named, **_reachable(random, number))


def _person(first: str, last: str) -> Record:
    domain = "example.com" if len(last) % 2 else "example.org"
    shown = {"name": f"{first} {last}", "company_name": None, "first_name": first, "last_name": last}
    return {**shown, "email": f"{first}.{last}@{domain}".lower()}


def _company(random: Random, name: str, form: str) -> Record:
    full = f"{name} {form}".strip()
    mailbox = "".join(c for c in name.lower() if c.isalnum())[:24]
    contact = random.random() < 0.3
    return {
        "name": full,
        "company_name": full,
        "first_name": "Robin" if contact else None,
        "last_name": "Vance" if contact else None,
        "email": f"office@{mailbox}.example",
    }


def _reachable(random: Random, number: int) -> Record:
    town = random.choice(words.TOWNS)
    return {
        "phone": f"({town[2]}) 555-{1000 + number * 37 % 9000:04d}",
        "billing_address": _address(random, town),
        "taxable": True,
        "terms_id": random.choice(("trm_000001", "trm_000002", "trm_000003", "trm_000003")),
        "notes": random.choice(words.NOTES) if random.random() < 0.25 else None,
        "active": True,
    }


def _address(random: Random, town: tuple[str, str, str]) -> Record:
    suite = f"Suite {random.randint(2, 40)}" if random.random() < 0.2 else None
    street = f"{random.randint(12, 4890)} {random.choice(words.STREETS)}"
    return {"line1": street, "line2": suite, "city": town[0], "state": "CA", "postal_code": town[1], "country": "USA"}


def _jobs(random: Random, workspace: Workspace) -> None:
    owners = random.choices(workspace["customers"], k=JOBS)
    for number, owner in enumerate(owners):
        _add(
            workspace,
            "jobs",
            "job",
            TODAY - timedelta(days=400 - number * 5),
            number=f"J-{2001 + number}",
            name=random.choice(words.JOBS),
            customer_id=owner["id"],
            status=random.choice(("estimated", "active", "active", "complete")),
            address=owner["billing_address"],
            division_id=f"div_{random.randint(1, len(words.DIVISIONS)):06d}",
            contract_amount=money(Decimal(random.randint(12, 480)) * 100),
            active=True,
        )


def _items(workspace: Workspace) -> None:
    for name, sku, kind, description, price, cost, taxable in words.ITEMS:
        sold = cost is not None
        _add(
            workspace,
            "items",
            "itm",
            TODAY - timedelta(days=650),
            name=name,
            sku=sku,
            description=description,
            kind=kind,
            unit_price=price,
            unit_cost=cost,
            income_account_id="acc_000002" if sold else "acc_000001",
            expense_account_id="acc_000003" if sold else None,
            taxable=taxable,
            active=True,
        )


def _invoices(random: Random, workspace: Workspace) -> None:
    for number in range(INVOICES):
        day = TODAY - timedelta(days=(INVOICES - number) * 2)
        job = random.choice(workspace["jobs"]) if random.random() < 0.45 else None
        customer_id = job["customer_id"] if job else random.choice(workspace["customers"])["id"]
        customer = workspace.find("customers", customer_id)
        lines = _lines(random, workspace)
        taxed = any(line["taxable"] for line in lines) and random.random() < 0.9
        days = int(workspace.find("terms", customer["terms_id"])["due_days"])
        _add(
            workspace,
            "invoices",
            "inv",
            day,
            number=str(1001 + number),
            customer_id=customer_id,
            job_id=job["id"] if job else None,
            issue_date=day.isoformat(),
            due_date=(day + timedelta(days=days)).isoformat(),
            terms_id=customer["terms_id"],
            lines=lines,
            tax_rate_id="tax_000001" if taxed else None,
            memo=random.choice(words.MEMOS) if random.random() < 0.5 else None,
            kind="standard",
            status="draft" if number >= INVOICES - 2 else "sent",
            **_totals(lines, taxed=taxed),
        )


def _lines(random: Random, workspace: Workspace) -> list[Record]:
    """One to six lines: items, now and then words without a price, and a discount at the end."""
    division = f"div_{random.randint(1, len(words.DIVISIONS)):06d}" if random.random() < 0.8 else None
    items = random.sample(workspace["items"], random.randint(1, 4))
    lines = [_item_line(random, item, division) for item in items]
    if random.random() < 0.25:
        lines.insert(random.randint(1, len(lines)), _text_line(random))
    if random.random() < 0.12:
        off = sum((Decimal(line["amount"]) for line in lines if line["amount"]), Decimal(0)) / 20
        lines.append({**_text_line(random), "description": None, "amount": money(-off), "taxable": False})
    return lines


def _item_line(random: Random, item: Record, division: str | None) -> Record:
    by_the_foot = Decimal(item["unit_price"]) < 10
    quantity = Decimal(random.randint(10, 160)) if by_the_foot else Decimal(random.randint(2, 14)) / 2
    if item["kind"] in ("equipment", "material") and not by_the_foot:
        quantity = Decimal(random.randint(1, 6))
    return {
        "item_id": item["id"],
        "description": item["description"],
        "quantity": str(quantity),
        "unit_price": item["unit_price"],
        "amount": money(quantity * Decimal(item["unit_price"])),
        "taxable": item["taxable"],
        "division_id": division,
    }


def _text_line(random: Random) -> Record:
    nothing = dict.fromkeys(("item_id", "quantity", "unit_price", "amount", "division_id"))
    return {**nothing, "description": random.choice(words.TEXTS), "taxable": False}


def _totals(lines: list[Record], *, taxed: bool) -> Record:
    amounts = [(Decimal(line["amount"] or 0), line["taxable"]) for line in lines]
    subtotal = sum((amount for amount, _ in amounts), Decimal(0))
    base = sum((amount for amount, taxable in amounts if taxable), Decimal(0))
    tax = (base * _TAX_PERCENT / 100).quantize(_CENT, ROUND_HALF_UP) if taxed else Decimal(0)
    return {"subtotal": money(subtotal), "tax": money(tax), "total": money(subtotal + tax)}


def _payments(random: Random, workspace: Workspace) -> None:
    """Most invoices are paid in full, some in part, some together; some money has no invoice yet."""
    unpaid = [i for i in workspace["invoices"] if i["status"] == "sent"]
    random.shuffle(unpaid)
    kinds = ["full"] * 62 + ["part"] * 18 + ["several"] * 16 + ["over"] * 6 + ["unapplied"] * 8
    random.shuffle(kinds)
    for kind in kinds[:PAYMENTS]:
        allocations, extra = _allocated(random, kind, unpaid), Decimal(0)
        if kind in ("over", "unapplied"):
            extra = Decimal(random.randint(40, 900)) + Decimal(random.randint(0, 99)) / 100
        payer = allocations[0][0]["customer_id"] if allocations else random.choice(workspace["customers"])["id"]
        latest = max((i["issue_date"] for i, _ in allocations), default=(TODAY - timedelta(days=60)).isoformat())
        _payment(random, workspace, payer, date.fromisoformat(latest), allocations, extra)


def _allocated(random: Random, kind: str, unpaid: list[Record]) -> list[tuple[Record, Decimal]]:
    if kind == "unapplied":
        return []
    first = unpaid.pop()
    if kind == "part":
        return [(first, (Decimal(first["total"]) * random.randint(2, 7) / 10).quantize(_CENT))]
    chosen = [first]
    if kind == "several":
        others = [i for i in unpaid if i["customer_id"] == first["customer_id"]][: random.randint(1, 2)]
        for other in others:
            unpaid.remove(other)
        chosen += others
    return [(invoice, Decimal(invoice["total"])) for invoice in chosen]


def _payment(
    random: Random,
    workspace: Workspace,
    payer: str,
    latest: date,
    allocations: list[tuple[Record, Decimal]],
    extra: Decimal,
) -> None:
    method = random.choice(workspace["payment_methods"])
    number = len(workspace["payments"])
    reference = (
        str(4100 + number * 3) if method["name"] == "Check" else f"{method['name'][:2].upper()}-{70311 + number}"
    )
    day = min(TODAY, latest + timedelta(days=random.randint(1, 35)))
    _add(
        workspace,
        "payments",
        "pay",
        day,
        customer_id=payer,
        date=day.isoformat(),
        amount=money(sum((amount for _, amount in allocations), Decimal(0)) + extra),
        method_id=method["id"],
        reference=reference,
        allocations=[{"invoice_id": i["id"], "amount": money(amount)} for i, amount in allocations],
        memo="Deposit for coming work" if not allocations else None,
    )


def _settled(workspace: Workspace, invoice: Record) -> tuple[str, str]:
    paid = sum(
        (
            Decimal(a["amount"])
            for p in workspace["payments"]
            for a in p["allocations"]
            if a["invoice_id"] == invoice["id"]
        ),
        Decimal(0),
    )
    balance = Decimal(invoice["total"]) - paid
    return money(balance), "paid" if balance == 0 and paid > 0 else invoice["status"]
