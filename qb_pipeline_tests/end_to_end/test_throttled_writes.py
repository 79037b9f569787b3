"""A QuickBooks that answers 429 again and again makes a sync slower, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, QuickBooksDesk, instance, is_write

CUSTOMERS = 100
TO_THE_BOOKS = {"method": "POST", "path": "/v3/company/*"}


def test_a_stream_of_429s_with_and_without_retry_after_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    with instance(tmp_path, database_url) as made:
        made.connect()
        own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
        names = [f"Customer {n:03d}" for n in range(CUSTOMERS)]
        for name in names:
            own.create("customers", {"name": name})
        made.quickbooks.control(
            "faults",
            [
                {"match": TO_THE_BOOKS, "action": "status", "status": 429, "times": 3},
                {"match": TO_THE_BOOKS, "action": "status", "status": 429, "seconds": 1, "times": 3},
            ],
        )
        _, before = made.quickbooks.requests_since(0)
        made.sync()
        asked, after = made.quickbooks.requests_since(before)
        written = [row["DisplayName"] for row in books.all("Customer")]
        answers = Counter(r["status"] for r in asked if is_write(r))
        assert answers[429] == 6
        assert sorted(written) == names
        assert made.rows("select distinct phase from journal") == [{"phase": "bound"}]
        assert made.rows("select code from exception where state <> 'resolved'") == []
        made.sync()
        assert not any(is_write(r) for r in made.quickbooks.requests_since(after)[0])
