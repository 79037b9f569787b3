"""From the bytes of an answer to the object that was asked for, or to an exception.

Invariant: HTTP 200 proves nothing. An answer counts only when it is whole, holds no fault in any spelling, and holds
the entity that was asked for; amounts in it are Decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree  # answers come from Intuit over TLS, and doctypes are refused below

import simplejson

from qb_pipeline.quickbooks.errors import Context, Fault, from_faults, from_status, unexpected
from qb_pipeline.secrecy import without_secrets

Object = dict[str, Any]

# The one object whose JSON key is not its name in URLs and queries.
_JSON_KEYS = {"creditcardpayment": "CreditCardPaymentTxn"}
_GATEWAY_CODE = re.compile(r"errorCode=0*(\d+)")


@dataclass(frozen=True)
class HttpAnswer:
    """One HTTP answer as it came. `retry_after` and `seconds` (how long it took) are in seconds, `date` is the server's
    own word for when it answered."""

    status: int
    content_type: str
    body: bytes
    tid: str | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    date: str | None = None

    def context(self, *, writes: bool) -> Context:
        return Context(self.status, self.tid, writes, self.retry_after)


def payload_of(answer: HttpAnswer, *, writes: bool) -> Object:
    """The JSON document of an answer without fault; raises a `PipelineError` for everything else."""
    context = answer.context(writes=writes)
    if (
        300 <= answer.status < 400
    ):  # QBO redirects nothing: something between us answered, whatever became of the request
        raise unexpected(f"a redirection (HTTP {answer.status})", context)
    if _is_json(answer):
        return checked_payload(answer.body, context)
    if _is_xml(answer) and (faults := xml_faults(answer.body)):
        raise from_faults(faults, context)
    if answer.status >= 300:
        raise from_status(context)
    raise unexpected(f"{answer.content_type or 'no content type'} instead of JSON", context)


def checked_payload(body: bytes, context: Context) -> Object:
    """The JSON document in `body` when it is an object without fault and the status is a success."""
    payload = _load(body, context)
    if faults := faults_in(payload):
        raise from_faults(faults, context)
    if context.status >= 300:
        raise from_status(context)
    return payload


def faults_in(payload: Mapping[str, Any]) -> list[Fault]:
    """The errors of `Fault` or of the gateway's lower-case `fault`; empty when there is neither."""
    fault = payload.get("Fault") or payload.get("fault")
    if not isinstance(fault, Mapping):
        return []
    errors = fault.get("Error") or fault.get("error") or [{}]
    return [_fault(each) for each in errors if isinstance(each, Mapping)] or [Fault("")]


