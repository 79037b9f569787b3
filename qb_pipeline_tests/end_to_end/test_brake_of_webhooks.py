"""A program deletes customers one by one, each with a webhook and so a small run of its own: the brake holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qb_pipeline.entities.spec import Side
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.reading import hints
from qb_pipeline.sync.reading.hints import Hint
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.faults.indoors import IndoorStage, indoor_stage

_FILE = "brake:\n  remove:\n    percent: 25\n    fewest: 2\n"


@pytest.fixture
def office(tmp_path: Path, template_url: str) -> Iterator[IndoorStage]:
    """Eight customers on both sides, of which two may be removed a day."""
    with indoor_stage(tmp_path / "stage", template_url, "brake_of_webhooks") as on:
        on.settings.companies.mkdir(exist_ok=True)
        (on.settings.companies / f"{COMPANY}.yaml").write_text(_FILE)
        for n in range(8):
            ContractorDesk(on.instance.contractor).create("customers", {"name": f"Customer {n}"})
        on.until_quiet()
        yield on


def told_of(office: IndoorStage, customer: str) -> None:
    """What the webhook job does with one event of the contractor's."""
    with session(office.engine, office.settings, COMPANY, "webhooks") as ctx:
        steps.sync(ctx, reading=lambda c: hints.read(c, [Hint(Side.CONTRACTOR, "customer", customer)]))


def in_use(office: IndoorStage) -> int:
    return sum(c["Active"] for c in QuickBooksDesk(office.instance.quickbooks).all("Customer"))


def test_customers_deleted_one_by_one_stop_at_the_share_of_the_day_until_somebody_answers(office: IndoorStage) -> None:
    own = ContractorDesk(office.instance.contractor)
    for customer in [c["id"] for c in own.all("customers")][:4]:
        own.delete("customers", customer)
        told_of(office, customer)
    assert in_use(office) == 6
    [asked] = office.instance.rows("select code, cause, blocks from exception where state <> 'resolved'")
    assert asked["code"] == "mass_change"
    assert "2 of 8 customers in QuickBooks, where the last day removed 2 already" in asked["cause"]
    office.until_quiet()  # as somebody who allows it
    assert in_use(office) == 4
    assert office.instance.rows("select code from exception where state <> 'resolved'") == []
