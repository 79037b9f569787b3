"""The codec made from a mapping: it inverts itself, loses nothing, and refuses by name what can't be held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson
from hypothesis import given, settings
from hypothesis import strategies as st

from qb_pipeline.contractor.mapped_codec import MappedCodec
from qb_pipeline.contractor.mapping import EntityMap, LinesMap
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Field, Kind
from qb_pipeline.errors import FixTheData
from qb_pipeline_tests.unit.contractor.test_system_files import REFERENCE

MAPS = {name: access.map for name, access in load_system("reference").entities.items()}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=12)
MONEY = st.decimals(-(10**6), 10**6, places=2)
NUMBER = st.decimals(0, 10**6, places=6).map(lambda n: n.normalize() if n % 1 else n.quantize(Decimal(1)))
BY_KIND: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: TEXT,
    Kind.EMAIL: TEXT,
    Kind.PHONE: TEXT,
    Kind.REF: TEXT,
    Kind.MONEY: MONEY,
    Kind.NUMBER: NUMBER,
    Kind.INTEGER: st.integers(0, 400),
    Kind.DATE: st.dates(date(1990, 1, 1), date(2060, 1, 1)),
    Kind.BOOLEAN: st.booleans(),
}


def one(spec: Field, enum: Mapping[str, str] | None, default: Any) -> st.SearchStrategy[Any]:
    values = st.sampled_from(sorted(set(enum.values()))) if enum else BY_KIND[spec.kind]
    # A field with a default is never absent, so None can't come back.
    return values if default is not None else st.none() | values


def lines_of(lines: LinesMap) -> st.SearchStrategy[Any]:
    fields = {m.spec.name: one(m.spec, m.enum, m.default) for m in lines.values}
    return st.lists(st.fixed_dictionaries(fields).map(lambda line: {"id": None, **line}), max_size=4).map(tuple)


def values_of(entity_map: EntityMap) -> st.SearchStrategy[dict[str, Any]]:
    fields = {m.spec.name: one(m.spec, m.enum, m.default) for m in entity_map.values if m.reads and m.writes}
    fields |= {lines.spec.name: lines_of(lines) for lines in entity_map.lines}
    # A name that another field stands in for is never absent either.
    fields |= {m.spec.name: BY_KIND[m.spec.kind] for m in entity_map.values if m.otherwise}
    return st.fixed_dictionaries(fields)


def as_meant(lines: LinesMap, line: Mapping[str, Any]) -> dict[str, Any]:
    """The line a platform without kinds can show: the kind told from its item and amount."""
    amount = line["amount"] or 0
    kind = "item" if line["item"] is not None or amount > 0 else "discount" if amount < 0 else "text"
    meant: dict[str, Any] = {**line, "kind": kind}
    cleared = {"discount": ("quantity", "unit_price"), "text": ("quantity", "unit_price", "amount", "division")}
    meant |= dict.fromkeys(cleared.get(kind, ()), None)
    return meant | ({"taxable": False} if kind == "text" else {})


@pytest.mark.parametrize("entity", MAPS)
def test_every_two_way_field_survives_the_way_there_and_back(entity: str) -> None:
    entity_map, codec = MAPS[entity], MappedCodec(MAPS[entity])

    @settings(max_examples=60, deadline=None)
    @given(values_of(entity_map))
    def check(values: dict[str, Any]) -> None:
        if "lines" in values:
            values["lines"] = tuple(as_meant(entity_map.lines[0], line) for line in values["lines"])
        wire = simplejson.loads(simplejson.dumps(codec.encode_create(values), use_decimal=True), use_decimal=True)
        decoded = codec.decode(wire).values
        assert {name: decoded[name] for name in values} == values

    check()


@pytest.mark.parametrize("entity", MAPS)
def test_an_update_of_everything_says_the_same_as_a_new_record(entity: str) -> None:
    entity_map, codec = MAPS[entity], MappedCodec(MAPS[entity])

    @settings(max_examples=30, deadline=None)
    @given(values_of(entity_map), values_of(entity_map))
    def check(old: dict[str, Any], new: dict[str, Any]) -> None:
        for values in (old, new) if "lines" in old else ():
            values["lines"] = tuple(as_meant(entity_map.lines[0], line) for line in values["lines"])
        current = codec.encode_create(old)
        changed = frozenset(new.keys() & entity_map.writable_on_update())
        body = codec.encode_update(new, changed, current)
        decoded = codec.decode({**current, **body}).values
        assert {name: decoded[name] for name in changed} == {name: new[name] for name in changed}

    check()


def codec_of(entity: str) -> MappedCodec:
    return MappedCodec(MAPS[entity])


def invoice(**other: Any) -> dict[str, Any]:
    line = {"id": "l1", "item_id": "i1", "quantity": "2", "unit_price": "5", "amount": "10.00", "phase_id": "p1"}
    return {"id": "inv_1", "customer_id": "c1", "issue_date": "2026-03-01", "lines": [line], "status": "sent", **other}


def test_an_unreadable_value_is_refused_by_record_and_field() -> None:
    with pytest.raises(FixTheData) as failure:
        codec_of("item").decode({"id": "itm_9", "name": "Pipe", "kind": "service", "unit_price": "a lot"})
    assert "Item itm_9" in failure.value.cause
    assert "`unit_price`" in failure.value.cause or "unit_price holds 'a lot'" in failure.value.cause
    assert failure.value.field == "unit_price"


@pytest.mark.parametrize(
    ("entity", "raw"),
    [
        ("item", {"name": "x", "kind": "crane"}),
        ("item", {"name": ["x"], "kind": "service"}),
        ("item", {"name": "x", "kind": "service", "active": "yes"}),
        ("item", {"name": "x", "kind": "service", "unit_cost": "NaN"}),
        ("invoice", invoice(issue_date="03/01/2026")),
        ("invoice", invoice(issue_date="2026-02-30")),
        ("invoice", invoice(lines={"a": 1})),
        ("invoice", invoice(lines=["a"])),
        ("term", {"name": "x", "due_days": "2.5"}),
    ],
)
def test_what_is_not_of_its_kind_is_never_guessed(entity: str, raw: dict[str, Any]) -> None:
    with pytest.raises(FixTheData) as failure:
        codec_of(entity).decode(raw)
    assert failure.value.code == "unreadable_field"


def test_absent_and_null_and_missing_objects_read_as_none() -> None:
    values = codec_of("customer").decode({"name": "A", "billing_address": None, "email": None}).values
    assert values["billing_city"] is None
    assert values["email"] is None
    assert values["active"] is True


def test_states_are_told_from_the_record() -> None:
    codec = codec_of("invoice")
    assert codec.decode(invoice()).state is State.LIVE
    assert codec.decode(invoice(status="void")).state is State.VOIDED
    assert codec.decode(invoice(status="void", deleted_at="2026-03-02T00:00:00Z")).state is State.DELETED


def test_an_update_names_only_what_changed() -> None:
    codec, raw = codec_of("invoice"), invoice(memo="old", number="7")
    values = {**codec.decode(raw).values, "memo": "new"}
    assert codec.encode_update(values, frozenset({"memo"}), raw) == {"memo": "new"}


def test_clearing_a_value_writes_null() -> None:
    codec, raw = codec_of("invoice"), invoice(memo="old")
    values = {**codec.decode(raw).values, "memo": None}
    assert codec.encode_update(values, frozenset({"memo"}), raw) == {"memo": None}


def test_a_changed_line_keeps_its_id_and_the_fields_nobody_maps() -> None:
    codec, raw = codec_of("invoice"), invoice()
    values: dict[str, Any] = dict(codec.decode(raw).values)
    (line,) = values["lines"]
    new = {"id": None, "kind": "text", "description": "note", "amount": None}
    values["lines"] = (new, {**line, "description": "longer"})
    body = codec.encode_update(values, frozenset({"lines"}), raw)
    assert body == {"lines": [{"description": "note"}, {**raw["lines"][0], "description": "longer"}]}


def test_a_line_that_is_no_longer_wanted_is_left_out() -> None:
    codec, raw = codec_of("invoice"), invoice()
    assert codec.encode_update({"lines": ()}, frozenset({"lines"}), raw) == {"lines": []}


def test_an_allocation_keeps_its_identity_by_its_invoice() -> None:
    codec = codec_of("payment")
    raw: dict[str, Any] = {"id": "p", "customer_id": "c", "date": "2026-01-01", "amount": "9.00"}
    raw["allocations"] = [{"invoice_id": "a", "amount": "4.00", "note": "x"}]
    wanted = ({"id": None, "invoice": "b", "amount": Decimal(1)}, {"id": None, "invoice": "a", "amount": Decimal(5)})
    body = codec.encode_update({"allocations": wanted}, frozenset({"allocations"}), raw)
    assert body["allocations"] == [
        {"invoice_id": "b", "amount": "1.00"},
        {"invoice_id": "a", "amount": "5.00", "note": "x"},
    ]


def test_what_is_not_applied_is_amount_less_allocations() -> None:
    raw = {"customer_id": "c", "date": "2026-01-01", "amount": "9.00"}
    allocated = {**raw, "allocations": [{"invoice_id": "a", "amount": "4.10"}, {"invoice_id": "b", "amount": "0.90"}]}
    assert codec_of("payment").decode(allocated).values["unapplied"] == Decimal("4.00")
    assert codec_of("payment").decode(raw).values["unapplied"] == Decimal("9.00")


def test_a_line_of_a_kind_the_platform_can_not_tell_is_refused() -> None:
    line = {"id": None, "kind": "item", "item": None, "description": "free", "amount": Decimal("0.00")}
    values: dict[str, Any] = {"customer": "c1", "date": date(2026, 3, 1), "lines": (line,)}
    with pytest.raises(FixTheData, match=r"kind of line 1 can't hold 'item'"):
        codec_of("invoice").encode_create(values)


def test_changing_a_field_the_platform_only_shows_is_refused() -> None:
    with pytest.raises(FixTheData) as failure:
        codec_of("invoice").encode_update({"total": Decimal(1)}, frozenset({"total"}), invoice())
    assert failure.value.code == "not_writable"


def test_the_kind_of_an_item_is_written_once() -> None:
    codec = codec_of("item")
    assert codec.encode_create({"name": "Pipe", "kind": "goods"})["kind"] == "material"
    assert codec.encode_create({"name": "Visit", "kind": "service"})["kind"] == "service"
    with pytest.raises(FixTheData):
        codec.encode_update({"kind": "goods"}, frozenset({"kind"}), {"name": "Visit", "kind": "service"})


def other_units(tmp_path: Path) -> MappedCodec:
    """A platform with cents, fractions, numeric ids, JSON numbers, constants and nested paths."""
    head, _, _ = REFERENCE.partition("entities:\n  account:")
    file = tmp_path / "cents.yaml"
    file.write_text(
        head.partition("webhook:")[0]
        + """
