"""From one version of a transaction to the next: quantities on hand and the cost of what moved.

Invariant: after `restock` every issue carries the cost of its units as the receipts are now, also the issues of other
transactions whose units changed.

    restock(company, ("Invoice", "130"), before, after, postings)   after None: all the transaction moved is put back
    begin(company, item)                                the first entry of an inventory item, its starting value
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.post import post
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.stock import shelf
from qb_pipeline.sandbox.quickbooks.ledger.stock.curve import Curve
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import IN, OUT, Move, accounts_of, movements
from qb_pipeline.sandbox.quickbooks.ledger.stock.shelf import Entry, Key
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE

STOCK = "stock"
STARTING = "InventoryStartingValue"
Post = Callable[[Company, Reference, str, list[Posting], str], object]
# What two versions must share for the stock to be left alone.
SAME = attrgetter(
    "item", "date", "kind", "quantity", "own", "given", "asset", "target", "party_id", "klass", "department", "line"
)


@dataclass
class Disturbed:
    """How far a change of an item reaches: issues from a place on, issues beyond a total of receipts."""

    key: Key | None = None
    total: int | None = None

    def by(self, entry: Entry) -> None:
        """An entry came or went, its totals being those with it."""
        if entry.kind == OUT:
            self.key = entry.key if self.key is None else min(self.key, entry.key)
        else:
            before = entry.total - entry.quantity
            self.total = before if self.total is None else min(self.total, before)


def restock(
    company: Company, transaction: Reference, before: JsonObject | None, after: JsonObject | None,
    postings: list[Posting],
) -> None:  # fmt: skip
    """Put what a transaction moves in the place of what it moved before. Fault 6270."""
    old = shelf.of_transaction(company, transaction)
    day = day_of(after)
    moves = tracked(company, transaction[0], before, after, postings) if after else []
    if not old and not moves:
        return
    new = [entry_of(transaction, day, n, move) for n, move in enumerate(moves)]
    if [SAME(one) for one in old] == [SAME(one) for one in new]:
        return
    for identifier in sorted({one.item for one in new}):
        if not shelf.is_set_up(company, identifier):
            begin(company, company.require("Item", identifier))
    disturbed: defaultdict[str, Disturbed] = defaultdict(Disturbed)
    for entry in old:
        disturbed[entry.item].by(entry)
        shelf.take_out(company, entry)
    for entry in new:
        appraise(entry, shelf.price_before(company, entry.item, entry.key))
        shelf.put_in(company, entry)
        disturbed[entry.item].by(entry)
    touched = {transaction}
    for item, reach in disturbed.items():
        touched |= recost(company, item, shelf.issues_from(company, item, reach.key, reach.total))
    for one in sorted(touched):
        repost(company, one)
    move_quantities(company, old, new)


def entry_of(transaction: Reference, day: str, n: int, move: Move) -> Entry:
    """A movement as it will stand on the shelf, before it has a price."""
    given = None if move.value is None else scaled(move.value)
    party, party_id = move.party or (None, None)
    return Entry(
        move.item, day, int(transaction[1]), transaction[0], n, transaction[1], move.kind, scaled(move.quantity),
        scaled(move.own), given, given or 0, "0", 0, 0, 0, 0, move.asset, move.target, party, party_id, move.klass,
        move.department, move.line,
    )  # fmt: skip


def scaled(value: Decimal) -> int:
    """Millionths, rounded half up."""
    return int((value * SCALE).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def appraise(entry: Entry, last: Decimal) -> None:
    """What a receipt is worth: what the transaction says, else the last known price."""
    if entry.kind == OUT:
        return
    if entry.given is None:
        entry.value = scaled(cents(last * entry.quantity / SCALE))
    entry.price = str(Decimal(entry.value) / entry.quantity if entry.quantity else last)


def day_of(obj: JsonObject | None) -> str:
    """TxnDate, empty when there is none."""
    return str((obj or {}).get("TxnDate") or "")


def tracked(
    company: Company, entity: str, before: JsonObject | None, after: JsonObject, postings: list[Posting]
) -> list[Move]:
    """The movements since their items are tracked. 6270 for an earlier one, unless it stood there before tracking."""
    moves = movements(company, entity, after, postings)
    early = {one.item for one in moves if is_early(company, one, day_of(after))}
    if not early:
        return moves
    known = movements(company, entity, before, []) if before else []
    allowed = {one.item for one in known if is_early(company, one, day_of(before))}
    for identifier in sorted(early - allowed):
        start = company.require("Item", identifier)["InvStartDate"]
        raise Fault(
            6270,
            f"The transaction date {day_of(after)} is before the inventory start date {start} of item {identifier}.",
            element="TxnDate",
        )
    return [one for one in moves if one.item not in early]


def is_early(company: Company, move: Move, day: str) -> bool:
    """Whether the item's quantity was not tracked yet on that day."""
    return day < str((company.store.get("Item", move.item) or {}).get("InvStartDate") or "")


