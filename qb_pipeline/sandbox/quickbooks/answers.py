"""What leaves the API: JSON as made, the same as XML for clients that do not ask for JSON, or a document's bytes.

Invariant: the format of an answer is settled here and nowhere else, from the request alone.

    wants_xml(incoming, any_accept) -> bool
    answered(incoming, status, found, any_accept) -> the kernel's Answer; `found` is JSON text or a Document
"""

from dataclasses import dataclass

from qb_pipeline.sandbox.kernel.calls import Answer, Incoming
from qb_pipeline.sandbox.quickbooks.jsontext import loads
from qb_pipeline.sandbox.quickbooks.xmltext import intuit_response

JSON = "application/json;charset=UTF-8"
XML = "application/xml;charset=UTF-8"
# An address given as text, as `/download` answers it, must not be quoted.
PLAIN = "text/plain;charset=UTF-8"
PDF = "application/pdf"


@dataclass(frozen=True)
class Document:
    """An answer that is neither JSON nor XML: a PDF, or an address as plain text."""

    content: bytes
    kind: str


def wants_xml(incoming: Incoming, any_accept: str) -> bool:
    """QBO answers XML unless JSON is asked for; `any_accept` says what a bare `*/*` gets: "json" or "xml"."""
    accept = incoming.headers.get("accept", "").lower()
    if "json" in accept or incoming.query.get("format", "").lower() == "json":
        return False
    wildcard = "*/*" in accept or "application/*" in accept
    return not (wildcard and any_accept == "json")


def answered(incoming: Incoming, status: int, found: str | Document, any_accept: str) -> Answer:
    """The finished answer with its content type."""
    if isinstance(found, Document):
        return Answer(status, found.content, {"content-type": found.kind})
    if wants_xml(incoming, any_accept):
        return Answer(status, intuit_response(loads(found)).encode(), {"content-type": XML})
    return Answer(status, found.encode(), {"content-type": JSON})
