"""Batches: many writes in one request, each with its own outcome.

Invariant: the same items give the same bytes, and every item that was sent has exactly one outcome, found by its bId.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import simplejson

from qb_pipeline.errors import FixTheData, PipelineError
from qb_pipeline.quickbooks.catalogue import NOT_DONE
from qb_pipeline.quickbooks.errors import Context, from_faults, unexpected
from qb_pipeline.quickbooks.wire import Object, checked_payload, faults_in, is_deleted, json_key

MAX_ITEMS = 30
MAX_REQUEST_ID = 36
MAX_BID = 10

ItemOperation = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class BatchItem:
    """One write. `void` voids instead of updating; `allow_duplicate_number` lifts QBO's check of document numbers."""

    bid: str
    operation: ItemOperation
    object_name: str
    body: Mapping[str, Any]
    void: bool = False
    allow_duplicate_number: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one item: the object as it is now (a stub when deleted), or the error that refused it."""

    object: Object | None
    deleted: bool = False
    error: PipelineError | None = None


def batch_body(items: Sequence[BatchItem]) -> bytes:
    """The body of a batch; raises `FixTheData` for too many items and for bIds that are too long or used twice."""
    bids = [item.bid for item in items]
    if not 1 <= len(items) <= MAX_ITEMS:
        raise _malformed(f"A batch has 1 to {MAX_ITEMS} items, not {len(items)}.")
    if wrong := [bid for bid in bids if not 1 <= len(bid) <= MAX_BID]:
        raise _malformed(f"A bId has 1 to {MAX_BID} characters, unlike {', '.join(map(repr, wrong))}.")
    if len(set(bids)) < len(bids):
        raise _malformed("A batch holds a bId twice.")
    return encode({"BatchItemRequest": [_item(item) for item in items]})


def encode(document: Mapping[str, Any]) -> bytes:
    """JSON as it is sent: compact, in the order given, Decimals as plain numbers."""
    return simplejson.dumps(document, use_decimal=True, separators=(",", ":"), ensure_ascii=False).encode()


def checked_request_id(request_id: str, longest: int) -> str:
    """`request_id` itself; raises `FixTheData` when QBO would not take it."""
    if 1 <= len(request_id) <= longest and request_id.isascii() and request_id.isprintable():
        return request_id
    raise _malformed(f"A request id has 1 to {longest} plain characters here, unlike {request_id!r}.")


def batch_outcomes(raw: bytes) -> dict[str, Outcome]:
    """The outcome of every item in the raw answer to a batch, by bId; raises when the whole batch was refused."""
    context = Context(writes=True)
    return outcomes_in(checked_payload(raw, context), context)


def outcomes_in(payload: Mapping[str, Any], context: Context) -> dict[str, Outcome]:
    responses = payload.get("BatchItemResponse")
    if not isinstance(responses, list):
        raise unexpected("no BatchItemResponse in it", context)
    if not all(isinstance(each, Mapping) for each in responses):
        raise unexpected("items that are no objects", context)
    return {str(each.get("bId")): _outcome(each, context) for each in responses}


def outcomes_of(sent: bytes, payload: Mapping[str, Any], context: Context) -> dict[str, Outcome]:
    """The outcome of every item of the body `sent`; raises when one is missing or told twice, or is of another kind or
    another object than was sent."""
    outcomes = outcomes_in(payload, context)
    if len(outcomes) < len(payload["BatchItemResponse"]):
        raise unexpected("two outcomes for one item", context)
    answered = {str(each.get("bId")): each for each in payload["BatchItemResponse"]}
    for item in simplejson.loads(sent)["BatchItemRequest"]:
        bid = str(item["bId"])
        if bid not in outcomes or (
            outcomes[bid].object is not None and not item.keys() & answered[bid].keys() - {"bId"}
        ):
            raise unexpected(f"no outcome for the item {bid}", context)
        if item["operation"] == "create" and _says_nothing(outcomes[bid]):
            # As of a single create: it may have been made, and asking again under the same key tells.
            raise unexpected(f"neither object nor fault for the item {bid}", context)
        found, meant = outcomes[bid].object, _id_of(item)
        if found is not None and meant is not None and found["Id"] != meant:
            raise unexpected(f"the object {found['Id']} for the item {bid}, which is about {meant}", context)
    return outcomes


def id_in(body: bytes) -> str | None:
    """The id of the object that the body of a single write is about; None where it creates one."""
    found = simplejson.loads(body)
    meant = found.get("Id") if isinstance(found, dict) else None
    return None if meant is None else str(meant)


def _says_nothing(outcome: Outcome) -> bool:
    return outcome.error is not None and outcome.error.code == NOT_DONE.code


def _id_of(item: Mapping[str, Any]) -> str | None:
    bodies = [value for value in item.values() if isinstance(value, Mapping)]
    return next((str(body["Id"]) for body in bodies if "Id" in body), None)


def _item(item: BatchItem) -> dict[str, Any]:
    options = [
        name for name, wanted in (("void", item.void), ("allowduplicatedocnum", item.allow_duplicate_number)) if wanted
    ]
    operation: ItemOperation = "update" if item.void else item.operation
    head = {"bId": item.bid, "operation": operation}
    if options:
        head["optionsData"] = ",".join(options)
    return {**head, json_key(item.object_name): item.body}


def _outcome(response: Mapping[str, Any], context: Context) -> Outcome:
    if faults := faults_in(response):
        return Outcome(None, error=from_faults(faults, context))
    for value in response.values():
        if isinstance(value, dict) and isinstance(value.get("Id"), str):
            return Outcome(value, deleted=is_deleted(value))
    return Outcome(None, error=unexpected("an item without object and without fault", context, lasting=True))


def _malformed(cause: str) -> FixTheData:
    return FixTheData(cause, code="qbo_malformed_request", fix="Split or rename it before it is journalled.")
