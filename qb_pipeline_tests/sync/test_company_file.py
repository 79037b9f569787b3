"""A company's own file: read whole or refused whole, with the line and what is allowed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.company_file import CompanyFile, read_company_file
from qb_pipeline.sync.rules import narrower

GOOD = """\
defaults:
  income_account: Sales:Labor
entities:
  customer:
    direction: to_quickbooks
    conflict: ask
    fields:
      notes:
        direction: none
      email:
        conflict: contractor
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    return path


def test_a_missing_or_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_company_file(tmp_path / "none.yaml") == CompanyFile()
    assert read_company_file(written(tmp_path, "# nothing yet\n")) == CompanyFile()


def test_every_setting_of_a_file_is_in_force(tmp_path: Path) -> None:
    found = read_company_file(written(tmp_path, GOOD))
    customer = ENTITIES["customer"]
    assert found.defaults == {"income_account": "Sales:Labor"}
    assert found.rules.entity_direction(customer) is Direction.TO_QUICKBOOKS
    assert found.rules.direction(customer, customer["notes"]) is Direction.NONE
    assert found.rules.direction(customer, customer["name"]) is Direction.TO_QUICKBOOKS
    assert found.rules.policy(customer, customer["email"]) is Policy.CONTRACTOR
    assert found.rules.policy(customer, customer["name"]) is Policy.ASK


def test_what_a_file_does_not_mention_keeps_the_specs_word(tmp_path: Path) -> None:
    found = read_company_file(written(tmp_path, GOOD))
    invoice = ENTITIES["invoice"]
    assert found.rules.policy(invoice, invoice["memo"]) is Policy.LATEST_EDIT
    assert found.rules.direction(invoice, invoice["memo"]) is Direction.BOTH


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("entities:\n  custmer:\n    conflict: ask\n", 2, ["'custmer'", "customer", "invoice"]),
        ("entities:\n  customer:\n    conflict: newest\n", 3, ["'newest'", "latest_edit", "ask"]),
        ("entities:\n  customer:\n    direction: up\n", 3, ["'up'", "both", "to_quickbooks", "to_contractor"]),
        ("entities:\n  customer:\n    fields:\n      nme:\n        conflict: ask\n", 4, ["'nme'", "name", "email"]),
        ("entities:\n  customer:\n    fields:\n      name:\n        fields: {}\n", 5, ["'fields'", "direction"]),
        ("entities:\n  customer: ask\n", 2, ["name: value", "conflict"]),
        ("defaults:\n  income: Sales\n", 2, ["'income'", "income_account"]),
        ("defaults:\n  income_account:\n", 2, ["full name of an account"]),
        ("- a\n- b\n", 1, ["defaults", "entities"]),
        ("rules: {}\n", 1, ["'rules'", "defaults", "entities"]),
        ("entities:\n  customer:\n  \tconflict: ask\n", 3, ["not YAML"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_what_is_allowed_there(
    tmp_path: Path, text: str, line: int, words: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Misconfigured) as refused:
        read_company_file(path)
    assert refused.value.code == "bad_company_file"
    assert f"{path}, line {line}:" in refused.value.cause
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("outer", list(Direction))
@pytest.mark.parametrize("inner", list(Direction))
@pytest.mark.parametrize("target", list(Side))
def test_a_field_travels_only_where_both_its_entity_and_it_may(
    outer: Direction, inner: Direction, target: Side
) -> None:
    assert narrower(outer, inner).allows(target) is (outer.allows(target) and inner.allows(target))
