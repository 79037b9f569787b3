"""Every situation of a record's content is produced here, at the codec that says it; one without a story fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.codecs.situations import SITUATIONS
from qb_pipeline.situations import Situation
from qb_pipeline_tests.unit.codecs.test_credit_memos import MEMOS, memo, wanting
from qb_pipeline_tests.unit.codecs.test_customers_and_jobs import BARN
from qb_pipeline_tests.unit.codecs.test_invoice_lines import HAY, bundle, created, lines_of, raw, updated
from qb_pipeline_tests.unit.codecs.worlds import FACTS, blank, invoice, line

CLASS = {"Id": "52", "SyncToken": "0", "Name": "Parts", "FullyQualifiedName": "Cafe:Parts"}
ITEM = {"Id": "9", "SyncToken": "0", "Name": "Rock", "Type": "Service", "IncomeAccountRef": {"value": "79"}}
NO_DEFAULTS = replace(FACTS, default_income_account=None, default_goods_income_account=None)


def of(entity: str, **values: Any) -> object:
    return codec(entity, FACTS).encode_create(blank(entity, **values))


def changed(entity: str, current: dict[str, Any], **values: Any) -> object:
    by = codec(entity, FACTS)
    return by.encode_update({**by.decode(current).values, **values}, frozenset(values), current)


def changed_bundle() -> object:
    document = raw(bundle(), HAY)
    first, second, hay = lines_of(document)
    return updated(document, [{**first, "amount": Decimal(21)}, second, hay])


def allocated() -> object:
    allocations = ({"id": None, "invoice": "130", "amount": Decimal(120)},)
    return of("payment", customer="7", date=date(2026, 3, 4), amount=Decimal(100), allocations=allocations)


def untaxed() -> object:
    return codec("invoice", FACTS).encode_create({**invoice(line(item="1", amount=Decimal(10))),
                                                 "tax": Decimal(5), "tax_code": None})  # fmt: skip


def two_divisions() -> object:
    lines = [line(item="1", amount=Decimal(1), division="51"), line(item="1", amount=Decimal(1), division="52")]
    return created(*lines, by=codec("invoice", replace(FACTS, class_tracking="transaction")))


STORIES: dict[str, Callable[[], object]] = {
    "missing": lambda: of("customer", name=None),
    "too-long": lambda: of("customer", name="x" * 600),
    "too-many-lines": lambda: of("customer", name="Hazel", billing_line1="1", billing_line2="2\n3\n4\n5\n6"),
    "bad-name": lambda: of("customer", name="Hazel: Roofing"),
    "kept-in-quickbooks": lambda: of("tax_code", name="NY"),
    "unreadable": lambda: codec("invoice", FACTS).decode(raw(TotalAmt="much")),
    "class-moved": lambda: changed("division", CLASS, name="Shop:Parts"),
    "nested-job": lambda: changed("job", {**BARN, "Id": "711", "ParentRef": {"value": "71"}}, customer="8"),
    "ambiguous-name": lambda: of("job", name="Barn roof (J-12)", customer="7"),
    "ambiguous-number": lambda: of("job", name="Barn roof", number="J(12)", customer="7"),
    "type-is-fixed": lambda: changed("item", ITEM, kind="goods"),
    "unknown-kind": lambda: of("item", name="Rock", kind="rental"),
    "no-account": lambda: codec("item", NO_DEFAULTS).encode_create(blank("item", name="Rock", kind="service")),
    "no-lines": lambda: codec("invoice", FACTS).encode_create(invoice()),
    "no-priced-line": lambda: created(line(kind="text", description="Thank you")),
    "no-tax-code": untaxed,
    "over-allocated": allocated,
    "credit_application": lambda: MEMOS.encode_update(wanting(("130", "60.00")), frozenset({"applications"}), memo()),
    "second-discount": lambda: created(line(item="1", amount=Decimal(9)), *[line(kind="discount", amount=-1)] * 2),
    "bundle-changed": changed_bundle,
    "no-item": lambda: created(line(item=None, amount=Decimal(1))),
    "no-amount": lambda: created(line(item="1", amount=None, quantity=None, unit_price=None)),
    "unknown-line": lambda: created(line(item="1", amount=Decimal(1)), line(kind="rental", amount=Decimal(1))),
    "unread-line": lambda: lines_of(raw({"Id": "1", "DetailType": "TaxLineDetail"})),
    "several-divisions": two_divisions,
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.code)
def test_the_codec_comes_to_say_it(situation: Situation) -> None:
    story = STORIES.get(situation.code)
    assert story is not None, f"no story leads to {situation.code}"
    with pytest.raises(FixTheData) as refused:
        story()
    assert (refused.value.code, refused.value.who) == (situation.code, situation.who)
    assert "{" not in refused.value.cause + refused.value.fix
