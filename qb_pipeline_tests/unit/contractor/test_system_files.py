"""A system file is checked as a whole when it is loaded; every fault names its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from qb_pipeline.contractor.registry import open_connector
from qb_pipeline.contractor.systems import known_systems, load_system
from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import Misconfigured

REFERENCE = (Path(__file__).parents[3] / "qb_pipeline/contractor/systems/reference.yaml").read_text()


def refusal(tmp_path: Path, text: str) -> str:
    file = tmp_path / "other.yaml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as failure:
        load_system(file)
    return str(failure.value)


def changed(old: str, new: str) -> tuple[str, int]:
    """The reference file with its first `old` replaced, and the line where it stood."""
    assert old in REFERENCE, old
    return REFERENCE.replace(old, new, 1), REFERENCE[: REFERENCE.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      sku: {at: sku}", "      skew: {at: sku}", "item.fields.skew: there is no such canonical field"),
        ("{at: rate, as: percent}", "{at: rate, as: procent}", "'procent' is unknown"),
        ("{at: rate, as: percent}", "{at: rate, as: money}", "`money` does not fit a field of kind number"),
        ("{at: tax_rate_id, ref: tax_code}\n      terms: {at: terms_id, ref: term}\n      notes",
         "{at: tax_rate_id}\n      terms: {at: terms_id, ref: term}\n      notes", "`ref` is missing"),
        ("{at: method_id, ref: payment_method}", "{at: method_id, ref: term}", "`method` does not refer to 'term'"),
        ("{at: reference}", "{at: reference, dri: '<'}", "entities.payment.fields.reference.dri: unknown key"),
        ("{at: balance, dir: \"<\"}", "{at: balance, dir: \"=\"}", "'=' is unknown"),
        ("{at: issue_date}", "{at: 'issue date'}", "'issue date' is not a path"),
        ("        line_id: id\n", "", "`line_id` is missing"),
        ("{at: status, equals: draft}", "{at: status, equals: draft, is: present}", "exactly one of"),
        ("      billing: {at: billing_address}", "      shipping: {at: billing_address}", "there is no such address"),
        ("    collection: /api/v1/divisions\n    can: [create,", "    collection: /api/v1/divisions\n    can: [creat,",
         "'creat' is unknown"),
        ("{of: amount, less: allocations.amount}", "{of: amount, less: allocations.sum}", "not name canonical fields"),
        ("    payment: payment\n", "    payment: refund\n", "unmapped 'refund'"),
        ("system: reference\n", "", "`system` is missing"),
        ("  read_timeout: 30", "  read_timeout: -1", "-1 is not a positive number"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    text, _ = changed(old, new)
    assert said in refusal(tmp_path, text)


def test_the_fault_is_named_with_file_and_line(tmp_path: Path) -> None:
    text, line = changed("      sku: {at: sku}", "      skew: {at: sku}")
    assert refusal(tmp_path, text).startswith(f"other.yaml:{line}: entities.item.fields.skew:")


def test_an_unknown_key_at_the_top_is_refused_at_its_own_line(tmp_path: Path) -> None:
    last = REFERENCE.count("\n") + 1
    assert refusal(tmp_path, REFERENCE + "colour: blue\n").startswith(f"other.yaml:{last}: colour: unknown key")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text, line = changed("      notes: {at: notes}", "      notes: {at: notes}\n      notes: {at: remarks}")
    assert f"other.yaml:{line + 1}: `notes` stands twice" in refusal(tmp_path, text)


def test_a_missing_required_field_is_named(tmp_path: Path) -> None:
    text, _ = changed("      date: {at: issue_date}\n", "")
    assert "the required field `date` is not mapped" in refusal(tmp_path, text)


def test_an_operation_nobody_described_can_not_be_offered(tmp_path: Path) -> None:
    text, _ = changed('  void: {method: POST, path: "{collection}/{id}/void"}\n', "")
    assert "`operations` does not say how to void" in refusal(tmp_path, text)


def test_an_unknown_entity_is_named_with_the_known_ones(tmp_path: Path) -> None:
    text = REFERENCE + "  vendor:\n    collection: /api/v1/vendors\n    fields: {}\n"
    assert "there is no entity 'vendor'" in refusal(tmp_path, text)


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "system: reference\nlist: [a, b\nrecord: x: y\n").startswith("other.yaml:3:")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.yaml can't be read"):
        load_system(tmp_path / "none.yaml")


def test_an_unknown_system_lists_the_known_ones() -> None:
    with pytest.raises(Misconfigured) as failure:
        load_system("jobber")
    assert "reference" in failure.value.fix


def test_the_reference_system_maps_every_entity_but_the_observed_tax_rates() -> None:
    assert "reference" in known_systems()
    assert load_system("reference").entities.keys() == ENTITIES.keys() - {"tax_rate"}


@pytest.mark.parametrize("entity", load_system("reference").entities)
def test_the_reference_system_shows_every_canonical_field(entity: str) -> None:
    assert load_system("reference").entities[entity].map.readable() == {f.name for f in ENTITIES[entity].fields}


@pytest.mark.parametrize(("url", "key"), [("example.com", "k"), ("ftp://example.com", "k"), ("https://x", " ")])
def test_an_address_or_key_that_is_none_is_refused_before_anything_is_sent(url: str, key: str) -> None:
    with pytest.raises(Misconfigured):
        open_connector("reference", url, key)
