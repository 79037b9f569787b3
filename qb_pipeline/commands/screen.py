"""The terminal a result is shown on.

Invariant: a name that another system keeps is shown and nothing else: it can't steer the terminal or turn a line round.
"""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console

# Control characters but tab and line feed, and the marks that make text run the other way.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text with U+FFFD in the place of each character that would steer the terminal."""
    return _STEERING.sub("\ufffd", text)


class Screen(Console):
    """A console for results."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(harmless(o) if isinstance(o, str) else o for o in objects), **options)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process as failed