def xml_faults(body: bytes) -> list[Fault]:
    """The errors of an XML Fault; empty when the document is none, is broken, or brings a doctype."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return []
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  # without doctype there are no entities to expand
    except ElementTree.ParseError:
        return []  # the caller then judges the answer by its status, as any other that can't be read
    return [_xml_fault(each) for each in root.iter() if _local(each.tag) == "Error"]


def object_in(payload: Mapping[str, Any], object_name: str, context: Context, *, lasting: bool = False) -> Object:
    """The entity that was asked for, with its id; raises code `unexpected_answer` when the answer holds another."""
    found = payload.get(json_key(object_name))
    if isinstance(found, dict) and isinstance(found.get("Id"), str):
        return found
    raise unexpected(f"no {object_name} in it, but {_keys(payload)}", context, lasting=lasting)


def parse_object(object_name: str, raw: bytes) -> Object:
    """The entity in a stored raw answer to a single write; raises as the write itself would have."""
    context = Context(writes=True)
    return object_in(checked_payload(raw, context), object_name, context)


def rows_in(payload: Mapping[str, Any], object_name: str, context: Context) -> list[Object]:
    """The rows of one QueryResponse element; none when it is empty."""
    block = payload.get("QueryResponse")
    if not isinstance(block, Mapping):
        raise unexpected(f"no QueryResponse in it, but {_keys(payload)}", context)
    return block_rows(block, object_name, context)


def block_rows(block: Mapping[str, Any], object_name: str, context: Context) -> list[Object]:
    """The rows of one object in a block; none when it holds nothing. Raises for rows that are none."""
    wanted = json_key(object_name).casefold()
    for key, rows in block.items():
        if key.casefold() == wanted:
            return _rows(rows, object_name, context)
    if lists := [key for key, value in block.items() if isinstance(value, list)]:
        raise unexpected(f"rows of {', '.join(lists)} where {object_name} was asked for", context)
    return []


def _rows(rows: Any, object_name: str, context: Context) -> list[Object]:
    if not isinstance(rows, list):
        raise unexpected(f"a {object_name} that is no list of rows", context)
    for row in rows:
        if not isinstance(row, Mapping) or row.get("Id") in (None, ""):
            raise unexpected(f"a row of {object_name} without an Id", context)
    return rows


def blocks_in(payload: Mapping[str, Any], context: Context) -> list[Mapping[str, Any]]:
    """The QueryResponse elements of a change-data answer; raises for a fault in any of them."""
    responses = _mappings(payload.get("CDCResponse"), "CDCResponse", context)
    found: list[Mapping[str, Any]] = []
    for response in responses:
        if faults := faults_in(response):
            raise from_faults(faults, context)
        found += _mappings(response.get("QueryResponse", []), "QueryResponse", context)
    for block in found:
        if faults := faults_in(block):
            raise from_faults(faults, context)
    return found


def _mappings(value: Any, what: str, context: Context) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        return value
    raise unexpected(f"no {what} in it, or one that is no list of answers", context)


def is_deleted(found: Mapping[str, Any]) -> bool:
    """Whether an object is the stub that stands for a deleted one."""
    return str(found.get("status", "")).casefold() == "deleted"


def json_key(object_name: str) -> str:
    """The key under which answers hold an object: its name, except for credit card payments."""
    return _JSON_KEYS.get(object_name.casefold(), object_name)


def _load(body: bytes, context: Context) -> Object:
    try:
        payload = simplejson.loads(body.decode("utf-8"), use_decimal=True)
    except (ValueError, RecursionError):  # the latter for a document nested without end
        payload = None
    if isinstance(payload, dict):
        return payload
    if context.status >= 300:
        raise from_status(context)
    raise unexpected("an empty body" if not body.strip() else "half a JSON document, or none", context)


def _fault(error: Mapping[str, Any]) -> Fault:
    message, detail, element = (
        str(error.get(upper) or error.get(lower) or "")
        for upper, lower in (("Message", "message"), ("Detail", "detail"), ("element", "Element"))
    )
    return _told(str(error.get("code") or ""), message, detail, element)


def _xml_fault(error: ElementTree.Element) -> Fault:
    texts = {_local(child.tag): (child.text or "").strip() for child in error}
    return _told(error.get("code", ""), texts.get("Message", ""), texts.get("Detail", ""), error.get("element", ""))


def _told(code: str, *texts: str) -> Fault:
    """Secrets that the texts repeat are hidden here: put into other words, one would not be known again."""
    return Fault(_plain_code(code, texts[0]), *map(without_secrets, texts))


def _plain_code(code: str, message: str) -> str:
    """`3200` for 3200, 003200 and for a message that alone carries errorCode=003200."""
    if not code and (found := _GATEWAY_CODE.search(message)):
        return found.group(1)
    return code.lstrip("0")


def _is_json(answer: HttpAnswer) -> bool:
    return "json" in answer.content_type or (not answer.content_type and not answer.body.lstrip().startswith(b"<"))


def _is_xml(answer: HttpAnswer) -> bool:
    return "xml" in answer.content_type or (not answer.content_type and answer.body.lstrip().startswith(b"<"))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _keys(payload: Mapping[str, Any]) -> str:
    return ", ".join(sorted(str(key) for key in payload)) or "nothing"
