"""Attachments, PDF forms, mails and reports through python-quickbooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects.attachable import Attachable
from quickbooks.objects.base import AttachableRef
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice

from qb_pipeline_tests.sandbox.clients.pyqb import class_of

REPORTS = (
    "AgedPayableDetail", "AgedPayables", "AgedReceivableDetail", "AgedReceivables", "BalanceSheet", "CashFlow",
    "ClassSales", "CustomerBalance", "CustomerBalanceDetail", "CustomerIncome", "CustomerSales", "DepartmentSales",
    "GeneralLedger", "InventoryValuationSummary", "ItemSales", "ProfitAndLoss", "ProfitAndLossDetail",
    "TransactionList", "TrialBalance", "VendorBalance", "VendorBalanceDetail", "VendorExpenses",
)  # fmt: skip


def attached(qb: Any, **fields: Any) -> Any:
    """An unsaved attachment to the first invoice."""
    attachable, ref = Attachable(), AttachableRef()
    ref.EntityRef = Invoice.all(max_results=1, qb=qb)[0].to_ref()
    attachable.AttachableRef.append(ref)
    for key, value in fields.items():
        setattr(attachable, key, value)
    return attachable


def test_a_file_is_attached_from_a_path_and_downloads_as_it_was(qb: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.txt"
    path.write_bytes(b"Deck, 4 x 6 m\r\n\x00\xff")
    made = attached(qb, FileName="plan.txt", ContentType="text/plain", _FilePath=str(path)).save(qb=qb)
    found = Attachable.get(made.Id, qb=qb)
    assert (found.FileName, found.ContentType, found.Size) == ("plan.txt", "text/plain", path.stat().st_size)
    assert found.AttachableRef[0].EntityRef.type == "Invoice"
    assert requests.get(found.TempDownloadUri, timeout=20).content == path.read_bytes()


def test_a_file_is_attached_from_bytes(qb: Any) -> None:
    made = attached(qb, FileName="a.pdf", ContentType="application/pdf", _FileBytes=b"%PDF-1.4 own").save(qb=qb)
    assert Attachable.get(made.Id, qb=qb).Size == len(b"%PDF-1.4 own")
    assert [one.Id for one in Attachable.filter(FileName="a.pdf", qb=qb)] == [made.Id]


@pytest.mark.parametrize("entity", ["Invoice", "Estimate", "SalesReceipt"])
def test_a_form_downloads_as_pdf(entity: str, qb: Any) -> None:
    form = class_of(entity).all(max_results=1, qb=qb)[0]
    assert form.download_pdf(qb=qb).startswith(b"%PDF-")


@pytest.mark.parametrize("entity", ["Invoice", "Estimate", "PurchaseOrder"])
def test_a_form_is_mailed_to_an_address_and_says_so(entity: str, qb: Any) -> None:
    form = class_of(entity).all(max_results=1, qb=qb)[0]
    answer = form.send(qb=qb, send_to="books@client.test")[entity]
    assert answer["EmailStatus"] == "EmailSent"
    assert answer["DeliveryInfo"]["DeliveryType"] == "Email"
    assert class_of(entity).get(form.Id, qb=qb).EmailStatus == "EmailSent"


def test_a_form_that_does_not_exist_has_neither_pdf_nor_mail(qb: Any) -> None:
    ghost = Invoice()
    ghost.Id = "999999999"
    with pytest.raises(QuickbooksException) as no_pdf:
        ghost.download_pdf(qb=qb)
    with pytest.raises(QuickbooksException) as no_mail:
        ghost.send(qb=qb, send_to="books@client.test")
    assert (no_pdf.value.error_code, no_mail.value.error_code) == (610, 610)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_comes_in_its_shape(name: str, qb: Any) -> None:
    report = qb.get_report(name)
    assert report["Header"]["ReportName"].startswith(name[:4])
    assert report["Columns"]["Column"]
    assert "Rows" in report


def test_what_is_owed_in_all_is_the_same_in_reports_and_on_customers(qb: Any) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    rows = qb.get_report("CustomerBalance", {"end_date": tomorrow})["Rows"]["Row"]
    told = Decimal(rows[-1]["Summary"]["ColData"][-1]["value"])
    assert told == sum(Decimal(str(customer.Balance)) for customer in Customer.all(max_results=1000, qb=qb))


def test_a_report_nobody_knows_is_refused(qb: Any) -> None:
    with pytest.raises(QuickbooksException):
        qb.get_report("NoSuchReport")
