"""What the reference API does: create, update, delete, void, merge; each all or nothing, each with its events.

Invariant: a change of one record leaves every record it touches right (balances, statuses, deposits) with a new
version and time, and an event for each, in the same transaction.
"""

import uuid
from typing import Any

from qb_pipeline.sandbox.contractor import rules
from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, COMMON, Collection
from qb_pipeline.sandbox.contractor.problems import Problem, conflict, invalid
from qb_pipeline.sandbox.contractor.store import Store, allocations, is_live
from qb_pipeline.sandbox.contractor.values import Record, clean, defaults, require, shown
from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.sandbox.kernel.webhooks import Webhooks

NAMED_AT_MOST = 10


class Service:
    """The workspace's behaviour on top of the store."""

    def __init__(self, store: Store, webhooks: Webhooks) -> None:
        self.store = store
        self._webhooks = webhooks

    def find(self, collection: Collection, record_id: str) -> Record:
        """The record, deleted or not; Problem 404."""
        record = self.store.get(collection.name, record_id)
        if record is None:
            raise Problem(404, "not_found", f"there is no {collection.name}/{record_id}")
        return record

    def create(self, collection: Collection, body: Record) -> Record:
        """A new record from the client's fields."""
        given = clean((*COMMON, *collection.fields), body)
        record = dict.fromkeys(field.name for field in COMMON) | defaults(collection.fields) | given
        refuse_read_only(COMMON, given, dict.fromkeys(given))
        require(collection.fields, record)
        with transaction(self.store.conn):
            record["id"] = self._free_id(collection)
            filled = self.complete(collection, record, given, None)
            stamp = self.store.stamp()
            filled |= {"version": "1", "created_at": stamp, "updated_at": stamp}
            self.store.put(collection, filled)
            self._after(collection, None, filled, "created")
        return filled

    def _free_id(self, collection: Collection) -> str:
        while True:
            candidate = self.store.new_id(collection.prefix)
            if self.store.get(collection.name, candidate) is None:
                return candidate

    def update(self, collection: Collection, record_id: str, body: Record, expected: str | None) -> tuple[Record, bool]:
        """Apply the given fields. Returns the record and whether anything changed (else the version stays)."""
        old = self.find(collection, record_id)
        check_version(old, expected)
        given = clean((*COMMON, *collection.fields), body)
        with transaction(self.store.conn):
            merged = {**old, **given, **{field.name: old[field.name] for field in COMMON}}
            refuse_read_only(COMMON, given, old)
            require(collection.fields, merged)
            if old["deleted_at"] is not None:
                raise conflict("deleted", f"{collection.name}/{record_id} is deleted and can no longer change")
            new = self.complete(collection, merged, given, old)
            if new == old:
                return old, False
            if old.get("status") == "void":
                raise conflict("void", f"{collection.name}/{record_id} is void and can no longer change")
            saved = self._save(collection, new)
            self._after(collection, old, saved, "updated")
        return saved, True

    def complete(
        self, collection: Collection, record: Record, given: Record, old: Record | None, known: Record | None = None
    ) -> Record:
        """The record with everything the server works out; Problem when a rule is broken.

        `known` holds the line ids and references that need no proof (default: those of `old`).
        """
        store, known = self.store, known or old
        rules.check_references(store, collection, record, known)
        record = record | rules.give_line_ids(store, collection, record, known)
        if collection.totals == "sales":
            record = rules.complete_sales(store, record, given, old)
        elif collection.totals == "purchase":
            record = rules.complete_purchase(record)
        elif collection.totals == "deposit":
            record = rules.complete_deposit(store, record)
        elif collection.totals == "amount":
            rules.check_payment(record, old)
        if collection.totals in ("sales", "purchase"):
            rules.check_phases(store, record)
        if collection.name == "jobs":
            rules.check_job(record)
        if collection.name == "tax_rates":
            rules.check_rate(record)
        rules.check_number(store, collection, record)
        rules.check_party_kept(store, collection, record, old)
        rules.check_allocations(store, collection, record, old)
        settled = rules.settle(store, collection, record)
        refuse_status(given, settled, old)
        refuse_read_only(tuple(field for field in collection.fields if field.read_only), given, settled)
        return settled

    def touch(self, collection: Collection, record_id: str) -> Record:
        """A new version and time without any other change, as an edit that ends where it began makes it."""
        with transaction(self.store.conn):
            saved = self._save(collection, self.find(collection, record_id))
            self._emit(collection, saved, "updated")
        return saved

    def delete(self, collection: Collection, record_id: str, expected: str | None) -> tuple[Record, bool]:
        """Soft-delete; a second time changes nothing. Problem 409 naming the live records that refer to it."""
        old = self.find(collection, record_id)
        check_version(old, expected)
        if old["deleted_at"] is not None:
            return old, False
        self._refuse_referenced(collection, old)
        with transaction(self.store.conn):
            stamp = self.store.stamp()
            gone = {**old, "version": next_version(old), "updated_at": stamp, "deleted_at": stamp}
            self.store.put(collection, gone)
            self._after(collection, old, gone, "deleted")
        return gone, True

    def _refuse_referenced(self, collection: Collection, record: Record) -> None:
        if record.get("deposit_id"):
            raise rules.deposited(record, None)
        found = [f"{name}/{one}" for name, one in self.store.referrers(collection.name, record["id"])]
        if found:
            more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
            raise conflict(
                "referenced",
                f"{collection.name}/{record['id']} is used by {', '.join(found[:NAMED_AT_MOST])}{more};"
                " remove those first, or set active to false",
            )

    def void(self, collection: Collection, record_id: str, expected: str | None) -> tuple[Record, bool]:
        """Void a document; a second time changes nothing. Its own allocations are released."""
        old = self.find(collection, record_id)
        check_version(old, expected)
        if old["deleted_at"] is not None:
            raise conflict("deleted", f"{collection.name}/{record_id} is deleted and cannot be voided")
        if old["status"] == "void":
            return old, False
        if old.get("deposit_id"):
            raise rules.deposited(old, None)
        if appliers := self.store.appliers(collection.name, record_id):
            raise conflict(
                "has_allocations",
                f"{collection.name}/{record_id} is paid by {', '.join(appliers)}; void or reallocate those first",
            )
        with transaction(self.store.conn):
            void = {**old, "status": "void"}
            if collection.allocates:
                void[collection.allocates.field] = []
            saved = self._save(collection, rules.settle(self.store, collection, void))
            self._after(collection, old, saved, "voided")
        return saved, True

    def merge_customers(self, source_id: str, into_id: str) -> dict[str, Any]:
        """What a person does in the product: move everything of one customer to another and delete the first."""
        customers = COLLECTIONS["customers"]
        source, into = self.find(customers, source_id), self.find(customers, into_id)
        if source_id == into_id or source["deleted_at"] or into["deleted_at"]:
            raise conflict("bad_merge", "merge two different customers that are not deleted")
        moved: dict[str, list[str]] = {}
        with transaction(self.store.conn):
            for name, record_id in self.store.referrers("customers", source_id, live_only=False):
                record = self.find(COLLECTIONS[name], record_id)
                saved = self._save(COLLECTIONS[name], {**record, "customer_id": into_id})
                self._emit(COLLECTIONS[name], saved, "updated")
                moved.setdefault(name, []).append(record_id)
            loser, _ = self.delete(customers, source_id, None)
        return {"merged_into": into_id, "moved": moved, "record": loser}

    def _save(self, collection: Collection, record: Record) -> Record:
        saved = {**record, "version": next_version(record), "updated_at": self.store.stamp()}
        self.store.put(collection, saved)
        return saved

    def _after(self, collection: Collection, old: Record | None, new: Record, what: str) -> None:
        self._emit(collection, new, what)
        if collection.allocates is not None:
            before = allocations(collection, old if old and is_live(old) else None)
            after = allocations(collection, new if is_live(new) else None)
            for target_id in sorted(before.keys() | after.keys()):
                if before.get(target_id) != after.get(target_id):
                    self._settle_target(COLLECTIONS[collection.allocates.target], target_id)
        if collection.totals == "deposit":
            before_ids, after_ids = banked(old), banked(new)
            self._mark_deposited(before_ids - after_ids, None)
            self._mark_deposited(after_ids - before_ids, new["id"])

    def _settle_target(self, target: Collection, target_id: str) -> None:
        saved = self._save(target, rules.settle(self.store, target, self.find(target, target_id)))
        self._emit(target, saved, "updated")

    def _mark_deposited(self, payment_ids: set[str], deposit_id: str | None) -> None:
        payments = COLLECTIONS["payments"]
        for payment_id in sorted(payment_ids):
            saved = self._save(payments, {**self.find(payments, payment_id), "deposit_id": deposit_id})
            self._emit(payments, saved, "updated")

    def _emit(self, collection: Collection, record: Record, what: str) -> None:
        self._webhooks.enqueue(
            {
                "id": f"evt_{uuid.uuid4().hex}",
                "type": f"{collection.singular}.{what}",
                "record_id": record["id"],
                "occurred_at": record["updated_at"],
            },
            entity=collection.name,
            operation=what,
        )


