"""What the sandbox must know of an entity to create, change, remove and query it.

Invariant: an entity is data plus a few rules; the generic code in writes.py, query/ and cdc.py knows none by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Properties


@dataclass
class Draft:
    """A write on its way to being stored."""

    # The stored version, None on create.
    before: JsonObject | None
    # What the client sent, checked; None marks a property to clear.
    sent: JsonObject
    # The object as it would become: `sent` over the stored version (sparse), over its kept part (full), or alone.
    obj: JsonObject
    sparse: bool = False

    def given(self, key: str) -> bool:
        """Whether the client sent a value under `key`."""
        return self.sent.get(key) is not None


def no_rule(_company: Company, _obj: JsonObject) -> None:
    """For entities without a special guard."""


def no_effect(_company: Company, _before: JsonObject | None, _after: JsonObject | None) -> None:
    """For entities that change nothing but themselves."""


@dataclass(frozen=True)
class Entity:
    """One QBO entity. `complete` checks the draft and gives the object to store, without metadata."""

    name: str
    properties: Properties
    layout: tuple[str, ...]
    sequence: str
    verbs: frozenset[str]
    complete: Callable[[Company, Draft], JsonObject]
    # Which properties a full update keeps when they are left out (the rest is cleared or defaulted anew).
    kept: tuple[str, ...] = ()
    # Refuses a change or removal of a stored object (deposited, closed books).
    guard: Callable[[Company, JsonObject], None] = no_rule
    # What the write does to other objects; `after` is None on removal, `before` on creation.
    effect: Callable[[Company, JsonObject | None, JsonObject | None], None] = no_effect
    voided: Callable[[Company, JsonObject], JsonObject] | None = None
    # What an answer about one object adds because the request's `include` asked for it; None where nothing can be.
    shown: Callable[[Company, JsonObject], JsonObject] | None = None
    # A void is answered with success and an empty batch answer, and nothing happens (recorded for journal entries).
    void_is_ignored: bool = False
    # Where a sequence begins when the company is new (Class ids have 19 digits).
    first_id: int = 1
    # Operations an entity does its own way ("create", "update", "delete"): a body that is wrapped.
    handlers: Mapping[str, Callable[[Company, JsonObject], JsonObject]] = field(default_factory=dict)
    aliases: frozenset[str] = field(default_factory=frozenset)
