"""Jobs, which QBO keeps as sub-customers.

Invariant: a display name read and written again is the same display name, and a job deeper than one level keeps its
place below another job.
"""

from __future__ import annotations

import re
from typing import ClassVar

from qb_pipeline.entities.job import JOB
from qb_pipeline.entities.records import Decoded, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.base import FieldwiseCodec
from qb_pipeline.quickbooks.codecs.customer import is_job
from qb_pipeline.quickbooks.codecs.fields import Body, Raw

_NUMBER_LIMIT = 40
_NUMBERED = re.compile(r"(?P<name>.+) \((?P<number>[^()]+)\)", re.DOTALL)


def display_name(name: str, number: str | None) -> str:
    return f"{name} ({number})" if number else name


def split_display_name(shown: str) -> tuple[str, str | None]:
    """Name and job number; a trailing parenthesis is a number only if it holds a digit and is short enough."""
    found = _NUMBERED.fullmatch(shown)
    if not found:
        return shown, None
    name, number = found["name"].strip(), found["number"].strip()
    is_number = len(number) <= _NUMBER_LIMIT and any(sign.isdigit() for sign in number)
    # Odd spacing would be lost in the parts, so such a name stays whole.
    return (name, number) if is_number and display_name(name, number) == shown else (shown, None)


def _write_display_name(values: Values) -> Body:
    number = values.get("number")
    return {"DisplayName": display_name(str(values["name"]), None if number is None else str(number))}


class JobCodec(FieldwiseCodec):
    entity = JOB
    names_without_signs = ("name", "number")
    writers: ClassVar = {
        **dict.fromkeys(("name", "number"), _write_display_name),
        "customer": lambda values: {"ParentRef": {"value": values["customer"]}, "Job": True},
        **fields.address_writers("ShipAddr", "site"),
        "active": fields.write_value("Active", "active"),
    }

    @staticmethod
    def wants(raw: Raw) -> bool:
        return is_job(raw)

    def decode(self, raw: Raw) -> Decoded:
        name, number = split_display_name(fields.read_name(raw, "DisplayName") or "")
        parent = fields.read_ref(raw, "ParentRef")
        values = {
            "name": name or None,
            "number": number,
            "customer": self.facts.job_parents.get(parent, parent) if parent else None,
            **fields.read_address(raw, "ShipAddr", "site"),
            "active": fields.is_active(raw),
        }
        return Decoded(values, skip=None if is_job(raw) else "it is a top-level customer")

    def encode_create(self, values: Values) -> Body:
        return {**super().encode_create(values), "BillWithParent": False}

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        if "customer" in changed and fields.read_ref(current, "ParentRef") in self.facts.job_parents:
            raise limits.refuse(situations.NESTED_JOB, self.entity, values, "customer")
        return super().encode_update(values, changed, current)

    def check(self, values: Values, names: frozenset[str]) -> None:
        if names & {"name", "number"}:
            super().check(values, names | {"name"})
            self._check_readable_again(values)
        else:
            super().check(values, names)

    def _check_readable_again(self, values: Values) -> None:
        name, number = str(values["name"]), values.get("number")
        if split_display_name(_write_display_name(values)["DisplayName"]) == (name, number):
            return
        if number is None:
            raise limits.refuse(situations.AMBIGUOUS_NAME, self.entity, values, "name")
        raise limits.refuse(situations.AMBIGUOUS_NUMBER, self.entity, values, "number", number=number)
