"""Rules between records: references, line ids, allocations, deposits, numbers.

Invariant: nothing is written that points at a record that is not there, applies more money than there is, or puts one
payment into two deposits.
"""

from decimal import Decimal

from qb_pipeline.sandbox.contractor.documents import (
    balance_and_status,
    computed_tax,
    purchase_line,
    sales_line,
    sales_totals,
)
from qb_pipeline.sandbox.contractor.fields import Collection
from qb_pipeline.sandbox.contractor.problems import Problem, conflict, invalid
from qb_pipeline.sandbox.contractor.store import Store, allocations, references
from qb_pipeline.sandbox.contractor.values import Record, amount_of, money_text, total_of

LISTS_WITH_IDS = ("lines", "phases")


def check_references(store: Store, collection: Collection, record: Record, old: Record | None) -> None:
    """Every reference names a record that exists; a deleted one only where it was there before."""
    before = {(of, of_id) for of, of_id, _ in references(collection, old)} if old else set()
    for of, of_id, path in references(collection, record):
        target = store.get(of, of_id)
        if target is None:
            raise invalid("dangling_reference", f"{path}: there is no {of}/{of_id}; create it first", path)
        if target["deleted_at"] is not None and (of, of_id) not in before:
            raise invalid("dangling_reference", f"{path}: {of}/{of_id} is deleted; name another one", path)


def check_phases(store: Store, record: Record) -> None:
    """A line's phase belongs to the line's job or else to the document's job."""
    for position, line in enumerate(record["lines"]):
        phase, path = line.get("phase_id"), f"lines[{position}].phase_id"
        if phase is None:
            continue
        job_id = line.get("job_id") or record.get("job_id")
        if job_id is None:
            raise invalid("dangling_reference", f"{path}: a phase needs a job_id beside it", path)
        job = store.get("jobs", job_id)
        if job is None or phase not in {one["id"] for one in job["phases"]}:
            raise invalid("dangling_reference", f"{path}: jobs/{job_id} has no phase {phase}", path)


def give_line_ids(store: Store, collection: Collection, record: Record, old: Record | None) -> Record:
    """New entries get ids, known ids stay; an id that the record never had is refused."""
    return {
        name: with_ids(store, name, record[name], old[name] if old else [])
        for name in LISTS_WITH_IDS
        if collection.field(name) is not None
    }


def with_ids(store: Store, name: str, lines: list[Record], old: list[Record]) -> list[Record]:
    """One list with an id in every entry."""
    known, seen = {line["id"] for line in old}, set()
    for position, line in enumerate(lines):
        path = f"{name}[{position}].id"
        if line["id"] is None:
            continue
        if line["id"] not in known:
            raise invalid("unknown_line", f"{path}: {line['id']} is not in this record; leave id out to add", path)
        if line["id"] in seen:
            raise invalid("duplicate_line", f"{path}: {line['id']} is given twice", path)
        seen.add(line["id"])
    prefix = "lin" if name == "lines" else "pha"
    return [line if line["id"] is not None else {**line, "id": store.new_id(prefix)} for line in lines]


def complete_sales(store: Store, record: Record, given: Record, old: Record | None) -> Record:
    """Lines, tax and totals of a sales document after a change."""

    def item_taxable(item_id: str) -> bool:
        item = store.get("items", item_id)
        return item is not None and bool(item["taxable"])

    lines = [sales_line(line, position, item_taxable) for position, line in enumerate(record["lines"])]
    filled = {**record, "lines": lines}
    return filled | sales_totals(filled, tax_of(store, filled, given, old))


def tax_of(store: Store, record: Record, given: Record, old: Record | None) -> Decimal:
    """The tax as sent, else as it was while nothing it rests on changed, else computed from the rate."""
    if given.get("tax") is not None:
        return amount_of(given, "tax")
    untouched = (
        old is not None and "tax" not in given and all(record[name] == old[name] for name in ("lines", "tax_rate_id"))
    )
    if untouched and record["tax"] is not None:
        return amount_of(record, "tax")
    rate = store.get("tax_rates", record["tax_rate_id"]) if record["tax_rate_id"] else None
    return computed_tax(record["lines"], Decimal(rate["rate"]) if rate else Decimal(0))


def complete_purchase(record: Record) -> Record:
    """Lines and total of a purchase document."""
    lines = [purchase_line(line, position) for position, line in enumerate(record["lines"])]
    total = total_of(lines)
    if total < 0:
        raise invalid("negative_total", f"the total would be {money_text(total)}; use a vendor credit", "lines")
    return {**record, "lines": lines, "total": money_text(total)}


def settle(store: Store, collection: Collection, record: Record) -> Record:
    """The record with `balance` and `status` as its allocations make them."""
    if collection.field("balance") is None:
        return record
    own = sum(allocations(collection, record).values(), Decimal(0))
    applied = own if collection.allocates else store.applied(collection.name, record["id"])
    return record | balance_and_status(record, applied, open_balance=collection.open_balance)


