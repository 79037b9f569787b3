"""Customers, and the sub-customers that are jobs."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import CODECS, codec
from qb_pipeline_tests.unit.codecs.worlds import FACTS, blank, changed_keys

CUSTOMERS, JOBS = codec("customer", FACTS), codec("job", FACTS)
FARM: dict[str, Any] = {
    "Id": "7", "SyncToken": "4", "DisplayName": "Ridge Farm", "Active": True, "Taxable": True,
    "PrimaryEmailAddr": {"Address": "ana@ridge.test"}, "SalesTermRef": {"value": "3"},
    "BillAddr": {"Id": "9", "Line1": "1 Mill Ln", "Line2": "Barn", "Line4": "Gate 2", "City": "Dover", "Lat": "39.1"},
}  # fmt: skip
BARN: dict[str, Any] = {"Id": "71", "SyncToken": "0", "DisplayName": "Barn roof (J-12)", "Active": True, "Job": True,
                        "ParentRef": {"value": "7"}}  # fmt: skip


def test_a_top_level_customer_is_a_customer_and_no_job() -> None:
    assert CUSTOMERS.decode(FARM).skip is None
    assert JOBS.decode(FARM).skip == "it is a top-level customer"
    assert CODECS["customer"].wants(FARM)
    assert not CODECS["job"].wants(FARM)


def test_a_sub_customer_is_a_job_and_no_customer() -> None:
    assert CUSTOMERS.decode(BARN).skip == "it is a job"
    assert JOBS.decode(BARN).skip is None
    assert CODECS["job"].wants(BARN)
    assert not CODECS["customer"].wants(BARN)


def test_street_lines_two_to_five_are_joined_and_split_again() -> None:
    values = CUSTOMERS.decode(FARM).values
    assert values["billing_line2"] == "Barn\nGate 2"
    body = CUSTOMERS.encode_update({**values, "billing_city": "Lewes"}, frozenset({"billing_city"}), FARM)
    assert body["BillAddr"]["Line2"] == "Barn"
    assert body["BillAddr"]["Line3"] == "Gate 2"
    assert body["BillAddr"]["City"] == "Lewes"


def test_one_changed_part_of_an_address_sends_the_whole_address_and_nothing_else() -> None:
    values = {**CUSTOMERS.decode(FARM).values, "billing_city": "Lewes"}
    body = CUSTOMERS.encode_update(values, frozenset({"billing_city"}), FARM)
    assert changed_keys(body) == {"BillAddr"}
    assert body["BillAddr"] == {
        "Line1": "1 Mill Ln", "Line2": "Barn", "Line3": "Gate 2", "Line4": "", "Line5": "",
        "City": "Lewes", "CountrySubDivisionCode": "", "PostalCode": "", "Country": "",
    }  # fmt: skip


def test_an_emptied_address_sends_every_part_empty() -> None:
    body = CUSTOMERS.encode_update(blank("customer", name="Ridge Farm"), frozenset({"billing_line1"}), FARM)
    assert set(body["BillAddr"].values()) == {""}


def test_an_emptied_text_is_sent_as_an_empty_text_also_inside_an_object() -> None:
    body = CUSTOMERS.encode_update(blank("customer", name="Ridge Farm"), frozenset({"email", "notes", "terms"}), FARM)
    assert body["PrimaryEmailAddr"] == {"Address": ""}
    assert body["Notes"] == ""
    assert body["SalesTermRef"] == {"value": ""}


def test_a_create_leaves_out_what_is_empty() -> None:
    body = CUSTOMERS.encode_create(blank("customer", name="Ridge Farm", taxable=True, active=True))
    assert body == {"DisplayName": "Ridge Farm", "Taxable": True, "Active": True}


def test_the_tax_code_of_a_customer_travels_both_ways() -> None:
    assert CUSTOMERS.decode({**FARM, "DefaultTaxCodeRef": {"value": "2"}}).values["tax_code"] == "2"
    body = CUSTOMERS.encode_update(blank("customer", name="Ridge Farm", tax_code="2"), frozenset({"tax_code"}), FARM)
    assert body["DefaultTaxCodeRef"] == {"value": "2"}
    assert changed_keys(body) == {"DefaultTaxCodeRef"}


@pytest.mark.parametrize("mark", [" (deleted)", " (deleted 1)"])
def test_the_mark_of_deletion_is_taken_off_inactive_names_only(mark: str) -> None:
    inactive = {**FARM, "DisplayName": f"Ridge Farm{mark}", "Active": False}
    assert CUSTOMERS.decode(inactive).values["name"] == "Ridge Farm"
    assert CUSTOMERS.decode({**inactive, "Active": True}).values["name"] == f"Ridge Farm{mark}"
    assert JOBS.decode({**BARN, "DisplayName": f"Barn (J-1){mark}", "Active": False}).values["number"] == "J-1"


@pytest.mark.parametrize("sign", [":", "\t", "\n"])
@pytest.mark.parametrize("field", ["name", "first_name", "last_name"])
def test_a_sign_qbo_refuses_in_names_is_refused_by_naming_the_field(field: str, sign: str) -> None:
    values = {**blank("customer", name="Ridge Farm"), field: f"Ridge{sign}Farm"}
    with pytest.raises(FixTheData) as refused:
        CUSTOMERS.encode_create(values)
    assert refused.value.field == field
    assert refused.value.code == "bad-name"


def test_a_text_that_is_too_long_is_refused_with_limit_and_length() -> None:
    with pytest.raises(FixTheData) as refused:
        CUSTOMERS.encode_create(blank("customer", name="Ridge Farm", phone="5" * 31))
    assert refused.value.field == "phone"
    assert "31 characters" in str(refused.value)
    assert "at most 30" in str(refused.value)
    assert "Customer 'Ridge Farm'" in str(refused.value)


def test_a_text_that_is_too_long_but_unchanged_does_not_stop_an_update() -> None:
    values = blank("customer", name="Ridge Farm", company_name="x" * 101, notes="paid late")
    assert CUSTOMERS.encode_update(values, frozenset({"notes"}), FARM)["Notes"] == "paid late"


def test_a_sixth_street_line_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        CUSTOMERS.encode_create(blank("customer", name="Ridge Farm", billing_line2="a\nb\nc\nd\ne"))
    assert refused.value.field == "billing_line2"


def test_a_customer_without_a_name_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        CUSTOMERS.encode_create(blank("customer", company_name="Ridge LLC"))
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("shown", "name", "number"),
    [
        ("Barn roof (J-12)", "Barn roof", "J-12"),
        ("Barn roof (phase two)", "Barn roof (phase two)", None),
        ("Barn roof", "Barn roof", None),
        ("Barn (west) (7)", "Barn (west)", "7"),
        (f"Barn ({'1' * 41})", f"Barn ({'1' * 41})", None),
        ("(7)", "(7)", None),
    ],
)
def test_a_trailing_parenthesis_is_a_job_number_only_with_a_digit_and_within_its_length(
    shown: str, name: str, number: str | None
) -> None:
    values = JOBS.decode({**BARN, "DisplayName": shown}).values
    assert (values["name"], values["number"]) == (name, number)
    assert JOBS.encode_create(values)["DisplayName"] == shown


def test_a_new_job_is_a_sub_customer_billed_by_itself() -> None:
    body = JOBS.encode_create(blank("job", name="Barn roof", number="J-12", customer="7"))
    assert body == {"DisplayName": "Barn roof (J-12)", "ParentRef": {"value": "7"}, "Job": True,
                    "BillWithParent": False}  # fmt: skip


def test_a_new_number_renames_the_job_and_keeps_its_place() -> None:
    values = {**JOBS.decode(BARN).values, "number": "J-13"}
    body = JOBS.encode_update(values, frozenset({"number"}), BARN)
    assert changed_keys(body) == {"DisplayName"}
    assert body["DisplayName"] == "Barn roof (J-13)"


def test_a_job_below_a_job_belongs_to_the_top_customer_and_is_never_moved() -> None:
    nested = {**BARN, "Id": "711", "ParentRef": {"value": "71"}}
    values = JOBS.decode(nested).values
    assert values["customer"] == "7"
    body = JOBS.encode_update({**values, "name": "Gutter"}, frozenset({"name"}), nested)
    assert changed_keys(body) == {"DisplayName"}
    with pytest.raises(FixTheData) as refused:
        JOBS.encode_update({**values, "customer": "8"}, frozenset({"customer"}), nested)
    assert refused.value.code == "nested-job"


def test_the_site_of_a_job_is_its_shipping_address() -> None:
    values = {**JOBS.decode(BARN).values, "site_line1": "4 Hill Rd"}
    body = JOBS.encode_update(values, frozenset({"site_line1"}), BARN)
    assert changed_keys(body) == {"ShipAddr"}
    assert JOBS.decode({**BARN, "ShipAddr": body["ShipAddr"]}).values["site_line1"] == "4 Hill Rd"
