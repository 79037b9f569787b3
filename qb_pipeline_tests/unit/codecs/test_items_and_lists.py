"""Items, divisions and the lists that are kept in QuickBooks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import FixTheData, Misconfigured
from qb_pipeline.quickbooks.codecs import CODECS, codec
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline_tests.unit.codecs.worlds import FACTS, blank, changed_keys

ITEMS, DIVISIONS = codec("item", FACTS), codec("division", FACTS)
WITHOUT_DEFAULTS = codec("item", Facts())
PUMP: dict[str, Any] = {"Id": "11", "SyncToken": "0", "Name": "Pump", "Type": "NonInventory", "UnitPrice": 15,
                        "PurchaseCost": 0, "IncomeAccountRef": {"value": "79"}, "Active": True}  # fmt: skip


def test_every_entity_has_a_codec_and_an_unknown_one_is_refused() -> None:
    assert set(CODECS) == set(ENTITIES)
    with pytest.raises(Misconfigured):
        codec("vendor", FACTS)


@pytest.mark.parametrize(("kind", "ours"), [("Service", "service"), ("NonInventory", "goods"), ("Inventory", "goods")])
def test_the_type_of_an_item_is_its_kind(kind: str, ours: str) -> None:
    decoded = ITEMS.decode({**PUMP, "Type": kind})
    assert decoded.values["kind"] == ours
    assert decoded.skip is None


@pytest.mark.parametrize("kind", ["Group", "Category", "FixedAsset"])
def test_an_item_that_is_not_sold_by_itself_is_left_out_with_the_reason(kind: str) -> None:
    assert ITEMS.decode({**PUMP, "Type": kind}).skip


def test_a_new_item_takes_the_income_account_of_its_kind_where_it_names_none() -> None:
    service = ITEMS.encode_create(blank("item", name="Design", kind="service", unit_price=Decimal(75)))
    goods = ITEMS.encode_create(blank("item", name="Rock", kind="goods", income_account="45"))
    assert service == {
        "Name": "Design",
        "UnitPrice": Decimal(75),
        "IncomeAccountRef": {"value": "1"},
        "Type": "Service",
    }
    assert goods == {"Name": "Rock", "IncomeAccountRef": {"value": "45"}, "Type": "NonInventory"}


@pytest.mark.parametrize("kind", ["service", "goods"])
def test_a_new_item_without_any_income_account_is_refused_with_the_remedy(kind: str) -> None:
    with pytest.raises(FixTheData) as refused:
        WITHOUT_DEFAULTS.encode_create(blank("item", name="Design", kind=kind))
    assert refused.value.field == "income_account"
    assert "defaults in the company file" in str(refused.value)


def test_a_cost_needs_an_expense_account_and_is_never_dropped() -> None:
    costly = blank("item", name="Rock", kind="goods", income_account="45", unit_cost=Decimal("6.5"))
    body = ITEMS.encode_create(costly)
    assert (body["PurchaseCost"], body["ExpenseAccountRef"]) == (Decimal("6.5"), {"value": "80"})
    with pytest.raises(FixTheData) as refused:
        WITHOUT_DEFAULTS.encode_create(costly)
    assert refused.value.field == "expense_account"


def test_a_first_cost_on_an_existing_item_brings_its_expense_account() -> None:
    values = {**ITEMS.decode(PUMP).values, "unit_cost": Decimal(6)}
    body = ITEMS.encode_update(values, frozenset({"unit_cost"}), PUMP)
    assert changed_keys(body) == {"PurchaseCost", "ExpenseAccountRef"}
    with pytest.raises(FixTheData):
        WITHOUT_DEFAULTS.encode_update(values, frozenset({"unit_cost"}), PUMP)


def test_the_kind_of_an_existing_item_and_its_last_income_account_stay() -> None:
    values = ITEMS.decode(PUMP).values
    with pytest.raises(FixTheData) as kind:
        ITEMS.encode_update({**values, "kind": "service"}, frozenset({"kind"}), PUMP)
    assert kind.value.field == "kind"
    with pytest.raises(FixTheData) as account:
        ITEMS.encode_update({**values, "income_account": None}, frozenset({"income_account"}), PUMP)
    assert account.value.field == "income_account"


def test_an_item_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        ITEMS.encode_create(blank("item", name="Rock", kind="rental"))
    assert refused.value.field == "kind"


def test_a_nested_class_is_known_by_its_path_and_renamed_by_its_leaf() -> None:
    nested = {"Id": "52", "SyncToken": "0", "Name": "Parts", "FullyQualifiedName": "Cafe:Parts"}
    assert DIVISIONS.decode(nested).values == {"name": "Cafe:Parts", "active": True}
    body = DIVISIONS.encode_update(blank("division", name="Cafe:Spares"), frozenset({"name"}), nested)
    assert body["Name"] == "Spares"
    for moved in ("Shop:Parts", "Parts", "Cafe:Parts:Small"):
        with pytest.raises(FixTheData) as refused:
            DIVISIONS.encode_update(blank("division", name=moved), frozenset({"name"}), nested)
        assert refused.value.code == "class-moved"


def test_a_new_division_can_not_be_nested() -> None:
    assert DIVISIONS.encode_create(blank("division", name="Roofing", active=True)) == {
        "Name": "Roofing",
        "Active": True,
    }
    with pytest.raises(FixTheData) as refused:
        DIVISIONS.encode_create(blank("division", name="Roofing:Tiles"))
    assert refused.value.code == "bad-name"


@pytest.mark.parametrize("name", ["account", "tax_code", "tax_rate", "term", "payment_method"])
def test_a_list_kept_in_quickbooks_is_never_written(name: str) -> None:
    under_test = codec(name, FACTS)
    with pytest.raises(FixTheData, match="kept in QuickBooks"):
        under_test.encode_create(blank(name, name="New one"))
    with pytest.raises(FixTheData, match="kept in QuickBooks"):
        under_test.encode_update(blank(name, name="New one"), frozenset({"name"}), {"Id": "1", "SyncToken": "0"})


def test_an_account_is_known_by_its_full_path() -> None:
    raw = {"Id": "69", "Name": "Accounting", "FullyQualifiedName": "Fees:Accounting (deleted)", "AcctNum": "123",
           "AccountType": "Expense", "Active": False}  # fmt: skip
    assert codec("account", FACTS).decode(raw).values == {
        "name": "Fees:Accounting", "code": "123", "kind": "Expense", "active": False}  # fmt: skip


def code_of(*rates: str) -> dict[str, Any]:
    details = [{"TaxRateRef": {"value": rate}, "TaxOrder": 0} for rate in rates]
    return {"Id": "3", "Name": "Tucson", "SalesTaxRateList": {"TaxRateDetail": details}}


def test_the_percent_of_a_tax_code_is_the_sum_of_its_rates_or_unknown() -> None:
    codes = codec("tax_code", FACTS)
    assert codes.decode(code_of("1", "2")).values["percent"] == Decimal("9.1")
    assert codes.decode({"Id": "3", "Name": "None"}).values["percent"] == 0
    assert codes.decode(code_of("1", "77")).values["percent"] is None


@pytest.mark.parametrize("pseudo", ["TAX", "NON", "CustomSalesTax"])
def test_the_line_level_codes_of_quickbooks_are_left_out(pseudo: str) -> None:
    assert codec("tax_code", FACTS).decode({"Id": pseudo, "Name": pseudo}).skip


def test_terms_payment_methods_and_rates_are_read() -> None:
    term = codec("term", FACTS).decode({"Name": "2% 10", "DueDays": 30, "DiscountPercent": Decimal("2.0"),
                                        "DiscountDays": 10}).values  # fmt: skip
    assert (term["due_days"], term["discount_percent"], term["discount_days"]) == (30, Decimal(2), 10)
    assert codec("term", FACTS).decode({"Name": "1st", "DayOfMonthDue": 1}).values["due_day_of_month"] == 1
    assert codec("payment_method", FACTS).decode({"Type": "CREDIT_CARD"}).values["kind"] == "credit_card"
    assert codec("tax_rate", replace(FACTS)).decode({"RateValue": Decimal("7.1")}).values["percent"] == Decimal("7.1")
