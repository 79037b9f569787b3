"""Recorded objects sent as new ones come back as they were recorded, and explain the recorded balances."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from qb_pipeline.sandbox.quickbooks.server import create_app
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running
from qb_pipeline_tests.sandbox.quickbooks.test_recorded_company import CRAIGS, recorded

pytestmark = pytest.mark.skipif(CRAIGS is None, reason="no recorded company; name its folder with QB_RECORDED")
MADE = ("Id", "SyncToken", "MetaData")
# What a new record cannot have: balances and what the server says of its own accord.
OWN = {
    "Customer": ("Balance", "BalanceWithJobs", "V4IDPseudonym", "DefaultTaxCodeRef"),
    "Account": ("CurrentBalance", "CurrentBalanceWithSubAccounts"),
    "JournalEntry": (),
    "Item": (),
    "Term": (),
    "PaymentMethod": (),
}


@pytest.fixture(scope="module")
def craigs() -> Iterator[Books]:
    with running(data=CRAIGS, empty=False) as info:
        yield open_books(info)


def cases() -> list[tuple[str, Body]]:
    return [] if CRAIGS is None else [(entity, obj) for entity in OWN for obj in recorded(entity)]


def renamed(obj: Body) -> Body:
    """A copy under a name of its own, so that it does not clash with itself."""
    keys = [key for key in ("Name", "DisplayName") if key in obj]
    return {**obj, **{key: f"{obj['Id']} {obj[key]}"[:31].strip() for key in keys}}


def bare(value: object) -> object:
    """Without the names in references: a new object shows the current ones, the recording those of its time."""
    if isinstance(value, list):
        return [bare(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: bare(part) for key, part in value.items() if not (key == "name" and "value" in value)}


def usable(entity: str, obj: Body) -> bool:
    """Inactive records, and items of a type that is read only, cannot be made anew."""
    return obj.get("Active") is not False and obj.get("Type") != "Group" and "(deleted" not in str(obj)


@pytest.mark.parametrize(("entity", "obj"), [pytest.param(e, o, id=f"{e}-{o['Id']}") for e, o in cases()])
def test_a_recorded_object_sent_as_a_new_one_comes_back_as_recorded(craigs: Books, entity: str, obj: Body) -> None:
    if not usable(entity, obj):
        pytest.skip("recorded as inactive or read only")
    sent = {key: value for key, value in renamed(obj).items() if key not in (*MADE, *OWN[entity])}
    status, answer = craigs.post(entity.lower(), sent)
    assert status == 200, answer
    made = answer[entity]
    for key in ("domain", "sparse", *MADE):
        made.pop(key, None)
        sent.pop(key, None)
    expected = {key: value for key, value in sent.items() if key not in ("FullyQualifiedName", "PrintOnCheckName")}
    for key in ("BillAddr", "ShipAddr"):
        if key in expected:
            # Every address gets an Id of its own; the coordinates are found out later.
            expected[key] = {k: v for k, v in expected[key].items() if k not in ("Id", "Lat", "Long")}
            made[key] = {k: v for k, v in made[key].items() if k not in ("Id", "Lat", "Long")}
    assert bare({key: made.get(key) for key in expected}) == bare(expected)


def test_starting_values_and_cost_of_goods_sold_explain_the_recorded_inventory_asset_to_the_cent() -> None:
    opening = "SELECT account, amount FROM postings WHERE entity = 'Opening'"
    starting = "SELECT sum(amount) FROM postings WHERE entity = 'InventoryStartingValue' AND amount > 0"
    conn = create_app(data=CRAIGS).world.conn
    left = {account: Decimal(amount) / 10**6 for account, amount in conn.execute(opening)}
    names = {row["Id"]: row["Name"] for row in recorded("Account")}
    assert {"Inventory Asset", "Opening Balance Equity"} & {names[account] for account in left} == set()
    # What is left is a vendor's balance and two payments of sales tax the record does not hold.
    assert sorted(left.values()) == [Decimal(-450), Decimal("-76.9"), Decimal("38.4"), Decimal("38.5"), Decimal(450)]
    assert conn.execute(starting).fetchone()[0] == 567_500_000
    assert conn.execute("SELECT sum(amount) FROM postings").fetchone()[0] == 0
