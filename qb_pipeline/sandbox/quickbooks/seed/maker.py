"""Makes the sample company's objects and remembers their ids by the names the seed data use.

Invariant: an object goes through `writes.create` with its references resolved here, and a name that was never made is
an error at once.

    maker.make("Invoice", "deck", CustomerRef=maker.ref("Customer", "Alder Creek Winery"), Line=[...])
    maker.ref("Invoice", "deck") -> {"value": "12"}        maker.day(-30) -> "2026-10-23"
"""

from datetime import timedelta
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.times import today
from qb_pipeline.sandbox.quickbooks.writes import create


class Maker:
    """One company being filled."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._ids: dict[tuple[str, str], str] = {}

    def make(self, entity: str, name: str, /, **body: Any) -> JsonObject:
        """Create an object and remember it as `name`; arguments that are None are left out."""
        made = create(self.company, ENTITIES[entity], {key: part for key, part in body.items() if part is not None})
        self.remember(entity, name, made)
        return made

    def remember(self, entity: str, name: str, made: JsonObject) -> None:
        """Let `name` mean the object from now on."""
        self._ids[entity, name] = str(made["Id"])

    def id(self, entity: str, name: str) -> str:
        """The id behind a name. KeyError when it was never made."""
        return self._ids[entity, name]

    def stored(self, entity: str, name: str) -> JsonObject:
        """A remembered object as it is now."""
        return self.company.require(entity, self.id(entity, name))

    def taxable(self, item: str) -> bool:
        """Whether the item is taxed where it is sold with tax."""
        return bool(self.stored("Item", item).get("Taxable"))

    def ref(self, entity: str, name: str | None) -> JsonObject | None:
        """A reference to a remembered object; None for None, so that a property can be left out."""
        return None if name is None else {"value": self.id(entity, name)}

    def link(self, entity: str, name: str) -> JsonObject:
        """An entry of LinkedTxn."""
        return {"TxnId": self.id(entity, name), "TxnType": entity}

    def day(self, offset: int) -> str:
        """The calendar day `offset` days from today, in the company's zone."""
        return (today(self.company.now) + timedelta(days=offset)).isoformat()