def check_allocations(store: Store, collection: Collection, record: Record, old: Record | None) -> None:
    """Money is applied once per document, to documents of the same party, within amount and open balance."""
    rule = collection.allocates
    if rule is None or record["status"] == "void":
        return
    available = amount_of(record, "amount" if collection.totals == "amount" else "total")
    if (used := total_of(record[rule.field])) > available:
        raise invalid(
            "over_allocated", f"{money_text(used)} is allocated but there is only {money_text(available)}", rule.field
        )
    before = allocations(collection, old if old and old.get("status") != "void" else None)
    seen: set[str] = set()
    for position, entry in enumerate(record[rule.field]):
        path = f"{rule.field}[{position}]"
        if entry[rule.key] in seen:
            raise invalid("duplicate_allocation", f"{path}: {entry[rule.key]} is named twice", f"{path}.{rule.key}")
        seen.add(entry[rule.key])
        check_allocation(store, collection, record, entry, before.get(entry[rule.key], Decimal(0)), path)


def check_allocation(
    store: Store, collection: Collection, record: Record, entry: Record, before: Decimal, path: str
) -> None:
    """One allocation against its target; `before` is what this record had applied there already."""
    rule = collection.allocates
    target = store.get(rule.target, entry[rule.key]) if rule else None
    if rule is None or target is None:
        raise invalid("dangling_reference", f"{path}: no such document", path)
    name = f"{rule.target}/{target['id']}"
    if target[rule.party] != record[rule.party]:
        raise invalid(
            "other_party",
            f"{path}: {name} belongs to {target[rule.party]}, not to {record[rule.party]}",
            f"{path}.{rule.key}",
        )
    if target["status"] == "void":
        raise invalid("void", f"{path}: {name} is void; allocate to a live document", f"{path}.{rule.key}")
    if amount_of(entry) <= 0:
        raise invalid("bad_allocation", f"{path}.amount must be above 0.00", f"{path}.amount")
    if amount_of(entry) > (open_amount := amount_of(target, "balance") + before):
        raise invalid(
            "over_allocated",
            f"{path}.amount is {entry['amount']} but only {money_text(open_amount)} of {name} is open",
            f"{path}.amount",
        )


def check_payment(record: Record, old: Record | None) -> None:
    """Amounts are not negative, and a deposited payment keeps its amount."""
    for name in ("amount", "fee"):
        if amount_of(record, name) < 0:
            raise invalid("bad_money", f"{name} must not be negative", name)
    if old and old.get("deposit_id") and old["amount"] != record["amount"]:
        raise deposited(old, "amount")


def deposited(payment: Record, field: str | None) -> Problem:
    """The refusal to touch what is in the bank already."""
    deposit = payment["deposit_id"]
    return conflict(
        "deposited", f"payments/{payment['id']} is in deposits/{deposit}; take it out of the deposit first", field
    )


def complete_deposit(store: Store, record: Record) -> Record:
    """A deposit's total; each line banks one whole payment or an amount for an account."""
    seen: set[str] = set()
    for position, line in enumerate(record["lines"]):
        check_deposit_line(store, record, line, f"lines[{position}]", seen)
    total = total_of(record["lines"])
    if total < 0:
        raise invalid("negative_total", f"the deposit would be {money_text(total)}", "lines")
    return {**record, "total": money_text(total)}


def check_deposit_line(store: Store, record: Record, line: Record, path: str, seen: set[str]) -> None:
    """One line of a deposit; `seen` collects the payments named so far."""
    payment_id = line["payment_id"]
    if (payment_id is None) == (line["account_id"] is None):
        raise invalid("two_targets", f"{path} needs exactly one of payment_id and account_id", f"{path}.payment_id")
    payment = store.get("payments", payment_id) if payment_id else None
    if payment is None:
        return
    if payment_id in seen:
        raise invalid("duplicate_line", f"{path}: payments/{payment_id} is named twice", f"{path}.payment_id")
    seen.add(payment_id)
    if payment["deposit_id"] not in (None, record["id"]):
        raise conflict(
            "deposited", f"{path}: payments/{payment_id} is in deposits/{payment['deposit_id']}", f"{path}.payment_id"
        )
    if payment["status"] == "void":
        raise invalid("void", f"{path}: payments/{payment_id} is void", f"{path}.payment_id")
    if payment["amount"] != line["amount"]:
        raise invalid(
            "amount_mismatch",
            f"{path}.amount is {line['amount']} but payments/{payment_id} is {payment['amount']}",
            f"{path}.amount",
        )


def check_number(store: Store, collection: Collection, record: Record) -> None:
    """No two live invoices with one number."""
    number = record.get("number")
    if not collection.unique_number or number is None or record["status"] == "void":
        return
    other = store.live_with_number(collection.name, number, record["id"])
    if other is not None:
        raise conflict(
            "duplicate_number", f"number {number} is used by {collection.name}/{other}; choose another", "number"
        )


def check_job(record: Record) -> None:
    """A job can be told from others."""
    if not (record["name"] or record["number"]):
        raise invalid("required", "a job needs a name or a number", "name")


def check_rate(record: Record) -> None:
    """A tax rate is a percentage."""
    if not 0 <= Decimal(record["rate"]) <= 100:
        raise invalid("bad_number", f"rate is a percentage from 0 to 100, got {record['rate']}", "rate")


def check_party_kept(store: Store, collection: Collection, record: Record, old: Record | None) -> None:
    """A document with money on it stays with its party."""
    party = "customer_id" if "customer_id" in record else "vendor_id"
    if old is None or record.get(party) == old.get(party):
        return
    if appliers := store.appliers(collection.name, record["id"]):
        raise conflict("has_allocations", f"{party} cannot change while {', '.join(appliers)} are applied", party)
