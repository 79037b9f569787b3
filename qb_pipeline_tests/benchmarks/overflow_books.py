"""Two systems that agree about thousands of records, and the work two offices do in them between two readings.

Invariant: every change touches a record of its own, and what came of it is read from the server of the other side: an
edit by its mark, a new record by its name (once), a removal by the absence or the void of the record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from qb_pipeline_tests.benchmarks.bench_first_sync import Info
from qb_pipeline_tests.benchmarks.bench_sandboxes import Connections, account, sold, token_of

PAYERS = 50  # customers of all the invoices; nobody edits them
BATCH = 30
LONG_AGO = timedelta(days=60)  # when everything was made: longer ago than any silence measured
Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """How many changes of each kind each office makes. Of 5: 2 invoices edited, 1 deleted, 1 customer edited, 1 new."""

    changes: int

    @property
    def fifth(self) -> int:
        return self.changes // 10

    @property
    def invoices(self) -> int:
        return 6 * self.fifth

    @property
    def customers(self) -> int:
        return 2 * self.fifth

    def share(self, office: int) -> Share:
        """The numbers of the records an office works on; the other one's are others."""
        n = self.fifth
        edited, deleted = 3 * n * office, 3 * n * office + 2 * n
        return Share(
            ("contractor", "quickbooks")[office], range(edited, deleted), range(deleted, deleted + n),
            range(n * office, n * office + n), n,
        )  # fmt: skip


@dataclass(frozen=True)
class Share:
    """One office's work: numbers of invoices edited and deleted and of customers edited, and how many are new."""

    office: str
    edited: range
    deleted: range
    called: range
    new: int

    @property
    def total(self) -> int:
        return len(self.edited) + len(self.deleted) + len(self.called) + self.new

    def mark(self, number: int) -> str:
        return f"seen by {self.office} {number}"

    def firm(self, number: int) -> str:
        return f"Firm {number} of {self.office}"

    def newcomer(self, number: int) -> str:
        return f"Newcomer {self.office} {number:06d}"


def write_books(folder: Path, plan: Plan) -> None:
    """The same books as files for both servers."""
    made = (datetime.now(UTC) - LONG_AGO).replace(microsecond=0)
    for side in ("contractor", "quickbooks"):
        (folder / side).mkdir(parents=True)
    own = {"version": "1", "deleted_at": None, "created_at": _iso(made), "updated_at": _iso(made)}
    stamp = {"CreateTime": made.isoformat(), "LastUpdatedTime": made.isoformat()}
    head = {"domain": "QBO", "sparse": False, "SyncToken": "0", "MetaData": stamp}
    everybody = range(PAYERS + plan.customers)
    per_payer = Counter(n % PAYERS for n in range(plan.invoices))
    shop: dict[str, Iterable[Row]] = {
        "customers": ({**own, **_shop_customer(n)} for n in everybody),
        "items": [{**own, **_SHOP_ITEM}],
        "invoices": ({**own, **_shop_invoice(n)} for n in range(plan.invoices)),
    }
    books: dict[str, Iterable[Row]] = {
        "Account": [{**head, **account("1", "Services", "Income", "ServiceFeeIncome", "Revenue")}],
        "Item": [{**head, **_BOOKS_ITEM}],
        "Customer": ({**head, **_books_customer(n, 25 * per_payer[n])} for n in everybody),
        "Invoice": ({**head, **_books_invoice(n)} for n in range(plan.invoices)),
    }
    for side, files in (("contractor", shop), ("quickbooks", books)):
        for name, rows in files.items():
            with (folder / side / f"{name}.jsonl").open("w") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _name(n: int) -> str:
    return f"Payer {n:03d}" if n < PAYERS else f"Customer {n - PAYERS:06d} {n * 7919 % 10007}"


def _email(n: int) -> str:
    return f"office@customer{n}.example.com"


_SHOP_ITEM = {"id": "itm_1", "name": "Work", "kind": "service", "unit_price": "25", "taxable": False, "active": True}
_BOOKS_ITEM = {
    "Id": "1", "Name": "Work", "FullyQualifiedName": "Work", "Active": True, "Type": "Service", "UnitPrice": 25,
    "IncomeAccountRef": {"value": "1", "name": "Services"},
}  # fmt: skip


def _shop_customer(n: int) -> Row:
    return {"id": f"cus_{n:06d}", "name": _name(n), "email": _email(n), "taxable": False, "active": True}


def _books_customer(n: int, owed: int) -> Row:
    return {
        "Id": str(n + 1), "DisplayName": _name(n), "FullyQualifiedName": _name(n), "Active": True, "Job": False,
        "Balance": owed, "BalanceWithJobs": owed, "Taxable": False, "PrimaryEmailAddr": {"Address": _email(n)},
    }  # fmt: skip


def _day(n: int) -> str:
    return f"2026-{1 + n % 9:02d}-{1 + n % 28:02d}"


def _shop_invoice(n: int) -> Row:
    line = {
        "id": f"lin_{n:07d}", "item_id": "itm_1", "quantity": "1", "unit_price": "25", "amount": "25.00",
        "taxable": False,
    }  # fmt: skip
    return {
        "id": f"inv_{n:06d}", "number": f"N{n}", "customer_id": f"cus_{n % PAYERS:06d}", "issue_date": _day(n),
        "due_date": _day(n), "lines": [line], "subtotal": "25.00", "tax": "0.00", "total": "25.00",
        "balance": "25.00", "status": "sent", "kind": "standard",
    }  # fmt: skip


