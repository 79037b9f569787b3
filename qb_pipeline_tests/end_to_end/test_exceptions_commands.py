"""Exceptions, conflicts and undo as a person meets them: the command, both sandboxes, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance, Server, sandbox
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.end_to_end.harness import Sandbox as Box


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    with (
        sandbox("quickbooks", "--port", "0", "--empty") as quickbooks,
        sandbox("contractor", "--port", "0", "--empty") as contractor,
    ):
        yield quickbooks, contractor


@pytest.fixture
def instance(tmp_path: Path, database_url: str, servers: tuple[Server, Server]) -> Iterator[Instance]:
    yield Instance(tmp_path, *servers, {"QB_DATABASE_URL": database_url}).connected()
    for server in servers:
        requests.delete(f"{server.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


@pytest.fixture
def office(instance: Instance) -> ContractorDesk:
    return ContractorDesk(Box("contractor", Path(), info=instance.contractor.info))


@pytest.fixture
def books(instance: Instance) -> QuickBooksDesk:
    return QuickBooksDesk(Box("quickbooks", Path(), info=instance.quickbooks.info))


def document(instance: Instance, *words: str) -> dict[str, Any]:
    return instance.prepare(*words, "--json").document


def named(rows: list[dict[str, Any]], name: str, key: str = "name") -> dict[str, Any]:
    [found] = [r for r in rows if r[key] == name]
    return found


def test_a_conflict_is_settled_by_a_persons_choice_and_written_by_the_next_sync(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    (instance.home / "companies").mkdir(exist_ok=True)
    (instance.home / "companies" / f"{COMPANY}.yaml").write_text("entities:\n  customer:\n    conflict: ask\n")
    record = office.create("customers", {"name": "Asked About", "notes": "old"})
    instance.sync()
    twin = named(books.all("Customer"), "Asked About", "DisplayName")
    office.edit("customers", record["id"], {"notes": "left"})
    books.edit("Customer", twin["Id"], {"Notes": "right"})
    instance.sync()
    [conflict] = document(instance, "errors", "list", "--code", "conflict_notes")["errors"]
    assert "left" in conflict["cause"]
    assert f"qb-pipeline errors resolve {conflict['id']} --take contractor" in conflict["fix"]
    told = document(instance, "errors", "resolve", str(conflict["id"]), "--take", "quickbooks")
    assert told["next"] == "what QuickBooks says is written to the contractor's system"
    instance.sync()
    assert office.get("customers", record["id"])["notes"] == "right"
    assert document(instance, "errors", "list", "--code", "conflict_notes")["errors"] == []
    assert (
        "resolved already" in instance.here("errors", "resolve", str(conflict["id"]), "--take", "contractor").failure()
    )


def test_a_run_is_taken_back_and_no_sync_does_it_again(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    kept = office.create("customers", {"name": "Taken Back", "notes": "old"})
    instance.sync()
    office.edit("customers", kept["id"], {"notes": "new"})
    office.create("customers", {"name": "Never Wanted"})
    run = instance.sync()["run_id"]
    before = instance.quickbooks.seen
    planned = document(instance, "undo", run, "--dry-run")
    assert instance.quickbooks.writes_since(before) == []
    assert [(x["record"], x["removes"]) for x in planned["undone"]] == [
        ("Customer Taken Back", False), ("Customer Never Wanted", True),
    ]  # fmt: skip
    done = document(instance, "undo", run[:12])
    assert (len(done["undone"]), done["refused"]) == (2, [])
    twin = named(books.all("Customer"), "Taken Back", "DisplayName")
    assert twin["Notes"] == "old"
    assert office.get("customers", kept["id"])["notes"] == "new"
    gone = [c for c in books.all("Customer") if c["DisplayName"].startswith("Never Wanted")]
    assert [c["Active"] for c in gone] == [False]
    assert instance.sync()["writes"] == 0
    held = document(instance, "errors", "list", "--code", "undone")["errors"]
    assert {e["record_label"] for e in held} == {"Customer Taken Back", "Customer Never Wanted"}
    for one in held:
        document(instance, "errors", "resolve", str(one["id"]), "--take", "contractor")
    instance.sync()
    assert named(books.all("Customer"), "Taken Back", "DisplayName")["Notes"] == "new"
    assert named(books.all("Customer"), "Never Wanted", "DisplayName")["Active"] is True
    assert instance.sync()["writes"] == 0


def test_what_waits_is_listed_with_its_next_attempt_and_released_by_retry(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    office.create("customers", {"name": "Has To Wait"})
    rule = {"match": {"method": "POST", "entity": "Customer"}, "action": "status", "status": 503, "when": "after"}
    instance.quickbooks.control("faults", [rule])
    instance.sync()
    [waiting] = [w for w in document(instance, "errors", "list", "--waiting")["waiting"] if w["kind"] == "unanswered"]
    assert (waiting["record"], waiting["attempts"]) == ("Customer Has To Wait", 1)
    assert waiting["next_attempt_at"] > waiting["since"]
    [open_one] = document(instance, "errors", "list", "--state", "retrying", "--who", "nobody")["errors"]
    requests.delete(f"{instance.quickbooks.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()
    assert document(instance, "errors", "retry", "--code", open_one["code"]) == {"retried": 1}
    instance.sync()
    assert len([c for c in books.all("Customer") if c["DisplayName"] == "Has To Wait"]) == 1
    left = document(instance, "errors", "list", "--waiting")["waiting"]
    assert {w["kind"] for w in left} <= {"review"}, "what other stories left alike"


def test_a_record_whose_creation_has_no_answer_is_linked_to_no_other_until_that_is_settled(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    (instance.home / "companies").mkdir(exist_ok=True)
    text = "entities:\n  customer:\n    direction: to_quickbooks\n"
    (instance.home / "companies" / f"{COMPANY}.yaml").write_text(text)
    twin = books.create("Customer", {"DisplayName": "Meanwhile Entered By Hand"})
    record = office.create("customers", {"name": "Lost Its Answer"})
    rule = {"match": {"method": "POST", "entity": "Customer"}, "action": "status", "status": 503, "when": "after"}
    instance.quickbooks.control("faults", [rule])
    instance.sync()
    pair = (record["id"], twin["Id"], "--entity", "customer")
    assert "not settled yet" in instance.here("review", "link", *pair).failure()
    requests.delete(f"{instance.quickbooks.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()
    instance.sync()
    [copy] = [c for c in books.all("Customer") if c["DisplayName"] == "Lost Its Answer"]
    assert "reject" in instance.prepare("review", "unlink", record["id"], copy["Id"], "--entity", "customer").out
    instance.prepare("review", "link", *pair)
    instance.sync()
    assert len([c for c in office.all("customers") if c["name"].startswith("Lost Its Answer")]) <= 1
    [said] = document(instance, "errors", "list", "--code", "linked_elsewhere")["errors"]
    assert (said["record_id"], "is linked to" in said["cause"]) == (copy["Id"], True)
    books.edit("Customer", copy["Id"], {"Active": False})
    assert instance.sync()["writes"] == 0
    assert document(instance, "errors", "list", "--code", "linked_elsewhere")["errors"] == []


def test_the_codes_are_listed_and_wrong_questions_are_refused_in_one_line(instance: Instance) -> None:
    codes = document(instance, "errors", "codes")["codes"]
    assert len(codes) > 40
    assert named(codes, "qbo_6240", "code")["who"] == "accountant"
    assert "no run 'zzz'" in instance.here("undo", "zzz").failure()
    assert "give the ids" in instance.here("errors", "retry").failure()
    assert "No unresolved exception has the code" in instance.here("errors", "retry", "--code", "none").failure()
