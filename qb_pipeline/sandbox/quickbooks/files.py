"""Attached files: uploading them, keeping their bytes, and addresses that open them for a while.

Invariant: a file's bytes are stored in the same transaction as its Attachable, and leave only to who holds an address
signed by this server less than 15 minutes ago.

    create_tables(conn)
    upload(company, body, content_type) -> JSON text of the AttachableResponse array; a bad file spoils only its item
    link_to(company, identifier, base) -> a fresh temporary address of one file at this server (`base`)
    signed(conn, text, base, now) -> the text with every stored stand-in replaced by such an address
    content_for(conn, realm, identifier, query, now) -> StoredFile, or a status that says why not
"""

import hashlib
import hmac
import mimetypes
import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from qb_pipeline.sandbox.kernel.database import get_meta, set_meta, transaction
from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.attachable import ATTACHABLE, LAYOUT
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, not_found
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps, loads, received
from qb_pipeline.sandbox.quickbooks.multipart import MultipartError, Part, parts
from qb_pipeline.sandbox.quickbooks.schema import malformed
from qb_pipeline.sandbox.quickbooks.writes import create

LARGEST_UPLOAD = 100 * 1024 * 1024
OPEN_FOR = timedelta(minutes=15)
SECRET = "quickbooks_download_secret"  # noqa: S105 - the name under which the secret is kept
NUMBERED = re.compile(r"file_(metadata|content)_(\d+)")
# Inside a JSON string quotes are escaped, so that no text a client wrote can match.
STAND_IN = re.compile(r'"TempDownloadUri":"sandbox-file:/(\d+)/(\d+)"')
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.-]+=[\w.-]+)*", re.ASCII)
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class StoredFile:
    """A file as it was uploaded."""

    name: str
    kind: str
    content: bytes


def create_tables(conn: sqlite3.Connection) -> None:
    """Where the bytes are kept."""
    conn.execute(
        "CREATE TABLE IF NOT EXISTS attachment_content (c INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,"
        " body BLOB NOT NULL, PRIMARY KEY (c, id))"
    )


def upload(company: Company, body: bytes, content_type: str) -> str:
    """Store every file of a request. 1050, 2010 or 6030 for the request as a whole."""
    refuse_too_large(len(body))
    try:
        found = parts(body, content_type)
    except MultipartError as error:
        raise Fault(1050, f"The upload is no multipart/form-data: {error}.") from error
    items = numbered(found)
    if not items:
        raise malformed("an upload needs parts file_content_01, file_content_02 …")
    return f"[{','.join(upload_one(company, item) for item in items)}]"


def refuse_too_large(size: int) -> None:
    """6030 above 100 MB."""
    if size > LARGEST_UPLOAD:
        raise Fault(6030, f"The request holds {size:,} bytes; at most {LARGEST_UPLOAD:,} can be uploaded at once.")


def numbered(found: list[Part]) -> list[dict[str, Part]]:
    """Per number of a file its parts by kind ("metadata", "content"), in the order of their first appearance."""
    items: dict[str, dict[str, Part]] = {}
    for part in found:
        match = NUMBERED.fullmatch(part.name)
        if match:
            items.setdefault(match[2], {})[match[1]] = part
    return list(items.values())


def upload_one(company: Company, item: dict[str, Part]) -> str:
    """One element of the answer: the Attachable, or the Fault that undid it."""
    try:
        with transaction(company.store.conn):
            return dumps({"Attachable": attach(company, item)})
    except Fault as fault:
        return dumps({"Fault": fault.item()})


def attach(company: Company, item: dict[str, Part]) -> JsonObject:
    """Store one file with its Attachable."""
    if "content" not in item:
        raise Fault(6041, "There is no file_content part to this file_metadata part.")
    try:
        content = item["content"].content
    except MultipartError as error:
        raise Fault(6041, f"The file cannot be read: {error}.") from error
    described = description(item.get("metadata"))
    name = described.get("FileName") or item["content"].filename or "attachment"
    kind = described.get("ContentType") or item["content"].content_type or mimetypes.guess_type(str(name))[0]
    made = create(company, ATTACHABLE, {**described, "FileName": name, "ContentType": kind or UNKNOWN_TYPE})
    return keep(company, made, content)


