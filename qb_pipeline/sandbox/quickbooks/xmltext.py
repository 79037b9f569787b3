"""An answer's JSON as QBO's XML.

Invariant: nothing is lost or invented: every JSON value appears once, as an element or as one of QBO's attributes.

    intuit_response({"Customer": {...}, "time": "…"}) -> '<?xml …?><IntuitResponse time="…"><Customer …>…'

A reference `{"value", "name"}` becomes `<X name="…">value</X>`, an array repeats its element, and what tells of an
object rather than belongs to it (domain, sparse, status, bId, paging) becomes an attribute.
"""

import re
from xml.sax.saxutils import escape, quoteattr

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
NAMESPACE = "http://schema.intuit.com/finance/v3"
ATTRIBUTES = ("domain", "sparse", "status", "bId", "startPosition", "maxResults", "totalCount")
FIRST = ("Id", "SyncToken", "MetaData")
REFERENCE = {"value", "name", "type"}
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def intuit_response(body: JsonObject) -> str:
    """The whole document."""
    if "fault" in body:
        body = gateway_fault(body)
    content = "".join(element(key, value) for key, value in body.items() if key != "time")
    time = attribute("time", body["time"]) if "time" in body else ""
    return f'{HEAD}<IntuitResponse xmlns="{NAMESPACE}"{time}>{content}</IntuitResponse>'


def gateway_fault(body: JsonObject) -> JsonObject:
    """The gateway's lower-case envelope in the capital spelling that XML knows alone."""
    errors = [
        {"Message": error["message"], "Detail": error["detail"], "code": error["code"]}
        for error in body["fault"]["error"]
    ]
    return {"Fault": {"Error": errors, "type": body["fault"]["type"]}, "time": body["time"]}


def element(name: str, value: object) -> str:
    """One JSON member; a null is left out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(element(name, part) for part in value)
    # A fault may quote what a client sent; a property of such a name must not break the document.
    tag = name if NAME.fullmatch(name) else "Property"
    if not isinstance(value, dict):
        return f"<{tag}>{text(value)}</{tag}>"
    if "value" in value and set(value) <= REFERENCE:
        shown = "".join(attribute(key, value[key]) for key in ("name", "type") if value.get(key))
        return f"<{tag}{shown}>{text(value['value'])}</{tag}>"
    marks = attributes_of(tag, value)
    shown = "".join(attribute(key, value[key]) for key in marks if value[key] is not None)
    order = [*(key for key in FIRST if key in value), *(key for key in value if key not in FIRST)]
    content = "".join(element(key, value[key]) for key in order if key not in marks)
    return f"<{tag}{shown}>{content}</{tag}>"


def attributes_of(tag: str, value: JsonObject) -> tuple[str, ...]:
    """Which members of an object are written as attributes."""
    wanted: tuple[str, ...] = ATTRIBUTES
    if tag == "Fault":
        wanted = ("type",)
    elif tag == "Error":
        wanted = ("code", "element")
    return tuple(key for key in wanted if key in value and not isinstance(value[key], dict | list))


def attribute(name: str, value: object) -> str:
    """` name="value"`."""
    return f" {name}={quoteattr(plain(value))}"


def text(value: object) -> str:
    """Element content."""
    return escape(plain(value))


def plain(value: object) -> str:
    """A scalar as XML writes it, without the characters XML 1.0 has no way to carry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return UNPRINTABLE.sub("\ufffd", str(value))
