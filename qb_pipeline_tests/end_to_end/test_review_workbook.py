"""The review round trip of an accountant: sync, export, decide in the workbook, import, sync, nothing left to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from openpyxl import load_workbook

from qb_pipeline_tests.end_to_end.cli_running import Instance, Server, sandbox


@pytest.fixture
def instance(tmp_path: Path, database_url: str) -> Iterator[Instance]:
    with (
        sandbox("quickbooks", "--port", "0", "--empty") as books,
        sandbox("contractor", "--port", "0", "--empty") as own,
    ):
        yield Instance(tmp_path, books, own, {"QB_DATABASE_URL": database_url}).connected()


def in_contractor(server: Server, **customer: Any) -> str:
    headers = {"Authorization": f"Bearer {server.info['api_key']}", "Idempotency-Key": str(customer["name"])}
    url = f"{server.info['base_url']}/api/v1/customers"
    answer = requests.post(url, json=customer, headers=headers, timeout=10)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def in_quickbooks(server: Server, **customer: Any) -> str:
    pair = server.control("token", {"realm_id": server.info["realm_id"]})
    headers = {"Authorization": f"Bearer {pair['access_token']}", "Accept": "application/json"}
    url = f"{server.info['base_url']}/v3/company/{server.info['realm_id']}/customer"
    answer = requests.post(url, json=customer, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["Customer"]["Id"])


def test_pairs_go_out_as_a_workbook_and_come_back_decided(instance: Instance, tmp_path: Path) -> None:
    same = in_contractor(instance.contractor, name="Hazel Roofing", phone="512-555-0142")
    other = in_contractor(instance.contractor, name="Birch Plumbing", phone="512-555-0160")
    there = in_quickbooks(instance.quickbooks, DisplayName="Hazel Roofing LLC")
    stranger = in_quickbooks(instance.quickbooks, DisplayName="Birch Plumbing LLC")
    instance.sync()
    file = tmp_path / "pairs.xlsx"
    assert instance.here("review", "export", str(file), "--json").success().document["pairs"] == 2
    book = load_workbook(file)
    rows = {str(row[8].value): row for row in book["Review"].iter_rows(min_row=2)}
    assert "name" in str(rows[same][5].value)
    assert "phone" in str(rows[same][6].value)
    rows[same][0].value, rows[other][0].value = "same", "different"
    book.save(file)
    done = instance.here("review", "import", str(file), "--json").success().document
    assert done == {"linked": 1, "kept_apart": 1, "known": 0}
    instance.sync()
    assert instance.here("review", "list", "--json").success().document["candidates"] == []
    assert "are linked" in instance.here("review", "reject", same, there).failure()
    taken_back = instance.here("review", "unlink", same, there, "--json").success().document
    assert taken_back["decision"] == "unlinked"
    again = instance.here("review", "link", same, there, "--entity", "customer", "--json").success().document
    assert again["decision"] == "linked"
    assert instance.sync()["writes"] == 0
    assert "is linked already" in instance.here("review", "link", other, stranger, "--entity", "customer").failure()


def test_a_workbook_that_exists_is_replaced_only_when_that_is_asked_for(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "pairs.xlsx"
    file.write_bytes(b"decisions")
    assert "--force" in instance.here("review", "export", str(file)).failure()
    assert file.read_bytes() == b"decisions"
    instance.here("review", "export", str(file), "--force").success()
    assert load_workbook(file)["Review"].max_row >= 1


def test_a_workbook_with_a_row_that_cannot_stand_is_refused_in_one_line(instance: Instance, tmp_path: Path) -> None:
    left = in_contractor(instance.contractor, name="Larch Heating", phone="512-555-0171")
    in_quickbooks(instance.quickbooks, DisplayName="Larch Heating Inc")
    instance.sync()
    file = tmp_path / "pairs.xlsx"
    instance.here("review", "export", str(file)).success()
    book = load_workbook(file)
    book["Review"]["A2"].value = "yes"
    book.save(file)
    assert "row 2: 'yes' is no decision" in instance.here("review", "import", str(file)).failure()
    waiting = instance.here("review", "list", "--json").success().document["candidates"]
    assert [c["contractor_id"] for c in waiting] == [left]
