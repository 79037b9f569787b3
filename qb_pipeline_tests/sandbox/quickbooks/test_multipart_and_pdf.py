"""The multipart reader and the PDF writer by themselves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.files import LARGEST_UPLOAD, refuse_too_large
from qb_pipeline.sandbox.quickbooks.multipart import MultipartError, parts
from qb_pipeline.sandbox.quickbooks.pdf import Run, document

KIND = 'multipart/form-data; charset=utf-8; boundary="my mark"'


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_any_content_comes_out_as_it_went_in(contents: list[bytes], end: str, closed: bool) -> None:
    contents = [content.replace(b"--my mark", b"") for content in contents]
    body = b""
    for number, content in enumerate(contents):
        head = f'--my mark{end}Content-Disposition: form-data; name="file_content_{number}"{end}{end}'
        body += head.encode() + content + end.encode()
    body += b"--my mark--" if closed else b"--my mark"
    read = [part.raw for part in parts(body, KIND)]
    # A bare CR before a bare LF boundary cannot be told from a CRLF.
    expected = [content[:-1] if end == "\n" and content.endswith(b"\r") else content for content in contents]
    assert read[: len(contents)] == expected


def test_names_types_and_quoted_file_names_are_read() -> None:
    body = (
        b'preamble\r\n--my mark\r\ncontent-disposition: form-data; NAME="a"; filename="b \\"c\\".txt"\r\n'
        b"CONTENT-TYPE: text/plain\r\n\r\nx\r\n--my mark--\r\nepilogue"
    )
    (part,) = parts(body, KIND)
    assert (part.name, part.filename, part.content_type, part.content) == ("a", 'b "c".txt', "text/plain", b"x")


@pytest.mark.parametrize(
    ("encoding", "raw", "meant"),
    [
        ("base64", "aGVs\n bG8=\n", b"hello"),
        ("quoted-printable", "caf=C3=A9", "café".encode()),
        ("binary", "a=b", b"a=b"),
    ],
)
def test_transfer_encodings_are_undone(encoding: str, raw: str, meant: bytes) -> None:
    head = f'Content-Disposition: form-data; name="a"\nContent-Transfer-Encoding: {encoding}'
    body = f"--my mark\n{head}\n\n{raw}\n--my mark--"
    assert parts(body.encode(), KIND)[0].content == meant


def test_broken_base64_is_a_multipart_error() -> None:
    body = b'--my mark\nContent-Disposition: form-data; name="a"\nContent-Transfer-Encoding: base64\n\n%%%\n--my mark--'
    with pytest.raises(MultipartError, match="part a is no base64"):
        parts(body, KIND)[0].content  # noqa: B018 - the property decodes


@pytest.mark.parametrize(
    ("body", "kind"), [(b"x", "application/json"), (b"x", "multipart/form-data"), (b"x", KIND), (b"--my mark--", KIND)]
)
def test_what_is_no_multipart_body_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(MultipartError):
        parts(body, kind)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_body_breaks_the_reader(body: bytes, kind: str) -> None:
    for content_type in (kind, KIND, "multipart/form-data; boundary=" + kind):
        try:
            found = parts(b"--my mark\r\n" + body, content_type)
        except MultipartError as error:
            assert str(error)
        else:
            assert all(isinstance(part.raw, bytes) for part in found)


def test_an_upload_may_hold_100_megabytes_and_not_a_byte_more() -> None:
    refuse_too_large(LARGEST_UPLOAD)
    with pytest.raises(Fault) as refused:
        refuse_too_large(LARGEST_UPLOAD + 1)
    assert (refused.value.code, LARGEST_UPLOAD) == (6030, 104_857_600)


@given(st.text(max_size=60))
def test_any_text_makes_a_pdf_whose_offsets_are_right(text: str) -> None:
    content = document(text, [[Run(50, 700, text)], [Run(50, 700, "second", bold=True)]])
    start = int(re.findall(rb"startxref\n(\d+)\n", content)[-1])
    offsets = [int(offset) for offset in re.findall(rb"(\d{10}) 00000 n ", content[start:])]
    assert len(offsets) == 9
    assert all(content[offset:].startswith(b"%d 0 obj\n" % number) for number, offset in enumerate(offsets, 1))
