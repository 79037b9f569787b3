"""A lenient reader of multipart/form-data.

Invariant: a body that any published QBO client sends is read; whatever is no multipart body at all is a MultipartError.

    parts(body, content_type) -> [Part(name, filename, content_type, encoding, raw), ...]
    part.content -> bytes, decoded by its Content-Transfer-Encoding

Lenient means: bare LF instead of CRLF, blank lines around the boundaries, parts without a filename, and a missing
closing boundary are all accepted, because clients that work with QBO send them.
"""

import base64
import binascii
import quopri
import re
from dataclasses import dataclass

HEADERS_END = re.compile(rb"\r?\n\r?\n")
PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))')


class MultipartError(ValueError):
    """The body or one of its parts cannot be read; the text says why."""


@dataclass(frozen=True)
class Part:
    """One part; `content_type` is "" when the client named none."""

    name: str
    filename: str
    content_type: str
    encoding: str
    raw: bytes

    @property
    def content(self) -> bytes:
        """The bytes meant. MultipartError for base64 that is none."""
        if self.encoding == "base64":
            try:
                return base64.b64decode(b"".join(self.raw.split()), validate=True)
            except binascii.Error as error:
                raise MultipartError(f"part {self.name} is no base64: {error}") from error
        return quopri.decodestring(self.raw) if self.encoding == "quoted-printable" else self.raw


def parts(body: bytes, content_type: str) -> list[Part]:
    """Every part in order. MultipartError without a boundary or without parts."""
    boundary = parameters(content_type).get("boundary")
    if not content_type.lower().startswith("multipart/") or not boundary:
        raise MultipartError("the content type is no multipart/form-data with a boundary")
    marker = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    marks = list(marker.finditer(body))
    pieces = []
    for position, mark in enumerate(marks):
        if mark[1]:
            break
        end = marks[position + 1].start() if position + 1 < len(marks) else len(body)
        pieces.append(part(body[mark.end() : end]))
    if not pieces:
        raise MultipartError(f"the body has no part with the boundary {boundary}")
    return pieces


def part(piece: bytes) -> Part:
    """Headers and content of one piece; it begins with the line end behind the boundary."""
    head, content = split_head(piece)
    fields = {}
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    disposition = parameters(fields.get("content-disposition", ""))
    return Part(
        name=disposition.get("name", ""),
        filename=disposition.get("filename", ""),
        content_type=fields.get("content-type", ""),
        encoding=fields.get("content-transfer-encoding", "").lower(),
        raw=content,
    )


def split_head(piece: bytes) -> tuple[bytes, bytes]:
    """(headers, content); a piece without an empty line is all headers."""
    found = HEADERS_END.search(piece)
    return (piece, b"") if found is None else (piece[: found.start()], piece[found.end() :])


def parameters(header: str) -> dict[str, str]:
    """`; name="value"` pairs, names in lower case."""
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in PARAMETER.finditer(header)
    }
