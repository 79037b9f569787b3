"""Lines of sales forms: bundles, text, shipping, gratuities, discounts, deposits, switches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money
from qb_pipeline_tests.sandbox.quickbooks.loaded import loaded, service

UNDEPOSITED = "4"
NAMES = count(1)
CALIFORNIA = {"TxnTaxCodeRef": {"value": "2"}}
BUNDLE = {
    "Id": "9",
    "Name": "Garden set",
    "FullyQualifiedName": "Garden set",
    "Active": True,
    "Type": "Group",
    "ItemGroupDetail": {
        "ItemGroupLine": [{"ItemRef": {"value": "1"}, "Qty": 2}, {"ItemRef": {"value": "2"}, "Qty": 1}]
    },
}


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """A company with a bundle of two hoses and a tap."""
    items = [service("1", "Hose", 15, Description="Green"), service("2", "Tap", 8, Taxable=False), BUNDLE]
    empty = {**BUNDLE, "Id": "10", "Name": "Nothing", "FullyQualifiedName": "Nothing", "ItemGroupDetail": {}}
    with loaded(tmp_path_factory.mktemp("garden"), Item=[*items, empty]) as books:
        yield books


def bundle(identifier: str = "9", **detail: Any) -> Body:
    group = {"GroupItemRef": {"value": identifier}, **detail}
    return {"DetailType": "GroupLineDetail", "GroupLineDetail": group}


def extra(item: str, amount: object, code: str | None = None) -> Body:
    return line({"Id": item}, amount, code)


def discount(**detail: Any) -> Body:
    amount = {"Amount": detail.pop("amount")} if "amount" in detail else {}
    return {"DetailType": "DiscountLineDetail", "DiscountLineDetail": detail, **amount}


def prefer(books: Books, group: str = "SalesFormsPrefs", **values: object) -> None:
    books.ui(act="edit", entity="Preferences", id="1", fields={group: values})


def balances(books: Books) -> dict[str, object]:
    found = books.query("select * from Account maxresults 1000")["Account"]
    return {one["Name"]: one["CurrentBalance"] for one in found}


def sell(books: Books, *lines: Body, **fields: Any) -> Body:
    customer = {"value": books.customer(f"Customer {next(NAMES)}")["Id"]}
    return books.make("Invoice", {"CustomerRef": customer, "Line": list(lines), **fields})


def test_a_bundle_line_is_filled_with_its_parts_at_their_prices(garden: Books) -> None:
    made = sell(garden, bundle(Quantity=3))
    sold, subtotal = made["Line"]
    assert (sold["Id"], sold["LineNum"], sold["Amount"], subtotal["Amount"], made["TotalAmt"]) == (
        "1",
        1,
        114,
        114,
        114,
    )
    group = sold["GroupLineDetail"]
    assert (group["GroupItemRef"], group["Quantity"]) == ({"value": "9", "name": "Garden set"}, 3)
    hose, tap = group["Line"]
    assert (hose["Id"], hose["Amount"], hose["Description"], hose["SalesItemLineDetail"]["Qty"]) == (
        "2",
        90,
        "Green",
        6,
    )
    assert (tap["Id"], tap["Amount"], tap["SalesItemLineDetail"]["UnitPrice"]) == ("3", 24, 8)
    codes = [part["SalesItemLineDetail"]["TaxCodeRef"]["value"] for part in group["Line"]]
    assert codes == ["TAX", "NON"]


def test_an_echoed_bundle_keeps_the_ids_of_its_parts_and_new_lines_number_on(garden: Books) -> None:
    made = sell(garden, bundle())
    again = garden.change("Invoice", made, Line=[*made["Line"], line({"Id": "1"}, 5)])
    sold, other, _ = again["Line"]
    assert sold == made["Line"][0]
    assert (other["Id"], other["LineNum"], again["TotalAmt"]) == ("4", 4, 43)


def test_parts_that_are_sent_stand_for_those_of_the_bundles_definition(garden: Books) -> None:
    detail = {"ItemRef": {"value": "1"}, "Qty": 2, "UnitPrice": 10}
    part = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    made = sell(garden, bundle(Line=[part]))
    assert made["TotalAmt"] == 20
    customer = garden.read("Customer", made["CustomerRef"]["value"])
    assert customer["Balance"] == 20


def test_a_voided_bundle_is_worth_nothing_in_all_its_parts(garden: Books) -> None:
    made = sell(garden, bundle(Quantity=2))
    voided = garden.make("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="void")
    parts = voided["Line"][0]["GroupLineDetail"]["Line"]
    assert [(part["Amount"], part["SalesItemLineDetail"]["Qty"]) for part in parts] == [(0, 0), (0, 0)]
    assert garden.read("Customer", made["CustomerRef"]["value"])["Balance"] == 0


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"DetailType": "GroupLineDetail"}, "2020"),
        (bundle("99"), "2500"),
        (bundle("1"), "6000"),
        (bundle("10"), "6000"),
        (bundle(Quantity=0), "2160"),
        (bundle(Line=[{"DetailType": "DescriptionOnly", "Description": "x"}]), "6000"),
        (bundle(Line=[{"DetailType": "GroupLineDetail", "GroupLineDetail": {}}]), "2010"),
        (line({"Id": "9"}, 5), "6000"),
    ],
)
def test_a_bundle_line_that_breaks_a_rule_is_refused_with_its_code(garden: Books, sent: Body, code: str) -> None:
    customer = garden.customer(f"Customer {next(NAMES)}")
    assert garden.refused("invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [sent]})[:2] == (400, code)


def test_shipping_and_gratuity_stand_below_the_discount_and_have_accounts_of_their_own(books: Books) -> None:
    prefer(books, AllowShipping=True)
    sold = line(books.item(), 50, "TAX")
    body = [
        extra("GRATUITY_ITEM_ID", 4),
        extra("SHIPPING_ITEM_ID", 2),
        sold,
        discount(PercentBased=True, DiscountPercent=10),
    ]
    made = sell(books, *body, TxnTaxDetail=CALIFORNIA)
    kinds = [part["DetailType"] for part in made["Line"]]
    assert kinds[1:3] == ["SubTotalLineDetail", "DiscountLineDetail"]
    assert made["Line"][3] == {
        "Amount": 2,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}},
    }
    assert made["Line"][4]["SalesItemLineDetail"]["ItemRef"] == {"value": "GRATUITY_ITEM_ID"}
    # 50 - 5 + 2 + 4 and 8 % of 50
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TotalTax"]) == (55, 4)
    assert balances(books)["Undistributed Tips"] == -4
    assert balances(books)["Accounts Receivable (A/R)"] == 55
    echoed = books.change("Invoice", made, Line=made["Line"])
    assert (echoed["Line"], echoed["TotalAmt"]) == (made["Line"], 55)


def test_shipping_is_taxed_where_its_line_says_so(books: Books) -> None:
    prefer(books, AllowShipping=True)
    made = sell(books, line(books.item(), 100, "TAX"), extra("SHIPPING_ITEM_ID", 50, "TAX"), TxnTaxDetail=CALIFORNIA)
    assert made["TxnTaxDetail"]["TotalTax"] == 12


def test_shipping_and_discounts_that_are_switched_off_are_refused(books: Books) -> None:
    prefer(books, AllowDiscount=False)
    item, customer = books.item(), books.customer()
    for closing in (extra("SHIPPING_ITEM_ID", 2), discount(amount=5)):
        body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item), closing]}
        assert books.refused("invoice", body)[:2] == (400, "5030")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([discount(amount=5), discount(amount=6)], "6000"),
        ([discount()], "6090"),
        ([discount(PercentBased=True)], "6090"),
        ([discount(PercentBased=True, DiscountPercent=101)], "2150"),
        ([discount(amount=-5)], "2140"),
        ([discount(amount=101)], "6000"),
        ([extra("GRATUITY_ITEM_ID", 5), extra("GRATUITY_ITEM_ID", 5)], "6000"),
        ([extra("GRATUITY_ITEM_ID", -5)], "2290"),
    ],
)
def test_closing_lines_that_break_a_rule_are_refused_with_their_code(
    books: Books, lines: list[Body], code: str
) -> None:
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [line(books.item()), *lines]}
    assert books.refused("invoice", body)[:2] == (400, code)


def test_a_line_without_an_item_is_words_whose_amount_counts_for_nothing(books: Books) -> None:
    words = {"DetailType": "SalesItemLineDetail", "Amount": 40, "Description": "As agreed", "SalesItemLineDetail": {}}
    made = sell(books, line(books.item(), 100), words)
    assert made["TotalAmt"] == 100
    assert made["Line"][1] == {
        "Id": "2",
        "LineNum": 2,
        "Description": "As agreed",
        "DetailType": "DescriptionOnly",
        "DescriptionLineDetail": {},
    }


def test_a_line_without_an_item_sells_the_default_item_where_there_is_one(books: Books) -> None:
    item = books.item()
    before = books.read("Preferences", "1")["OtherPrefs"]["NameValue"]
    pairs = [*before, {"Name": "SalesFormsPrefs.DefaultItem", "Value": item["Id"]}]
    prefer(books, "OtherPrefs", NameValue=pairs)
    made = sell(books, {"DetailType": "SalesItemLineDetail", "Amount": 40, "SalesItemLineDetail": {}})
    assert (made["TotalAmt"], made["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"]) == (40, item["Id"])


def test_a_deposit_in_the_head_lowers_the_balance_and_lies_where_it_is_said(books: Books) -> None:
    prefer(books, AllowDeposit=True)
    made = sell(books, line(books.item(), 100), Deposit=30)
    assert (made["TotalAmt"], made["Deposit"], made["Balance"]) == (100, 30, 70)
    assert made["DepositToAccountRef"] == {"value": UNDEPOSITED, "name": "Undeposited Funds"}
    assert (balances(books)["Undeposited Funds"], balances(books)["Accounts Receivable (A/R)"]) == (30, 70)
    customer = books.read("Customer", made["CustomerRef"]["value"])
    assert customer["Balance"] == 70
    books.payment(customer, 70, (made, 70))
    paid = books.again("Invoice", made)
    assert paid["Balance"] == 0
    base = {"Id": made["Id"], "SyncToken": paid["SyncToken"], "sparse": True}
    assert books.refused("invoice", {**base, "Deposit": 31})[1] == "6000"
    voided = books.make("Invoice", {**base}, operation="void")
    assert (voided["Deposit"], voided["TotalAmt"], balances(books)["Undeposited Funds"]) == (0, 0, 70)


def test_a_deposit_above_the_total_or_in_a_company_that_takes_none_is_refused(books: Books) -> None:
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [line(books.item(), 100)]}
    assert books.refused("invoice", {**body, "Deposit": 5})[1] == "5030"
    prefer(books, AllowDeposit=True)
    assert books.refused("invoice", {**body, "Deposit": 101})[1] == "6000"
    assert books.refused("invoice", {**body, "Deposit": -1})[1] == "6000"
    assert books.make("Invoice", body)["Deposit"] == 0


def test_a_discount_of_an_amount_and_one_of_a_percentage_come_to_what_they_say(books: Books) -> None:
    item = books.item()
    fixed = sell(books, line(item, 80), discount(amount="12.5"))
    assert (money(fixed["TotalAmt"]), fixed["Line"][2]["DiscountLineDetail"]["PercentBased"]) == (money("67.5"), False)
    whole = sell(books, line(item, 80), line(item, 20), discount(PercentBased=True, DiscountPercent=100))
    assert whole["TotalAmt"] == 0