def begin(company: Company, item: JsonObject, quantity: Decimal | None = None, put: Post = post) -> None:
    """The starting value of an item, at its PurchaseCost, against opening balance equity."""
    entry = first_entry(company, item, decimal_of(item.get("QtyOnHand")) if quantity is None else quantity)
    shelf.put_in(company, entry)
    repost(company, entry.transaction, put)


def first_entry(company: Company, item: JsonObject, quantity: Decimal) -> Entry:
    """What lay on the shelf before anything moved."""
    asset, _ = accounts_of(company, item)
    move = Move(str(item["Id"]), IN, quantity, Decimal(0), asset, account_for(company, "OpeningBalanceEquity"))
    entry = entry_of((STARTING, move.item), "", 0, move)
    appraise(entry, decimal_of(item.get("PurchaseCost")))
    return entry


def recost(company: Company, item: str, issues: list[Entry]) -> set[Reference]:
    """Cost some issues of an item anew; the transactions whose cost changed."""
    if not issues:
        return set()
    ends = [end for one in issues for end in (one.total, one.total - one.quantity)]
    curve = Curve.between(company, item, min(ends), max(ends))
    changed = []
    for one in issues:
        cost = curve.at(one.total) - curve.at(one.total - one.quantity)
        if cost != one.cost:
            one.cost = cost
            changed.append(one)
    shelf.set_costs(company, changed)
    return {one.transaction for one in changed}


def repost(company: Company, transaction: Reference, put: Post = post) -> None:
    """Post the cost of everything a transaction moves."""
    entries = shelf.of_transaction(company, transaction)
    day = next((one.date for one in entries), "")
    if transaction[0] == STARTING:
        day = str((company.store.get("Item", transaction[1]) or {}).get("InvStartDate") or company.now.date())
    put(company, transaction, day, [posting for one in entries for posting in cost_of(one)], STOCK)


def cost_of(entry: Entry) -> list[Posting]:
    """What the asset account still lacks after the transaction's own postings, and the other side of it."""
    moved = entry.value if entry.kind == IN else -entry.cost
    amount = Decimal(moved - entry.own) / SCALE
    party = None if entry.party is None or entry.party_id is None else (entry.party, entry.party_id)
    more = (party, None, entry.item, entry.klass, entry.department, entry.line)
    return [Posting(entry.asset, amount, *more), Posting(entry.target, -amount, *more)]


def move_quantities(company: Company, old: Iterable[Entry], new: Iterable[Entry]) -> None:
    """Carry the difference to QtyOnHand."""
    changes: defaultdict[str, Decimal] = defaultdict(Decimal)
    for sign, entries in ((-1, old), (1, new)):
        for one in entries:
            changes[one.item] += sign * one.change
    for identifier, change in sorted(changes.items()):
        item = company.store.get("Item", identifier)
        if item is not None and change:
            company.touch("Item", {**item, "QtyOnHand": number(decimal_of(item.get("QtyOnHand")) + change)}, item)


def recount(company: Company, item: str, put: Post = post) -> None:
    """Set totals, values and costs of an item anew from its first entry on."""
    last = {IN: (0, 0), OUT: (0, 0)}
    price = Decimal(0)
    entries = shelf.of_item(company, item)
    for one in entries:
        appraise(one, Decimal(one.price) if one.entity == STARTING else price)
        shelf.count(one, *last[one.kind])
        last[one.kind] = (one.total, one.worth)
        price = Decimal(one.price) if one.kind == IN else price
    company.store.conn.execute("DELETE FROM stock WHERE c = ? AND item = ?", (company.store.company, item))
    shelf.store(company, entries)
    recost(company, item, [one for one in entries if one.kind == OUT])
    for transaction in sorted({one.transaction for one in entries}):
        repost(company, transaction, put)
