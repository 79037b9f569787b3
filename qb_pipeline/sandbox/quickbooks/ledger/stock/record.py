"""The stock of a company that was loaded from recorded objects, and of items that become one.

Invariant: after loading, an item's recorded QtyOnHand is its first entry and everything the record moved; no recorded
balance moves.

    recorded_moves(company, "Bill", bill, postings)     entries of a loaded transaction
    open_stock(company, entries)                        puts all of them on the shelf and posts their cost
"""

from collections import defaultdict
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, loads
from qb_pipeline.sandbox.quickbooks.ledger.book import replace
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.stock import shelf
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import movements, moves_stock
from qb_pipeline.sandbox.quickbooks.ledger.stock.restock import entry_of, first_entry, is_early, recount
from qb_pipeline.sandbox.quickbooks.ledger.stock.shelf import Entry

INVENTORY = "SELECT body FROM objects WHERE c = ? AND entity = 'Item' AND json_extract(body, '$.Type') = 'Inventory'"


def recorded_moves(company: Company, entity: str, obj: JsonObject, postings: list[Posting]) -> list[Entry]:
    """What a loaded transaction moved."""
    if not moves_stock(entity) or not str(obj["Id"]).isdecimal():
        return []
    day, transaction = str(obj.get("TxnDate") or ""), (entity, str(obj["Id"]))
    # What is dated before an item was tracked was sold or bought without a quantity.
    moves = (move for move in movements(company, entity, obj, postings) if not is_early(company, move, day))
    return [entry_of(transaction, day, n, move) for n, move in enumerate(moves)]


def open_stock(company: Company, entries: list[Entry]) -> None:
    """Every inventory item with the quantity it must have begun with."""
    moved: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in entries:
        moved[one.item] += one.change
    shelf.store(company, entries)
    for (body,) in company.store.conn.execute(INVENTORY, (company.store.company,)).fetchall():
        item = loads(body)
        identifier = str(item["Id"])
        first = first_entry(company, item, decimal_of(item.get("QtyOnHand")) - moved[identifier])
        shelf.store(company, [first])
        recount(company, identifier, replace)


def merge_stock(company: Company, loser: str, winner: str) -> None:
    """The winner of a merge takes over what lay on the loser's shelf, and all its movements."""
    statement = "UPDATE stock SET item = ? WHERE c = ? AND item = ?"
    if company.store.conn.execute(statement, (winner, company.store.company, loser)).rowcount:
        recount(company, winner)
