"""The sandbox as a whole: companies, credentials, and what the control routes do with them.

Invariant: a realm sees its own objects only; it is made on demand and complete from its first moment.

    world = World(conn, kernel_clock, switches)    world.company(realm) -> Company for this request's moment
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from qb_pipeline.sandbox.kernel.clock import Clock
from qb_pipeline.sandbox.kernel.database import get_meta, set_meta, transaction
from qb_pipeline.sandbox.kernel.errors import DataError
from qb_pipeline.sandbox.quickbooks import files, outbox
from qb_pipeline.sandbox.quickbooks.company import Company, Switches
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps, loads
from qb_pipeline.sandbox.quickbooks.ledger.opening import open_books
from qb_pipeline.sandbox.quickbooks.loader import load
from qb_pipeline.sandbox.quickbooks.notifications import COVERED
from qb_pipeline.sandbox.quickbooks.oauth import OAuth
from qb_pipeline.sandbox.quickbooks.seed import complete_company, fresh_company, sample_company
from qb_pipeline.sandbox.quickbooks.store import Store, add_company, company_key, create_tables, realms

SWITCHES = "quickbooks_switches"
DEFAULT_REALM = "9130350000000000001"


@dataclass(frozen=True)
class Credentials:
    """What an app registered with Intuit would hold."""

    client_id: str
    client_secret: str
    verifier_token: str


@dataclass
class World:
    """All companies of one sandbox server."""

    conn: sqlite3.Connection
    clock: Clock
    switches: Switches = field(default_factory=Switches)
    # Set once the kernel exists; until then nothing is announced.
    enqueue: Callable[[JsonObject], None] = lambda _event: None
    _roles: dict[int, dict[str, str]] = field(default_factory=dict)
    _keys: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        create_tables(self.conn)
        files.create_tables(self.conn)
        outbox.create_tables(self.conn)
        self.oauth = OAuth(self.conn, self.clock.now, self.switches)
        self.oauth.create_tables()
        self.credentials = credentials(self.conn)
        for name, value in loads(get_meta(self.conn, SWITCHES) or "{}").items():
            setattr(self.switches, name, value)

    def keep_switches(self) -> None:
        """Let the switches outlive a restart."""
        set_meta(self.conn, SWITCHES, dumps(asdict(self.switches)))

    def realms(self) -> list[str]:
        """Every company, the oldest first."""
        return realms(self.conn)

    def known(self, realm: str) -> bool:
        """Whether the company exists."""
        return realm in self._keys or company_key(self.conn, realm) is not None

    def company(self, realm: str) -> Company:
        """The company at this moment. KeyError when the realm does not exist."""
        key = self._keys.get(realm) or company_key(self.conn, realm)
        if key is None:
            raise KeyError(realm)
        self._keys[realm] = key
        roles = self._roles.setdefault(key, {})
        return Company(Store(self.conn, key), realm, self.clock.now(), self.switches, self.announce, roles)

    def announce(self, event: JsonObject) -> None:
        """Queue a webhook event for the entities Intuit notifies about."""
        if event["entity"] in COVERED:
            self.enqueue(event)

    def forget_roles(self) -> None:
        """After a rollback the cached account roles may name accounts that never were."""
        for roles in self._roles.values():
            roles.clear()

    def ensure_realm(self, realm: str) -> None:
        """Make a fresh company when the realm is new."""
        if not self.known(realm):
            with transaction(self.conn):
                add_company(self.conn, realm)
                fresh_company(self.company(realm))

    def set_up(self, data: Path | None, *, empty: bool) -> str:
        """Make the default company unless the state already holds one; returns its realm."""
        existing = self.realms()
        if existing:
            return existing[0]
        with transaction(self.conn):
            add_company(self.conn, DEFAULT_REALM)
            self._fill(self.company(DEFAULT_REALM), data, empty=empty)
        return DEFAULT_REALM

    def _fill(self, company: Company, data: Path | None, *, empty: bool) -> None:
        if data is not None:
            load(company, data)
            try:
                complete_company(company)
                open_books(company)
            except Fault as fault:
                raise DataError(f"{data}: books cannot be made of these objects: {fault}") from fault
            return
        if empty:
            fresh_company(company)
        else:
            sample_company(company)


def credentials(conn: sqlite3.Connection) -> Credentials:
    """Made once per state, so that clients survive a restart of the sandbox."""
    for key in ("client_id", "client_secret", "verifier_token"):
        if get_meta(conn, key) is None:
            set_meta(conn, key, f"sandbox-{key.split('_')[1]}-{secrets.token_hex(12)}")
    return Credentials(*(str(get_meta(conn, key)) for key in ("client_id", "client_secret", "verifier_token")))
