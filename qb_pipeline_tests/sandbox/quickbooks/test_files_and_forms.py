"""Notes and files on transactions and names: made, changed, found, opened, removed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import simplejson

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

CRLF, LF = "\r\n", "\n"


def link_to(entity: str, obj: Body, **fields: Any) -> Body:
    return {"AttachableRef": [{"EntityRef": {"type": entity, "value": obj["Id"]}, **fields}]}


def note(books: Books, text: str = "Call before delivery", **fields: Any) -> Body:
    return books.make("Attachable", {"Note": text, **fields})


def file_part(name: str, content: bytes, kind: str = "text/plain", filename: str | None = None) -> bytes:
    shown = f'; filename="{filename}"' if filename else ""
    head = f'Content-Disposition: form-data; name="{name}"{shown}{CRLF}Content-Type: {kind}{CRLF}{CRLF}'
    return head.encode() + content


def upload(books: Books, *parts: bytes, **params: str) -> tuple[int, Body]:
    body = b"".join(b"--mark\r\n" + part + b"\r\n" for part in parts) + b"--mark--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=mark"}
    answer = books.session.post(f"{books.url}/upload", data=body, headers=headers, params=params, timeout=30)
    return answer.status_code, answer.json()


def uploaded(books: Books, content: bytes = b"paid in full", **metadata: Any) -> Body:
    described = {"FileName": "receipt.txt", "ContentType": "text/plain", **metadata}
    head = file_part("file_metadata_01", simplejson.dumps(described).encode(), "application/json")
    status, answer = upload(books, head, file_part("file_content_01", content))
    assert status == 200
    made: Body = answer["AttachableResponse"][0]["Attachable"]
    return made


def fault(answer: Body) -> tuple[str, str]:
    (error,) = answer["Fault"]["Error"]
    return error["code"], error["Detail"]


def test_a_note_is_made_read_changed_found_and_deleted_for_good(books: Books) -> None:
    customer = books.customer()
    made = note(books, **link_to("customer", customer))
    assert (made["SyncToken"], len(made["Id"])) == ("0", 19)
    assert made["AttachableRef"] == [
        {"IncludeOnSend": False, "EntityRef": {"value": customer["Id"], "type": "Customer"}}
    ]
    changed = books.make("Attachable", {**books.again("Attachable", made), "Note": "Call after delivery"})
    assert (changed["SyncToken"], changed["Note"]) == ("1", "Call after delivery")
    found = books.query("select * from Attachable where Note like 'Call after%'")["Attachable"]
    assert found == [changed]
    status, answer = books.post("attachable", {"Id": made["Id"], "SyncToken": "1"}, operation="delete")
    assert (status, answer["Attachable"]) == (200, {"domain": "QBO", "status": "Deleted", "Id": made["Id"]})
    assert books.query("select * from Attachable") == {}
    assert fault(books.get(f"attachable/{made['Id']}")[1])[0] == "610"


def test_changes_of_attachables_are_captured_with_their_removals(books: Books) -> None:
    kept, gone = note(books), note(books, "Wrong customer")
    books.post("attachable", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    _, answer = books.get("cdc", entities="attachable", changedSince=kept["MetaData"]["CreateTime"])
    (block,) = answer["CDCResponse"][0]["QueryResponse"]
    assert [entry.get("status") for entry in block["Attachable"]] == [None, "Deleted"]


def test_an_update_is_a_full_one_even_when_it_says_sparse(books: Books) -> None:
    made = note(books, Tag="north gate", Category="Other")
    changed = books.change("Attachable", made, Note="New words")
    assert changed["Note"] == "New words"
    assert not {"Tag", "Category"} & set(changed)


def test_links_are_replaced_and_not_merged(books: Books) -> None:
    one, other = books.customer("One"), books.customer("Other")
    made = note(books, **link_to("Customer", one))
    changed = books.change("Attachable", made, Note="Both", **link_to("Customer", other))
    assert [ref["EntityRef"]["value"] for ref in changed["AttachableRef"]] == [other["Id"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "6000"),
        ({"Note": "x" * 2001}, "2050"),
        ({"Note": "x", "Category": "receipt"}, "2170"),
        ({"Note": "x", "Colour": "red"}, "2010"),
        ({"Note": "x", "AttachableRef": [{"EntityRef": {"type": "Spaceship", "value": "1"}}]}, "6050"),
        ({"Note": "x", "AttachableRef": [{"EntityRef": {"type": "Invoice"}}]}, "2020"),
        ({"Note": "x", "AttachableRef": [{"EntityRef": {"type": "Estimate", "value": "75"}}]}, "6000"),
    ],
)
def test_a_note_that_breaks_a_rule_is_refused_by_its_code(books: Books, body: Body, code: str) -> None:
    assert books.refused("attachable", body)[:2] == (400, code)
    assert books.query("select count(*) from Attachable") == {"totalCount": 0}


def test_a_stale_token_is_refused_with_5010(books: Books) -> None:
    made = note(books)
    assert books.refused("attachable", {"Id": made["Id"], "SyncToken": "4", "Note": "x"})[1] == "5010"


def test_a_transaction_that_gets_an_attachment_gets_its_next_token_and_a_name_does_not(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item())
    note(books, **link_to("invoice", invoice))
    note(books, **link_to("customer", customer))
    assert books.again("Invoice", invoice)["SyncToken"] == "1"
    assert books.again("Customer", customer)["SyncToken"] == "0"


def test_an_attachment_outlives_its_transaction_unchanged(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    made = note(books, **link_to("Invoice", invoice))
    token = books.again("Invoice", invoice)["SyncToken"]
    status, _ = books.post("invoice", {"Id": invoice["Id"], "SyncToken": token}, operation="delete")
    assert status == 200
    assert books.again("Attachable", made) == made
    changed = books.make("Attachable", {**made, "Note": "Still here"})
    assert changed["AttachableRef"] == made["AttachableRef"]


def test_attachments_are_found_by_what_they_hang_on_in_any_case(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoices = [books.invoice(customer, item) for _ in range(2)]
    first, second = (note(books, str(n), **link_to("Invoice", one)) for n, one in enumerate(invoices))
    both = [*first["AttachableRef"], *second["AttachableRef"]]
    shared = note(books, "both", AttachableRef=both)
    for kind in ("invoice", "Invoice"):
        where = f"AttachableRef.EntityRef.Type = '{kind}' and AttachableRef.EntityRef.value = '{invoices[1]['Id']}'"
        found = books.query(f"select * from Attachable where {where} orderby Id")["Attachable"]
        assert [entry["Id"] for entry in found] == [second["Id"], shared["Id"]]
    assert books.query("select * from Attachable where AttachableRef.EntityRef.Type = 'bill'") == {}


def test_an_uploaded_file_is_kept_and_opened_by_its_temporary_address(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    content = bytes(range(256)) * 4
    made = uploaded(books, content, ContentType="image/png", FileName="Größe 1.png", **link_to("Invoice", invoice))
    assert (made["Size"], made["FileName"], made["SyncToken"]) == (1024, "Größe 1.png", "0")
    assert made["FileAccessUri"] == f"/v3/company/{books.realm}/download/{made['Id']}"
    opened = requests.get(made["TempDownloadUri"], timeout=10)
    assert (opened.content, opened.headers["content-type"]) == (content, "image/png")
    for again in (books.again("Attachable", made), books.query("select * from Attachable")["Attachable"][0]):
        assert requests.get(again["TempDownloadUri"], timeout=10).content == content
    answer = books.session.get(f"{books.url}/download/{made['Id']}", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain")
    assert requests.get(answer.text, timeout=10).content == content


def test_a_temporary_address_ends_after_fifteen_minutes_and_cannot_be_forged() -> None:
    with running() as own:
        books = open_books(own)
        address = uploaded(books)["TempDownloadUri"]
        bare, _, query = address.partition("?")
        assert requests.get(bare, timeout=10).status_code == 401
        assert requests.get(f"{bare}0?{query}", timeout=10).status_code == 403
        assert requests.get(f"{bare}?expires=99999999999&signature={'0' * 64}", timeout=10).status_code == 403
        advance = {"advance_seconds": 14 * 60}
        requests.post(f"{own['base_url']}/_sandbox/clock", json=advance, timeout=10).raise_for_status()
        assert requests.get(address, timeout=10).status_code == 200
        requests.post(f"{own['base_url']}/_sandbox/clock", json={"advance_seconds": 120}, timeout=10).raise_for_status()
        assert requests.get(address, timeout=10).status_code == 403


def test_a_deleted_file_is_gone_with_its_attachable(books: Books) -> None:
    made = uploaded(books)
    books.post("attachable", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert requests.get(made["TempDownloadUri"], timeout=10).status_code == 404


def test_a_file_survives_a_kill_of_the_server(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with running(state) as own:
        made = uploaded(open_books(own), b"kept")
        own["process"].kill()
    with running(state) as own:
        again = open_books(own).again("Attachable", made)
        assert requests.get(again["TempDownloadUri"], timeout=10).content == b"kept"


def test_a_stand_in_written_by_a_client_stays_text(books: Books) -> None:
    made = uploaded(books)
    forged = f'"TempDownloadUri":"sandbox-file:/{books.realm}/{made["Id"]}"'
    assert note(books, forged)["Note"] == forged


def test_several_files_are_stored_each_on_its_own(books: Books) -> None:
    parts = [
        file_part("file_metadata_01", b'{"FileName": "a.txt"}', "application/json"),
        file_part("file_content_01", b"first"),
        file_part("file_metadata_02", b'{"AttachableRef":[{"EntityRef":{"type":"Estimate","value":"75"}}]}'),
        file_part("file_content_02", b"second"),
        file_part("file_content_03", b"third", "application/pdf", "c.pdf"),
    ]
    status, answer = upload(books, *parts)
    assert status == 200
    first, second, third = answer["AttachableResponse"]
    assert (first["Attachable"]["FileName"], first["Attachable"]["Size"]) == ("a.txt", 5)
    assert fault(second) == (
        "6000",
        "Business Validation Error: The entity Estimate 75 that you are trying to link does not exist. Estimate 75",
    )
    assert (third["Attachable"]["FileName"], third["Attachable"]["ContentType"]) == ("c.pdf", "application/pdf")
    assert books.query("select count(*) from Attachable") == {"totalCount": 2}


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([file_part("file_metadata_01", b"{}", "application/json")], "6041"),
        ([file_part("file_metadata_01", b"<A/>", "application/xml"), file_part("file_content_01", b"x")], "6040"),
        ([file_part("file_metadata_01", b"{", "application/json"), file_part("file_content_01", b"x")], "2010"),
        ([file_part("file_metadata_01", b"[]", "application/json"), file_part("file_content_01", b"x")], "2010"),
    ],
)
def test_an_item_that_cannot_be_read_is_a_fault_inside_success(books: Books, parts: list[bytes], code: str) -> None:
    status, answer = upload(books, *parts)
    assert (status, fault(answer["AttachableResponse"][0])[0]) == (200, code)


def test_an_upload_that_is_no_multipart_is_refused(books: Books) -> None:
    assert books.refused("upload", {"Note": "x"})[:2] == (400, "1050")
    status, answer = upload(books, file_part("picture", b"x"))
    assert (status, fault(answer)[0]) == (400, "2010")


def test_the_same_request_id_uploads_once_and_gives_a_fresh_address(books: Books) -> None:
    part = file_part("file_content_01", b"once", filename="a.txt")
    answers = [upload(books, part, requestid="only")[1]["AttachableResponse"][0]["Attachable"] for _ in range(2)]
    assert answers[0]["Id"] == answers[1]["Id"]
    assert books.query("select count(*) from Attachable") == {"totalCount": 1}
    assert requests.get(answers[1]["TempDownloadUri"], timeout=10).content == b"once"


def test_a_body_with_bare_line_feeds_and_base64_is_read(books: Books) -> None:
    content = base64.b64encode(b"\x00\xff\x10 bytes").decode()
    lines = [
        "",
        "---------------Mark",
        'Content-Disposition: form-data; name="file_metadata_01"',
        "Content-Type: application/json",
        "",
        '{"FileName": "b.bin", "ContentType": "application/octet-stream", "Note": "kept"}',
        "",
        "---------------Mark",
        'Content-Disposition: form-data; name="file_content_01"',
        "Content-Type: application/octet-stream",
        "Content-Transfer-Encoding: base64",
        "",
        content,
        "",
        "---------------Mark--",
        "",
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=-------------Mark"}
    answer = books.session.post(f"{books.url}/upload", data=LF.join(lines), headers=headers, timeout=10).json()
    made = answer["AttachableResponse"][0]["Attachable"]
    assert (made["Size"], made["Note"]) == (9, "kept")
    assert requests.get(made["TempDownloadUri"], timeout=10).content == b"\x00\xff\x10 bytes"


def test_what_the_server_knows_of_a_file_is_refused_when_echoed_and_kept_when_left_out(books: Books) -> None:
    made = uploaded(books)
    for key in ("Size", "TempDownloadUri", "FileAccessUri"):
        body = {"Id": made["Id"], "SyncToken": "0", "Note": "x", key: made[key]}
        assert books.refused("attachable", body)[1] == "2010"
    body = {key: made[key] for key in ("Id", "SyncToken", "FileName", "ContentType", "MetaData")}
    changed = books.make("Attachable", {**body, "Note": "Signed"})
    assert (changed["Size"], changed["FileAccessUri"], changed["Note"]) == (12, made["FileAccessUri"], "Signed")


def test_a_switch_lets_a_whole_file_attachable_be_sent_back() -> None:
    with running() as own:
        books = open_books(own)
        made = uploaded(books)
        url = f"{own['base_url']}/_sandbox/switches"
        requests.post(url, json={"attachable_echo": "ignore"}, timeout=10).raise_for_status()
        changed = books.make("Attachable", {**made, "Size": 1, "Note": "Signed"})
        assert (changed["Size"], changed["Note"]) == (12, "Signed")


def test_a_download_of_nothing_is_refused(books: Books) -> None:
    made = note(books)
    assert fault(books.get(f"download/{made['Id']}")[1])[0] == "6000"
    assert fault(books.get("download/77")[1])[0] == "610"
    assert fault(books.get("download/one")[1])[0] == "2030"


def test_a_file_of_one_company_is_not_opened_by_another(server: Body, books: Books) -> None:
    made = uploaded(books)
    other = open_books(server, str(int(books.realm) + 500_000))
    assert fault(other.get(f"download/{made['Id']}")[1])[0] == "610"
    assert requests.get(made["TempDownloadUri"].replace(books.realm, other.realm), timeout=10).status_code == 403


def test_attachments_are_written_in_a_batch(books: Books) -> None:
    items = [{"bId": str(n), "operation": "create", "Attachable": {"Note": f"note {n}"}} for n in range(2)]
    _, answer = books.post("batch", {"BatchItemRequest": items})
    assert [entry["Attachable"]["Note"] for entry in answer["BatchItemResponse"]] == ["note 0", "note 1"]


def test_a_loaded_attachable_with_an_id_beyond_64_bits_is_read_found_changed_and_deleted(tmp_path: Path) -> None:
    loaded = {
        "SyncToken": "0",
        "Id": "200900000000000008541",
        "Note": "Gate code is on file",
        "AttachableRef": [{"IncludeOnSend": False, "EntityRef": {"type": "Invoice", "value": "95"}}],
        "MetaData": {"CreateTime": "2015-11-17T11:05:15-08:00", "LastUpdatedTime": "2015-11-17T11:05:15-08:00"},
    }
    (tmp_path / "Attachable.jsonl").write_text(json.dumps(loaded) + "\n")
    with running(data=tmp_path) as own:
        books = open_books(own)
        assert books.again("Attachable", loaded) == loaded
        found = books.query(f"select * from Attachable where Id = '{loaded['Id']}'")["Attachable"]
        assert found == [loaded]
        changed = books.make("Attachable", {**loaded, "Note": "Gate code has changed"})
        assert (changed["SyncToken"], changed["AttachableRef"]) == ("1", loaded["AttachableRef"])
        assert note(books)["Id"] == "5000000000000000001"
        status, _ = books.post("attachable", {"Id": loaded["Id"], "SyncToken": "1"}, operation="delete")
        assert status == 200


def test_attachments_of_a_merged_name_go_to_the_one_that_stays(books: Books) -> None:
    gone, kept = books.customer("Ridge Farm"), books.customer("Ridge Farm LLC")
    made = note(books, **link_to("Customer", gone))
    books.ui(act="merge", entity="Customer", **{"from": gone["Id"], "into": kept["Id"]})
    (ref,) = books.again("Attachable", made)["AttachableRef"]
    assert ref["EntityRef"] == {"value": kept["Id"], "type": "Customer"}
