"""What was recorded of purchasing passes back through create and comes out the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running
from qb_pipeline_tests.sandbox.quickbooks.purchasing import key
from qb_pipeline_tests.sandbox.quickbooks.test_recorded_company import CRAIGS, recorded

pytestmark = pytest.mark.skipif(CRAIGS is None, reason="no recorded company; name its folder with QB_RECORDED")
CONTROL = ("Id", "SyncToken", "MetaData", "domain", "sparse")
# Made by the server, or known to differ: the links and marks of billing and paying, the recording's own extension
# block, and custom fields, which were recorded with other preferences.
SERVERS = ("LinkedTxn", "Balance", "PurchaseEx", "CustomField", "POStatus")


@pytest.fixture(scope="module")
def craigs() -> Iterator[Books]:
    with running(data=CRAIGS, empty=False) as info:
        yield open_books(info)


def without(obj: Body, *keys: str) -> Body:
    return {name: value for name, value in obj.items() if name not in keys}


def unbilled(obj: Body) -> Body:
    """Neither billed nor linked, as a client would write it."""
    plain = without(obj, *CONTROL, *SERVERS)
    if "Line" in plain:
        plain["Line"] = [{**line, **({"LinkedTxn": []} if "LinkedTxn" in line else {})} for line in plain["Line"]]
    return plain


def billed(obj: Body) -> bool:
    return "HasBeenBilled" in str(obj)


def test_recorded_purchasing_was_kept_whole_by_the_filter_of_this_test() -> None:
    assert [len(recorded(name)) for name in ("Bill", "Purchase", "PurchaseOrder", "TimeActivity")] == [16, 35, 9, 5]


@pytest.mark.parametrize("entity", ["Bill", "Purchase", "PurchaseOrder", "TimeActivity"])
def test_a_recorded_form_sent_as_a_new_one_comes_back_with_the_same_values_in_the_same_order(
    craigs: Books, entity: str
) -> None:
    sent = [
        unbilled(one)
        for one in recorded(entity)
        if not billed(one) and (entity != "PurchaseOrder" or "DocNumber" in one)
    ]
    assert len(sent) >= 3
    for body in sent:
        if "CustomerRef" in body:
            # The hours are of another recording of the company, in which customer 1 had another name.
            body["CustomerRef"]["name"] = craigs.read("Customer", body["CustomerRef"]["value"])["DisplayName"]
        made = craigs.make(entity, body, include="allowduplicatedocnum")
        assert unbilled(made) == body
        assert [name for name in made if name in body] == list(body)
        craigs.post(entity.lower(), key(made), operation="delete")


def test_a_recorded_bill_payment_can_be_taken_back_and_made_again(craigs: Books) -> None:
    for original in recorded("BillPayment"):
        vendor = craigs.read("Vendor", original["VendorRef"]["value"])
        craigs.post("billpayment", key(original), operation="delete")
        (link,) = original["Line"][0]["LinkedTxn"]
        assert craigs.read("Bill", link["TxnId"])["Balance"] == original["Line"][0]["Amount"]
        made = craigs.make("BillPayment", without(original, *CONTROL), include="allowduplicatedocnum")
        assert without(made, *CONTROL) == without(original, *CONTROL)
        assert list(made) == list(original)
        assert craigs.read("Bill", link["TxnId"])["Balance"] == 0
        assert craigs.again("Vendor", vendor)["Balance"] == vendor["Balance"]
