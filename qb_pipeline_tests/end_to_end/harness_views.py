"""One side's records in plain words, which both sides are put into before they are compared.

Invariant: nothing here knows a side; what both may write in several ways is written in one way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qb_pipeline_tests.end_to_end.harness import Raw, words

Ref = tuple[str, str] | None
PARTS = ("line1", "line2", "city", "state", "postal_code", "country")


@dataclass
class View:
    """One record of one side: its state (live, inactive, void, gone, draft) and what it says."""

    id: str
    state: str
    values: dict[str, Any]
    title: str


@dataclass
class Books:
    """One side, by entity and id."""

    views: dict[str, dict[str, View]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, entity: str, view: View) -> None:
        self.views[entity][view.id] = view


def ref(entity: str, value: Any) -> Ref:
    return (entity, str(value)) if value else None


def phone(value: Any) -> str:
    digits = re.sub(r"\D", "", words(value))
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits or words(value)


def streets(lines: Iterable[str]) -> str:
    return "\n".join(line.strip() for line in lines if line.strip())


def title(entity: str, values: Raw) -> str:
    named = values.get("called") or values.get("name") or values.get("number") or values.get("reference")
    if named or entity not in ("invoice", "payment"):
        return f"{entity} {named or values.get('date')}"
    return f"{entity} of {values['date']} ({values['total' if entity == 'invoice' else 'amount']})"
