"""Forms as PDF and by e-mail."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline.sandbox.quickbooks.notifications import cloud_event, legacy_entity
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books, running

OBJECT = re.compile(rb"(\d{10}) 00000 n ")


def pdf(books: Books, entity: str, identifier: str) -> requests.Response:
    headers = {"Accept": "application/pdf, application/json"}
    return books.session.get(f"{books.url}/{entity}/{identifier}/pdf", headers=headers, timeout=20)


def send(books: Books, entity: str, identifier: str, **params: str) -> tuple[int, Body]:
    headers = {"Content-Type": "application/octet-stream"}
    answer = books.session.post(f"{books.url}/{entity}/{identifier}/send", params=params, headers=headers, timeout=20)
    return answer.status_code, answer.json()


def outbox(books: Books) -> list[Body]:
    answer = requests.get(f"{books.base}/_sandbox/sent", params={"realm_id": books.realm}, timeout=10)
    sent: list[Body] = answer.json()["sent"]
    return sent


def code(answer: Body) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


def words(content: bytes) -> list[str]:
    """The texts drawn on all pages."""
    drawn = re.findall(rb"\((.*)\) Tj", content)
    return [re.sub(rb"\\([()\\])", rb"\1", text).decode("cp1252") for text in drawn]


def check_structure(content: bytes) -> None:
    """Header, trailer, and a cross-reference table that points at its objects."""
    assert content.startswith(b"%PDF-1.")
    assert content.endswith(b"%%EOF\n")
    found = re.search(rb"startxref\n(\d+)\n", content)
    assert found is not None
    start = int(found[1])
    assert content[start : start + 4] == b"xref"
    offsets = [int(match) for match in OBJECT.findall(content[start:])]
    for number, offset in enumerate(offsets, 1):
        assert content[offset:].startswith(f"{number} 0 obj\n".encode())
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", content, re.DOTALL):
        assert int(length) == len(stream)


def test_an_invoice_is_a_readable_pdf_with_its_lines_and_totals(books: Books) -> None:
    customer = books.customer("Müller (Farm) \\ Söhne", BillAddr={"Line1": "1 Mill Ln", "City": "Davis"})
    item = books.item("Fence")
    lines = [line(item, 1234.5, Qty=2), {**line(item, 10), "Description": "Gate\nwith lock"}]
    invoice = books.invoice(customer, item, Line=lines)
    answer = pdf(books, "invoice", invoice["Id"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    check_structure(answer.content)
    shown = words(answer.content)
    assert {"INVOICE", "Müller (Farm) \\ Söhne", "1 Mill Ln", "Davis", "Fence", "Gate with lock"} <= set(shown)
    assert {f"No.: {invoice['DocNumber']}", f"Date: {invoice['TxnDate']}", "1,234.50", "1,244.50"} <= set(shown)
    assert shown[shown.index("Balance due") + 1] == "1,244.50"


def test_a_long_form_goes_on_over_several_pages_without_losing_a_line(books: Books) -> None:
    item = books.item()
    lines = [{**line(item, 1), "Description": f"Post {n}"} for n in range(90)]
    invoice = books.invoice(books.customer(), item, Line=lines)
    content = pdf(books, "invoice", invoice["Id"]).content
    check_structure(content)
    assert [text for text in words(content) if text.startswith("Post ")] == [f"Post {n}" for n in range(90)]
    assert b"/Count 3 >>" in content


def test_credit_memos_and_payments_have_forms_too(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item, 80)
    memo = books.make("CreditMemo", {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, 30)]})
    payment = books.payment(customer, 50, (invoice, 50))
    assert "CREDIT MEMO" in words(pdf(books, "creditmemo", memo["Id"]).content)
    shown = words(pdf(books, "payment", payment["Id"]).content)
    assert {"PAYMENT RECEIPT", f"Invoice {invoice['Id']}", "50.00"} <= set(shown)


@pytest.mark.parametrize(
    ("entity", "identifier", "expected"),
    [("invoice", "999", "610"), ("invoice", "x", "2030"), ("customer", "1", "500"), ("spaceship", "1", "2000")],
)
def test_a_form_that_is_not_there_is_refused(books: Books, entity: str, identifier: str, expected: str) -> None:
    books.customer()
    answer = pdf(books, entity, identifier)
    assert (answer.status_code, code(answer.json())) == (400, expected)
    status, refused = send(books, entity, identifier, sendTo="ana@ridge.test")
    assert (status, code(refused)) == (400, expected)


def test_a_sent_invoice_says_so_and_lies_in_the_outbox(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item(), BillEmail={"Address": "ana@ridge.test"})
    status, answer = send(books, "invoice", invoice["Id"])
    sent = answer["Invoice"]
    assert (status, sent["EmailStatus"], sent["SyncToken"]) == (200, "EmailSent", "1")
    assert sent["DeliveryInfo"] == {"DeliveryType": "Email", "DeliveryTime": sent["MetaData"]["LastUpdatedTime"]}
    assert sent == books.again("Invoice", invoice)
    assert outbox(books) == [
        {
            "realm_id": books.realm,
            "at": sent["MetaData"]["LastUpdatedTime"],
            "entity": "Invoice",
            "id": invoice["Id"],
            "doc_number": invoice["DocNumber"],
            "to": "ana@ridge.test",
            "cc": None,
            "bcc": None,
            "attachments": [],
        }
    ]


def test_another_address_replaces_the_one_on_the_form(books: Books) -> None:
    customer = books.customer(PrimaryEmailAddr={"Address": "ana@ridge.test"})
    invoice = books.invoice(customer, books.item(), BillEmailCc={"Address": "desk@ridge.test"})
    _, answer = send(books, "invoice", invoice["Id"], sendTo="ben+x@ridge.test, eve@ridge.test")
    assert answer["Invoice"]["BillEmail"] == {"Address": "ben+x@ridge.test, eve@ridge.test"}
    (mail,) = outbox(books)
    assert (mail["to"], mail["cc"]) == ("ben+x@ridge.test, eve@ridge.test", "desk@ridge.test")


def test_a_form_without_an_address_is_refused_with_6000_and_a_bad_one_with_2210(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    assert code(send(books, "invoice", invoice["Id"])[1]) == "6000"
    assert code(send(books, "invoice", invoice["Id"], sendTo="nobody")[1]) == "2210"
    assert books.again("Invoice", invoice) == invoice
    assert outbox(books) == []


def test_a_payment_goes_to_its_customers_address(books: Books) -> None:
    customer = books.customer(PrimaryEmailAddr={"Address": "ana@ridge.test"})
    payment = books.payment(customer, 20)
    status, answer = send(books, "payment", payment["Id"])
    assert (status, answer["Payment"]["EmailStatus"]) == (200, "EmailSent")
    assert outbox(books)[0]["to"] == "ana@ridge.test"


def test_a_sent_form_can_be_sent_back_whole_and_stays_sent() -> None:
    with running(empty=False) as own:
        books = open_books(own)
        for entity in ("Invoice", "Estimate", "SalesReceipt", "CreditMemo", "Payment", "PurchaseOrder"):
            form = books.query(f"select * from {entity}")[entity][0]
            status, answer = send(books, entity.lower(), form["Id"], sendTo="ana@ridge.test")
            assert status == 200, answer
            again = books.make(entity, answer[entity])
            for key in ("EmailStatus", "DeliveryInfo", "POEmail" if entity == "PurchaseOrder" else "BillEmail"):
                assert (entity, again.get(key)) == (entity, answer[entity][key])


def test_only_attachments_marked_for_it_go_along(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    target = {"EntityRef": {"type": "Invoice", "value": invoice["Id"]}}
    marked = books.make("Attachable", {"Note": "plan", "AttachableRef": [{**target, "IncludeOnSend": True}]})
    books.make("Attachable", {"Note": "internal", "AttachableRef": [target]})
    send(books, "invoice", invoice["Id"], sendTo="ana@ridge.test")
    assert outbox(books)[0]["attachments"] == [marked["Id"]]


def test_the_same_request_id_sends_once(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    answers = [send(books, "invoice", invoice["Id"], sendTo="a@ridge.test", requestid="once")[1] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(outbox(books)) == 1


def test_the_outbox_tells_companies_apart_and_refuses_an_unknown_one(server: Body, books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item())
    send(books, "invoice", invoice["Id"], sendTo="a@ridge.test")
    other = open_books(server, str(int(books.realm) + 700_000))
    assert outbox(other) == []
    answer = requests.get(f"{books.base}/_sandbox/sent", params={"realm_id": "5"}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "realm_id")


def test_a_sent_form_is_announced_as_emailed() -> None:
    event: dict[str, Any] = {"realm": "1", "entity": "Invoice", "id": "7", "operation": "Emailed"}
    event["at"] = "2026-03-04T17:15:00+00:00"
    assert legacy_entity(event)["operation"] == "Emailed"
    assert cloud_event(event)["type"] == "qbo.invoice.emailed.v1"


def test_the_outbox_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with running(state) as own:
        books = open_books(own)
        invoice = books.invoice(books.customer(), books.item())
        send(books, "invoice", invoice["Id"], sendTo="a@ridge.test")
        own["process"].kill()
    with running(state) as own:
        assert [mail["id"] for mail in outbox(open_books(own))] == [invoice["Id"]]


FORMS = ("Invoice", "Estimate", "SalesReceipt", "CreditMemo", "RefundReceipt", "Payment", "PurchaseOrder")


def test_every_recorded_form_is_a_pdf_and_can_be_sent() -> None:
    named = os.environ.get("QB_RECORDED")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "recorded"
    if not (folder / "craigs").is_dir():
        pytest.skip("no recorded company; name its folder with QB_RECORDED")
    with running(data=folder / "craigs") as own:
        books = open_books(own)
        for entity in FORMS:
            for form in books.query(f"select * from {entity}")[entity]:
                content = pdf(books, entity.lower(), form["Id"]).content
                check_structure(content)
                party = form.get("CustomerRef") or form["VendorRef"]
                assert {party["name"], f"{form['TotalAmt']:,.2f}"} <= set(words(content))
            status, answer = send(books, entity.lower(), form["Id"], sendTo="ana@ridge.test")
            assert (status, answer[entity]["EmailStatus"]) == (200, "EmailSent")
            assert int(answer[entity]["SyncToken"]) == int(form["SyncToken"]) + 1
        assert [mail["entity"] for mail in outbox(books)] == list(FORMS)
