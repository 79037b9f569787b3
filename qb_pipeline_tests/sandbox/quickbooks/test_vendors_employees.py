"""Vendors and employees: what is hidden, what payroll asks for, what a balance forbids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import BANK, bill, key, part, paying, vendor


def test_a_vendors_tax_identifier_and_bank_account_are_only_shown_masked(books: Books) -> None:
    bank = {"BankAccountName": "Hill", "BankAccountNumber": "12345678"}
    made = vendor(books, TaxIdentifier="22-2222222", VendorPaymentBankDetail=bank)
    assert made["TaxIdentifier"] == "XXXXXX2222"
    assert made["VendorPaymentBankDetail"]["BankAccountNumber"] == "XXXX5678"
    echoed = books.make("Vendor", {**made, "AcctNum": "77"})
    assert (echoed["TaxIdentifier"], echoed["AcctNum"]) == ("XXXXXX2222", "77")


def test_a_vendor_takes_the_fields_of_other_countries_and_refuses_wrong_ones(books: Books) -> None:
    made = vendor(books, T4AEligible=True, T5018Eligible=False, TaxReportingBasis="Cash", BillRate=25)
    assert (made["T4AEligible"], made["TaxReportingBasis"], made["BillRate"]) == (True, "Cash", 25)
    body = {"DisplayName": "Other"}
    assert books.refused("vendor", {**body, "TaxReportingBasis": "Never"})[1] == "2170"
    assert books.refused("vendor", {**body, "SalesTermRef": {"value": "1"}})[1] == "2010"
    assert books.refused("vendor", {**body, "APAccountRef": {"value": BANK}})[1] == "6430"
    assert books.refused("vendor", {**body, "TermRef": {"value": "99"}})[1] == "2500"


def test_a_vendor_that_is_owed_something_stays_active_until_it_is_paid(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller, 100)
    off = {"sparse": True, "Active": False}
    assert books.refused("vendor", {**key(books.again("Vendor", seller)), **off})[1] == "6220"
    books.make("BillPayment", paying(seller, 100, part("Bill", made, 100)))
    gone = books.make("Vendor", {**key(books.again("Vendor", seller)), **off})
    assert gone["DisplayName"] == "Hill Supply (deleted)"
    assert books.again("Bill", made)["VendorRef"]["name"] == "Hill Supply (deleted)"
    assert books.refused("bill", {"VendorRef": {"value": seller["Id"]}, "Line": made["Line"]})[1] == "610"


def test_a_renamed_vendor_is_renamed_in_its_bills(books: Books) -> None:
    seller = vendor(books)
    made = bill(books, seller)
    books.change("Vendor", seller, DisplayName="Hill Supply LLC")
    after = books.again("Bill", made)
    assert (after["VendorRef"]["name"], after["SyncToken"]) == ("Hill Supply LLC", "0")


def test_an_employee_is_named_by_its_parts_and_its_number_is_never_shown(books: Books) -> None:
    made = books.make("Employee", {"GivenName": "Ana", "FamilyName": "Cole", "SSN": "123-45-6789"})
    assert (made["DisplayName"], made["PrintOnCheckName"], made["SSN"]) == ("Ana Cole", "Ana Cole", "XXX-XX-XXXX")
    assert made["BillableTime"] is False
    assert books.refused("employee", {"DisplayName": "Nobody"})[1] == "2020"
    assert books.refused("employee", {"GivenName": "A", "Gender": "Tree"})[1] == "2170"
    assert books.refused("employee", {"GivenName": "A", "HiredDate": "2026-02-30"})[1] == "2070"


@pytest.fixture
def payroll(books: Books) -> Iterator[Books]:
    """A company with payroll."""
    address = f"{books.base}/_sandbox/switches"
    assert requests.post(address, json={"payroll": True}, timeout=10).status_code == 200
    yield books
    assert requests.post(address, json={"payroll": False}, timeout=10).status_code == 200


def test_payroll_needs_both_names_and_where_the_employee_lives(payroll: Books) -> None:
    home = {"PrimaryAddr": {"City": "Dover", "CountrySubDivisionCode": "DE"}}
    body = {"GivenName": "Ana", "FamilyName": "Cole", **home}
    assert payroll.refused("employee", {"GivenName": "Ana", **home})[1] == "2020"
    assert payroll.refused("employee", {"GivenName": "Ana", "FamilyName": "Cole"})[1] == "2020"
    assert payroll.refused("employee", {**body, "PrimaryAddr": {"City": "Dover"}})[1] == "2020"
    assert payroll.refused("employee", {**body, "DisplayName": "Annie"})[1] == "6000"
    made = payroll.make("Employee", body)
    assert made["DisplayName"] == "Ana Cole"
    assert payroll.change("Employee", made, FamilyName="Reed")["DisplayName"] == "Ana Reed"
