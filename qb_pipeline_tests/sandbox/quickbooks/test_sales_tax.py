"""Sales tax: Automated Sales Tax by address, and companies outside the United States."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money
from qb_pipeline_tests.sandbox.quickbooks.loaded import code, loaded, rate, service

NAMES = count(1)
AGENCY = {"Id": "1", "DisplayName": "Revenue Agency", "TaxTrackedOnSales": True}
HST, PROVINCES, EXEMPT = "5", "6", "7"


@pytest.fixture(scope="module")
def canada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """A company in Ontario: one code of 13 %, one of 5 % and 9.975 % together, one of nothing."""
    rates = [rate("12", "HST ON", 13), rate("13", "GST", 5), rate("14", "QST", Decimal("9.975")), rate("15", "Zero", 0)]
    codes = [code(HST, "HST ON", "12"), code(PROVINCES, "GST/QST QC", "13", "14"), code(EXEMPT, "Exempt", "15")]
    with loaded(
        tmp_path_factory.mktemp("canada"),
        CompanyInfo=[{"Id": "1", "CompanyName": "Maple", "Country": "CA"}],
        TaxAgency=[AGENCY],
        TaxRate=rates,
        TaxCode=codes,
        Item=[service("1", "Labor"), service("2", "Coded", SalesTaxCodeRef={"value": HST})],
    ) as books:
        yield books


@contextmanager
def switched(books: Books, **values: str) -> Iterator[None]:
    """Switches of the server, set back afterwards."""
    url = f"{books.base}/_sandbox/switches"
    before = requests.get(url, timeout=10).json()
    assert requests.post(url, json=values, timeout=10).status_code == 200
    try:
        yield
    finally:
        requests.post(url, json={key: before[key] for key in values}, timeout=10)


def body(books: Books, *lines: Body, **fields: Any) -> Body:
    customer = books.customer(f"Customer {next(NAMES)}", **fields.pop("customer", {}))
    return {"CustomerRef": {"value": customer["Id"]}, "Line": list(lines), **fields}


def sold(amount: object, tax: str | None = HST, item: str = "1", **detail: Any) -> Body:
    return line({"Id": item}, amount, tax, **detail)


def taxes(made: Body) -> list[tuple[str, Decimal, Decimal]]:
    """(rate, base, amount) of the tax lines."""
    return [
        (
            one["TaxLineDetail"]["TaxRateRef"]["value"],
            money(one["TaxLineDetail"]["NetAmountTaxable"]),
            money(one["Amount"]),
        )
        for one in made["TxnTaxDetail"].get("TaxLine", [])
    ]


def test_elsewhere_each_line_has_a_code_and_each_rate_one_tax_line(canada: Books) -> None:
    made = canada.make("Invoice", body(canada, sold(100), sold("4495.16", PROVINCES), sold(10, EXEMPT)))
    assert made["GlobalTaxCalculation"] == "TaxExcluded"
    assert taxes(made) == [
        ("12", 100, 13),
        ("13", money("4495.16"), money("224.76")),
        ("14", money("4495.16"), money("448.39")),
        ("15", 10, 0),
    ]
    assert money(made["TxnTaxDetail"]["TotalTax"]) == money("686.15")
    assert money(made["TotalAmt"]) == money("5291.31")
    assert "TxnTaxCodeRef" not in made["TxnTaxDetail"]


def test_the_one_cent_deviation_of_real_books_comes_on_order(canada: Books) -> None:
    with switched(canada, tax_jitter="cent"):
        made = canada.make("Invoice", body(canada, sold("4495.16", PROVINCES)))
    assert taxes(made)[1][2] == money("448.40")


def test_prices_that_include_tax_are_split_into_amount_and_tax(canada: Books) -> None:
    made = canada.make(
        "Invoice", body(canada, sold("9.60", Qty=2, UnitPrice="4.80"), GlobalTaxCalculation="TaxInclusive")
    )
    (part, subtotal) = made["Line"]
    detail = part["SalesItemLineDetail"]
    assert (money(part["Amount"]), money(detail["TaxInclusiveAmt"])) == (money("8.5"), money("9.6"))
    assert (money(subtotal["Amount"]), money(made["TxnTaxDetail"]["TotalTax"])) == (money("8.5"), money("1.1"))
    assert money(made["TotalAmt"]) == money("9.6")
    echoed = canada.change("Invoice", made, Line=made["Line"])
    assert (echoed["Line"], echoed["TotalAmt"]) == (made["Line"], made["TotalAmt"])


def test_where_tax_does_not_apply_lines_have_no_code_and_a_tax_detail_is_refused(canada: Books) -> None:
    made = canada.make("Invoice", body(canada, sold(100), GlobalTaxCalculation="NotApplicable"))
    assert (made["TotalAmt"], made["TxnTaxDetail"]) == (100, {"TotalTax": 0})
    assert "TaxCodeRef" not in made["Line"][0]["SalesItemLineDetail"]
    sent = body(canada, sold(100), GlobalTaxCalculation="NotApplicable", TxnTaxDetail={"TotalTax": 5})
    assert canada.refused("invoice", sent)[:2] == (400, "6170")


def test_a_line_takes_its_items_code_and_is_refused_without_any(canada: Books) -> None:
    made = canada.make("Invoice", body(canada, sold(100, None, "2")))
    assert made["TxnTaxDetail"]["TotalTax"] == 13
    assert canada.refused("invoice", body(canada, sold(100, None)))[:2] == (400, "6000")
    assert canada.refused("invoice", body(canada, sold(100, "TAX")))[:2] == (400, "2500")
    assert canada.refused("invoice", body(canada, sold(100, "99")))[:2] == (400, "2500")


def test_a_discount_lowers_the_taxed_amount_only_when_asked(canada: Books) -> None:
    ten = {
        "DetailType": "DiscountLineDetail",
        "Amount": 10,
        "DiscountLineDetail": {"DiscountAccountRef": {"value": "1"}},
    }
    before = canada.make("Invoice", body(canada, sold(100), ten))
    after = canada.make("Invoice", body(canada, sold(100), ten, ApplyTaxAfterDiscount=True))
    assert (before["TotalAmt"], money(after["TotalAmt"])) == (103, money("101.7"))


def test_a_tax_that_is_sent_is_honoured_elsewhere_too_and_spread_over_the_rates(canada: Books) -> None:
    made = canada.make("Invoice", body(canada, sold(100, PROVINCES), TxnTaxDetail={"TotalTax": "15.00"}))
    assert made["TxnTaxDetail"]["TotalTax"] == 15
    assert sum(amount for *_, amount in taxes(made)) == 15
    with switched(canada, ast="recompute"):
        own = canada.make("Invoice", body(canada, sold(100, PROVINCES), TxnTaxDetail={"TotalTax": "15.00"}))
    assert money(own["TxnTaxDetail"]["TotalTax"]) == money("14.98")


def test_the_way_of_taxing_stays_in_an_update_and_can_be_changed_with_the_lines(canada: Books) -> None:
    made = canada.make("Invoice", body(canada, sold(113), GlobalTaxCalculation="TaxInclusive"))
    noted = canada.change("Invoice", made, PrivateNote="x")
    assert (noted["GlobalTaxCalculation"], noted["TotalAmt"]) == ("TaxInclusive", 113)
    excluded = canada.change("Invoice", noted, GlobalTaxCalculation="TaxExcluded", Line=[sold(113)])
    assert money(excluded["TotalAmt"]) == money("127.69")


def test_receipts_and_estimates_are_taxed_the_same_way_elsewhere(canada: Books) -> None:
    for entity in ("SalesReceipt", "Estimate", "CreditMemo"):
        made = canada.make(entity, body(canada, sold(100)))
        assert (made["GlobalTaxCalculation"], made["TotalAmt"]) == ("TaxExcluded", 113), entity


def automated(books: Books) -> None:
    books.ui(act="edit", entity="Preferences", id="1", fields={"TaxPrefs": {"PartnerTaxEnabled": True}})


def local_code(books: Books, name: str, *percents: str) -> None:
    rates = [
        {"TaxRateName": f"{name} {percent}", "RateValue": percent, "TaxAgencyId": "1", "TaxApplicableOn": "Sales"}
        for percent in percents
    ]
    assert books.post("taxservice/taxcode", {"TaxCode": name, "TaxRateDetails": rates})[0] == 200


def taxable(books: Books, amount: object, **fields: Any) -> Body:
    return body(books, line(books.item(f"Item {next(NAMES)}"), amount, "TAX"), **fields)


def test_automated_tax_follows_the_ship_to_address_then_bill_to_then_the_company(books: Books) -> None:
    automated(books)
    local_code(books, "Nevada", "4.6")
    local_code(books, "Reno", "4.6", "3.665")
    reno = {"ShipAddr": {"City": "Reno", "CountrySubDivisionCode": "NV"}}
    made = books.make("Invoice", taxable(books, 100, **reno, TxnTaxDetail={"TxnTaxCodeRef": {"value": "2"}}))
    assert [amount for *_, amount in taxes(made)] == [money("4.6"), money("3.67")]
    elsewhere = {"BillAddr": {"City": "Elko", "CountrySubDivisionCode": "NV"}}
    assert money(books.make("Invoice", taxable(books, 100, **elsewhere))["TxnTaxDetail"]["TotalTax"]) == money("4.6")
    assert books.make("Invoice", taxable(books, 100))["TxnTaxDetail"]["TotalTax"] == 8
    far = {"ShipAddr": {"City": "Salem", "CountrySubDivisionCode": "OR"}}
    assert books.make("Invoice", taxable(books, 100, **far))["TxnTaxDetail"] == {"TotalTax": 0}


def test_a_customer_who_buys_to_resell_pays_no_automated_tax(books: Books) -> None:
    automated(books)
    made = books.make("Invoice", taxable(books, 100, customer={"ResaleNum": "55-1"}))
    assert made["TotalAmt"] == 100


def test_a_total_tax_overrides_automated_tax_unless_told_otherwise(books: Books) -> None:
    automated(books)
    sent = taxable(books, 100, TxnTaxDetail={"TotalTax": "7.77"})
    made = books.make("Invoice", sent)
    assert money(made["TotalAmt"]) == money("107.77")
    assert made["TxnTaxDetail"]["TaxReviewStatus"] == "AST_TAX_OVERRIDE"
    noted = books.change("Invoice", made, ApplyTaxAfterDiscount=True)
    assert money(noted["TotalAmt"]) == money("107.77")
    own = {"TotalTax": "7.77", "UseAutomatedSalesTax": True}
    assert books.make("Invoice", {**sent, "TxnTaxDetail": own})["TotalAmt"] == 108
    with switched(books, ast="recompute"):
        assert books.make("Invoice", sent)["TotalAmt"] == 108
