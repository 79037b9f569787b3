"""Every way python-quickbooks can read, on every entity it can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException, ValidationException
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.exchangerate import ExchangeRate
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.taxagency import TaxAgency
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.taxrate import TaxRate
from quickbooks.objects.taxservice import TaxRateDetails, TaxService

from qb_pipeline_tests.sandbox.clients.bodies import fresh
from qb_pipeline_tests.sandbox.clients.pyqb import class_of

# What the sample company holds, at least that many.
HELD = {
    "Account": 20, "Bill": 5, "BillPayment": 3, "Class": 3, "CreditCardPayment": 1, "CreditMemo": 2, "Customer": 12,
    "Department": 2, "Deposit": 2, "Employee": 3, "Estimate": 4, "Invoice": 10, "Item": 15, "JournalEntry": 2,
    "Payment": 5, "PaymentMethod": 5, "Purchase": 5, "PurchaseOrder": 3, "RefundReceipt": 1, "SalesReceipt": 3,
    "TaxAgency": 2, "TaxRate": 3, "Term": 5, "TimeActivity": 3, "Transfer": 2, "Vendor": 10, "VendorCredit": 1,
}  # fmt: skip
EMPTY = ("Attachable", "Budget", "CustomerType")
# CDC leaves these out.
UNCAPTURED = ("TaxAgency", "TaxRate", "TimeActivity")


@pytest.mark.parametrize("entity", HELD)
def test_the_sample_company_holds_some_of_each(entity: str, qb: Any) -> None:
    found = class_of(entity).all(qb=qb, max_results=1000)
    assert len(found) >= HELD[entity]
    assert class_of(entity).count(qb=qb) == len(found)
    one = class_of(entity).get(found[-1].Id, qb=qb)
    assert one.to_dict() == found[-1].to_dict()


@pytest.mark.parametrize("entity", EMPTY)
def test_a_list_the_sample_has_nothing_in_is_an_empty_list(entity: str, qb: Any) -> None:
    assert class_of(entity).all(qb=qb) == []
    assert class_of(entity).count(qb=qb) == 0


@pytest.mark.parametrize("entity", HELD)
def test_pages_put_together_are_the_whole_list(entity: str, qb: Any) -> None:
    whole = [obj.Id for obj in class_of(entity).all(order_by="Id", qb=qb)]
    paged, start = [], 1
    while page := class_of(entity).all(order_by="Id", start_position=start, max_results=4, qb=qb):
        paged += [obj.Id for obj in page]
        start += len(page)
    assert paged == whole
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("entity", HELD)
def test_objects_are_found_by_filter_choose_and_where(entity: str, qb: Any) -> None:
    kind = class_of(entity)
    listed = kind.all(max_results=3, qb=qb)
    chosen = [obj.Id for obj in listed]
    assert sorted(obj.Id for obj in kind.choose(chosen, qb=qb)) == sorted(chosen)
    assert [obj.Id for obj in kind.filter(Id=chosen[0], qb=qb)] == chosen[:1]
    since = "MetaData.CreateTime > '2020-01-01'"
    assert kind.count(since, qb=qb) == kind.count(qb=qb)
    assert len(kind.where(since, order_by="MetaData.LastUpdatedTime DESC", max_results=2, qb=qb)) == len(listed[:2])
    assert kind.where("MetaData.CreateTime < '2020-01-01'", qb=qb) == []


@pytest.mark.parametrize("entity", [*HELD, *EMPTY])
def test_an_id_that_never_was_is_not_found(entity: str, qb: Any) -> None:
    with pytest.raises(ObjectNotFoundException) as refused:
        class_of(entity).get(999_999_999, qb=qb)
    assert refused.value.error_code == 610


@pytest.mark.parametrize("entity", HELD)
def test_a_field_that_cannot_be_filtered_is_refused(entity: str, qb: Any) -> None:
    with pytest.raises(ValidationException) as refused:
        class_of(entity).where("NoSuchField = '1'", qb=qb)
    assert refused.value.error_code in (4000, 4001)


def test_changes_of_every_kind_are_captured_since_a_moment(qb: Any) -> None:
    kinds = [class_of(entity) for entity in HELD if entity not in (*UNCAPTURED, "CreditCardPayment")]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    captured = change_data_capture(kinds, since, qb=qb)
    for kind in kinds:
        entity = kind.qbo_object_name
        assert len(getattr(captured, entity)) >= HELD[entity], entity
    later = (datetime.now(UTC) + timedelta(seconds=30)).isoformat(timespec="seconds")
    assert not hasattr(change_data_capture(kinds, later, qb=qb), "Customer")


def test_the_company_tells_who_it_is(qb: Any) -> None:
    info = CompanyInfo.get(qb.company_id, qb=qb)
    assert (info.Id, info.Country) == ("1", "US")
    assert CompanyInfo.all(qb=qb)[0].CompanyName == info.CompanyName


def test_preferences_are_read_and_changed(qb: Any) -> None:
    preferences = Preferences.get(qb=qb)
    assert preferences.OtherPrefs.NameValue[0].Name == "SalesFormsPrefs.DefaultCustomerMessage"
    preferences.EmailMessagesPrefs.InvoiceMessage.Subject = "Your invoice"
    preferences.save(qb=qb)
    assert Preferences.get(qb=qb).EmailMessagesPrefs.InvoiceMessage.Subject == "Your invoice"


def test_tax_codes_come_with_the_three_pseudo_codes_whatever_the_page(qb: Any) -> None:
    codes = TaxCode.all(max_results=1, qb=qb)
    assert {"TAX", "NON", "CustomSalesTax"} < {code.Name for code in codes}
    assert len(codes) == 4
    assert TaxCode.get("TAX", qb=qb).Taxable is True


def test_a_tax_code_is_made_with_a_new_rate_and_a_new_agency(qb: Any) -> None:
    agency = TaxAgency()
    agency.DisplayName = fresh("Agency")
    agency.save(qb=qb)
    assert TaxAgency.get(agency.Id, qb=qb).DisplayName == agency.DisplayName
    rate = TaxRateDetails()
    rate.TaxRateName, rate.RateValue, rate.TaxAgencyId, rate.TaxApplicableOn = fresh("Rate"), 7, agency.Id, "Sales"
    service = TaxService()
    service.TaxCode = fresh("Code")
    service.TaxRateDetails.append(rate)
    made = service.save(qb=qb)
    code = TaxCode.get(made.TaxCodeId, qb=qb)
    assert code.SalesTaxRateList.TaxRateDetail[0].TaxRateRef.value == made.TaxRateDetails[0].TaxRateId
    assert TaxRate.get(made.TaxRateDetails[0].TaxRateId, qb=qb).RateValue == 7


def test_an_exchange_rate_is_read_and_set(qb: Any) -> None:
    (rate,) = ExchangeRate.where("SourceCurrencyCode = 'EUR'", qb=qb)
    assert (rate.SourceCurrencyCode, rate.TargetCurrencyCode) == ("EUR", "USD")
    rate.Rate += 1
    rate.save(qb=qb)
    assert ExchangeRate.where("SourceCurrencyCode = 'EUR'", qb=qb)[0].Rate == rate.Rate


def test_a_query_that_is_none_is_refused(qb: Any) -> None:
    for statement in ("select * from Nothing", "select from Customer", "drop table Customer"):
        with pytest.raises(QuickbooksException) as refused:
            qb.query(statement)
        assert refused.value.error_code in (4000, 4001)
