"""A small PDF writer: pages of text in one of two fonts, nothing else.

Invariant: every byte offset in the cross-reference table is that of its object, so that any reader opens the file.

    document(title, [[Run(x, y, text, size, bold), ...], ...]) -> bytes; a list a page, in points from the lower left
"""

from dataclasses import dataclass

WIDTH, HEIGHT = 612, 792  # US letter
# Objects 1 and 2 are catalogue and page tree, 3 and 4 the fonts, 5 the information dictionary.
FIRST_PAGE = 6


@dataclass(frozen=True)
class Run:
    """One piece of text on a page."""

    x: float
    y: float
    text: str
    size: int = 10
    bold: bool = False


def document(title: str, pages: list[list[Run]]) -> bytes:
    """The whole file."""
    kids = " ".join(f"{FIRST_PAGE + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font("Helvetica"),
        font("Helvetica-Bold"),
        b"<< /Title (" + literal(title) + b") /Producer (QuickBooks sandbox) >>",
    ]
    for position, runs in enumerate(pages):
        objects += [page(FIRST_PAGE + 2 * position + 1), stream(runs)]
    return assembled(objects)


def font(name: str) -> bytes:
    """One of the fonts every reader has."""
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def page(content: int) -> bytes:
    """A page whose content is the object of that number."""
    fonts = "/Font << /F1 3 0 R /F2 4 0 R >>"
    return (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] "
        f"/Resources << {fonts} >> /Contents {content} 0 R >>"
    ).encode()


def stream(runs: list[Run]) -> bytes:
    """The drawing of a page."""
    drawn = b"\n".join(
        f"BT /F{2 if run.bold else 1} {run.size} Tf {run.x:g} {run.y:g} Td (".encode() + literal(run.text) + b") Tj ET"
        for run in runs
    )
    return f"<< /Length {len(drawn)} >>\nstream\n".encode() + drawn + b"\nendstream"


def literal(text: str) -> bytes:
    """A string's bytes in WinAnsi; what the font has no letter for becomes a question mark."""
    raw = "".join(letter if letter.isprintable() else " " for letter in text).encode("cp1252", "replace")
    return raw.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def assembled(objects: list[bytes]) -> bytes:
    """Objects, their offsets, and the trailer."""
    body, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + f"xref\n0 {size}\n0000000000 65535 f \n".encode() + table + trailer.encode()
