"""Two published client libraries, written against Intuit's own service, work against the sandbox unchanged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, running

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.batch import batch_create, batch_delete
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import AuthorizationException, ObjectNotFoundException, QuickbooksException
from quickbooks.objects.account import Account
from quickbooks.objects.base import Address, EmailAddress
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.payment import Payment, PaymentLine
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.taxservice import TaxRateDetails, TaxService
from quickbooks.objects.term import Term
from quickbooks.objects.vendor import Vendor

CALLBACK = "http://app.test/callback"


@pytest.fixture(scope="module")
def info() -> Iterator[Body]:
    with running() as first_line:
        yield first_line


@pytest.fixture(scope="module")
def auth(info: Body) -> Any:
    """Intuit's OAuth client, through consent and code exchange."""
    client = AuthClient(info["client_id"], info["client_secret"], CALLBACK, info["discovery_url"])
    url = client.get_authorization_url([Scopes.ACCOUNTING]) + "&sandbox_consent=auto"
    sent_back = requests.get(url, allow_redirects=False, timeout=10).headers["location"]
    answer = dict(part.split("=", 1) for part in sent_back.split("?")[1].split("&"))
    client.get_bearer_token(answer["code"], realm_id=answer["realmId"])
    return client


@pytest.fixture(scope="module")
def qb(info: Body, auth: Any) -> Iterator[Any]:
    """python-quickbooks pointed at the sandbox."""
    kept = QuickBooks.api_url_v3, QuickBooks.sandbox_api_url_v3
    QuickBooks.api_url_v3 = QuickBooks.sandbox_api_url_v3 = f"{info['base_url']}/v3"
    try:
        yield QuickBooks(auth_client=auth, refresh_token=auth.refresh_token, company_id=auth.realm_id, minorversion=75)
    finally:
        QuickBooks.api_url_v3, QuickBooks.sandbox_api_url_v3 = kept


def new_customer(qb: Any, name: str) -> Any:
    customer = Customer()
    customer.DisplayName = name
    customer.BillAddr = Address()
    customer.BillAddr.Line1 = "1 Mill Ln"
    customer.PrimaryEmailAddr = EmailAddress()
    customer.PrimaryEmailAddr.Address = "ana@ridge.test"
    customer.save(qb=qb)
    return Customer.get(customer.Id, qb=qb)


def new_item(qb: Any, name: str) -> Any:
    item = Item()
    item.Name, item.Type, item.UnitPrice = name, "Service", 25
    item.IncomeAccountRef = Account.filter(AccountType="Income", qb=qb)[0].to_ref()
    item.save(qb=qb)
    return Item.get(item.Id, qb=qb)


def sales_line(item: Any, amount: int) -> Any:
    line = SalesItemLine()
    line.Amount = amount
    line.SalesItemLineDetail = SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = item.to_ref()
    return line


def new_invoice(qb: Any, customer: Any, item: Any, amount: int = 100) -> Any:
    invoice = Invoice()
    invoice.CustomerRef = customer.to_ref()
    invoice.Line.append(sales_line(item, amount))
    invoice.save(qb=qb)
    # The library takes only the Id from the answer of a create.
    return Invoice.get(invoice.Id, qb=qb)


def test_a_customer_is_made_read_changed_found_and_made_inactive(qb: Any) -> None:
    customer = new_customer(qb, "O'Neil & Sons")
    assert Customer.get(customer.Id, qb=qb).BillAddr.Line1 == "1 Mill Ln"
    customer.CompanyName = "O'Neil"
    customer.save(qb=qb)
    customer = Customer.get(customer.Id, qb=qb)
    assert customer.SyncToken == "1"
    (found,) = Customer.filter(Active=True, DisplayName="O'Neil & Sons", qb=qb)
    assert found.CompanyName == "O'Neil"
    assert Customer.count("DisplayName LIKE 'O%'", qb=qb) == 1
    assert [one.Id for one in Customer.choose([customer.Id], field="Id", qb=qb)] == [customer.Id]
    customer.Active = False
    customer.save(qb=qb)
    assert Customer.get(customer.Id, qb=qb).DisplayName == "O'Neil & Sons (deleted)"


def test_a_whole_object_read_and_saved_again_changes_nothing_but_the_token(qb: Any) -> None:
    customer, item = new_customer(qb, "Round trip"), new_item(qb, "Round item")
    for made in (customer, item, new_invoice(qb, customer, item)):
        before = type(made).get(made.Id, qb=qb)
        expected = before.to_dict()
        before.save(qb=qb)
        after = type(made).get(made.Id, qb=qb).to_dict()
        changing = ("SyncToken", "MetaData")
        assert {k: v for k, v in after.items() if k not in changing} == {
            k: v for k, v in expected.items() if k not in changing
        }
        assert int(after["SyncToken"]) == int(expected["SyncToken"]) + 1


def test_items_are_listed_with_the_libraries_own_query(qb: Any) -> None:
    new_item(qb, "Gardening")
    assert "Gardening" in [item.Name for item in Item.all(order_by="Name", qb=qb)]
    assert Term.all(qb=qb)[0].Name == "Due on receipt"


