"""One company during one request: its objects, the moment, the switches, and the events it causes.

Invariant: everything a request does happens at one moment and within one transaction, so its parts agree.

    company.resolve(refs, already)      fills in names; 2500 for an unknown id, 610 for an inactive record
    company.save(...)                   the only way an object is stored: metadata, layout, references, events
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from qb_pipeline.sandbox.quickbooks.faults import Fault, business, inactive
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import Ref
from qb_pipeline.sandbox.quickbooks.store import Store
from qb_pipeline.sandbox.quickbooks.times import stamp

# 2500 names the list in QBO's own words.
GROUPS = {"Account": "Accounts", "Item": "Items", "Class": "Classes", "Term": "Terms", "TaxCode": "Tax codes"}
HEAD = ("domain", "sparse", "Id", "SyncToken", "MetaData")
LAPSED = (
    "Subscription period has ended or canceled or there was a billing problem : "
    "The company can be read, and nothing can be added until its subscription is renewed."
)
# Company.user of a request that a person makes in QuickBooks itself.
PERSON = "person"


@dataclass
class Switches:
    """Behaviours on which QBO's sources disagree; `POST /_sandbox/switches` changes them."""

    # A DocNumber used twice within one type: "reject", "allow", or "preference" (reject only with custom numbers on).
    duplicate_doc_number: str = "reject"
    # An explicit TotalTax: "honour" it or "recompute" it from the code's rates.
    ast: str = "honour"
    # BillEmail of a new sales form: only what was "sent", as recorded, or taken from the "customer".
    bill_email: str = "sent"
    # What a deposit takes in gets its link alone, as recorded: "silent"; or the next "token" and time as well.
    deposit_marks: str = "silent"
    # A computed sales tax: "exact", or a "cent" more a rate, as real books were seen to deviate.
    tax_jitter: str = "exact"
    # Seconds after which a refresh gives a new refresh token; the old one works as long again.
    refresh_rotation_seconds: int = 86_400
    # What a bare `Accept: */*` gets: "json" or "xml". Without any Accept header the answer is XML.
    any_accept: str = "json"
    # A file's Size and addresses sent back in an update of its Attachable: "refuse" (2010) or "ignore".
    attachable_echo: str = "refuse"
    # How many objects a change feed holds at most, over all its entities; at least 1 (QBO: 1000).
    cdc_cap: int = 1000
    # Whether companies have payroll: an employee then needs both names and a city and state, and QBO makes DisplayName.
    payroll: bool = False
    # The companies' subscription: "active", or "ended": they can be read and not written (6190).
    subscription: str = "active"


