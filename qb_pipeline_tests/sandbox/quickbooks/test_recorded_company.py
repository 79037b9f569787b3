"""A recorded company loads and reads back exactly, and goes on working from there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import simplejson

from qb_pipeline.sandbox.kernel.errors import DataError
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books, running


def recorded_folder() -> Path | None:
    """The folder named by QB_RECORDED, or `shared/recorded` beside the project."""
    named = os.environ.get("QB_RECORDED")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "recorded"
    return folder / "craigs" if (folder / "craigs").is_dir() else None


CRAIGS = recorded_folder()
pytestmark = pytest.mark.skipif(CRAIGS is None, reason="no recorded company; name its folder with QB_RECORDED")


def recorded(entity: str) -> list[Body]:
    assert CRAIGS is not None
    text = (CRAIGS / f"{entity}.jsonl").read_text(encoding="utf-8")
    return [simplejson.loads(row, use_decimal=True) for row in text.splitlines() if row.strip()]


def entities() -> list[str]:
    files = sorted(CRAIGS.glob("*.jsonl")) if CRAIGS else []
    return [file.stem for file in files if not file.name.endswith(".provenance.jsonl")]


@pytest.fixture(scope="module")
def craigs() -> Iterator[Books]:
    with running(data=CRAIGS, empty=False) as info:
        yield open_books(info)


@pytest.mark.parametrize("entity", entities())
def test_every_recorded_object_reads_back_equal_by_query_and_by_id(craigs: Books, entity: str) -> None:
    listed = "where Active in (true, false) " if entity in ("Customer", "Vendor", "Employee", "Item", "Account") else ""
    found = craigs.query(f"select * from {entity} {listed}maxresults 1000")[entity]
    by_id = {one["Id"]: one for one in found}
    originals = recorded(entity)
    assert {one["Id"] for one in originals} == set(by_id)
    for original in originals:
        assert by_id[original["Id"]] == original
        assert list(by_id[original["Id"]]) == list(original)
        assert craigs.read(entity, original["Id"]) == original


def test_lists_come_by_name_and_transactions_newest_change_first(craigs: Books) -> None:
    names = [one["DisplayName"].lower() for one in craigs.query("select * from Vendor maxresults 1000")["Vendor"]]
    assert names == sorted(names)
    times = [one["MetaData"]["LastUpdatedTime"] for one in craigs.query("select * from Bill maxresults 1000")["Bill"]]
    assert times == sorted(times, reverse=True)


@pytest.fixture
def fresh() -> Iterator[Books]:
    """Its own server, because the test writes."""
    with running(data=CRAIGS, empty=False) as info:
        yield open_books(info)


def highest(names: tuple[str, ...]) -> int:
    return max(int(one["Id"]) for name in names for one in recorded(name))


def test_work_goes_on_after_the_highest_recorded_ids_and_from_the_recorded_balances(fresh: Books) -> None:
    customer = fresh.customer("New customer")
    assert int(customer["Id"]) == highest(("Customer", "Vendor", "Employee")) + 1
    amy = fresh.read("Customer", "1")
    item = fresh.read("Item", "6")
    body: dict[str, Any] = {"CustomerRef": {"value": "1"}, "Line": [line(item, 100, "TAX")]}
    invoice = fresh.make("Invoice", {**body, "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "3"}}})
    documents = [name for name in entities() if name.endswith(("Invoice", "Payment", "Memo", "Entry", "Deposit"))]
    assert int(invoice["Id"]) > highest(tuple(documents))
    assert [part["Amount"] for part in invoice["TxnTaxDetail"]["TaxLine"]] == [
        simplejson.loads("7.1", use_decimal=True),
        2,
    ]
    assert fresh.again("Customer", amy)["Balance"] == amy["Balance"] + invoice["TotalAmt"]
    assert invoice["SalesTermRef" if "SalesTermRef" in amy else "DueDate"]


def test_a_recorded_deposited_payment_is_frozen_and_its_invoice_can_be_read_with_it(fresh: Books) -> None:
    deposited = next(
        one for one in recorded("Payment") if any(link["TxnType"] == "Deposit" for link in one.get("LinkedTxn", []))
    )
    body = {"Id": deposited["Id"], "SyncToken": deposited["SyncToken"], "sparse": True, "PrivateNote": "x"}
    assert fresh.refused("payment", body)[1] == "6540"


def test_a_recorded_open_invoice_can_be_paid(fresh: Books) -> None:
    invoice = next(one for one in recorded("Invoice") if one["Balance"] > 0 and one["Balance"] == one["TotalAmt"])
    before = fresh.read("Customer", invoice["CustomerRef"]["value"])["Balance"]
    fresh.payment({"Id": invoice["CustomerRef"]["value"]}, invoice["Balance"], (invoice, invoice["Balance"]))
    paid = fresh.again("Invoice", invoice)
    assert (paid["Balance"], int(paid["SyncToken"])) == (0, int(invoice["SyncToken"]) + 1)
    assert fresh.read("Customer", invoice["CustomerRef"]["value"])["Balance"] == before - invoice["Balance"]


def test_a_recorded_customer_renamed_is_renamed_in_all_its_invoices(fresh: Books) -> None:
    amy = fresh.read("Customer", "1")
    fresh.change("Customer", amy, DisplayName="Amy's new name")
    found = fresh.query("select * from Invoice where CustomerRef = '1' maxresults 1000")["Invoice"]
    assert len(found) > 1
    assert {one["CustomerRef"]["name"] for one in found} == {"Amy's new name"}


def test_a_folder_without_objects_and_a_broken_line_are_named(tmp_path: Path) -> None:
    from qb_pipeline.sandbox.quickbooks.server import create_app

    with pytest.raises(DataError, match=r"holds no <Entity>\.jsonl"):
        create_app(data=tmp_path)
    (tmp_path / "Customer.jsonl").write_text('{"Id": "1", "DisplayName": "A"}\n{"Id": "1", "DisplayName": "B"}\n')
    with pytest.raises(DataError, match=r"Customer\.jsonl:2: Customer 1 is there twice"):
        create_app(data=tmp_path)
    bad_time = '{"Id": "1", "DisplayName": "A", "MetaData": {"LastUpdatedTime": "yesterday"}}'
    (tmp_path / "Customer.jsonl").write_text(bad_time)
    with pytest.raises(DataError, match=r"Customer 1 holds a time"):
        create_app(data=tmp_path)
    (tmp_path / "Customer.jsonl").write_text("{broken\n")
    with pytest.raises(DataError, match=r"Customer\.jsonl:1: no JSON"):
        create_app(data=tmp_path)
