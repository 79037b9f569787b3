"""The translation between one side's objects and canonical values.

Invariant: `decode(encode_create(v))` gives `v` back for every field the side can express, and `encode_update` names
only what changed, so that nothing the other people filled in is wiped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from qb_pipeline.entities.records import Decoded, Values


class Codec(Protocol):
    """One entity on one side. References in values are that side's native ids."""

    def decode(self, raw: Mapping[str, Any]) -> Decoded:
        """Read a raw object; raises `FixTheData` naming the field when it can't be read."""
        ...

    def encode_create(self, values: Values) -> dict[str, Any]:
        """The body that creates the record; raises `FixTheData` for what that side can't hold."""
        ...

    def encode_update(self, values: Values, changed: frozenset[str], current: Mapping[str, Any]) -> dict[str, Any]:
        """The sparse body that makes `changed` fields of `current` (raw) equal `values` (complete, desired)."""
        ...