money_as: number
entities:
  tax_code:
    collection: /rates
    fields: {name: {at: label.text}, percent: {at: rate, as: fraction}}
  payment:
    collection: /payments
    can: [create]
    on_create: {source: sync, meta.origin: books}
    fields:
      customer: {at: client, ref: customer, as: integer_id}
      date: {at: day}
      amount: {at: total, as: cents}
"""
    )
    system = load_system(file)
    self_checked = MappedCodec(system.entities["payment"].map)
    assert MappedCodec(system.entities["tax_code"].map).decode({"label": {"text": "A"}, "rate": Decimal("0.0825")})
    return self_checked


def test_cents_numeric_ids_and_constants_are_written_as_the_platform_wants(tmp_path: Path) -> None:
    codec = other_units(tmp_path)
    body = codec.encode_create({"customer": "17", "date": date(2026, 1, 2), "amount": Decimal("12.30")})
    assert body == {"source": "sync", "meta": {"origin": "books"}, "client": 17, "day": "2026-01-02", "total": 1230}
    assert codec.decode(body).values == {"customer": "17", "date": date(2026, 1, 2), "amount": Decimal("12.30")}


def test_an_id_that_is_no_number_is_refused_where_ids_are_numbers(tmp_path: Path) -> None:
    with pytest.raises(FixTheData) as failure:
        other_units(tmp_path).encode_create({"customer": "x", "date": date(2026, 1, 2), "amount": Decimal(1)})
    assert failure.value.code == "not_expressible"


def test_a_fraction_is_a_percent_by_a_hundred(tmp_path: Path) -> None:
    other_units(tmp_path)
    codec = MappedCodec(load_system(tmp_path / "cents.yaml").entities["tax_code"].map)
    assert codec.decode({"label": {"text": "A"}, "rate": Decimal("0.0825")}).values["percent"] == Decimal("8.25")
    assert codec.encode_create({"name": "A", "percent": Decimal("8.25")}) == {
        "label": {"text": "A"},
        "rate": Decimal("0.0825"),
    }
