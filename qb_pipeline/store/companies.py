"""Companies: which contractor workspace belongs to which QBO realm, and whether they are connected.

Invariant: a realm belongs to one company only, and its secrets leave this table sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from qb_pipeline.errors import Misconfigured, PipelineError
from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.sealing import Sealer

_company = tables.company


class CompanyState(StrEnum):
    NEW = "new"  # entered, not authorised yet
    CONNECTED = "connected"
    RECONNECT = "reconnect"  # QuickBooks or the contractor's system refuses us until somebody authorises again
    DISCONNECTED = "disconnected"  # by our own command


@dataclass(frozen=True)
class Company:
    """One company as stored; secrets are sealed, see `contractor_key` and `client_secret`."""

    name: str
    realm_id: str | None
    contractor_system: str
    contractor_url: str | None
    quickbooks_api: str | None
    quickbooks_discovery: str | None
    client_id: str | None
    state: CompanyState
    state_reason: str | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    created_at: datetime
    contractor_key_sealed: bytes | None = field(default=None, repr=False)
    client_secret_sealed: bytes | None = field(default=None, repr=False)
    verifier_sealed: bytes | None = field(default=None, repr=False)
    webhook_secret_sealed: bytes | None = field(default=None, repr=False)

    def contractor_key(self, sealer: Sealer) -> str | None:
        return sealer.unseal(self.contractor_key_sealed, self.name) if self.contractor_key_sealed else None

    def client_secret(self, sealer: Sealer) -> str | None:
        return sealer.unseal(self.client_secret_sealed, self.name) if self.client_secret_sealed else None

    def verifier_token(self, sealer: Sealer) -> str | None:
        """What signs QuickBooks' webhooks of the company's own app."""
        return sealer.unseal(self.verifier_sealed, self.name) if self.verifier_sealed else None

    def webhook_secret(self, sealer: Sealer) -> str | None:
        """What signs the contractor system's webhooks."""
        return sealer.unseal(self.webhook_secret_sealed, self.name) if self.webhook_secret_sealed else None

    def know_secrets(self, sealer: Sealer) -> None:
        """Open each secret once, so that it is known as one, and hidden, whoever repeats it."""
        for opened in (self.contractor_key, self.client_secret, self.verifier_token, self.webhook_secret):
            with suppress(PipelineError):  # whoever needs it says that it can't be opened; nobody can repeat it
                opened(sealer)


def save(
    conn: Connection,
    sealer: Sealer,
    name: str,
    *,
    contractor_system: str,
    contractor_url: str | None = None,
    contractor_key: str | None = None,
    quickbooks_api: str | None = None,
    quickbooks_discovery: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    verifier_token: str | None = None,
    webhook_secret: str | None = None,
) -> Company:
    """Enter a company or replace its addresses and keys; its realm and state stay."""
    row: dict[str, Any] = {
        "contractor_system": contractor_system,
        "contractor_url": contractor_url,
        "contractor_key_sealed": sealer.seal(contractor_key, name) if contractor_key else None,
        "quickbooks_api": quickbooks_api,
        "quickbooks_discovery": quickbooks_discovery,
        "client_id": client_id,
        "client_secret_sealed": sealer.seal(client_secret, name) if client_secret else None,
        "verifier_sealed": sealer.seal(verifier_token, name) if verifier_token else None,
        "webhook_secret_sealed": sealer.seal(webhook_secret, name) if webhook_secret else None,
    }
    statement = insert(_company).values(name=name, created_at=utcnow(), **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
    return get(conn, name)


def connected(conn: Connection, name: str, realm_id: str, now: datetime | None = None) -> None:
    """Note a consent given for `realm_id`; `Misconfigured` when another company has that realm, or this one another."""
    known = get(conn, name).realm_id
    if known not in (None, realm_id):
        raise Misconfigured(
            f"Company {name!r} belongs to QuickBooks realm {known}, but the consent was given for {realm_id}.",
            code="other_realm",
            fix="Sign in to the right QuickBooks company, or connect this one under another name.",
        )
    try:
        with conn.begin_nested():
            _update(conn, name, realm_id=realm_id, connected_at=now or utcnow(), state=CompanyState.CONNECTED.value,
                    state_reason=None)  # fmt: skip
    except IntegrityError:
        raise Misconfigured(
            f"QuickBooks realm {realm_id} is connected to another company already.",
            code="realm_taken",
            fix="Disconnect that company first, or choose another QuickBooks company.",
        ) from None


def set_state(
    conn: Connection, name: str, state: CompanyState, reason: str | None = None, now: datetime | None = None
) -> None:
    """Move a company to `state`; leaving the connected state stamps `disconnected_at`."""
    values: dict[str, Any] = {"state": state.value, "state_reason": reason}
    was_connected = get(conn, name).state is CompanyState.CONNECTED
    if was_connected and state is not CompanyState.CONNECTED:
        values["disconnected_at"] = now or utcnow()
    if state is CompanyState.CONNECTED and not was_connected:
        values["connected_at"] = now or utcnow()
    _update(conn, name, **values)


def get(conn: Connection, name: str, *, hold: bool = False) -> Company:
    """The company, or `Misconfigured` naming the ones there are; with `hold` nobody else changes it before the end of
    the transaction."""
    statement = select(_company).where(_company.c.name == name)
    # Rows of other tables that refer to the company may still be written meanwhile: its name stays.
    held = statement.with_for_update(key_share=True) if hold else statement
    row = conn.execute(held).mappings().first()
    if row is None:
        known = ", ".join(sorted(conn.scalars(select(_company.c.name)))) or "none yet"
        raise Misconfigured(
            f"There is no company {name!r} (known: {known}).",
            code="unknown_company",
            fix="Check the name, or enter it with qb-pipeline connect.",
        )
    return _read(row)


def by_realm(conn: Connection, realm_id: str) -> Company | None:
    row = conn.execute(select(_company).where(_company.c.realm_id == realm_id)).mappings().first()
    return _read(row) if row else None


def listing(conn: Connection) -> list[Company]:
    """Every company by name."""
    return [_read(row) for row in conn.execute(select(_company).order_by(_company.c.name)).mappings()]


def _update(conn: Connection, name: str, **values: Any) -> None:
    conn.execute(update(_company).where(_company.c.name == name).values(**values))


def _read(row: Mapping[Any, Any]) -> Company:
    return Company(**{**row, "state": CompanyState(row["state"])})
