"""What both systems' webhooks may name, read in one place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import simplejson

from qb_pipeline.console.notifications import read
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.contractor.webhook import read_delivery
from qb_pipeline.errors import FixTheData
from qb_pipeline.webhook_texts import Unreadable, needed, text
from qb_pipeline_tests.unit.console.running import entity, hint, legacy, reference

ODD: list[Any] = ["i" * 201, "a\u0000", "a\nb", True, 1.5, Decimal("1.5"), ["7"], {"id": "7"}]


@pytest.mark.parametrize(("value", "said"), [("71", "71"), (71, "71"), (0, "0"), ("i" * 200, "i" * 200)])
def test_texts_and_whole_numbers_are_taken_as_texts(value: Any, said: str) -> None:
    assert text(value, "id") == needed(value, "id") == said


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_not_given_is_told_from_what_can_not_be_read(value: Any) -> None:
    assert text(value, "id") is None
    with pytest.raises(Unreadable, match="an event has no id"):
        needed(value, "id")


@pytest.mark.parametrize("value", ODD)
def test_what_no_database_holds_is_refused_with_the_name_of_its_place_and_not_repeated(value: Any) -> None:
    with pytest.raises(Unreadable, match=r"^an event's record_id is no plain text of at most 200 characters$"):
        text(value, "record_id")


def test_both_systems_deliveries_are_refused_for_it_in_the_same_words() -> None:
    shape = load_system("reference").webhook
    assert shape is not None
    theirs = simplejson.dumps(hint("e1", record="a\u0000")).encode()
    with pytest.raises(FixTheData, match="an event's record_id is no plain text of at most 200 characters"):
        read_delivery(shape, {"X-Signature": reference(theirs, "s")}, theirs, "s")
    with pytest.raises(FixTheData, match="an event's id is no plain text of at most 200 characters"):
        read(simplejson.dumps(legacy(entity(record="a\u0000"))).encode())
