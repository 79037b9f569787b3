"""A record as one side shows it, in canonical terms.

Invariant: values are canonical Python types (str, Decimal, date, bool, int, None, tuples of mappings), references are
native ids of the record's own side, and nothing here knows how either system spells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from qb_pipeline.entities.spec import Side

Line = Mapping[str, Any]  # a line's canonical fields plus "id", its native id (None for a line not written yet)
Value = str | Decimal | date | bool | int | None | tuple[Line, ...]
Values = Mapping[str, Value]


class State(StrEnum):
    """Where a record stands in its life; inactive names are LIVE with `active` false."""

    LIVE = "live"
    VOIDED = "voided"
    DELETED = "deleted"


@dataclass(frozen=True)
class Decoded:
    """What a codec reads out of one raw object.

    `skip` says why this object is not synchronised (a draft, a pseudo tax code); None means it is.
    `frozen` says why it may not be changed (deposited, closed period); None means it may.
    """

    values: Values
    state: State = State.LIVE
    skip: str | None = None
    frozen: str | None = None


@dataclass(frozen=True)
class Record:
    """One observed record: identity, version and canonical values beside the raw payload."""

    entity: str
    side: Side
    id: str
    version: str
    updated_at: datetime
    values: Values
    raw: Mapping[str, Any] = field(repr=False)
    state: State = State.LIVE
    skip: str | None = None
    frozen: str | None = None