def _books_invoice(n: int) -> Row:
    return {
        "Id": str(n + 1), "DocNumber": f"N{n}", "TxnDate": _day(n), "DueDate": _day(n), "TotalAmt": 25, "Balance": 25,
        "Line": [{**sold(), "Id": "1", "LineNum": 1}], "TxnTaxDetail": {"TotalTax": 0}, "LinkedTxn": [],
        "CustomerRef": {"value": str(n % PAYERS + 1), "name": _name(n % PAYERS)},
    }  # fmt: skip


class Shop:
    """The contractor's office; several people work at once."""

    def __init__(self, server: Info) -> None:
        self._client = _Requests(server["base_url"], "/api/v1", server["api_key"])

    def work(self, share: Share) -> None:
        first = {"If-Match": '"1"'}
        edits = [(f"invoices/inv_{n:06d}", {"memo": share.mark(n)}) for n in share.edited]
        edits += [(f"customers/cus_{PAYERS + n:06d}", {"company_name": share.firm(n)}) for n in share.called]
        _each(edits, lambda e: self._client.ask("PATCH", e[0], json.dumps(e[1]), **first))
        _each(share.deleted, lambda n: self._client.ask("DELETE", f"invoices/inv_{n:06d}", None))
        new = [share.newcomer(n) for n in range(share.new)]
        _each(new, lambda name: self._client.post("customers", {"name": name}, **{"Idempotency-Key": name}))

    def all(self, collection: str) -> Iterator[Row]:
        """Every record that is not deleted."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._client.get(collection, limit="500", **({"cursor": cursor} if cursor else {}))
            yield from page["data"]
            cursor = page["next_cursor"]

    def shows(self, share: Share) -> int:
        """How many of the other office's changes are to be seen here."""
        invoices = {row["number"]: row for row in self.all("invoices") if row["status"] != "void"}
        customers = list(self.all("customers"))
        firms, names = {c["name"]: c["company_name"] for c in customers}, Counter(c["name"] for c in customers)
        return _shown(share, {number: row["memo"] for number, row in invoices.items()}, firms, names)


class Books:
    """The office that works in QuickBooks, thirty things at once."""

    def __init__(self, server: Info) -> None:
        self._client = _Requests(server["base_url"], f"/v3/company/{server['realm_id']}", token_of(server))

    def work(self, share: Share) -> None:
        def key(n: int) -> Row:
            return {"Id": str(n + 1), "SyncToken": "0"}

        edits = [({**key(n), "sparse": True, "CustomerMemo": {"value": share.mark(n)}}) for n in share.edited]
        calls = [{**key(PAYERS + n), "sparse": True, "CompanyName": share.firm(n)} for n in share.called]
        self.post("update", "Invoice", edits)
        self.post("update", "Customer", calls)
        self.post("delete", "Invoice", [key(n) for n in share.deleted])
        self.post("create", "Customer", [{"DisplayName": share.newcomer(n)} for n in range(share.new)])

    def post(self, operation: str, name: str, bodies: Sequence[Row]) -> None:
        for start in range(0, len(bodies), BATCH):
            items = [
                {"bId": str(n), "operation": operation, name: body}
                for n, body in enumerate(bodies[start : start + BATCH])
            ]
            answered = self._client.post("batch", {"BatchItemRequest": items})["BatchItemResponse"]
            refused = [item for item in answered if "Fault" in item]
            if refused:
                raise RuntimeError(f"QuickBooks refused {refused[0]}")

    def all(self, name: str) -> Iterator[Row]:
        """Every object, inactive names left out."""
        start = 1
        while True:
            statement = f"SELECT * FROM {name} ORDERBY Id STARTPOSITION {start} MAXRESULTS 1000"
            rows = self._client.get("query", query=statement)["QueryResponse"].get(name, [])
            yield from rows
            if len(rows) < 1000:
                return
            start += 1000

    def shows(self, share: Share) -> int:
        """How many of the other office's changes are to be seen here; a voided invoice has a total of nothing."""
        invoices = {row["DocNumber"]: row for row in self.all("Invoice") if row["TotalAmt"]}
        customers = list(self.all("Customer"))
        firms = {c["DisplayName"]: c.get("CompanyName") for c in customers}
        memos = {number: row.get("CustomerMemo", {}).get("value") for number, row in invoices.items()}
        return _shown(share, memos, firms, Counter(c["DisplayName"] for c in customers))


class _Requests(Connections):
    """Any method; answers without a body too."""

    def ask(self, method: str, path: str, body: str | None, **headers: str) -> Row:
        return self._ask(method, path, body, **headers)


def _each(work: Iterable[T], do: Callable[[T], object]) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(do, work):
            pass


def _shown(share: Share, memos: Mapping[str, str | None], firms: Mapping[str, str | None], names: Counter[str]) -> int:
    edited = sum(memos.get(f"N{n}") == share.mark(n) for n in share.edited)
    deleted = sum(f"N{n}" not in memos for n in share.deleted)
    called = sum(firms.get(_name(PAYERS + n)) == share.firm(n) for n in share.called)
    return edited + deleted + called + sum(names[share.newcomer(n)] == 1 for n in range(share.new))
