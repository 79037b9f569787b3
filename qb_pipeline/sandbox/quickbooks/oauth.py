"""OAuth 2 as Intuit runs it: codes, access tokens of an hour, refresh tokens that rotate daily with an overlap.

Invariant: a token opens exactly one realm; what was revoked or outlived opens nothing; all of it survives a restart.

    oauth.authorize(token) -> realm            GatewayRefusal 401
    oauth.code(realm, redirect_uri) -> code    oauth.exchange(code, redirect_uri) / .refresh(token) -> token answer
    oauth.revoke(token)                        kills the pair, whichever half is given
    OAuthError(error, description, status)     the endpoints' refusals
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from qb_pipeline.sandbox.quickbooks.company import Switches
from qb_pipeline.sandbox.quickbooks.faults import GatewayRefusal
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 8_726_400
HARD_SECONDS = 5 * 365 * 86_400
CODE_SECONDS = 600
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY, realm TEXT NOT NULL, refresh TEXT UNIQUE NOT NULL,"
    " issued REAL NOT NULL, expires REAL NOT NULL, older TEXT, older_until REAL, begun REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS grants_older ON grants (older)",
    "CREATE TABLE IF NOT EXISTS access (token TEXT PRIMARY KEY, grant_id INTEGER NOT NULL, expires REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, realm TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
    " expires REAL NOT NULL)",
)


class OAuthError(Exception):
    """A refusal by the token endpoint: `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True)
class OAuth:
    """The authorization server of one sandbox."""

    conn: sqlite3.Connection
    now: Callable[[], datetime]
    switches: Switches

    def create_tables(self) -> None:
        """Make what is missing."""
        for statement in SCHEMA:
            self.conn.execute(statement)

    def authorize(self, token: str) -> str:
        """The realm an access token opens."""
        row = self.conn.execute(
            "SELECT realm, access.expires FROM access JOIN grants ON grants.id = grant_id WHERE token = ?", (token,)
        ).fetchone()
        if row is None:
            raise GatewayRefusal(401, "Malformed bearer token: too short or too long, unknown or revoked")
        if row[1] <= self._time():
            raise GatewayRefusal(401, f"Token expired: {token[:12]}")
        return str(row[0])

    def expire(self, token: str) -> None:
        """Let an access token be over from now on."""
        self.conn.execute("UPDATE access SET expires = 0 WHERE token = ?", (token,))

    def code(self, realm: str, redirect_uri: str) -> str:
        """A one-time code after consent."""
        code = "AB1" + secrets.token_urlsafe(24)
        self.conn.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?)", (code, realm, redirect_uri, self._time() + CODE_SECONDS)
        )
        return code

    def exchange(self, code: str, redirect_uri: str) -> JsonObject:
        """A code for a token pair, once. invalid_grant otherwise."""
        row = self.conn.execute("DELETE FROM codes WHERE code = ? RETURNING realm, redirect_uri, expires", (code,))
        found = row.fetchone()
        if found is None or found[2] <= self._time():
            raise OAuthError("invalid_grant", "Incorrect or expired authorization code")
        if found[1] != redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri differs from the one of the authorization request")
        return self.grant(str(found[0]))

    def grant(self, realm: str) -> JsonObject:
        """A new family of tokens for a realm."""
        now, refresh = self._time(), new_refresh()
        grant = self.conn.execute(
            "INSERT INTO grants (realm, refresh, issued, expires, begun) VALUES (?, ?, ?, ?, ?)",
            (realm, refresh, now, now + REFRESH_SECONDS, now),
        ).lastrowid
        return self._answer(int(grant or 0), refresh, now + REFRESH_SECONDS, now)

    def refresh(self, token: str) -> JsonObject:
        """A new access token; a new refresh token when the current one is older than the rotation time."""
        now = self._time()
        row = self.conn.execute(
            "SELECT id, refresh, issued, expires, older_until, begun FROM grants WHERE refresh = ? OR older = ?",
            (token, token),
        ).fetchone()
        if row is None:
            raise OAuthError("invalid_grant", "Incorrect or invalid refresh token")
        grant, current, issued, expires, older_until, begun = row
        if (token != current and older_until <= now) or expires <= now:
            raise OAuthError("invalid_grant", "Token invalid")
        if token == current and now - issued >= self.switches.refresh_rotation_seconds:
            current, expires = self._rotate(int(grant), str(current), now)
        return self._answer(int(grant), str(current), float(expires), float(begun))

    def _rotate(self, grant: int, current: str, now: float) -> tuple[str, float]:
        fresh, expires = new_refresh(), now + REFRESH_SECONDS
        self.conn.execute(
            "UPDATE grants SET refresh = ?, issued = ?, expires = ?, older = ?, older_until = ? WHERE id = ?",
            (fresh, now, expires, current, now + self.switches.refresh_rotation_seconds, grant),
        )
        return fresh, expires

    def revoke(self, token: str) -> None:
        """End the family of an access or refresh token. invalid_grant for an unknown one."""
        row = self.conn.execute(
            "SELECT id FROM grants WHERE refresh = ? OR older = ? UNION SELECT grant_id FROM access WHERE token = ?",
            (token, token, token),
        ).fetchone()
        if row is None:
            raise OAuthError("invalid_grant", "Token invalid")
        self.conn.execute("DELETE FROM access WHERE grant_id = ?", row)
        self.conn.execute("DELETE FROM grants WHERE id = ?", row)

    def _answer(self, grant: int, refresh: str, refresh_expires: float, begun: float) -> JsonObject:
        now, access = self._time(), "eyJ" + secrets.token_urlsafe(48)
        self.conn.execute("DELETE FROM access WHERE expires <= ?", (now - 86_400,))
        self.conn.execute("INSERT INTO access VALUES (?, ?, ?)", (access, grant, now + ACCESS_SECONDS))
        return {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh,
            "x_refresh_token_expires_in": round(refresh_expires - now),
            "x_refresh_token_hard_expires_in": round(begun + HARD_SECONDS - now),
        }

    def _time(self) -> float:
        return self.now().timestamp()


def new_refresh() -> str:
    """A refresh token that looks like Intuit's."""
    return "RT1-39-H0-" + secrets.token_urlsafe(24)
