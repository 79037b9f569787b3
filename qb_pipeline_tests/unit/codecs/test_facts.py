"""What is read out of a company's preferences."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from qb_pipeline.errors import Misconfigured
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline_tests.unit.codecs.recorded import recorded_objects


def test_missing_groups_count_as_switched_off() -> None:
    assert Facts.from_preferences({}) == Facts()
    assert Facts.from_preferences({"AccountingInfoPrefs": None, "SalesFormsPrefs": []}) == Facts()


@pytest.mark.parametrize(
    ("prefs", "tracking"),
    [
        ({"ClassTrackingPerTxnLine": True}, "line"),
        ({"ClassTrackingPerTxn": True}, "transaction"),
        ({"ClassTrackingPerTxn": True, "ClassTrackingPerTxnLine": True}, "line"),
        ({"ClassTrackingPerTxn": False}, "off"),
    ],
)
def test_classes_are_kept_by_line_by_transaction_or_not_at_all(prefs: dict[str, Any], tracking: str) -> None:
    assert Facts.from_preferences({"AccountingInfoPrefs": prefs}).class_tracking == tracking


def test_the_switches_of_the_company_are_read() -> None:
    facts = Facts.from_preferences(
        {
            "AccountingInfoPrefs": {"BookCloseDate": "2018-12-31"},
            "SalesFormsPrefs": {"CustomTxnNumbers": True, "DefaultDiscountAccount": "86"},
            "TaxPrefs": {"PartnerTaxEnabled": True},
            "CurrencyPrefs": {"HomeCurrency": {"value": "CAD"}},
        },
        job_parents={"71": "7"},
        default_income_account="1",
    )
    assert facts.book_close_date == date(2018, 12, 31)
    assert (facts.custom_numbers, facts.automated_sales_tax, facts.home_currency) == (True, True, "CAD")
    assert (facts.discount_account, facts.default_income_account) == ("86", "1")
    assert facts.job_parents == {"71": "7"}


def test_the_country_gives_the_currency_where_the_preferences_do_not() -> None:
    assert Facts.from_preferences({}, {"Country": "CA"}).home_currency == "CAD"
    assert Facts.from_preferences({}, {"Country": "US"}).home_currency == "USD"


def test_a_discount_account_given_by_hand_goes_before_that_of_the_preferences() -> None:
    preferences = {"SalesFormsPrefs": {"DefaultDiscountAccount": {"value": "86"}}}
    assert Facts.from_preferences(preferences).discount_account == "86"
    assert Facts.from_preferences(preferences, discount_account="90").discount_account == "90"


def test_an_unreadable_close_date_stops_rather_than_opens_the_books() -> None:
    with pytest.raises(Misconfigured):
        Facts.from_preferences({"AccountingInfoPrefs": {"BookCloseDate": "last year"}})


def test_every_recorded_preferences_object_is_read() -> None:
    read = [Facts.from_preferences(raw) for raw in recorded_objects("Preferences")]
    assert {facts.home_currency for facts in read} == {"USD"}
    assert any(facts.book_close_date == date(2018, 12, 31) and facts.class_tracking == "line" for facts in read)
