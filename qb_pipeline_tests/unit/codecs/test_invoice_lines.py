"""The lines of an invoice: kinds, amounts, identity, discounts, bundles and classes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline_tests.unit.codecs.worlds import FACTS, changed_keys, invoice, line

INVOICES = codec("invoice", FACTS)
PER_TRANSACTION = codec("invoice", replace(FACTS, class_tracking="transaction"))
WITHOUT_CLASSES = codec("invoice", replace(FACTS, class_tracking="off"))


def sold(line_id: str, amount: Any, **detail: Any) -> dict[str, Any]:
    inner = {"ItemRef": {"value": "19"}, "TaxCodeRef": {"value": "NON"}, **detail}
    return {"Id": line_id, "LineNum": int(line_id), "Amount": amount, "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": inner}  # fmt: skip


SUBTOTAL = {"Amount": 180, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
HAY = {
    **sold("1", 150, Qty=10, UnitPrice=15, ServiceDate="2026-02-27", ItemAccountRef={"value": "82"}),
    "Description": "Hay, 10 bales", "LinkedTxn": [{"TxnId": "100", "TxnType": "Estimate"}], "CustomExtensions": [],
    "LineEx": {"any": []},
}  # fmt: skip
GATE = {"Id": "2", "DetailType": "DescriptionOnly", "Description": "Left at gate 2",
        "DescriptionLineDetail": {"ServiceDate": "2026-02-27"}}  # fmt: skip
TENTH_OFF = {"Amount": 18, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {
    "PercentBased": True, "DiscountPercent": 10, "DiscountAccountRef": {"value": "87"}}}  # fmt: skip


def raw(*lines: dict[str, Any], **header: Any) -> dict[str, Any]:
    return {"Id": "130", "SyncToken": "2", "TxnDate": "2026-03-01", "CustomerRef": {"value": "7"},
            "Line": list(lines), **header}  # fmt: skip


def lines_of(document: dict[str, Any], by: Any = INVOICES) -> list[dict[str, Any]]:
    return [dict(x) for x in by.decode(document).values["lines"]]


def updated(document: dict[str, Any], lines: list[dict[str, Any]], by: Any = INVOICES) -> dict[str, Any]:
    values = {**by.decode(document).values, "lines": tuple(lines)}
    body: dict[str, Any] = by.encode_update(values, frozenset({"lines"}), document)
    return body


def created(*lines: dict[str, Any], by: Any = INVOICES) -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = by.encode_create(invoice(*lines))["Line"]
    return body


def test_every_kind_of_line_is_read_and_the_subtotal_is_none() -> None:
    hay, gate, off = lines_of(raw(HAY, GATE, SUBTOTAL, TENTH_OFF))
    assert (hay["kind"], hay["id"], hay["item"], hay["quantity"], hay["amount"]) == (
        "item", "1", "19", Decimal(10), Decimal("150.00"))  # fmt: skip
    assert gate == line("text", id="2", description="Left at gate 2")
    assert off == line("discount", id="discount", amount=Decimal("-18.00"))


def test_an_item_line_is_taxable_when_it_has_a_tax_code_other_than_non() -> None:
    codes: tuple[dict[str, str], ...] = ({"value": "TAX"}, {"value": "NON"}, {})
    taxed, untaxed, unsaid = lines_of(raw(*(sold(str(n), 1, TaxCodeRef=code) for n, code in enumerate(codes, 1))))
    assert [taxed["taxable"], untaxed["taxable"], unsaid["taxable"]] == [True, False, False]


def test_line_types_in_their_old_spelling_are_read_by_what_they_carry() -> None:
    (old,) = lines_of(raw({**HAY, "DetailType": "SALES_ITEM_LINE_DETAIL"}))
    assert old["kind"] == "item"


def test_an_unknown_line_type_is_refused_rather_than_dropped() -> None:
    with pytest.raises(FixTheData) as refused:
        INVOICES.decode(raw({"Id": "1", "Amount": 5, "DetailType": "RoundingLineDetail"}))
    assert refused.value.field == "lines"


def test_a_new_item_line_names_item_quantity_price_and_tax() -> None:
    hay = line(item="19", description="Hay", quantity=Decimal(10), unit_price=Decimal(15), amount=Decimal("150.00"),
               taxable=True, division="5")  # fmt: skip
    assert created(hay) == [
        {"Description": "Hay", "DetailType": "SalesItemLineDetail", "Amount": Decimal("150.00"),
         "SalesItemLineDetail": {"ItemRef": {"value": "19"}, "TaxCodeRef": {"value": "TAX"}, "Qty": Decimal(10),
                                 "UnitPrice": Decimal(15), "ClassRef": {"value": "5"}}}
    ]  # fmt: skip


def test_quantity_and_price_that_do_not_make_the_amount_give_way_to_the_amount() -> None:
    (body,) = created(line(item="19", quantity=Decimal(3), unit_price=Decimal("33.33"), amount=Decimal("100.00")))
    assert body["Amount"] == Decimal("100.00")
    assert not {"Qty", "UnitPrice"} & set(body["SalesItemLineDetail"])
    (exact,) = created(line(item="19", quantity=Decimal(3), unit_price=Decimal("33.333333"), amount=Decimal("100.00")))
    assert exact["SalesItemLineDetail"]["Qty"] == 3


def test_an_amount_is_made_of_quantity_and_price_where_none_is_given() -> None:
    (body,) = created(line(item="19", quantity=Decimal(3), unit_price=Decimal("1.335")))
    assert body["Amount"] == Decimal("4.01")


def test_an_item_line_without_an_item_is_refused_by_its_place_and_words() -> None:
    hay = line(item="19", amount=Decimal(5))
    with pytest.raises(FixTheData) as refused:
        created(hay, line(description="Extra work", amount=Decimal(7)))
    assert "Invoice 'R-1042' line 2 'Extra work' has no price-book item" in str(refused.value)


def test_a_line_without_any_amount_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        created(line(item="19", quantity=Decimal(2)))
    assert refused.value.code == "no-amount"


def test_a_changed_line_keeps_its_identity_and_what_others_entered_in_it() -> None:
    hay, gate = lines_of(raw(HAY, GATE, SUBTOTAL))
    body = updated(raw(HAY, GATE, SUBTOTAL), [{**hay, "quantity": Decimal(12), "amount": Decimal("180.00")}, gate])
    first, second = body["Line"]
    assert first == {
        "Id": "1", "Description": "Hay, 10 bales", "Amount": Decimal("180.00"), "DetailType": "SalesItemLineDetail",
        "LinkedTxn": [{"TxnId": "100", "TxnType": "Estimate"}],
        "SalesItemLineDetail": {"ItemRef": {"value": "19"}, "TaxCodeRef": {"value": "NON"}, "Qty": Decimal(12),
                                "UnitPrice": Decimal(15), "ServiceDate": "2026-02-27"},
    }  # fmt: skip
    assert second["Id"] == "2"
    assert second["DescriptionLineDetail"] == {"ServiceDate": "2026-02-27"}


def test_changed_lines_are_sent_completely_and_without_the_subtotal() -> None:
    document = raw(HAY, GATE, SUBTOTAL, TENTH_OFF)
    body = updated(document, [*lines_of(document), line(item="20", amount=Decimal(9))])
    assert changed_keys(body) == {"Line"}
    assert [x.get("Id") for x in body["Line"]] == ["1", "2", None, None]
    assert [x["DetailType"] for x in body["Line"]] == [
        "SalesItemLineDetail", "DescriptionOnly", "SalesItemLineDetail", "DiscountLineDetail"]  # fmt: skip


def test_a_removed_line_is_left_out_and_reordered_lines_keep_their_ids() -> None:
    document = raw(HAY, GATE, sold("3", 30), SUBTOTAL)
    hay, _, other = lines_of(document)
    assert [x["Id"] for x in updated(document, [other, hay])["Line"]] == ["3", "1"]


def test_a_line_that_became_another_kind_keeps_only_its_identity() -> None:
    document = raw(HAY, sold("3", 30))
    hay, other = lines_of(document)
    _, text = updated(document, [hay, {**line("text", description="Gift"), "id": other["id"]}])["Line"]
    assert text == {"Id": "3", "Description": "Gift", "DetailType": "DescriptionOnly", "DescriptionLineDetail": {}}


def test_the_real_tax_code_of_a_line_survives_a_change_of_something_else() -> None:
    document = raw(sold("1", 10, TaxCodeRef={"value": "5"}))
    (only,) = lines_of(document)
    (body,) = updated(document, [{**only, "description": "Sod"}])["Line"]
    assert body["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "5"}


def test_a_new_discount_is_an_amount_off_on_the_discount_account() -> None:
    hay = line(item="19", amount=Decimal(100))
    body = INVOICES.encode_create(invoice(line("discount", amount=Decimal("-10.00"), taxable=True), hay))
    assert body["Line"][1] == {
        "DetailType": "DiscountLineDetail", "Amount": Decimal("10.00"),
        "DiscountLineDetail": {"PercentBased": False, "DiscountAccountRef": {"value": "86"}},
    }  # fmt: skip
    assert body["ApplyTaxAfterDiscount"] is True


def test_a_second_discount_is_refused() -> None:
    off = line("discount", amount=Decimal(-1))
    with pytest.raises(FixTheData) as refused:
        created(line(item="19", amount=Decimal(5)), off, off)
    assert refused.value.code == "second-discount"


def test_a_percentage_stays_one_only_while_it_gives_the_wanted_discount() -> None:
    document = raw(sold("1", 180), SUBTOTAL, TENTH_OFF)
    item, off = lines_of(document)
    kept = updated(document, [{**item, "description": "Hay"}, off])["Line"][1]
    assert kept["DiscountLineDetail"]["DiscountPercent"] == 10
    fixed = updated(document, [{**item, "amount": Decimal("200.00")}, off])["Line"][1]
    assert fixed["Amount"] == Decimal("18.00")
    assert fixed["DiscountLineDetail"] == {"PercentBased": False, "DiscountAccountRef": {"value": "87"}}


def test_shipping_from_the_footer_of_the_form_stays_as_it_is() -> None:
    shipping = {"Amount": 2, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}}  # fmt: skip
    document = raw(HAY, SUBTOTAL, shipping)
    hay, sent = lines_of(document)
    assert (sent["item"], sent["amount"]) == (None, Decimal("2.00"))
    body = updated(document, [{**hay, "description": "Straw"}, sent])["Line"][1]
    assert body["SalesItemLineDetail"] == {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}


def bundle() -> dict[str, Any]:
    parts = {"GroupItemRef": {"value": "40"}, "Quantity": 1, "Line": [sold("11", 20), sold("12", 30)]}
    return {"Id": "10", "DetailType": "GroupLineDetail", "GroupLineDetail": parts}


def test_a_bundle_is_read_by_its_parts_and_written_back_whole() -> None:
    document = raw(bundle(), HAY)
    first, second, hay = lines_of(document)
    assert [first["amount"], second["amount"]] == [Decimal("20.00"), Decimal("30.00")]
    group, _ = updated(document, [first, second, {**hay, "description": "Straw"}])["Line"]
    assert group["Id"] == "10"
    assert group["GroupLineDetail"]["GroupItemRef"] == {"value": "40"}
    assert [x["Id"] for x in group["GroupLineDetail"]["Line"]] == ["11", "12"]


def test_a_changed_part_of_a_bundle_is_refused() -> None:
    document = raw(bundle(), HAY)
    first, second, hay = lines_of(document)
    with pytest.raises(FixTheData) as refused:
        updated(document, [{**first, "amount": Decimal(21)}, second, hay])
    assert refused.value.code == "bundle-changed"
    with pytest.raises(FixTheData):
        updated(document, [first, hay])
    assert [x["Id"] for x in updated(document, [hay])["Line"]] == ["1"]


def test_the_class_of_a_line_is_its_division_where_classes_are_kept_by_line() -> None:
    document = raw(sold("1", 5, ClassRef={"value": "51"}), ClassRef={"value": "99"})
    (only,) = lines_of(document)
    assert only["division"] == "51"
    (body,) = updated(document, [{**only, "division": None}])["Line"]
    assert "ClassRef" not in body["SalesItemLineDetail"]


def test_the_class_of_the_header_is_every_item_lines_division_where_classes_are_kept_by_transaction() -> None:
    document = raw(sold("1", 5), sold("2", 6), GATE, ClassRef={"value": "99"})
    lines = lines_of(document, PER_TRANSACTION)
    assert [x["division"] for x in lines] == ["99", "99", None]
    unchanged = updated(document, lines, PER_TRANSACTION)
    assert "ClassRef" not in unchanged
    moved = updated(
        document, [{**x, "division": "98" if x["kind"] == "item" else None} for x in lines], PER_TRANSACTION
    )
    assert moved["ClassRef"] == {"value": "98"}
    assert all("ClassRef" not in x.get("SalesItemLineDetail", {}) for x in moved["Line"])


def test_lines_of_different_divisions_are_refused_where_classes_are_kept_by_transaction() -> None:
    with pytest.raises(FixTheData) as refused:
        created(line(item="1", amount=Decimal(1), division="5"), line(item="1", amount=Decimal(1), division="6"),
                by=PER_TRANSACTION)  # fmt: skip
    assert refused.value.code == "several-divisions"


def test_divisions_are_neither_read_nor_written_where_the_company_keeps_no_classes() -> None:
    document = raw(sold("1", 5, ClassRef={"value": "51"}), ClassRef={"value": "99"})
    assert lines_of(document, WITHOUT_CLASSES)[0]["division"] is None
    (body,) = created(line(item="1", amount=Decimal(1), division="5"), by=WITHOUT_CLASSES)
    assert "ClassRef" not in body["SalesItemLineDetail"]


def test_a_description_longer_than_quickbooks_holds_is_refused_by_line() -> None:
    with pytest.raises(FixTheData) as refused:
        created(line(item="1", amount=Decimal(1), description="x" * 4001))
    assert "line 1 has 4001 characters" in str(refused.value)
