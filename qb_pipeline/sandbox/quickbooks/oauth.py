"""OAuth 2 as Intuit runs it: codes, access tokens of an hour, refresh tokens that rotate daily with an overlap.

Invariant: a token opens exactly one realm, and only for what its scope names; what was revoked or outlived opens
nothing; all of it survives a restart.

    oauth.authorize(token) -> realm            GatewayRefusal 401, 403 when the scope is not accounting
    oauth.code(realm, redirect_uri, scope) -> code
    oauth.exchange(code, redirect_uri) / .refresh(token) -> token answer (`scope` and `realm_id` are for the caller)
    oauth.revoke(token)                        kills the pair, whichever half is given
    OAuthError(error, description, status)     the endpoints' refusals

Times are the sandbox clock's. A refresh token lives 101 days from its last rotation and never beyond five years from
the consent.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from qb_pipeline.sandbox.kernel.database import add_columns, transaction
from qb_pipeline.sandbox.quickbooks.company import Switches
from qb_pipeline.sandbox.quickbooks.faults import GatewayRefusal
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.oauth_settings import OAuthSettings

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 8_726_400
HARD_SECONDS = 5 * 365 * 86_400
CODE_SECONDS = 600
ACCOUNTING = "com.intuit.quickbooks.accounting"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY, realm TEXT NOT NULL, refresh TEXT UNIQUE NOT NULL,"
    " issued REAL NOT NULL, expires REAL NOT NULL, older TEXT, older_until REAL, begun REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS grants_older ON grants (older)",
    "CREATE TABLE IF NOT EXISTS access (token TEXT PRIMARY KEY, grant_id INTEGER NOT NULL, expires REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS access_expires ON access (expires)",
    "CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, realm TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
    " expires REAL NOT NULL)",
)
SCOPE = {"scope": f"scope TEXT NOT NULL DEFAULT '{ACCOUNTING}'"}


class OAuthError(Exception):
    """A refusal by the token endpoint: `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@dataclass
class Grant:
    """One family of tokens."""

    id: int
    realm: str
    refresh: str
    issued: float
    expires: float
    older_until: float | None
    begun: float
    scope: str


GRANT = "SELECT id, realm, refresh, issued, expires, older_until, begun, scope FROM grants WHERE "


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
        for table in ("grants", "codes"):
            add_columns(self.conn, table, SCOPE)

    @property
    def settings(self) -> OAuthSettings:
        """What the operator has set."""
        return OAuthSettings.load(self.conn)

    def authorize(self, token: str) -> str:
        """The realm an access token opens for accounting."""
        realm, scope = self.holder(token)
        if ACCOUNTING not in scope.split():
            raise GatewayRefusal(403, f"The token's scope is {scope}, without {ACCOUNTING}")
        return realm

    def holder(self, token: str) -> tuple[str, str]:
        """(realm, scope) of a live access token."""
        row = self.conn.execute(
            "SELECT realm, access.expires, scope FROM access JOIN grants ON grants.id = grant_id WHERE token = ?",
            (token,),
        ).fetchone()
        if row is None:
            raise GatewayRefusal(401, "Malformed bearer token: too short or too long, unknown or revoked")
        if row[1] <= self._time():
            raise GatewayRefusal(401, f"Token expired: {token[:12]}")
        return str(row[0]), str(row[2])

    def expire(self, token: str) -> None:
        """Let an access token be over from now on."""
        self.conn.execute("UPDATE access SET expires = 0 WHERE token = ?", (token,))

    def code(self, realm: str, redirect_uri: str, scope: str = ACCOUNTING) -> str:
        """A one-time code after consent."""
        code, now = "AB1" + secrets.token_urlsafe(24), self._time()
        self.conn.execute("DELETE FROM codes WHERE expires <= ?", (now,))
        self.conn.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?)", (code, realm, redirect_uri, now + CODE_SECONDS, scope)
        )
        return code

    def exchange(self, code: str, redirect_uri: str) -> JsonObject:
        """A code for a token pair, once. invalid_grant otherwise."""
        row = self.conn.execute(
            "DELETE FROM codes WHERE code = ? RETURNING realm, redirect_uri, expires, scope", (code,)
        ).fetchone()
        if row is None or row[2] <= self._time():
            raise OAuthError("invalid_grant", "Incorrect or expired authorization code")
        if row[1] != redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri differs from the one of the authorization request")
        with transaction(self.conn):
            if self.settings.one_family:
                for (former,) in self.conn.execute("SELECT id FROM grants WHERE realm = ?", (row[0],)).fetchall():
                    self._end(former)
            return self.grant(str(row[0]), str(row[3]))

    def grant(self, realm: str, scope: str = ACCOUNTING) -> JsonObject:
        """A new family of tokens for a realm."""
        now, refresh = self._time(), new_refresh()
        made = self.conn.execute(
            "INSERT INTO grants (realm, refresh, issued, expires, begun, scope) VALUES (?, ?, ?, ?, ?, ?)",
            (realm, refresh, now, now + REFRESH_SECONDS, now, scope),
        ).lastrowid
        return self._answer(Grant(int(made or 0), realm, refresh, now, now + REFRESH_SECONDS, None, now, scope))

    def refresh(self, token: str) -> JsonObject:
        """A new access token; a new refresh token when the current one is older than the rotation time."""
        now = self._time()
        row = self.conn.execute(GRANT + "refresh = ? OR older = ?", (token, token)).fetchone()
        if row is None:
            raise OAuthError("invalid_grant", "Incorrect or invalid refresh token")
        grant = Grant(*row)
        if (token != grant.refresh and (grant.older_until or 0) <= now) or grant.expires <= now:
            raise OAuthError("invalid_grant", "Token invalid")
        with transaction(self.conn):
            if token == grant.refresh and now - grant.issued >= self.switches.refresh_rotation_seconds:
                self._rotate(grant, now)
            return self._answer(grant)

    def _rotate(self, grant: Grant, now: float) -> None:
        overlap = self.settings.overlap_seconds
        until = now + (self.switches.refresh_rotation_seconds if overlap is None else overlap)
        older, grant.refresh = grant.refresh, new_refresh()
        grant.expires = min(now + REFRESH_SECONDS, grant.begun + HARD_SECONDS)
        self.conn.execute(
            "UPDATE grants SET refresh = ?, issued = ?, expires = ?, older = ?, older_until = ? WHERE id = ?",
            (grant.refresh, now, grant.expires, older, until, grant.id),
        )

    def revoke(self, token: str) -> None:
        """End the family of an access or refresh token. invalid_grant for an unknown one."""
        row = self.conn.execute(
            "SELECT id FROM grants WHERE refresh = ? OR older = ? UNION SELECT grant_id FROM access WHERE token = ?",
            (token, token, token),
        ).fetchone()
        if row is None:
            raise OAuthError("invalid_grant", "Token invalid")
        with transaction(self.conn):
            self._end(row[0])

    def _end(self, grant: int) -> None:
        self.conn.execute("DELETE FROM access WHERE grant_id = ?", (grant,))
        self.conn.execute("DELETE FROM grants WHERE id = ?", (grant,))

    def _answer(self, grant: Grant) -> JsonObject:
        now, access = self._time(), "eyJ" + secrets.token_urlsafe(48)
        self.conn.execute("DELETE FROM access WHERE expires <= ?", (now - 86_400,))
        self.conn.execute("INSERT INTO access VALUES (?, ?, ?)", (access, grant.id, now + ACCESS_SECONDS))
        return {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": round(grant.expires - now),
            "x_refresh_token_hard_expires_in": round(grant.begun + HARD_SECONDS - now),
            "scope": grant.scope,
            "realm_id": grant.realm,
        }

    def _time(self) -> float:
        return self.now().timestamp()


def new_refresh() -> str:
    """A refresh token that looks like Intuit's."""
    return "RT1-39-H0-" + secrets.token_urlsafe(24)
