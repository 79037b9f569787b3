"""A console on a socket in a thread, and webhooks as both systems sign them.

Invariant: signatures are spelled out here a second time, from Intuit's description, not by the console's own code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine, select

from qb_pipeline.console.app import make_app
from qb_pipeline.console.server import base_url, listen, make_server
from qb_pipeline.settings import Settings, console_key, settings, token_key
from qb_pipeline.store import companies, tables
from qb_pipeline.store.sealing import Sealer

VERIFIER, SECRET, REALM = "verifier-of-the-settings", "secret-of-the-settings", "4620816365000000001"


def settings_for(home: Path, **more: Any) -> Settings:
    return settings(_env_file=None, home=home, **{"verifier_token": VERIFIER, "webhook_secret": SECRET, **more})


@dataclass
class Running:
    """A console that answers; `told` lists the companies it said were connected."""

    base_url: str
    engine: Engine
    settings: Settings
    told: list[str] = field(default_factory=list)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {console_key(self.settings)}"}

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.base_url + path, timeout=20, allow_redirects=False, **more)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        return requests.post(f"{self.base_url}/webhooks/{path}", data=body, headers=dict(headers), timeout=20)

    def quickbooks(self, document: Any, token: str = VERIFIER, **headers: str) -> requests.Response:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.post("quickbooks", body, {"intuit-signature": intuit(body, token)} | headers)

    def contractor(
        self, document: Any, secret: str = SECRET, company: str | None = None, **headers: str
    ) -> requests.Response:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        path = "contractor" + (f"/{company}" if company else "")
        return self.post(path, body, {"X-Signature": reference(body, secret)} | headers)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name with labels."""
        text = self.get("/metrics", headers=self.bearer).text
        rows = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        """What the inbox holds, oldest first."""
        inbox = tables.inbox
        with self.engine.connect() as conn:
            return [tuple(row) for row in conn.execute(select(*(inbox.c[c] for c in columns)).order_by(inbox.c.id))]


@contextmanager
def console(engine: Engine, current: Settings) -> Iterator[Running]:
    """A console for the length of the block."""
    listening = threading.Event()
    with listen("127.0.0.1", 0) as listener:
        here = base_url(listener, "127.0.0.1")
        current = current.model_copy(update={"redirect_uri": f"{here}/oauth/callback"})
        running = Running(here, engine, current)
        server = make_server(make_app(engine, current, running.told.append), current, listening.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert listening.wait(10)
            yield running
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def enter(engine: Engine, current: Settings, name: str, realm: str | None = REALM, **more: str) -> None:
    """A company as `connect` leaves it, without the consent."""
    with engine.begin() as conn:
        companies.save(conn, Sealer(token_key(current)), name, contractor_system="reference", **more)
        if realm is not None:
            companies.connected(conn, name, realm)


def intuit(body: bytes, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def reference(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def entity(name: str = "Customer", record: str = "71", operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"name": name, "id": record, "operation": operation, "lastUpdated": "2026-03-04T10:00:00.000Z", **more}


def legacy(*entities: dict[str, Any], realm: str = REALM) -> dict[str, Any]:
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": list(entities)}}]}


def cloud(key: str, kind: str = "qbo.customer.updated.v1", record: str = "71", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": key, "source": "intuit.c29tZWJvZHk=", "type": kind, "time": "2026-03-04T10:00:00Z",
        "intuitentityid": record, "intuitaccountid": REALM, "data": {}, **more,
    }  # fmt: skip


def hint(key: str, kind: str = "invoice.updated", record: str = "inv_1") -> dict[str, Any]:
    """An event of the reference contractor system."""
    return {"id": key, "type": kind, "record_id": record, "occurred_at": "2026-03-04T10:00:00Z"}
