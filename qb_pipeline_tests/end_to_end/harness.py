"""A pipeline with its own QB_HOME between two running sandboxes, people who work in both, and a judge of the outcome.

Invariant: the judge reads both systems over HTTP and the pipeline's own tables, and shares no code with the engine:
what counts as agreement is spelled out here a second time.
"""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg
import requests
import simplejson
from sqlalchemy.engine import make_url

from qb_pipeline_tests.end_to_end.cli_running import typed
from qb_pipeline_tests.end_to_end.forks import FORKS, Served, command

COMPANY = "Acme Builders"
CENT = Decimal("0.01")
LISTS = ("accounts", "terms", "payment_methods", "tax_rates")
COLLECTION_OF = {
    "division": "divisions", "customer": "customers", "job": "jobs", "item": "items", "invoice": "invoices",
    "payment": "payments", "account": "accounts", "term": "terms", "payment_method": "payment_methods",
    "tax_code": "tax_rates",
}  # fmt: skip
OBJECT_OF = {
    "division": "Class", "customer": "Customer", "job": "Customer", "item": "Item", "invoice": "Invoice",
    "payment": "Payment", "account": "Account", "term": "Term", "payment_method": "PaymentMethod",
    "tax_code": "TaxCode",
}  # fmt: skip
JUDGED = ("division", "customer", "job", "item", "invoice", "payment")
Raw = dict[str, Any]


class Refused(Exception):
    """A system would not take what a person wanted to enter."""


@dataclass
class Sandbox:
    """One sandbox in a process of its own."""

    kind: str
    state: Path
    port: int = 0
    info: Raw = field(default_factory=dict)
    served: Served | None = None
    http: requests.Session = field(default_factory=requests.Session)

    def start(self, *options: str) -> Sandbox:
        self.launch(*options)
        return self.ready()

    def launch(self, *options: str) -> None:
        self.served = Served(self.kind, "--port", str(self.port), "--state", str(self.state), *options)

    def ready(self) -> Sandbox:
        """Wait until it listens; started again, it does so where it did before."""
        assert self.served is not None
        self.info = self.served.first_line()
        self.port = int(self.info["base_url"].rsplit(":", 1)[1])
        return self

    def stop(self) -> None:
        self.http.close()
        if self.served is not None:
            self.served.kill()
            self.served = None

    def control(self, name: str, body: Any = None, *, method: str | None = None, **params: Any) -> Raw:
        verb = method or ("GET" if body is None else "POST")
        answer = self.http.request(
            verb, f"{self.info['base_url']}/_sandbox/{name}", json=body, params=params, timeout=30
        )
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def requests_since(self, number: int) -> tuple[list[Raw], int]:
        found = self.control("requests", since=number)
        return list(found["requests"]), int(found["next"])


def is_write(request: Mapping[str, Any]) -> bool:
    """Whether a logged request asked for a change of the books."""
    return request["method"] != "GET" and not any(
        part in request["path"] for part in ("/query", "/oauth2/", "/_sandbox/", "/tokens/")
    )


class ContractorDesk:
    """People at the contractor's software."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.headers = {"Authorization": f"Bearer {sandbox.info['api_key']}"}

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        url = f"{self.sandbox.info['base_url']}/api/v1/{path}"
        answer = self.sandbox.http.request(method, url, json=body, headers={**self.headers, **headers}, timeout=30)
        if answer.status_code >= 400:
            raise Refused(f"{method} {path} {answer.status_code} {answer.text[:300]}")
        return simplejson.loads(answer.content, use_decimal=True) if answer.content else {}

    def all(self, collection: str, *, deleted: bool = True) -> list[Raw]:
        rows: list[Raw] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"{collection}?limit=500&include_deleted={str(deleted).lower()}" + (
                f"&cursor={cursor}" if cursor else ""
            )
            page = self._call("GET", query)
            rows += page["data"]
            cursor = page["next_cursor"]
        return rows

    def get(self, collection: str, record_id: str) -> Raw:
        return dict(self._call("GET", f"{collection}/{record_id}"))

    def create(self, collection: str, body: Raw) -> Raw:
        return dict(self._call("POST", collection, body, **{"Idempotency-Key": uuid.uuid4().hex}))

    def edit(self, collection: str, record_id: str, body: Raw) -> Raw:
        version = self.get(collection, record_id)["version"]
        return dict(self._call("PATCH", f"{collection}/{record_id}", body, **{"If-Match": f'"{version}"'}))

    def delete(self, collection: str, record_id: str) -> None:
        self._call("DELETE", f"{collection}/{record_id}")

    def void(self, collection: str, record_id: str) -> None:
        self._call("POST", f"{collection}/{record_id}/void", {})


class QuickBooksDesk:
    """People at QuickBooks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.realm = sandbox.info["realm_id"]
        self._sign_in()

    def _sign_in(self) -> None:
        token = self.sandbox.control("token", {"realm_id": self.realm})["access_token"]
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def _call(self, method: str, path: str, body: Any = None, **params: str) -> Raw:
        url = f"{self.sandbox.info['base_url']}/v3/company/{self.realm}/{path}"
        data = None if body is None else simplejson.dumps(body, use_decimal=True)
        headers = {**self.headers, "Content-Type": "application/json"}
        answer = self.sandbox.http.request(method, url, data=data, params=params, headers=headers, timeout=30)
        if answer.status_code >= 400:
            raise Refused(f"{method} {path} {answer.status_code} {answer.text[:300]}")
        return dict(simplejson.loads(answer.content, use_decimal=True))

    def all(self, name: str) -> list[Raw]:
        where = "" if name in ("Invoice", "Payment", "TaxCode") else " where Active in (true, false)"
        rows: list[Raw] = []
        while True:
            statement = f"select * from {name}{where} startposition {len(rows) + 1} maxresults 1000"
            page = self._call("GET", "query", query=statement)["QueryResponse"].get(name, [])
            rows += page
            if len(page) < 1000:
                return rows

    def get(self, name: str, record_id: str) -> Raw:
        return dict(self._call("GET", f"{name.lower()}/{record_id}")[name])

    def create(self, name: str, body: Raw) -> Raw:
        return dict(self._call("POST", name.lower(), body)[name])

    def edit(self, name: str, record_id: str, changes: Raw) -> Raw:
        token = self.get(name, record_id)["SyncToken"]
        body = {"Id": record_id, "SyncToken": token, "sparse": True, **changes}
        return dict(self._call("POST", name.lower(), body)[name])

    def delete(self, name: str, record_id: str) -> None:
        body = {"Id": record_id, "SyncToken": self.get(name, record_id)["SyncToken"]}
        self._call("POST", name.lower(), body, operation="delete")

    def void(self, name: str, record_id: str) -> None:
        body = {"Id": record_id, "SyncToken": self.get(name, record_id)["SyncToken"]}
        if name == "Payment":
            self._call("POST", "payment", {**body, "sparse": True}, operation="update", include="void")
        else:
            self._call("POST", name.lower(), body, operation="void")