@dataclass
class Company:
    """What the rules of an entity need to know and do."""

    store: Store
    realm: str
    now: datetime
    switches: Switches
    emit: Callable[[JsonObject], None]
    # Account ids by AccountSubType; shared between requests, emptied when an account is written.
    account_roles: dict[str, str] = field(default_factory=dict)
    # What `include=` of the request asked for.
    include: frozenset[str] = frozenset()
    user: str = "sandbox"
    # The Preferences as this request has read them; every rule asks for them.
    _preferences: JsonObject | None = None

    @property
    def stamp(self) -> str:
        """The moment as MetaData tells it."""
        return stamp(self.now)

    def require_subscription(self) -> None:
        """6190, inside HTTP 200 as it was reported, for a write while the subscription has ended."""
        if self.switches.subscription == "ended":
            raise Fault(6190, LAPSED, http=200)

    def preferences(self) -> JsonObject:
        """The company's Preferences object."""
        if self._preferences is None:
            self._preferences = self.store.get("Preferences", "1")
        if self._preferences is None:
            raise RuntimeError(f"company {self.realm} has no Preferences: it was not set up completely")
        return self._preferences

    def require(self, entity: str, identifier: str) -> JsonObject:
        """A referred record. Fault 2500 when it does not exist."""
        found = self.store.get(entity, identifier)
        if found is None:
            group = GROUPS.get(entity, "Names")
            raise Fault(2500, f"Invalid Reference Id : {group} element id {identifier} not found")
        return found

    def resolve(self, refs: list[tuple[JsonObject, Ref]], already: set[Reference]) -> None:
        """Check every reference sent and give it its name; inactive ones pass only where they stood before."""
        for ref, prop in refs:
            if prop.target == "":
                continue
            record = self.require(prop.target, ref["value"])
            if record.get("Active") is False and (prop.target, ref["value"]) not in already:
                raise inactive(prop.target, ref["value"])
            if prop.named and (name := reference_name(prop.target, record)) is not None:
                ref["name"] = name

    def currency_of(self, sent: JsonObject | None) -> JsonObject:
        """The CurrencyRef a record gets: the home currency unless another one is sent.

        Fault 6000 for another one while the company keeps one currency, 2500 for one it does not keep.
        """
        prefs = self.preferences().get("CurrencyPrefs") or {}
        home = ref_value(prefs, "HomeCurrency") or "USD"
        code = home if sent is None else str(sent["value"])
        if code != home and not prefs.get("MultiCurrencyEnabled"):
            raise business(f"Multicurrency is off: the currency must be {home}, not {code}.", element="CurrencyRef")
        name = "United States Dollar" if code == "USD" else self._currency_name(code)
        if code != home and name is None:
            raise Fault(2500, f"Invalid Reference Id : Currency element id {code} not found", element="CurrencyRef")
        return {"value": code, "name": name} if name else {"value": code}

    # The name from the time when a company had one currency.
    home_currency = currency_of

    def _currency_name(self, code: str) -> str | None:
        """The name of a currency the company keeps; None for one it does not."""
        row = self.store.conn.execute(
            "SELECT name FROM objects WHERE c = ? AND entity = 'CompanyCurrency' AND active = 1"
            " AND json_extract(body, '$.Code') = ?",
            (self.store.company, code),
        ).fetchone()
        return None if row is None else str(row[0])

    def save(
        self,
        entity: str,
        obj: JsonObject,
        before: JsonObject | None,
        layout: tuple[str, ...],
        operation: str | None,
    ) -> JsonObject:
        """Store a new version with the next SyncToken and this moment's time; returns it in QBO's key order.

        `operation` is the webhook's word for the change; None when the caller announces it itself.
        """
        meta = dict((before or {}).get("MetaData") or {"CreateTime": self.stamp})
        meta["LastUpdatedTime"] = self.stamp
        token = "0" if before is None else str(int(before.get("SyncToken", "0")) + 1)
        head: JsonObject = {"domain": "QBO", "sparse": False, "SyncToken": token, "MetaData": meta}
        stored = arranged({**obj, **head}, layout)
        restate(stored)
        self.store.put(entity, stored, before)
        if entity == "Account":
            self.account_roles.clear()
        if entity == "Preferences":
            self._preferences = None
        if operation is not None:
            self.announce(entity, str(stored["Id"]), operation)
        return stored

    def touch(self, entity: str, obj: JsonObject, before: JsonObject) -> None:
        """Store a side effect that moves LastUpdatedTime and nothing else: no token, no event."""
        obj["MetaData"] = {**(obj.get("MetaData") or {}), "LastUpdatedTime": self.stamp}
        self.store.put(entity, obj, before)

    def erase(self, entity: str, obj: JsonObject) -> None:
        """Delete for good, leaving a tombstone for CDC."""
        self.store.remove(entity, obj, int(self.now.timestamp()), self.stamp)
        self.announce(entity, str(obj["Id"]), "Delete")

    def announce(self, entity: str, identifier: str, operation: str, **more: str) -> None:
        """Queue the webhook event of a change."""
        self.emit(
            {"realm": self.realm, "entity": entity, "id": identifier, "operation": operation, **more}
            | {"at": self.now.isoformat()}
        )


def restate(obj: JsonObject) -> None:
    """What a transaction in another currency is worth at home follows its amounts."""
    for key, amount in (("HomeTotalAmt", "TotalAmt"), ("HomeBalance", "Balance")):
        if key in obj and "ExchangeRate" in obj:
            obj[key] = number(cents(decimal_of(obj.get(amount)) * decimal_of(obj["ExchangeRate"])))


def arranged(obj: JsonObject, layout: tuple[str, ...]) -> JsonObject:
    """The object with its keys in QBO's order; keys the layout does not know come last."""
    ordered = {key: obj[key] for key in layout if key in obj}
    return ordered | {key: value for key, value in obj.items() if key not in ordered}
