"""Ignoring as a person meets it: what it leaves alone, what it must not silence, and the list of everything owed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from qb_pipeline.notify import digest
from qb_pipeline.store.engine import make_engine
from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance
from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.end_to_end.test_exception_sentences import labor, rules, sold
from qb_pipeline_tests.end_to_end.test_exceptions_commands import books, document, instance, named, office, servers

__all__ = ["books", "instance", "office", "servers"]  # the fixtures


@pytest.fixture
def store(database_url: str) -> Engine:
    return make_engine(database_url)


def states(instance: Instance) -> dict[str, str]:
    """By record and code."""
    listed = document(instance, "errors", "list")["errors"]
    return {f"{e['record_label']} {e['code']}": e["state"] for e in listed}


def ignore_all(instance: Instance) -> None:
    listed = document(instance, "errors", "list")["errors"]
    instance.prepare("errors", "ignore", *(str(e["id"]) for e in listed))


def news(store: Engine, after: datetime) -> list[tuple[str, int]]:
    """What the digest tells as new, with how many records wait for each."""
    with store.connect() as conn:
        return [(f.label, f.blocks) for f in digest.new(conn, COMPANY, after, datetime.now(UTC))]


def quiet(instance: Instance) -> bool:
    """Whether two more runs leave every exception in its state."""
    before = states(instance)
    instance.sync()
    instance.sync()
    return states(instance) == before


def test_what_is_ignored_is_open_again_when_its_record_changes_or_it_blocks_another(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk, store: Engine
) -> None:
    payer, gone = office.create("customers", {"name": "Ignoring Inc"}), labor(office, "Downspouts S")
    instance.sync()
    twin = named(books.all("Item"), "Downspouts S", "Name")
    books.edit("Item", twin["Id"], {"Active": False})
    sold(office, "1403", payer, gone)
    bad = office.create("customers", {"name": "Ignored: One"})
    instance.sync()
    ignore_all(instance)
    assert set(states(instance).values()) == {"ignored"}
    assert quiet(instance)
    office.edit("customers", bad["id"], {"name": "Ignored: Two"})
    sold(office, "1404", payer, gone)
    began = datetime.now(UTC)
    instance.sync()
    now = states(instance)
    assert now["Customer Ignored: Two bad-name"] == "open"
    assert now["Item Downspouts S inactive_reference"] == "open"
    assert {("Customer Ignored: Two", 0), ("Item Downspouts S", 2)} <= set(news(store, began))
    assert quiet(instance)


def waits(instance: Instance, *kinds: str) -> dict[str, dict[str, Any]]:
    listed = document(instance, "errors", "list", "--waiting")["waiting"]
    return {w["record"]: w for w in listed if w["kind"] in kinds}


def test_a_name_that_is_refused_and_a_conflict_are_owed_and_wait_for_a_person(
    instance: Instance, office: ContractorDesk, books: QuickBooksDesk
) -> None:
    rules(instance, "entities:\n  customer:\n    conflict: ask\n")
    payer = office.create("customers", {"name": "Torn Apart", "notes": "old"})
    office.create("customers", {"name": "Owed: One"})
    instance.sync()
    twin = named(books.all("Customer"), "Torn Apart", "DisplayName")
    office.edit("customers", payer["id"], {"notes": "left"})
    books.edit("Customer", twin["Id"], {"Notes": "right"})
    instance.sync()
    owed = waits(instance, "open")
    assert {"Customer Torn Apart", "Customer Owed: One"} <= owed.keys()
    assert "left" in owed["Customer Torn Apart"]["why"]
    assert "--take" in owed["Customer Torn Apart"]["fix"]
    assert owed["Customer Owed: One"]["who"] == "office"
    said = " ".join(instance.prepare("errors", "list", "--waiting").out.split())
    assert "Nothing waits" not in said
    assert "Fix (office): Remove a colon from the display name." in said
    ignore_all(instance)
    assert quiet(instance)
    assert "Customer Torn Apart" in waits(instance, "ignored")
    office.edit("customers", payer["id"], {"notes": "left again"})
    books.edit("Customer", twin["Id"], {"Notes": "right again"})
    instance.sync()
    assert states(instance)["Customer Torn Apart conflict_notes"] == "open"
    assert quiet(instance)
