"""Tax on bills and purchases: none in the United States, by line codes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, money
from qb_pipeline_tests.sandbox.quickbooks.loaded import SERVICES, code, loaded, rate
from qb_pipeline_tests.sandbox.quickbooks.purchasing import bill, cost, key, owed, vendor

NAMES = count(1)
HST, QUEBEC, SALES_ONLY = "5", "6", "7"
COSTS, TAXES = "3", "4"


def account(identifier: str, name: str, kind: str, classification: str, subtype: str) -> Body:
    return {
        **SERVICES, "Id": identifier, "Name": name, "FullyQualifiedName": name, "AccountType": kind,
        "Classification": classification, "AccountSubType": subtype,
    }  # fmt: skip


def bought_under(identifier: str, name: str, *rates: str) -> Body:
    """A code that taxes purchases."""
    made = code(identifier, name, *rates)
    return {**made, "PurchaseTaxRateList": made["SalesTaxRateList"]}


@pytest.fixture(scope="module")
def canada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    rates = [rate("12", "HST ON", 13), rate("13", "GST", 5), rate("14", "QST", Decimal("9.975"))]
    codes = [bought_under(HST, "HST ON", "12"), bought_under(QUEBEC, "QC", "13", "14"), code(SALES_ONLY, "Out", "12")]
    with loaded(
        tmp_path_factory.mktemp("canada"),
        Account=[
            SERVICES,
            account("2", "Checking", "Bank", "Asset", "Checking"),
            account(COSTS, "Costs", "Expense", "Expense", "OtherMiscellaneousServiceCost"),
            account(TAXES, "GST/HST Payable", "Other Current Liability", "Liability", "GlobalTaxPayable"),
        ],
        CompanyInfo=[{"Id": "1", "CompanyName": "Maple", "Country": "CA"}],
        TaxRate=rates,
        TaxCode=codes,
    ) as books:
        yield books


def taxed(amount: object, tax: str = HST, **detail: object) -> Body:
    return cost(amount, COSTS, TaxCodeRef={"value": tax}, **detail)


def seller(books: Books) -> Body:
    return vendor(books, f"Vendor {next(NAMES)}")


def rates_in(made: Body) -> list[tuple[str, Any, Any]]:
    """(rate, base, amount) of the tax lines, the numbers as Decimal."""
    return [
        (
            line["TaxLineDetail"]["TaxRateRef"]["value"],
            money(line["TaxLineDetail"]["NetAmountTaxable"]),
            money(line["Amount"]),
        )
        for line in made["TxnTaxDetail"]["TaxLine"]
    ]


def test_a_bill_owes_its_lines_and_the_tax_of_their_codes(canada: Books) -> None:
    who = seller(canada)
    before = canada.read("Account", TAXES)["CurrentBalance"]
    made = canada.make("Bill", owed(who, taxed(100), taxed(40, QUEBEC), taxed(10, SALES_ONLY)))
    assert made["GlobalTaxCalculation"] == "TaxExcluded"
    assert rates_in(made) == [("12", 100, 13), ("13", 40, 2), ("14", 40, Decimal("3.99"))]
    assert (money(made["TxnTaxDetail"]["TotalTax"]), money(made["TotalAmt"])) == (Decimal("18.99"), Decimal("168.99"))
    assert money(canada.again("Vendor", who)["Balance"]) == Decimal("168.99")
    assert money(canada.read("Account", TAXES)["CurrentBalance"]) - money(before) == Decimal("18.99")


def test_prices_that_include_tax_are_split_into_cost_and_tax(canada: Books) -> None:
    made = canada.make("Bill", owed(seller(canada), taxed(113), GlobalTaxCalculation="TaxInclusive"))
    (line,) = made["Line"]
    assert (line["Amount"], line["AccountBasedExpenseLineDetail"]["TaxInclusiveAmt"]) == (100, 113)
    assert (made["TotalAmt"], rates_in(made)) == (113, [("12", 100, 13)])
    echoed = canada.change("Bill", made, VendorRef=made["VendorRef"], Line=made["Line"], PrivateNote="x")
    assert (echoed["Line"], echoed["TotalAmt"], echoed["TxnTaxDetail"]) == (made["Line"], 113, made["TxnTaxDetail"])
    outside = canada.change("Bill", echoed, VendorRef=made["VendorRef"], GlobalTaxCalculation="TaxExcluded")
    assert (outside["Line"][0]["Amount"], outside["TotalAmt"]) == (100, 113)
    assert "TaxInclusiveAmt" not in outside["Line"][0]["AccountBasedExpenseLineDetail"]


def test_where_tax_does_not_apply_there_is_none_and_none_may_be_sent(canada: Books) -> None:
    body = owed(seller(canada), taxed(100), GlobalTaxCalculation="NotApplicable")
    made = canada.make("Bill", body)
    assert (made["TotalAmt"], "TxnTaxDetail" in made) == (100, False)
    assert "TaxCodeRef" not in made["Line"][0]["AccountBasedExpenseLineDetail"]
    assert canada.refused("bill", {**body, "TxnTaxDetail": {"TotalTax": 5}})[1] == "6170"


def test_a_line_without_a_code_or_with_an_american_one_is_refused(canada: Books) -> None:
    who = seller(canada)
    assert canada.refused("bill", owed(who, cost(100, COSTS)))[1] == "6000"
    assert canada.refused("bill", owed(who, taxed(100, "NON")))[1] == "2500"
    assert canada.refused("bill", owed(who, taxed(100, "99")))[1] == "2500"


def test_a_total_tax_that_is_sent_is_spread_over_the_rates(canada: Books) -> None:
    body = owed(seller(canada), taxed(100, QUEBEC), TxnTaxDetail={"TotalTax": 15})
    made = canada.make("Bill", body)
    assert made["TotalAmt"] == 115
    assert sum(amount for *_, amount in rates_in(made)) == 15


def test_a_purchase_and_a_vendor_credit_are_taxed_alike(canada: Books) -> None:
    who = seller(canada)
    before = money(canada.read("Account", "2")["CurrentBalance"])
    body = {"PaymentType": "Cash", "AccountRef": {"value": "2"}, "Line": [taxed(100)]}
    made = canada.make("Purchase", body)
    assert (made["TotalAmt"], rates_in(made)) == (113, [("12", 100, 13)])
    assert money(canada.read("Account", "2")["CurrentBalance"]) == before - 113
    canada.make("VendorCredit", owed(who, taxed(100)))
    assert canada.again("Vendor", who)["Balance"] == -113
    canada.post("purchase", key(made), operation="delete")
    assert money(canada.read("Account", "2")["CurrentBalance"]) == before


def test_in_the_united_states_a_bill_shows_no_tax_whatever_is_sent(books: Books) -> None:
    sent = {"TxnTaxDetail": {"TotalTax": 5}, "GlobalTaxCalculation": "TaxExcluded"}
    made = bill(books, vendor(books), 100, **sent)
    assert (made["TotalAmt"], "TxnTaxDetail" in made, "GlobalTaxCalculation" in made) == (100, False, False)