def test_an_invoice_is_made_changed_paid_and_voided(qb: Any) -> None:
    customer, item = new_customer(qb, "Paying customer"), new_item(qb, "Paid item")
    invoice = new_invoice(qb, customer, item, 100)
    assert (invoice.TotalAmt, invoice.Balance, invoice.Line[-1].DetailType) == (100, 100, "SubTotalLineDetail")
    payment = Payment()
    payment.CustomerRef, payment.TotalAmt = customer.to_ref(), 60
    line = PaymentLine()
    line.Amount = 60
    line.LinkedTxn.append(invoice.to_linked_txn())
    payment.Line.append(line)
    payment.save(qb=qb)
    invoice = Invoice.get(invoice.Id, qb=qb)
    assert invoice.Balance == 40
    payment.void(qb=qb)
    assert Payment.get(payment.Id, qb=qb).TotalAmt == 0
    invoice = Invoice.get(invoice.Id, qb=qb)
    assert invoice.Balance == 100
    invoice.void(qb=qb)
    assert Invoice.get(invoice.Id, qb=qb).TotalAmt == 0


def test_a_deleted_invoice_raises_object_not_found(qb: Any) -> None:
    invoice = new_invoice(qb, new_customer(qb, "Deleting customer"), new_item(qb, "Deleted item"))
    invoice.delete(qb=qb)
    with pytest.raises(ObjectNotFoundException):
        Invoice.get(invoice.Id, qb=qb)


def test_a_credit_memo_is_made(qb: Any) -> None:
    memo = CreditMemo()
    memo.CustomerRef = new_customer(qb, "Credited customer").to_ref()
    memo.Line.append(sales_line(new_item(qb, "Credited item"), 30))
    memo.save(qb=qb)
    assert CreditMemo.get(memo.Id, qb=qb).RemainingCredit == 30


def test_the_same_request_id_makes_one_object(qb: Any) -> None:
    ids = []
    for _ in range(2):
        vendor = Vendor()
        vendor.DisplayName = "Valley Lumber"
        vendor.save(qb=qb, request_id="once-only")
        ids.append(vendor.Id)
    assert ids[0] == ids[1]


def test_a_batch_reports_successes_and_faults(qb: Any) -> None:
    customers = []
    for name in ("Batch one", "Batch two", "Batch one"):
        customer = Customer()
        customer.DisplayName = name
        customers.append(customer)
    results = batch_create(customers, qb=qb)
    assert (len(results.successes), len(results.faults)) == (2, 1)
    assert results.faults[0].Error[0].code == "6240"
    item = new_item(qb, "Batch item")
    invoices = [new_invoice(qb, results.successes[0], item) for _ in range(3)]
    assert len(batch_delete(invoices, qb=qb).successes) == 3


def test_changes_are_captured(qb: Any) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    customer = new_customer(qb, "Changed customer")
    captured = change_data_capture([Customer, Vendor], since.astimezone().isoformat(), qb=qb)
    assert customer.Id in [one.Id for one in captured.Customer]


def test_a_tax_code_is_made_and_the_pseudo_codes_come_on_top(qb: Any) -> None:
    rate = TaxRateDetails()
    rate.TaxRateName, rate.RateValue, rate.TaxAgencyId, rate.TaxApplicableOn = "County rate", 7, "1", "Sales"
    service = TaxService()
    service.TaxCode = "County"
    service.TaxRateDetails.append(rate)
    created = service.save(qb=qb)
    assert created.TaxCodeId
    assert len(TaxCode.all(max_results=1, qb=qb)) == 4


def test_refusals_become_the_libraries_exceptions_with_their_codes(qb: Any, info: Body, auth: Any) -> None:
    with pytest.raises(QuickbooksException) as duplicate:
        new_customer(qb, "Twice")
        new_customer(qb, "Twice")
    assert duplicate.value.error_code == 6240
    with pytest.raises(QuickbooksException) as bad_query:
        qb.query("select * from Nothing")
    assert bad_query.value.error_code == 4001
    kept = auth.access_token
    try:
        qb.session.access_token = "nonsense"
        qb.session.token = {"access_token": "nonsense"}
        with pytest.raises(AuthorizationException):
            Customer.get(1, qb=qb)
    finally:
        qb.session.token = {"access_token": kept}


def test_intuits_client_refreshes_revokes_and_reports_a_dead_token(info: Body, auth: Any) -> None:
    old = auth.access_token
    auth.refresh()
    assert auth.access_token != old
    pair = requests.post(f"{info['base_url']}/_sandbox/token", json={}, timeout=10).json()
    other = AuthClient(info["client_id"], info["client_secret"], CALLBACK, info["discovery_url"])
    assert other.revoke(token=pair["refresh_token"]) is True
    with pytest.raises(AuthClientError):
        other.refresh(refresh_token=pair["refresh_token"])


def test_items_of_a_batch_need_no_mark_of_their_own(qb: Any) -> None:
    items = [{"Vendor": {"DisplayName": name}} for name in ("Unmarked", "Unmarked")]
    made, refused = qb.batch_operation(json.dumps({"BatchItemRequest": items}))["BatchItemResponse"]
    assert made["Vendor"]["DisplayName"] == "Unmarked"
    assert refused["Fault"]["Error"][0]["code"] == "6240"
    assert "bId" not in made and "bId" not in refused
