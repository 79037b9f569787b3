"""python-quickbooks, unchanged, attaches notes and files, sends forms and fetches them as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, running

pytest.importorskip("quickbooks")

from intuitlib.client import AuthClient
from quickbooks import QuickBooks
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects.attachable import Attachable
from quickbooks.objects.base import AttachableRef, EmailAddress
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.vendor import Vendor


@pytest.fixture(scope="module")
def info() -> Iterator[Body]:
    # With the sample company, as the library's own tests find one.
    with running(empty=False) as first_line:
        yield first_line


@pytest.fixture(scope="module")
def qb(info: Body) -> Iterator[Any]:
    pair = requests.post(f"{info['base_url']}/_sandbox/token", json={}, timeout=20).json()
    auth = AuthClient(
        info["client_id"],
        info["client_secret"],
        "http://app.test/callback",
        info["discovery_url"],
        access_token=pair["access_token"],
        refresh_token=pair["refresh_token"],
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        patched.setattr(QuickBooks, "api_url_v3", f"{info['base_url']}/v3")
        patched.setattr(QuickBooks, "sandbox_api_url_v3", f"{info['base_url']}/v3")
        yield QuickBooks(
            auth_client=auth, refresh_token=pair["refresh_token"], company_id=pair["realm_id"], minorversion=75
        )


def attached_to(record: Any, **fields: Any) -> Any:
    attachable, ref = Attachable(), AttachableRef()
    ref.EntityRef = record.to_ref()
    attachable.AttachableRef.append(ref)
    for key, value in fields.items():
        setattr(attachable, key, value)
    return attachable


def invoice_for(qb: Any, address: str | None = None) -> Any:
    invoice, line = Invoice(), SalesItemLine()
    invoice.CustomerRef = Customer.all(max_results=1, qb=qb)[0].to_ref()
    line.Amount, line.SalesItemLineDetail = 100, SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = Item.filter(Type="Service", qb=qb)[0].to_ref()
    invoice.Line.append(line)
    if address:
        invoice.BillEmail = EmailAddress()
        invoice.BillEmail.Address = address
    return Invoice.get(invoice.save(qb=qb).Id, qb=qb)


def test_a_note_is_made_on_a_vendor_and_changed_as_the_latest_one(qb: Any) -> None:
    vendor = Vendor.all(max_results=1, qb=qb)[0]
    note = attached_to(vendor, Note="Ask for the lien waiver")
    note.save(qb=qb)
    read = Attachable.get(note.Id, qb=qb)
    assert (read.AttachableRef[0].EntityRef.value, read.Note) == (vendor.Id, "Ask for the lien waiver")
    latest = Attachable.all(max_results=1, qb=qb)[0]
    latest.Note = "Lien waiver is here"
    latest.save(qb=qb)
    again = Attachable.get(latest.Id, qb=qb)
    assert (again.Note, again.SyncToken, again.AttachableRef[0].EntityRef.value) == (
        "Lien waiver is here",
        "1",
        vendor.Id,
    )


@pytest.mark.parametrize("content", [b"", b"delivered\n", bytes(range(256))])
def test_a_file_is_uploaded_from_a_path_and_from_bytes(qb: Any, tmp_path: Path, content: bytes) -> None:
    vendor = Vendor.all(max_results=1, qb=qb)[0]
    path = tmp_path / "ticket.txt"
    path.write_bytes(content)
    from_path = attached_to(vendor, FileName=path.name, _FilePath=str(path), ContentType="text/plain")
    made = [from_path.save(qb=qb)]
    if content:
        made.append(attached_to(vendor, FileName="ticket.bin", _FileBytes=content, ContentType="image/png").save(qb=qb))
    for attachable in made:
        read = Attachable.get(attachable.Id, qb=qb)
        assert (read.Size, read.AttachableRef[0].EntityRef.value) == (len(content), vendor.Id)
        assert requests.get(read.TempDownloadUri, timeout=10).content == content


def test_an_attachable_is_deleted_for_good(qb: Any) -> None:
    note = attached_to(Vendor.all(max_results=1, qb=qb)[0], Note="Wrong vendor")
    note = note.save(qb=qb)
    assert note.delete(qb=qb)["Attachable"]["status"] == "Deleted"
    with pytest.raises(ObjectNotFoundException):
        Attachable.get(note.Id, qb=qb)


def test_an_invoice_is_sent_to_its_own_or_another_address(qb: Any, info: Body) -> None:
    invoice = invoice_for(qb, "ana@ridge.test")
    assert invoice.send(qb=qb)["Invoice"]["EmailStatus"] == "EmailSent"
    answer = invoice.send(qb=qb, send_to="ben@ridge.test")
    assert answer["Invoice"]["BillEmail"] == {"Address": "ben@ridge.test"}
    sent = requests.get(f"{info['base_url']}/_sandbox/sent", timeout=10).json()["sent"]
    assert [mail["to"] for mail in sent if mail["id"] == invoice.Id] == ["ana@ridge.test", "ben@ridge.test"]
    with pytest.raises(QuickbooksException) as refused:
        invoice.send(qb=qb, send_to="nobody")
    assert refused.value.error_code == 2210


def test_an_invoice_is_fetched_as_pdf(qb: Any) -> None:
    invoice = invoice_for(qb)
    assert invoice.download_pdf(qb=qb).startswith(b"%PDF-")
    with pytest.raises(ObjectNotFoundException):
        qb.download_pdf("Invoice", "999999")


def test_the_company_is_read_changed_and_counted(qb: Any) -> None:
    company = CompanyInfo.get(qb.company_id, qb=qb)
    assert (company.Id, CompanyInfo.all(qb=qb)[0].CompanyName) == ("1", company.CompanyName)


def test_a_preference_is_changed_in_the_whole_object(qb: Any) -> None:
    preferences = Preferences.get(qb=qb)
    preferences.EmailMessagesPrefs.EstimateMessage.Subject = "Our offer"
    preferences.save(qb=qb)
    assert Preferences.get(qb=qb).EmailMessagesPrefs.EstimateMessage.Subject == "Our offer"
