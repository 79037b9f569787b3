"""What a materialization says to a person."""

from __future__ import annotations

import dataclasses

from qb_pipeline.defs.metadata import quickbooks_page, since, table_of
from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import settings
from qb_pipeline.store.exceptions import Reported

ONE = Reported(
    entity="customer", side=Side.CONTRACTOR, record_id="c1", record_label="Customer A|B", code="colon",
    title="Customer A|B", cause="It has a colon.\nQuickBooks takes none.", fix="Rename it.", who="office",
    retry_safe=False,
)  # fmt: skip


def test_a_table_row_names_record_cause_and_fix_and_keeps_its_columns() -> None:
    head, rule, row = str(table_of([ONE]).value).split("\n")
    assert head.count("|") == rule.count("|") == row.replace("\\|", "").count("|") == 6
    assert "Customer A\\|B" in row
    assert "It has a colon. QuickBooks takes none." in row
    assert "Rename it." in row


def test_a_table_row_says_what_waits_for_the_record() -> None:
    text = str(table_of([dataclasses.replace(ONE, blocks=[f"Invoice {n}" for n in range(5)])]).value)
    assert "takes none. 5 records wait for it: Invoice 0, Invoice 1, Invoice 2 and 2 more. |" in text


def test_a_record_without_a_label_is_named_by_its_id() -> None:
    assert "| c1 |" in str(table_of([dataclasses.replace(ONE, record_label=None)]).value)


def test_a_long_table_says_how_many_more_there_are_and_where() -> None:
    text = str(table_of([ONE] * 53).value)
    assert text.count("Rename it.") == 50
    assert "3 more: `qb-pipeline errors list`" in text


def test_calls_are_those_of_the_step_alone() -> None:
    told = since({"contractor": 5, "quickbooks": 1}, {"contractor": 5, "quickbooks": 4})
    assert told == {"API calls to contractor": 0, "API calls to quickbooks": 3}


def test_the_link_leads_to_quickbooks_or_to_what_stands_in_for_it() -> None:
    assert quickbooks_page(settings(environment="sandbox"), None) == "https://app.sandbox.qbo.intuit.com/app/homepage"
    assert quickbooks_page(settings(), "http://localhost:8040") == "http://localhost:8040"