def description(metadata: Part | None) -> JsonObject:
    """The Attachable a client describes its file by. 6040 for XML, 2010 for what is no JSON object."""
    if metadata is None:
        return {}
    if "xml" in metadata.content_type.lower():
        raise Fault(6040, f"The metadata is of type {metadata.content_type}; send application/json.")
    try:
        described = received(metadata.content)
    except ValueError as error:
        raise malformed(metadata.name) from error
    if not isinstance(described, dict):
        raise malformed(metadata.name)
    return described


def keep(company: Company, made: JsonObject, content: bytes) -> JsonObject:
    """Put the bytes away and tell the Attachable of them, still in its first version."""
    store, identifier = company.store, str(made["Id"])
    kind = made["ContentType"] if MEDIA_TYPE.fullmatch(made["ContentType"]) else UNKNOWN_TYPE
    store.conn.execute("INSERT INTO attachment_content VALUES (?, ?, ?, ?)", (store.company, identifier, kind, content))
    of_file = {
        "FileAccessUri": f"/v3/company/{company.realm}/download/{identifier}",
        "TempDownloadUri": f"sandbox-file:/{company.realm}/{identifier}",
        "Size": len(content),
    }
    stored = arranged({**made, **of_file}, LAYOUT)
    store.put("Attachable", stored, made)
    return stored


def link_to(company: Company, identifier: str, base: str) -> str:
    """A fresh address of an attached file. 2030, 610, and 6000 when the Attachable has no file."""
    if not identifier.isdecimal():
        raise Fault(2030, f"Id should be a valid number. Supplied value:{identifier}", element="Id")
    found = company.store.get("Attachable", identifier)
    if found is None:
        raise not_found()
    if "TempDownloadUri" not in found:
        raise business(f"Attachable {identifier} is a note; there is nothing to download.")
    return link(company.store.conn, company.realm, identifier, base, company.now)


def signed(conn: sqlite3.Connection, text: str, base: str, now: datetime) -> str:
    """Replace the stand-ins in an answer by fresh addresses."""
    if "sandbox-file:/" not in text:
        return text
    return STAND_IN.sub(lambda match: f'"TempDownloadUri":{dumps(link(conn, match[1], match[2], base, now))}', text)


def link(conn: sqlite3.Connection, realm: str, identifier: str, base: str, now: datetime) -> str:
    """An address that opens the file for the next 15 minutes."""
    expires = int((now + OPEN_FOR).timestamp())
    mark = signature(conn, realm, identifier, expires)
    return f"{base}/documents/{realm}/{identifier}?expires={expires}&signature={mark}"


def signature(conn: sqlite3.Connection, realm: str, identifier: str, expires: int) -> str:
    """What only this server can compute for an address."""
    secret = get_meta(conn, SECRET)
    if secret is None:
        secret = secrets.token_hex(32)
        set_meta(conn, SECRET, secret)
    return hmac.new(secret.encode(), f"{realm}/{identifier}/{expires}".encode(), hashlib.sha256).hexdigest()


def content_for(
    conn: sqlite3.Connection, realm: str, identifier: str, query: dict[str, str], now: datetime
) -> StoredFile | int:
    """The file behind a signed address; 401 without a signature, 403 for a wrong or old one, 404 once it is deleted."""
    expires, mark = query.get("expires", ""), query.get("signature", "")
    if not expires or not mark:
        return 401
    genuine = expires.isdecimal() and len(expires) < 15
    if not genuine or not hmac.compare_digest(signature(conn, realm, identifier, int(expires)).encode(), mark.encode()):
        return 403
    if now.timestamp() > int(expires):
        return 403
    row = conn.execute(
        "SELECT f.kind, f.body, o.body FROM attachment_content f JOIN company USING (c)"
        " JOIN objects o ON o.c = f.c AND o.entity = 'Attachable' AND o.id = f.id WHERE realm = ? AND f.id = ?",
        (realm, identifier),
    ).fetchone()
    return 404 if row is None else StoredFile(str(loads(row[2]).get("FileName") or identifier), row[0], bytes(row[1]))
