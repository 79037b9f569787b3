"""What an operator may change of the sandbox's OAuth, where Intuit's own answer depends on the app or is disputed.

Invariant: a setting that is not understood changes nothing; all of them outlive a restart.

    settings = OAuthSettings.load(conn)      settings.changed(conn, {"overlap_seconds": 0}) -> OAuthSettings

`POST /_sandbox/oauth` sets them, GET shows them. How often refresh tokens rotate is the switch
`refresh_rotation_seconds` of `/_sandbox/switches`.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from qb_pipeline.sandbox.kernel.database import get_meta, set_meta
from qb_pipeline.sandbox.kernel.errors import ControlError

KEY = "oauth_settings"


@dataclass(frozen=True)
class OAuthSettings:
    """The settings in force."""

    # The app's registered addresses, compared letter by letter; null takes any http(s) address.
    redirect_uris: tuple[str, ...] | None = None
    # How long the former refresh token goes on working after a rotation; null: as long as a rotation lasts (24 hours
    # by the documentation), 0: not at all, as some apps have seen.
    overlap_seconds: int | None = None
    # Whether consent to the same company ends the tokens given before.
    one_family: bool = False

    @classmethod
    def load(cls, conn: sqlite3.Connection) -> "OAuthSettings":
        """As kept in the state."""
        return cls(**checked(json.loads(get_meta(conn, KEY) or "{}")))

    def changed(self, conn: sqlite3.Connection, wanted: object) -> "OAuthSettings":
        """Change and keep what is given. ControlError 400."""
        if not isinstance(wanted, dict):
            raise ControlError("send a JSON object")
        after = replace(self, **checked(wanted))
        set_meta(conn, KEY, json.dumps(asdict(after)))
        return after


def checked(wanted: dict[str, Any]) -> dict[str, Any]:
    """The given settings, or ControlError 400 naming the first wrong one."""
    for name, value in wanted.items():
        if name not in CHECKS:
            raise ControlError(f"unknown field {name!r}; known are {', '.join(CHECKS)}", field=name)
        right, meaning = CHECKS[name]
        if not right(value):
            raise ControlError(f"{name} must be {meaning}, got {value!r}", field=name)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in wanted.items()}


def addresses(value: object) -> bool:
    """A list of http(s) addresses, or None."""
    return value is None or (
        isinstance(value, list)
        and all(isinstance(one, str) and one.startswith(("http://", "https://")) for one in value)
    )


def seconds(value: object) -> bool:
    """A whole number of seconds, or None."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9)


CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "redirect_uris": (addresses, "a list of http(s) addresses or null"),
    "overlap_seconds": (seconds, "a whole number of seconds or null"),
    "one_family": (lambda value: isinstance(value, bool), "true or false"),
}
