"""Starting with a data folder, empty, or with the sample; and staying fast with many records."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.kernel.running import COMMAND, contractor

CUSTOMER = {"id": "C-9", "name": "Old Friend", "version": "4", "created_at": "2020-01-01T00:00:00Z"}
INVOICE = {
    "id": "I-1",
    "customer_id": "C-9",
    "issue_date": "2025-05-05",
    "updated_at": "2025-06-01T08:00:00-07:00",
    "lines": [{"id": "L-1", "amount": "75.00"}],
    "total": "75.00",
    "balance": "0.00",
    "status": "paid",
}
PAYMENT = {
    "customer_id": "C-9",
    "date": "2025-05-20",
    "amount": "75.00",
    "allocations": [{"invoice_id": "I-1", "amount": "75.00"}],
}


def write(folder: Path, **collections: list[dict[str, Any]]) -> Path:
    for name, records in collections.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def refusal(*options: str | Path) -> str:
    """What the command prints on standard error when it does not start."""
    done = subprocess.run([*COMMAND, *map(str, options)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr


def test_loaded_records_keep_ids_versions_and_times(tmp_path: Path) -> None:
    folder = write(tmp_path, customers=[CUSTOMER], invoices=[INVOICE], payments=[PAYMENT])
    with contractor("--data", folder) as client:
        customer, invoice = client.one("customers/C-9"), client.one("invoices/I-1")
        (payment,) = client.get("payments").json()["data"]
        assert (customer["version"], customer["created_at"]) == ("4", "2020-01-01T00:00:00.000000Z")
        assert (invoice["updated_at"], invoice["version"]) == ("2025-06-01T15:00:00.000000Z", "1")
        assert (invoice["balance"], invoice["status"], invoice["lines"][0]["id"]) == ("0.00", "paid", "L-1")
        assert payment["id"] == "pay_000001"
        assert client.patch("customers/C-9", {"notes": "hi"}, "4").json()["version"] == "5"


def test_new_times_rise_beyond_loaded_ones_that_lie_in_the_future(tmp_path: Path) -> None:
    folder = write(tmp_path, customers=[CUSTOMER | {"updated_at": "2099-01-01T00:00:00Z"}])
    with contractor("--data", folder) as client:
        times = [client.made("divisions", {"name": "x"})["updated_at"] for _ in range(3)]
    assert times == [f"2099-01-01T00:00:00.00000{number}Z" for number in (1, 2, 3)]


def test_a_restart_on_the_same_state_does_not_load_again(tmp_path: Path) -> None:
    folder = write(tmp_path, customers=[CUSTOMER])
    for expected in ("4", "5"):
        with contractor("--data", folder, "--state", tmp_path / "state.db") as client:
            assert client.one("customers/C-9")["version"] == expected
            client.patch("customers/C-9", {"notes": f"seen {expected}"}, expected)


@pytest.mark.parametrize(
    ("collections", "named"),
    [
        ({"customers": [{"id": "1"}]}, "customers.jsonl line 1: name is required"),
        ({"customers": [CUSTOMER, CUSTOMER]}, "customers.jsonl line 2: id C-9 is there already"),
        ({"invoices": [INVOICE]}, "invoices.jsonl line 1: customer_id: there is no customers/C-9"),
        ({"customers": [CUSTOMER], "invoices": [INVOICE]}, "invoices.jsonl line 1: balance is '0.00'"),
        ({"customers": [CUSTOMER | {"version": "b"}]}, "version 'b' is no whole number"),
        ({"clients": [CUSTOMER]}, "clients.jsonl names no collection"),
        ({}, "holds no <collection>.jsonl"),
    ],
)
def test_a_folder_that_does_not_add_up_is_refused_in_one_line(
    tmp_path: Path, collections: dict[str, list[dict[str, Any]]], named: str
) -> None:
    message = refusal("--data", write(tmp_path, **collections))
    assert named in message
    assert "Traceback" not in message


def test_data_and_empty_exclude_each_other(tmp_path: Path) -> None:
    assert "--data and --empty exclude each other" in refusal("--data", tmp_path, "--empty")


def test_a_port_in_use_is_one_line() -> None:
    with contractor("--empty") as client:
        message = refusal("--port", client.base_url.rpartition(":")[2])
    assert "cannot serve on 127.0.0.1:" in message
    assert "Traceback" not in message


def test_the_sample_has_names_but_no_documents() -> None:
    with contractor() as client:
        state = client.control("state")["collections"]
    assert (state["customers"]["count"], state["jobs"]["count"], state["invoices"]["count"]) == (3, 2, 0)


def test_empty_means_nothing_at_all() -> None:
    with contractor("--empty") as client:
        state = client.control("state")["collections"]
    assert {one["count"] + one["deleted"] for one in state.values()} == {0}


@pytest.mark.slow
def test_a_large_file_is_loaded_whole_and_paged_through_once(tmp_path: Path) -> None:
    line = json.dumps({"name": "Division", "updated_at": "2026-01-01T00:00:00Z"}) + "\n"
    (tmp_path / "divisions.jsonl").write_text(line * 3_000)
    with contractor("--data", tmp_path, "--state", tmp_path / "state.db") as client:
        page = client.get("divisions", limit=500).json()
        seen = [row["id"] for row in page["data"]]
        while page["next_cursor"]:
            page = client.get("divisions", limit=500, cursor=page["next_cursor"]).json()
            seen += [row["id"] for row in page["data"]]
    assert len(seen) == len(set(seen)) == 3_000
