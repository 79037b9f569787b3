"""More webhooks than are looked at one by one, from a platform that lists nothing of what it removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from qb_pipeline.contractor import systems
from qb_pipeline.entities.spec import Side
from qb_pipeline.store.inbox import Stored
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.reading import hints
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, QuickBooksDesk
from qb_pipeline_tests.faults.indoors import IndoorStage, indoor_stage


@pytest.fixture
def office(tmp_path: Path, template_url: str) -> Iterator[IndoorStage]:
    """Two customers on both sides; the contractor's system shows a removal by its absence alone."""
    shipped = (Path(systems.__file__).parent / "reference.yaml").read_text()
    silent = shipped.replace('include_deleted: "true"', 'include_deleted: "false"').replace(
        "deletes: feed", "deletes: sweep"
    )
    assert silent.count("sweep") > shipped.count("sweep")
    (file := tmp_path / "silent.yaml").write_text(silent)
    with indoor_stage(tmp_path / "stage", template_url, "webhooks_by_the_hundred") as on:
        for name in ("Ann", "Bob"):
            ContractorDesk(on.instance.contractor).create("customers", {"name": name})
        on.until_quiet()
        with on.engine.begin() as conn:
            conn.execute(text("update qb.company set contractor_system = :file"), {"file": str(file)})
        yield on


def event(operation: str, record: str) -> Stored:
    return Stored(Side.CONTRACTOR.value, "customer", record, operation, f"{operation} {record}")


def test_a_removal_among_very_many_events_is_found_by_a_platform_that_lists_none(
    office: IndoorStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ContractorDesk(office.instance.contractor)
    ann, bob = (c["id"] for c in sorted(own.all("customers"), key=lambda c: str(c["name"])))
    own.delete("customers", ann)
    monkeypatch.setattr(hints, "MANY", 1)
    told = hints.hints_of([event("deleted", ann), event("updated", ann), event("updated", bob)])
    with session(office.engine, office.settings, COMPANY, "webhooks") as ctx:
        steps.sync(ctx, reading=lambda c: hints.read(c, told))
    in_use = {c["DisplayName"]: c["Active"] for c in QuickBooksDesk(office.instance.quickbooks).all("Customer")}
    assert in_use == {"Ann (deleted)": False, "Bob": True}
