"""What people at both desks pick from, and the book that is kept of what they entered.

Invariant: every choice comes from one seeded `Random`, so that the same seed does the same work.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, QuickBooksDesk, Raw

NAMES = (
    "O'Brien & Sons", 'The "Corner" House', "Müller Straßenbau", "Łódź Budowa", "山田建設",
    "Back\\slash Inc", "A:B Works",
    "Smith, John", "100% Drywall", "Tom_&_Jerry", "  Spaced  Out ", "Zoë Ångström", "x" * 90, "Emoji 🏠 Homes",
    "Q'; drop table x; --", "Anna Bell", "Bob Stone", "Carl Reed", "Dana Fox", "Eve Lake", "Finn Hill", "Gus Park",
)  # fmt: skip
WORDS = (
    "Framing",
    "Wire & pipe",
    'Said "now"',
    "Rückbau",
    "it's done",
    "a\\b",
    "",
    "line\nbreak",
    "   ",
    "50% off",
    "été",
)
PRICES = ("0", "1", "12.5", "99.99", "0.015", "85", "7.333333", "1000")
QUANTITIES = ("0", "1", "2", "3.5", "0.25", "1.333", "10", "-1")
DISTINCT = 40


class People:
    """One office on each side; `entered` holds what people (not the pipeline) created, by side."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self.instance = instance
        self.contractor = ContractorDesk(instance.contractor)
        self.quickbooks = QuickBooksDesk(instance.quickbooks)
        self.random = Random(seed)
        self.entered: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.journal: list[str] = []
        self._number = 0
        for name, entity in (("Customer", "customer"), ("Item", "item")):
            for raw in self.quickbooks.all(name):
                self.entered["quickbooks"].add(("job" if raw.get("Job") else entity, raw["Id"]))

    def say(self, text: str) -> None:
        self.journal.append(text)

    def pick(self, rows: list[Raw]) -> Raw:
        return self.random.choice(rows)

    def here(self, collection: str) -> list[Raw]:
        return self.contractor.all(collection, deleted=False)

    def there(self, name: str, *, job: bool | None = None) -> list[Raw]:
        rows = self.quickbooks.all(name)
        return rows if job is None else [r for r in rows if bool(r.get("Job")) is job]

    def name(self) -> str:
        base = self.random.choice(NAMES)
        return base if self.random.random() < 0.3 else f"{base} {self.random.randrange(DISTINCT)}"

    def text(self) -> str:
        return self.random.choice(WORDS)

    def day(self) -> str:
        return str(date(2026, 9, 1) + timedelta(days=self.random.randrange(60)))

    def money(self, low: int = 1, high: int = 50_000) -> str:
        return f"{Decimal(self.random.randrange(low, high)) / 100:.2f}"

    def maybe(self, value: Any) -> Any:
        return value if self.random.random() < 0.6 else None

    def number(self) -> str:
        self._number += 1
        return f"{self.random.choice(('INV-', '', 'R/'))}{1000 + self._number}"

    def make(self, side: str, entity: str, raw: Raw) -> None:
        record_id = str(raw.get("id") or raw["Id"])
        self.entered[side].add((entity, record_id))
        self.say(f"{side}: new {entity} {record_id}")