@dataclass
class Instance:
    """One installation: its home, its database, both systems."""

    home: Path
    database_url: str
    contractor: Sandbox
    quickbooks: Sandbox

    def environment(self) -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith("QB_")} | self._own()

    def _own(self) -> dict[str, str]:
        return {"QB_HOME": str(self.home), "QB_DATABASE_URL": self.address, "QB_RATE_SCALE": "0"}

    @property
    def address(self) -> str:
        """The database's address as a user writes it."""
        return make_url(self.database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    def run(self, *words: str) -> tuple[int, str, str]:
        """The command as a user types it, in this process: exit code, standard output, standard error."""
        ended = typed(self.home, self._own(), words)
        return ended.code, ended.out, ended.err

    def told(self, *words: str) -> Raw:
        """The document of a command that must end well."""
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return dict(json.loads(out))

    def begin(self, *words: str) -> BaseProcess:
        """The command in a process that starts at once; its output goes to `command.log` of the home."""
        process = FORKS.Process(target=command, args=(self.environment(), str(self.home), words))
        process.start()
        return process

    def connect(self) -> None:
        code, out, err = self.run(
            "connect", "--company", COMPANY, "--contractor-system", "reference",
            "--contractor-url", self.contractor.info["base_url"], "--contractor-key", self.contractor.info["api_key"],
            "--quickbooks-discovery", self.quickbooks.info["discovery_url"],
            "--quickbooks-api", self.quickbooks.info["base_url"], "--client-id", self.quickbooks.info["client_id"],
            "--client-secret", self.quickbooks.info["client_secret"], "--authorize", "auto", "--json",
        )  # fmt: skip
        assert code == 0, f"connect: {err}{out}"

    def sync(self) -> Raw:
        code, out, err = self.run("sync", "--json", "--allow-mass-change")
        assert code == 0, f"sync: {err}{out}"
        return dict(json.loads(out)["companies"][0])

    def rows(self, statement: str) -> list[Raw]:
        with self.asking() as conn:
            return list(conn.execute(statement.encode()).fetchall())

    def asking(self) -> psycopg.Connection[Raw]:
        """A connection to the pipeline's own tables; each statement is a transaction."""
        conn = psycopg.connect(self.address, row_factory=psycopg.rows.dict_row, autocommit=True)
        conn.execute("set search_path to qb")
        return conn


def kill(process: BaseProcess) -> bool:
    """End a process as a power cut would; False when it had ended by itself."""
    process.kill()
    process.join(30)
    return process.exitcode == -signal.SIGKILL


@contextmanager
def instance(folder: Path, database_url: str, states: Mapping[str, Path] | None = None) -> Iterator[Instance]:
    """Both sandboxes (from saved states, or empty) and a home without a connected company."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    kinds = ("contractor", "quickbooks")
    boxes = [Sandbox(kind, (states or {}).get(kind, folder / f"{kind}.sqlite")) for kind in kinds]
    try:
        for box in boxes:
            box.launch("--empty")
        yield Instance(home, database_url, *(box.ready() for box in boxes))
    finally:
        for box in boxes:
            box.stop()


def dec(value: Any) -> Decimal | None:
    """A number without trailing zeros; absent stays absent."""
    return None if value in (None, "") else Decimal(str(value)).quantize(Decimal("0.000001"), ROUND_HALF_UP).normalize()


def cents(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(CENT, ROUND_HALF_UP)


def words(value: Any) -> str:
    return str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
