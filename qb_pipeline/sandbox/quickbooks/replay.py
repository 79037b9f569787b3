"""Idempotency by `requestid`.

Invariant: a success is remembered in the transaction that made it; the same id gives the same answer and does nothing.

    check_request_id(request_id)                         2130 for a malformed one
    recall(store, request_id, b_id) -> JSON text | None
    remember(store, request_id, b_id, text)

An item of a batch is remembered under the batch's id and its bId, everything else under the bId "".
"""

from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.store import Store

LONGEST, LONGEST_FOR_BATCH, LONGEST_BID = 50, 36, 10


def check_request_id(request_id: str | None, longest: int = LONGEST) -> None:
    """2130 unless the id has 1 to `longest` characters."""
    if request_id is not None and not 1 <= len(request_id) <= longest:
        raise Fault(2130, f"requestid must have 1 to {longest} characters, not {len(request_id)}.", element="requestid")


def check_b_id(request_id: str | None, b_id: str) -> None:
    """2130 when a batch with a requestid has an item with a long bId."""
    if request_id is not None and len(b_id) > LONGEST_BID:
        raise Fault(
            2130, f"With a requestid a bId has at most {LONGEST_BID} characters; {b_id!r} is longer.", element="bId"
        )


def recall(store: Store, request_id: str | None, b_id: str = "") -> str | None:
    """The answer given before, None when this id is new."""
    if request_id is None:
        return None
    row = store.conn.execute(
        "SELECT body FROM replays WHERE c = ? AND request_id = ? AND b_id = ?", (store.company, request_id, b_id)
    ).fetchone()
    return None if row is None else str(row[0])


def remember(store: Store, request_id: str | None, text: str, b_id: str = "") -> None:
    """Keep a successful answer for as long as the state lives."""
    if request_id is not None:
        store.conn.execute("INSERT OR IGNORE INTO replays VALUES (?, ?, ?, ?)", (store.company, request_id, b_id, text))
