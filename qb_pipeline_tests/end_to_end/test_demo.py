"""`qb-pipeline demo` as somebody on a fresh machine runs it: real processes, from nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qb_pipeline_tests.end_to_end import bookkeeping

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recorded" / "craigs"
needs_recording = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded QuickBooks company beside the project")
pytestmark = pytest.mark.slow
_OTHER_LISTS = {"tax rates"}  # only observed, so never linked


def _demo(home: Path, *options: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QB_")} | {"QB_HOME": str(home)}
    command = [sys.executable, "-m", "qb_pipeline.cli", "demo", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(home: Path) -> dict[str, Any]:
    """What the whole story on the generated company came to."""
    done = _demo(home, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_the_generated_company_and_its_books_agree(told: dict[str, Any]) -> None:
    assert told["verdict"].startswith("BOOKS AGREE")
    assert told["problems"] == []


def test_the_third_sync_writes_nothing_to_either_server(told: dict[str, Any]) -> None:
    first, _, third = told["syncs"]
    assert first["calls"]["quickbooks"]["records_written"] > 250
    assert [side["write_requests"] for side in third["calls"].values()] == [0, 0]


def test_every_sync_is_a_run_of_its_own(told: dict[str, Any]) -> None:
    assert len({sync["run"] for sync in told["syncs"]}) == 3


def test_reads_are_the_least_possible_and_writes_close_to_it(told: dict[str, Any]) -> None:
    for sync in told["syncs"]:
        for calls in sync["calls"].values():
            assert calls["used"] <= calls["least"] + 3


def test_every_pair_agrees_in_every_entity(told: dict[str, Any]) -> None:
    counted = {line["entity"]: line for line in told["entities"]}
    assert all(line["agreeing"] == line["linked"] for line in counted.values())
    assert counted["customer"]["linked"] > 60
    assert counted["invoice"]["linked"] > 150
    assert counted["payment"]["linked"] > 110


def test_each_act_of_the_day_ends_on_both_sides_or_with_a_reason(told: dict[str, Any]) -> None:
    assert all(act["explained"] for act in told["acts"])
    waiting = [act["told"] for act in told["acts"] if not act["agreed"]]
    assert len(told["acts"]) >= 12
    assert any("Müller & Söhne" in text for text in waiting)
    assert any("same item" in text for text in waiting)
    assert len(waiting) == 2


def test_a_name_that_quickbooks_refuses_is_an_exception_with_its_fix(told: dict[str, Any]) -> None:
    found = [e for e in told["exceptions"] if "Müller" in e["record"] and "colon" in e["cause"]]
    assert found
    assert any("colon" in e["fix"] for e in found)


def test_the_difference_in_receivables_is_the_sum_of_the_listed_items(told: dict[str, Any]) -> None:
    money = told["receivables"]
    apart = round(money["contractor"] - money["quickbooks"], 2)
    assert apart == round(sum(item["amount"] for item in money["explained"]), 2)
    assert all(item["reason"] for item in money["explained"])


def test_the_page_is_one_file_with_the_verdict(told: dict[str, Any], home: Path) -> None:
    page = Path(told["report"])
    assert page == home / "demo" / "report.html"
    assert told["verdict"] in page.read_text()


def test_first_contact_links_the_customers_a_bookkeeper_would_link(told: dict[str, Any], home: Path) -> None:
    assert told["problems"] == []
    assert bookkeeping.linked(home) == bookkeeping.GENERATED


@needs_recording
def test_a_recorded_company_reaches_an_empty_contractor_system(home: Path) -> None:
    done = _demo(home, "--qbo-data", RECORDED)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.rstrip().splitlines()[-1].startswith("BOOKS AGREE")


@needs_recording
def test_a_recorded_company_meets_a_contractor_who_knows_half_of_its_customers(home: Path) -> None:
    done = _demo(home, "--qbo-data", RECORDED, "--contractor", "half", "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["syncs"][-1]["calls"]["contractor"]["write_requests"] == 0
    assert told["syncs"][-1]["calls"]["quickbooks"]["write_requests"] == 0
    for line in told["recorded"]:
        assert line["file"] == line["staged"] == line["linked"] + line["skipped"] + line["excepted"], line
    counted = {line["entity"]: line for line in told["recorded"] if line["entity"] not in _OTHER_LISTS}
    assert counted["invoices"]["file"] == counted["invoices"]["linked"] == 37
    matched = next(line for line in told["syncs"][0]["entities"].items() if line[0] == "customer")[1]["linked"]
    assert matched >= 10
    assert bookkeeping.linked(home) == bookkeeping.RECORDED


def test_a_folder_without_customers_is_refused_in_one_line(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--qbo-data", tmp_path)
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert "Customer.jsonl" in line
