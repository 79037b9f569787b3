"""However often a plan was made, the next sync reads and writes what it would have read and written without it, and
both sides end the same; after a crash too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from typing import Any

import pytest

from qb_pipeline.commands.opening import DRY_RUN
from qb_pipeline.commands.preview import preview
from qb_pipeline.store import cursors
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, QuickBooksDesk, Raw, is_write
from qb_pipeline_tests.faults.indoors import IndoorStage, indoor_stage
from qb_pipeline_tests.faults.stage import Run
from qb_pipeline_tests.faults.story import deviations, outcome

EVENING = "evening"


@dataclass(frozen=True)
class Evening:
    """A day's work that no sync has seen, and what a sync without any plan makes of it."""

    stage: IndoorStage
    asked: list[str]
    run: Run
    outcome: dict[str, Any]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory, template_url: str) -> Iterator[Evening]:
    with indoor_stage(tmp_path_factory.mktemp("plans") / "stage", template_url, "plans") as on:
        own, books = ContractorDesk(on.instance.contractor), QuickBooksDesk(on.instance.quickbooks)
        morning(own)
        on.until_quiet()
        days_work(own, books)
        on.remember(EVENING)
        on.back_to(EVENING)
        asked, run = synced(on)
        yield Evening(on, asked, run, outcome(on))  # type: ignore[arg-type]  # a stage without processes


def morning(own: ContractorDesk) -> None:
    house, barn, shed = (own.create("customers", {"name": name})["id"] for name in ("House", "Barn", "Shed"))
    item = own.create("items", {"name": "Tiles", "kind": "service", "unit_price": "40.00", "taxable": False})["id"]
    line = {"item_id": item, "description": "Tiles", "quantity": "2", "unit_price": "40.00", "taxable": False}
    for number, customer in (("R-1", house), ("R-2", barn), ("R-3", shed)):
        own.create("invoices", {
            "number": number, "customer_id": customer, "issue_date": "2026-10-10", "lines": [line], "status": "sent",
        })  # fmt: skip


def days_work(own: ContractorDesk, books: QuickBooksDesk) -> None:
    """Something new, edited, voided, deleted and paid, on either side."""
    here = {i["number"]: i for i in own.all("invoices")}
    there = {i["DocNumber"]: i for i in books.all("Invoice")}
    own.create("customers", {"name": "Mill"})
    own.edit("customers", here["R-1"]["customer_id"], {"phone": "302 555 0000"})
    own.void("invoices", here["R-2"]["id"])
    books.create("Customer", {"DisplayName": "Walk-in"})
    books.edit("Invoice", there["R-1"]["Id"], {"CustomerMemo": {"value": "Thank you"}})
    books.delete("Invoice", there["R-3"]["Id"])
    line = {"Amount": Decimal("10.00"), "LinkedTxn": [{"TxnId": there["R-1"]["Id"], "TxnType": "Invoice"}]}
    books.create("Payment", {
        "CustomerRef": there["R-1"]["CustomerRef"], "TotalAmt": Decimal("10.00"), "Line": [line],
        "TxnDate": "2026-11-03",
    })  # fmt: skip


def plan(on: IndoorStage) -> Raw:
    with session(on.engine, on.settings, COMPANY, DRY_RUN, dry=True) as ctx:
        return preview(ctx, None)


def positions(on: IndoorStage) -> dict[Any, Any]:
    with on.engine.connect() as conn:
        return cursors.everything(conn, COMPANY)


def synced(on: IndoorStage, stop: int | None = None) -> tuple[list[str], Run]:
    """A sync, and what it read from both systems before it wrote to them."""
    marks = [box.requests_since(0)[1] for box in on.boxes]
    run = on.run(stop=stop)
    logs = [box.requests_since(mark)[0] for box, mark in zip(on.boxes, marks, strict=True)]
    return [r["path"] for log in logs for r in takewhile(lambda r: not is_write(r), log)], run


def test_the_sync_after_plans_reads_and_writes_what_it_would_have_without_them(evening: Evening) -> None:
    evening.stage.back_to(EVENING)
    before = positions(evening.stage)
    first, second = plan(evening.stage), plan(evening.stage)
    assert first == second
    assert first["operations"] != []
    assert positions(evening.stage) == before
    asked, run = synced(evening.stage)
    # The plan has asked for the deleted invoice by its id, and kept the answer: that one read is spared.
    assert asked == [path for path in evening.asked if "/invoice/" not in path]
    assert len(asked) == len(evening.asked) - 1
    assert run.told() == evening.run.told()
    assert run.writes
    assert deviations(outcome(evening.stage), evening.outcome) == []  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_the_sync_after_a_crash_and_a_plan_ends_as_if_nothing_had_happened(evening: Evening, share: float) -> None:
    evening.stage.back_to(EVENING)
    _, run = synced(evening.stage, stop=int(len(evening.run.edges) * share))
    assert run.killed
    plan(evening.stage)
    evening.stage.until_quiet()
    assert deviations(outcome(evening.stage), evening.outcome) == []  # type: ignore[arg-type]  # as above
