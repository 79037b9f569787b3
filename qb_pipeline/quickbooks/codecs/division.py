"""Divisions, which QBO keeps as classes.

Invariant: a class's place below another one is never moved from here; only its own name is.
"""

from __future__ import annotations

from typing import ClassVar

from qb_pipeline.entities.division import DIVISION
from qb_pipeline.entities.records import Decoded, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.base import FieldwiseCodec
from qb_pipeline.quickbooks.codecs.fields import Body, Raw


def _split_path(path: str) -> tuple[str, str]:
    """The parents' path (empty at the top) and the class's own name."""
    parents, _, leaf = path.rpartition(":")
    return parents, leaf


class DivisionCodec(FieldwiseCodec):
    entity = DIVISION
    writers: ClassVar = {
        "name": lambda values: {"Name": _split_path(str(values["name"]))[1]},
        "active": fields.write_value("Active", "active"),
    }

    def decode(self, raw: Raw) -> Decoded:
        name = fields.read_name(raw, "FullyQualifiedName", "Name")
        return Decoded({"name": name, "active": fields.is_active(raw)})

    def encode_create(self, values: Values) -> Body:
        limits.check_name_characters(self.entity, values, ["name"])
        return super().encode_create(values)

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        if "name" in changed:
            self._check_same_parent(values, current)
        return super().encode_update(values, changed, current)

    def _check_same_parent(self, values: Values, current: Raw) -> None:
        parent = _split_path(str(self.decode(current).values["name"] or ""))[0]
        if _split_path(str(values.get("name") or ""))[0] != parent:
            place = f"below '{parent}'" if parent else "at the top"
            raise limits.refuse(situations.CLASS_MOVED, self.entity, values, "name", place=place)
