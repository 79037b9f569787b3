"""A bare HTTP client for one company of a running sandbox, and how to start one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
import simplejson

Body = dict[str, Any]
START = """
import sys
from pathlib import Path
from qb_pipeline.sandbox.quickbooks.server import run
state, data, empty = sys.argv[1:4]
run(0, "127.0.0.1", Path(state) if state else None, Path(data) if data else None, empty == "yes")
"""


@dataclass
class Books:
    """One company, seen through the API."""

    base: str
    realm: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"{self.base}/v3/company/{self.realm}"

    def get(self, path: str, **params: str) -> tuple[int, Body]:
        response = self.session.get(f"{self.url}/{path}", params=params, timeout=20)
        return response.status_code, simplejson.loads(response.text, use_decimal=True)

    def post(self, path: str, body: Any, **params: str) -> tuple[int, Body]:
        text = body if isinstance(body, str | bytes) else simplejson.dumps(body, use_decimal=True)
        headers = {"Content-Type": "application/json"}
        response = self.session.post(f"{self.url}/{path}", data=text, params=params, headers=headers, timeout=20)
        return response.status_code, simplejson.loads(response.text, use_decimal=True)

    def make(self, entity: str, body: Body, **params: str) -> Body:
        """Create or update; the object of the answer."""
        status, answer = self.post(entity.lower(), body, **params)
        assert status == 200, answer
        assert entity in answer, answer
        made: Body = answer[entity]
        return made

    def change(self, entity: str, obj: Body, **fields: Any) -> Body:
        """A sparse update of the version `obj`."""
        return self.make(entity, {"Id": obj["Id"], "SyncToken": obj["SyncToken"], "sparse": True, **fields})

    def read(self, entity: str, identifier: str) -> Body:
        status, answer = self.get(f"{entity.lower()}/{identifier}")
        assert status == 200, answer
        found: Body = answer[entity]
        return found

    def again(self, entity: str, obj: Body) -> Body:
        return self.read(entity, str(obj["Id"]))

    def query(self, statement: str) -> Body:
        status, answer = self.get("query", query=statement)
        assert status == 200, answer
        found: Body = answer["QueryResponse"]
        return found

    def refused(self, path: str, body: Any, **params: str) -> tuple[int, str, str]:
        """(HTTP status, code, detail) of a write that must fail."""
        status, answer = self.post(path, body, **params)
        assert "Fault" in answer, answer
        (error,) = answer["Fault"]["Error"]
        return status, error["code"], str(error["Detail"])

    def ui(self, **act: Any) -> Body:
        response = requests.post(f"{self.base}/_sandbox/ui", json={**act, "realm_id": self.realm}, timeout=20)
        done: Body = response.json()
        assert response.status_code == 200, done
        return done

    # What most tests need.

    def customer(self, name: str = "Ridge Farm", **fields: Any) -> Body:
        return self.make("Customer", {"DisplayName": name, **fields})

    def item(self, name: str = "Labor", **fields: Any) -> Body:
        return self.make("Item", {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": "1"}, **fields})

    def invoice(self, customer: Body, item: Body, amount: object = 100, **fields: Any) -> Body:
        return self.make("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, amount)], **fields})

    def payment(self, customer: Body, amount: object, *applied: tuple[Body, object], **fields: Any) -> Body:
        lines = [application(document, part) for document, part in applied]
        body = {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": amount, "Line": lines, **fields}
        return self.make("Payment", body)


def line(item: Body, amount: object = 100, code: str | None = None, **fields: Any) -> Body:
    """A sales line."""
    detail: Body = {"ItemRef": {"value": item["Id"]}, **fields}
    if code:
        detail["TaxCodeRef"] = {"value": code}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail}


def application(document: Body, amount: object) -> Body:
    """A payment line for an invoice, or for a credit memo."""
    kind = "CreditMemo" if "RemainingCredit" in document else "Invoice"
    return {"Amount": amount, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}]}


def money(value: object) -> Decimal:
    """A JSON number to compare with."""
    return Decimal(str(value))


@contextmanager
def running(state: Path | None = None, data: Path | None = None, *, empty: bool = True) -> Iterator[Body]:
    """A sandbox process; gives its first line with `process` added."""
    arguments = [str(state or ""), str(data or ""), "yes" if empty else "no"]
    with subprocess.Popen([sys.executable, "-c", START, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield {**simplejson.loads(process.stdout.readline()), "process": process}
        finally:
            process.kill()
            process.wait(timeout=10)


def open_books(info: Body, realm: str | None = None) -> Books:
    """A client with a fresh token."""
    wanted = {"realm_id": realm or info["realm_id"]}
    pair = requests.post(f"{info['base_url']}/_sandbox/token", json=wanted, timeout=20).json()
    books = Books(info["base_url"], wanted["realm_id"])
    books.session.headers.update({"Authorization": f"Bearer {pair['access_token']}", "Accept": "application/json"})
    return books
