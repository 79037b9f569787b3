"""Stock: quantities, first-in-first-out cost, adjustments, and what happens when the past changes."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money

# Accounts of a fresh company.
SALES, COGS, ASSET, EQUITY, EXPENSE, CHECKING = "28", "29", "30", "24", "14", "25"
START = "2026-01-01"


def pump(books: Books, quantity: object = 10, cost: object = 4, **more: Any) -> Body:
    accounts = {"AssetAccountRef": ASSET, "IncomeAccountRef": SALES, "ExpenseAccountRef": COGS}
    refs = {key: {"value": value} for key, value in accounts.items()}
    tracked = {"TrackQtyOnHand": True, "QtyOnHand": quantity, "InvStartDate": START, "PurchaseCost": cost}
    return books.make("Item", {"Name": "Pump", "Type": "Inventory", **refs, **tracked, **more})


def sale(books: Books, item: Body, quantity: object, day: str, entity: str = "Invoice") -> Body:
    customer = books.query("select * from Customer").get("Customer") or [books.customer()]
    amount = Decimal(str(quantity)) * 20
    body = {
        "CustomerRef": {"value": customer[0]["Id"]},
        "TxnDate": day,
        "Line": [line(item, amount, Qty=quantity, UnitPrice=20)],
    }
    if entity == "RefundReceipt":
        body["DepositToAccountRef"] = {"value": CHECKING}
    return books.make(entity, body)


def count(books: Books, item: Body, difference: object, day: str = "2026-02-01", **more: Any) -> Body:
    detail = {"ItemRef": {"value": item["Id"]}, "QtyDiff": difference}
    lines = [{"DetailType": "ItemAdjustmentLineDetail", "ItemAdjustmentLineDetail": detail}]
    return books.make(
        "InventoryAdjustment", {"AdjustAccountRef": {"value": EXPENSE}, "TxnDate": day, "Line": lines, **more}
    )


def bought(item: Body, quantity: object, amount: object) -> Body:
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": quantity}
    return {"DetailType": "ItemBasedExpenseLineDetail", "Amount": amount, "ItemBasedExpenseLineDetail": detail}


def purchase(books: Books, item: Body, quantity: object, amount: object, day: str, **more: Any) -> Body:
    body = {"AccountRef": {"value": CHECKING}, "PaymentType": "Cash", "TxnDate": day, **more}
    return books.make("Purchase", {**body, "Line": [bought(item, quantity, amount)]})


def on_hand(books: Books, item: Body) -> object:
    return money(books.again("Item", item)["QtyOnHand"])


def balance(books: Books, account: str) -> object:
    return money(books.read("Account", account)["CurrentBalance"])


def remove(books: Books, entity: str, obj: Body) -> None:
    current = books.again(entity, obj)
    books.make(entity, {"Id": current["Id"], "SyncToken": current["SyncToken"]}, operation="delete")


def test_what_a_new_item_holds_is_posted_against_opening_balance_equity(books: Books) -> None:
    pump(books)
    assert (balance(books, ASSET), balance(books, EQUITY)) == (40, -40)


def test_a_sale_takes_the_oldest_units_at_their_cost(books: Books) -> None:
    item = pump(books)
    purchase(books, item, 5, 30, "2026-02-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (15, 70)
    sale(books, item, 12, "2026-03-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (3, 18)


def test_a_sales_receipt_takes_stock_and_a_refund_and_a_credit_memo_bring_it_back_at_cost(books: Books) -> None:
    item = pump(books)
    purchase(books, item, 5, 30, "2026-02-01")
    sale(books, item, 12, "2026-03-01", "SalesReceipt")
    sale(books, item, 1, "2026-03-02", "RefundReceipt")
    assert (on_hand(books, item), balance(books, ASSET)) == (4, 24)
    sale(books, item, 2, "2026-03-03", "CreditMemo")
    assert (on_hand(books, item), balance(books, ASSET)) == (6, 34)


def test_a_purchase_dated_earlier_changes_the_cost_of_later_sales(books: Books) -> None:
    item = pump(books, 0)
    purchase(books, item, 5, 50, "2026-02-10")
    sale(books, item, 5, "2026-03-01")
    assert balance(books, ASSET) == 0
    earlier = purchase(books, item, 5, 10, "2026-02-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (5, 50)
    remove(books, "Purchase", earlier)
    assert (on_hand(books, item), balance(books, ASSET)) == (0, 0)


def test_stock_below_zero_costs_the_last_price_until_the_real_one_is_known(books: Books) -> None:
    item = pump(books, 2, 4)
    sale(books, item, 5, "2026-02-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (-3, -12)
    purchase(books, item, 4, 40, "2026-03-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (1, 10)


def test_changing_voiding_and_removing_a_sale_puts_the_units_back(books: Books) -> None:
    item = pump(books)
    made = sale(books, item, 4, "2026-02-01")
    changed = books.change("Invoice", made, Line=[line(item, 60, Qty=3, UnitPrice=20)])
    assert (on_hand(books, item), balance(books, ASSET)) == (7, 28)
    note = books.change("Invoice", changed, PrivateNote="nothing about stock")
    assert (on_hand(books, item), balance(books, ASSET)) == (7, 28)
    books.make("Invoice", {"Id": note["Id"], "SyncToken": note["SyncToken"]}, operation="void")
    assert (on_hand(books, item), balance(books, ASSET)) == (10, 40)
    remove(books, "Invoice", made)
    assert (on_hand(books, item), balance(books, ASSET)) == (10, 40)


def test_cents_never_get_lost_between_issues(books: Books) -> None:
    item = pump(books, 0, 0)
    purchase(books, item, 3, 10, "2026-02-01")
    for day in ("2026-03-01", "2026-03-02", "2026-03-03"):
        sale(books, item, 1, day)
    assert (on_hand(books, item), balance(books, ASSET)) == (0, 0)


def test_an_adjustment_moves_the_difference_against_its_account(books: Books) -> None:
    item = pump(books)
    made = count(books, item, -3, PrivateNote="Broken")
    assert (on_hand(books, item), balance(books, ASSET)) == (7, 28)
    assert made["AdjustAccountRef"] == {"value": EXPENSE, "name": "Office Expenses"}
    assert made["Line"][0]["ItemAdjustmentLineDetail"]["ItemRef"] == {"value": item["Id"], "name": "Pump"}
    assert (made["Line"][0]["Id"], made["DocNumber"]) == ("1", "1")
    lines = [{**made["Line"][0], "ItemAdjustmentLineDetail": {"ItemRef": {"value": item["Id"]}, "QtyDiff": 5}}]
    changed = books.change("InventoryAdjustment", made, Line=lines)
    assert (changed["SyncToken"], changed["DocNumber"]) == ("1", "1")
    assert (on_hand(books, item), balance(books, ASSET)) == (15, 60)
    found = books.query("select * from InventoryAdjustment where TxnDate = '2026-02-01'")["InventoryAdjustment"]
    assert [one["Id"] for one in found] == [made["Id"]]
    remove(books, "InventoryAdjustment", made)
    assert (on_hand(books, item), balance(books, ASSET)) == (10, 40)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AdjustAccountRef": None}, "2020"),
        ({"Line": None}, "2020"),
        ({"AdjustAccountRef": {"value": CHECKING}}, "6430"),
        ({"AdjustAccountRef": {"value": "999"}}, "2500"),
        ({"Line": [{"ItemAdjustmentLineDetail": {"QtyDiff": 1}}]}, "2020"),
        ({"Line": [{"ItemAdjustmentLineDetail": {"ItemRef": {"value": "1"}}}]}, "2020"),
        ({"Line": [{"DetailType": "SalesItemLineDetail"}]}, "2170"),
        ({"TxnDate": "2025-12-31"}, "6270"),
    ],
)
def test_an_adjustment_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    item = pump(books)
    lines = [{"ItemAdjustmentLineDetail": {"ItemRef": {"value": item["Id"]}, "QtyDiff": 1}}]
    body: Body = {"AdjustAccountRef": {"value": EXPENSE}, "TxnDate": "2026-02-01", "Line": lines}
    assert books.refused("inventoryadjustment", {**body, **change})[:2] == (400, code)
    assert (on_hand(books, item), balance(books, ASSET)) == (10, 40)


def test_only_inventory_items_are_adjusted(books: Books) -> None:
    lines = [{"ItemAdjustmentLineDetail": {"ItemRef": {"value": books.item()["Id"]}, "QtyDiff": 1}}]
    body = {"AdjustAccountRef": {"value": EXPENSE}, "Line": lines}
    assert books.refused("inventoryadjustment", body)[1] == "6000"


def test_nothing_is_sold_before_its_start_date(books: Books) -> None:
    item, customer = pump(books), books.customer()
    body = {"CustomerRef": {"value": customer["Id"]}, "TxnDate": "2025-12-31", "Line": [line(item, 20, Qty=1)]}
    status, code, detail = books.refused("invoice", body)
    assert (status, code) == (400, "6270")
    assert START in detail
    assert on_hand(books, item) == 10


def test_an_item_made_inactive_is_written_off(books: Books) -> None:
    item = pump(books)
    gone = books.change("Item", item, Active=False)
    assert gone["Name"] == "Pump (deleted)"
    assert (on_hand(books, item), balance(books, ASSET)) == (0, 0)
    (adjustment,) = books.query("select * from InventoryAdjustment")["InventoryAdjustment"]
    assert adjustment["AdjustAccountRef"]["name"] == "Inventory Shrinkage"
    back = books.change("Item", books.again("Item", item), Active=True)
    assert (back["Name"], back["QtyOnHand"]) == ("Pump", 0)


def test_goods_sent_back_to_the_vendor_leave_at_their_cost_and_the_rest_is_cost_of_goods_sold(books: Books) -> None:
    item = pump(books, 0)
    vendor = books.make("Vendor", {"DisplayName": "Hill Supply"})
    purchase(books, item, 4, 40, "2026-02-01")
    body = {"VendorRef": {"value": vendor["Id"]}, "TxnDate": "2026-02-02", "Line": [bought(item, 1, 12)]}
    books.make("VendorCredit", body)
    assert (on_hand(books, item), balance(books, ASSET)) == (3, 30)


def test_items_merged_by_a_person_share_one_shelf(books: Books) -> None:
    item, other = pump(books), pump(books, 5, 8, Name="Pump 2")
    sale(books, other, 2, "2026-02-01")
    books.ui(act="merge", entity="Item", **{"from": other["Id"], "into": item["Id"]})
    assert on_hand(books, item) == 13
    sale(books, item, 13, "2026-03-01")
    assert (on_hand(books, item), balance(books, ASSET)) == (0, 0)


def test_the_thousandth_sale_costs_no_more_time_than_the_first(books: Books) -> None:
    item = pump(books, 5000)
    customer = books.customer()
    body: Body = {"CustomerRef": {"value": customer["Id"]}, "TxnDate": "2026-02-01", "Line": [line(item, 20, Qty=1)]}
    items = [{"bId": str(n), "operation": "create", "Invoice": body} for n in range(30)]
    times = []
    for _ in range(20):
        begun = perf_counter()
        books.post("batch", {"BatchItemRequest": items})
        times.append(perf_counter() - begun)
    assert on_hand(books, item) == 5000 - 600
    # Medians, and far apart, because other work shares the machine.
    assert sorted(times[-7:])[3] < 4 * sorted(times[:7])[3]
