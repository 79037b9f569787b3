"""Whatever comes first, a webhook or a backfill: nothing is compared before both sides were read once as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from qb_pipeline.store import inbox
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.inbox import Event
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, Instance, QuickBooksDesk
from qb_pipeline_tests.faults.post import look
from qb_pipeline_tests.unit.console.running import settings_for

KNOWN = {"name": "Zed Plumbing", "email": "zed@plumbing.example"}
TWIN = {"DisplayName": "Zed Plumbing", "PrimaryEmailAddr": {"Address": "zed@plumbing.example"}}


def _webhook(source: str, subject: str, record: str) -> Callable[[Instance], None]:
    def come(made: Instance) -> None:
        engine = make_engine(made.database_url)
        with engine.begin() as conn:
            inbox.store(conn, [Event(source, subject, record, "updated", "first", company=COMPANY)])
        look(engine, settings_for(made.home, database_url=made.database_url, rate_scale=0))
        engine.dispose()

    return come


def _backfill(made: Instance) -> None:
    today = datetime.now(UTC).date().isoformat()
    code, _, err = made.run("backfill", "--from", today, "--to", today)
    assert code == 0, err


@pytest.mark.parametrize("first", ["quickbooks", "contractor", "backfill"])
def test_what_both_sides_hold_already_is_not_doubled_whatever_comes_first(made: Instance, first: str) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    here, there = own.create("customers", dict(KNOWN))["id"], books.create("Customer", dict(TWIN))["Id"]
    come = {
        "quickbooks": _webhook("quickbooks", "Customer", there),
        "contractor": _webhook("contractor", "customer", here),
        "backfill": _backfill,
    }[first]
    come(made)
    made.sync()
    assert [c["id"] for c in own.all("customers")] == [here]
    assert [c["Id"] for c in books.all("Customer")] == [there]
    pairs = [
        (r["contractor_id"], r["quickbooks_id"])
        for table in ("link", "candidate")
        for r in made.rows(f"select contractor_id, quickbooks_id from {table} where entity = 'customer'")
    ]
    assert pairs == [(here, there)], "linked, or shown to a person"
    assert made.sync()["writes"] == 0
