"""The verdict, the least possible calls and the page."""

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from qb_pipeline.demo import meter, report
from qb_pipeline.demo.checks import Comparison, Counted, Finding, Receivables
from qb_pipeline.demo.meter import Calls, Measured
from qb_pipeline.demo.read_contractor import SHARED
from qb_pipeline.demo.reasons import Reason
from qb_pipeline.demo.story import Act, Outcome
from qb_pipeline.demo.telling import FileCount, Told, document
from qb_pipeline.entities import ENTITIES

QUIET = Calls(reads=10, writes=0, records=0, least_reads=10, least_writes=0)
TALLY = {"invoice": {"read_contractor": 2, "read_quickbooks": 1, "created_quickbooks": 1}}


def _sync(title: str, calls: Calls = QUIET) -> Measured:
    return Measured(title, "run-1", 1.5, TALLY, QUIET, calls)


def _told(**changes: object) -> Told:
    money = Receivables(Decimal("1414.00"), Decimal("1414.00"))
    told = Told(
        title="A contractor and its books",
        lead="",
        facts=[("customers", "2")],
        syncs=[_sync("First sync", Calls(11, 1, 1, 11, 1)), _sync("Second sync")],
        comparison=Comparison(counted=[Counted("invoice", 2, 2, 2, 2)], receivables=money),
        exceptions=[],
        waiting=[],
        seconds=3.0,
    )
    return replace(told, **changes)  # type: ignore[arg-type]  # each test names fields of Told


def test_books_without_a_difference_agree() -> None:
    assert _told().agree
    assert _told().verdict == "BOOKS AGREE: open receivables 1,414.00 on both sides; the second sync wrote nothing"


def test_a_last_sync_that_writes_makes_the_books_disagree() -> None:
    told = _told(syncs=[_sync("Second sync", Calls(10, 1, 1, 10, 1))])
    assert told.problems == ["Second sync sent 1 writes"]
    assert told.verdict.startswith("BOOKS DISAGREE: 1 difference ")


def test_an_unexplained_act_makes_the_books_disagree() -> None:
    outcome = Outcome(Act("both", "edits", ()), ("invoice 1 differs",), agreed=False, explained=False)
    assert _told(outcomes=[outcome]).problems == ["edits: invoice 1 differs"]


def test_a_recorded_object_that_is_nowhere_makes_the_books_disagree() -> None:
    assert not _told(recorded=[FileCount("invoices", 3, 3, 2, 0, 0)]).agree
    assert not _told(recorded=[FileCount("invoices", 3, 2, 3, 0, 0)]).agree
    assert _told(recorded=[FileCount("invoices", 3, 3, 1, 1, 1)]).agree


def test_receivables_that_the_items_do_not_explain_make_the_books_disagree() -> None:
    item = Finding("open amount", "invoice", "invoice 2", "", Reason("exception", "Refused."), Decimal("1.00"))
    right = Receivables(Decimal("11.00"), Decimal("10.00"), items=[item])
    assert _told(comparison=Comparison(receivables=right)).agree
    wrong = Receivables(Decimal("11.01"), Decimal("10.00"), items=[item])
    assert not _told(comparison=Comparison(receivables=wrong)).agree


def test_the_least_calls_follow_from_what_was_read_and_written() -> None:
    tally = {
        "customer": {"read_quickbooks": 900, "read_contractor": 501, "created_quickbooks": 31},
        "job": {"read_quickbooks": 200, "updated_quickbooks": 1, "created_contractor": 4},
    }
    first = meter.least_quickbooks(tally, first=True)
    kinds = len({e.quickbooks_object for e in ENTITIES.values()})
    assert first == (1 + (kinds - 1) + 2, 2 + 1)  # 1,100 customers and jobs take two pages, each other kind one
    assert meter.least_quickbooks(tally, first=False) == (4, 3)
    assert meter.least_contractor(tally) == (len(SHARED) + 1, 4)


def test_the_page_escapes_records_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    finding = Finding("only in contractor", "invoice", "<script>alert(1)</script>", "", Reason("skipped", "draft"))
    told = _told(comparison=Comparison(findings=[finding]), recorded=[FileCount("invoices", 1, 1, 1, 0, 0)])
    page = report.write(told, tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"""(src|href)=|https?://|@import|url\((?!#)""", page)
    assert told.verdict in page


def test_the_json_document_says_what_the_verdict_says() -> None:
    shown = document(_told())
    assert (shown["agree"], shown["problems"]) == (True, [])
    assert shown["syncs"][0]["calls"]["quickbooks"] == {
        "used": 12, "least": 12, "write_requests": 1, "records_written": 1,
    }  # fmt: skip
