"""The time that QuickBooks' answers tell: in the document, else in the Date header, else not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.clock import time_told
from qb_pipeline_tests.unit.quickbooks.canned import CannedServer, ok

DATE = "Wed, 04 Mar 2026 17:05:12 GMT"
SAID = datetime(2026, 3, 4, 17, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("in_document", "date", "told"),
    [
        ("2026-03-04T09:05:10.004-08:00", DATE, SAID - timedelta(seconds=1, milliseconds=996)),
        (None, DATE, SAID),
        ("soon", DATE, SAID),
        ("2026-03-04T09:05:10", DATE, SAID),
        ("1970-01-01T00:00:00+00:00", DATE, SAID),
        (1730024394085, "Wed, 04 Mar 2026 17:05:12 -0000", SAID),
        (None, "Thu, 01 Jan 1970 00:00:00 GMT", None),
        (None, "yesterday", None),
        (None, None, None),
    ],
)
def test_an_answer_tells_the_time_in_its_document_or_else_in_its_header(
    in_document: object, date: str | None, told: datetime | None
) -> None:
    assert time_told(in_document, date) == told


def test_an_answer_without_a_time_in_it_tells_quickbooks_time_by_its_date(
    client: QuickBooksClient, server: CannedServer
) -> None:
    server.play(ok({"QueryResponse": {}}))
    assert client.server_time(0.0) is None
    client.query("SELECT * FROM Invoice")
    told = client.server_time(0.0)
    assert told is not None
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=10)
