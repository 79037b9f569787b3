"""Who wants to be told, and in which format.

Invariant: a receiver is known by its address; subscribing again changes its format and lets a disabled one live again.

    Subscriptions(conn, formats).add(url, format) / .remove(url) / .all() / .live() / .find(id) / .disable(id)
"""

import sqlite3
from typing import Any

from qb_pipeline.sandbox.kernel.database import add_columns, transaction
from qb_pipeline.sandbox.kernel.errors import ControlError

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS subscription (id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, format TEXT NOT NULL)"
)
# `failing` is the second since which no delivery was accepted; NULL while it goes well.
ADDED = {"failing": "failing REAL", "disabled": "disabled INTEGER NOT NULL DEFAULT 0"}


class Subscriptions:
    """The receivers of one sandbox server."""

    def __init__(self, conn: sqlite3.Connection, formats: tuple[str, ...]) -> None:
        conn.execute(SCHEMA)
        add_columns(conn, "subscription", ADDED)
        self._conn, self._formats = conn, formats

    def add(self, url: object, wanted: object = None) -> dict[str, str]:
        """Add a receiver, or change the format of a known one. ControlError 400 for a bad url or format."""
        chosen = self._formats[0] if wanted is None else wanted
        if chosen not in self._formats:
            known = ", ".join(self._formats)
            raise ControlError(f"format {wanted!r} is not spoken here; use one of {known}", field="format")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ControlError(f"url must be an http(s) address, got {url!r}", field="url")
        self._conn.execute(
            "INSERT INTO subscription (url, format) VALUES (?, ?)"
            " ON CONFLICT (url) DO UPDATE SET format = excluded.format, failing = NULL, disabled = 0",
            (url, chosen),
        )
        return {"url": url, "format": str(chosen)}

    def remove(self, url: str) -> None:
        """Remove a receiver and what waits for it. ControlError 404 when it is unknown."""
        row = self._conn.execute("SELECT id FROM subscription WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise ControlError(f"no subscription for {url}", field="url", status=404, code="not_found")
        with transaction(self._conn):
            self._conn.execute("DELETE FROM outgoing WHERE subscription = ?", row)
            self._conn.execute("DELETE FROM subscription WHERE id = ?", row)

    def all(self) -> list[dict[str, Any]]:
        """Every receiver as {"url", "format"}, with "disabled" true where deliveries were given up."""
        rows = self._conn.execute("SELECT url, format, disabled FROM subscription ORDER BY id")
        return [{"url": url, "format": form} | ({"disabled": True} if off else {}) for url, form, off in rows]

    def live(self) -> list[int]:
        """The receivers that are still delivered to."""
        return [one for (one,) in self._conn.execute("SELECT id FROM subscription WHERE disabled = 0 ORDER BY id")]

    def find(self, subscription: int) -> tuple[str, str] | None:
        """(url, format), None when it is gone."""
        return self._conn.execute(  # type: ignore[no-any-return]  # sqlite3 rows are untyped
            "SELECT url, format FROM subscription WHERE id = ?", (subscription,)
        ).fetchone()

    def accepted(self, subscription: int) -> None:
        """A delivery went well."""
        self._conn.execute("UPDATE subscription SET failing = NULL WHERE id = ? AND failing NOTNULL", (subscription,))

    def refused(self, subscription: int, now: float) -> float:
        """A delivery failed; the seconds since the first that did without one accepted in between."""
        row = self._conn.execute(
            "UPDATE subscription SET failing = coalesce(failing, ?) WHERE id = ? RETURNING failing", (now, subscription)
        ).fetchone()
        return 0.0 if row is None else now - float(row[0])

    def disable(self, subscription: int) -> int:
        """Stop delivering; returns how many events were still waiting and are given up."""
        self._conn.execute("UPDATE subscription SET disabled = 1 WHERE id = ?", (subscription,))
        return self._conn.execute("DELETE FROM outgoing WHERE subscription = ?", (subscription,)).rowcount
