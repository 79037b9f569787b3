"""The e-mails that were "sent": nothing leaves the sandbox, everything is written down.

Invariant: a mail is noted in the transaction that marks its form EmailSent.

    create_tables(conn)    note(conn, company, Mail(...))    sent_mails(conn, realm) -> [Mail, ...], the oldest first
"""

import sqlite3
from dataclasses import dataclass

from qb_pipeline.sandbox.quickbooks.jsontext import dumps, loads


@dataclass(frozen=True)
class Mail:
    """Who was sent what and when; `at` is ISO 8601, `attachments` are the ids of the Attachables that went along."""

    realm_id: str
    at: str
    entity: str
    id: str
    doc_number: str | None
    to: str
    cc: str | None
    bcc: str | None
    attachments: list[str]


def create_tables(conn: sqlite3.Connection) -> None:
    """Where mails are kept."""
    conn.execute(
        "CREATE TABLE IF NOT EXISTS sent_mail (n INTEGER PRIMARY KEY, realm TEXT NOT NULL, mail TEXT NOT NULL)"
    )
    conn.execute("CREATE INDEX IF NOT EXISTS sent_by_realm ON sent_mail (realm, n)")


def note(conn: sqlite3.Connection, mail: Mail) -> None:
    """Write one mail down."""
    conn.execute("INSERT INTO sent_mail (realm, mail) VALUES (?, ?)", (mail.realm_id, dumps(vars(mail))))


def sent_mails(conn: sqlite3.Connection, realm: str | None = None) -> list[Mail]:
    """All mails of a company, or of every company."""
    rows = conn.execute("SELECT mail FROM sent_mail WHERE ? IS NULL OR realm = ? ORDER BY n", (realm, realm))
    return [Mail(**loads(mail)) for (mail,) in rows]