def banked(deposit: Record | None) -> set[str]:
    """The payments in a deposit that is not deleted."""
    if deposit is None or deposit["deleted_at"] is not None:
        return set()
    return {line["payment_id"] for line in deposit["lines"] if line["payment_id"] is not None}


def next_version(record: Record) -> str:
    """Versions are whole numbers from 1, as strings."""
    return str(int(record["version"]) + 1)


def check_version(record: Record, expected: str | None) -> None:
    """Problem 412 when the caller has seen another version; None or `*`: any."""
    if expected not in (None, "*", record["version"]):
        raise Problem(
            412,
            "stale_version",
            f"{record['id']} is at version {record['version']}, not {expected}; read it again and redo the change",
            "If-Match",
        )


def refuse_read_only(fields: tuple[Any, ...], given: Record, actual: Record) -> None:
    """Fields of the server may be sent back only with the value the record has."""
    for field in fields:
        if field.name in given and given[field.name] != actual[field.name]:
            raise invalid(
                "read_only",
                f"{field.name} is set by the server (it is {shown(actual[field.name])},"
                f" {shown(given[field.name])} was sent); leave it out",
                field.name,
            )


def refuse_status(given: Record, settled: Record, old: Record | None) -> None:
    """`void` comes only from the void call, `paid` only from allocations."""
    if "status" not in given:
        return
    wanted = given["status"]
    if wanted == "void" and (old is None or old["status"] != "void"):
        raise invalid("bad_status", "status void is reached only by POST /{id}/void", "status")
    if wanted != settled["status"]:
        raise invalid(
            "bad_status",
            f"status is {settled['status']} by what is allocated; {wanted} cannot be set by hand",
            "status",
        )
