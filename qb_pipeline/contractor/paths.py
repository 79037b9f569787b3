"""Reading and writing at a dotted path of a JSON object.

Invariant: writing at a path leaves every neighbour of that path as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*(\.[A-Za-z_][A-Za-z0-9_\-]*)*")


def is_path(text: str) -> bool:
    """Whether `text` is a path of this language: names joined by dots."""
    return _PATH.fullmatch(text) is not None


def look(raw: Mapping[str, Any], path: str) -> Any:
    """The value at `path`, None where it or anything above it is absent or null."""
    here: Any = raw
    for name in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(name)
    return here


def root(path: str) -> str:
    return path.split(".", 1)[0]


def put(target: MutableMapping[str, Any], path: str, value: Any) -> None:
    """Set `path`, making the objects above it where they are absent or null."""
    *above, last = path.split(".")
    here = target
    for name in above:
        if not isinstance(here.get(name), MutableMapping):
            here[name] = {}
        here = here[name]
    here[last] = value
