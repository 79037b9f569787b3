"""How much of a name is shown to a person.

Invariant: only what is shown is cut, never an id or a value that is stored, compared or written.
"""

from __future__ import annotations

LONGEST = 80  # characters


def shortened(name: str, longest: int = LONGEST) -> str:
    """The name, with … in the place of what is too much of it."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"
