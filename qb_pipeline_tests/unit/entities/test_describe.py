"""The committed page of entities is the one the specs make."""

from __future__ import annotations

from pathlib import Path

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.describe import page, section

PAGE = Path(__file__).resolve().parents[3] / "docs" / "entities.md"


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text() == page(), "a spec has changed: run `make docs` and commit docs/entities.md"


@pytest.mark.parametrize("name", ENTITIES)
def test_every_field_has_one_row_and_every_line_field_another(name: str) -> None:
    entity = ENTITIES[name]
    rows = [row.split(" | ")[0] for row in section(entity).splitlines() if row.startswith("| `")]
    lines = [line for field in entity.fields for line in field.lines]
    assert rows == [f"| `{field.name}`" for field in (*entity.fields, *lines)]


def test_a_field_never_travels_further_than_its_entity() -> None:
    assert ENTITIES["term"].direction.value == "to_contractor"
    rows = [row for row in section(ENTITIES["term"]).splitlines() if row.startswith("| `")]
    assert rows
    assert all("both ways" not in row for row in rows)


def test_what_a_side_works_out_by_itself_is_only_observed() -> None:
    [balance] = [row for row in section(ENTITIES["credit_memo"]).splitlines() if row.startswith("| `balance`")]
    assert balance == "| `balance` | money | observed |  |  | remaining credit |"
