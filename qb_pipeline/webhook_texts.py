"""The ids and names that a webhook says, of whichever system.

Invariant: what passes is a text that any database holds; what does not costs its own event its place, and no other.
"""

from __future__ import annotations

from typing import Any

_MOST = 200  # characters of an id or a name; the longest of Intuit's have some fifty


class Unreadable(Exception):
    """One event can't be read; says why."""


def text(value: Any, name: str) -> str | None:
    """`value`, which the event gives under `name`, as a text; None where it gives none.

    Ids come as texts or whole numbers; anything else is `Unreadable`.
    """
    if value is None or value == "":
        return None
    said = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not said or len(said) > _MOST or not said.isprintable():
        raise Unreadable(f"an event's {name} is no plain text of at most {_MOST} characters")
    return said


def needed(value: Any, name: str) -> str:
    """As `text`, for what an event can't do without."""
    found = text(value, name)
    if found is None:
        raise Unreadable(f"an event has no {name}")
    return found
