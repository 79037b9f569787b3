"""What a codec must know of the QBO company before it can read or write its objects.

Invariant: a codec decides from the object and these facts alone; it never asks the company anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from qb_pipeline.errors import Misconfigured

ClassTracking = Literal["line", "transaction", "off"]


@dataclass(frozen=True)
class Facts:
    """One company's preferences and the few lists that give its objects their meaning; every id is a QBO id.

    `job_parents` maps each sub-customer, however deep, to its top-level customer; `rate_percents` maps a TaxRate to
    its percent. The accounts stand in where a new item, or a discount, names none. `credit_applications` maps a
    CreditMemo to (invoice, amount) pairs, which QBO keeps in payments; `invoice_numbers` names the invoices of those
    and of the applications that the contractor's side asks for.
    """

    home_currency: str = "USD"
    class_tracking: ClassTracking = "off"
    custom_numbers: bool = False
    automated_sales_tax: bool = False
    book_close_date: date | None = None
    job_parents: Mapping[str, str] = field(default_factory=dict)
    rate_percents: Mapping[str, Decimal] = field(default_factory=dict)
    default_income_account: str | None = None
    default_goods_income_account: str | None = None
    default_expense_account: str | None = None
    discount_account: str | None = None
    credit_applications: Mapping[str, tuple[tuple[str, Decimal], ...]] = field(default_factory=dict)
    invoice_numbers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_preferences(
        cls,
        preferences: Mapping[str, Any],
        company_info: Mapping[str, Any] | None = None,
        *,
        job_parents: Mapping[str, str] | None = None,
        rate_percents: Mapping[str, Decimal] | None = None,
        default_income_account: str | None = None,
        default_goods_income_account: str | None = None,
        default_expense_account: str | None = None,
        discount_account: str | None = None,
        credit_applications: Mapping[str, tuple[tuple[str, Decimal], ...]] | None = None,
        invoice_numbers: Mapping[str, str] | None = None,
    ) -> Facts:
        """Read QBO's Preferences and CompanyInfo objects; a group QBO left out counts as switched off.

        Raises `Misconfigured` when the book close date can't be read, because guessing would open closed books.
        """
        accounting = _group(preferences, "AccountingInfoPrefs")
        sales = _group(preferences, "SalesFormsPrefs")
        return cls(
            home_currency=_home_currency(preferences, company_info or {}),
            class_tracking=_class_tracking(accounting),
            custom_numbers=bool(sales.get("CustomTxnNumbers", False)),
            # The key exists only where automated sales tax is offered; its value tells whether it is set up.
            automated_sales_tax=bool(_group(preferences, "TaxPrefs").get("PartnerTaxEnabled", False)),
            book_close_date=_book_close_date(accounting),
            job_parents=job_parents or {},
            rate_percents=rate_percents or {},
            default_income_account=default_income_account,
            default_goods_income_account=default_goods_income_account,
            default_expense_account=default_expense_account,
            discount_account=discount_account or _account_id(sales.get("DefaultDiscountAccount")),
            credit_applications=credit_applications or {},
            invoice_numbers=invoice_numbers or {},
        )


_CURRENCY_OF_COUNTRY = {"US": "USD", "CA": "CAD", "GB": "GBP", "UK": "GBP", "AU": "AUD"}


def _group(preferences: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = preferences.get(name)
    return group if isinstance(group, Mapping) else {}


def _home_currency(preferences: Mapping[str, Any], company_info: Mapping[str, Any]) -> str:
    home = _group(_group(preferences, "CurrencyPrefs"), "HomeCurrency").get("value")
    return str(home or _CURRENCY_OF_COUNTRY.get(str(company_info.get("Country")), "USD"))


def _class_tracking(accounting: Mapping[str, Any]) -> ClassTracking:
    if accounting.get("ClassTrackingPerTxnLine"):
        return "line"
    return "transaction" if accounting.get("ClassTrackingPerTxn") else "off"


def _book_close_date(accounting: Mapping[str, Any]) -> date | None:
    closed = accounting.get("BookCloseDate")
    if not closed:
        return None
    try:
        return date.fromisoformat(str(closed)[:10])
    except ValueError as unreadable:
        raise Misconfigured(
            f"QuickBooks gives {closed!r} as the date through which the books are closed.",
            code="unreadable",
            fix="Set the closing date again under Account and settings, Advanced, in QuickBooks.",
            who="accountant",
            field="BookCloseDate",
        ) from unreadable


def _account_id(setting: Any) -> str | None:
    """QBO gives the default discount account as a bare id in some answers and as a reference in others."""
    if isinstance(setting, Mapping):
        setting = setting.get("value")
    return str(setting) if setting else None
