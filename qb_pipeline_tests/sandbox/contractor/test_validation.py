"""What is refused, for every collection, from the table of fields itself."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, COMMON, Field
from qb_pipeline_tests.sandbox.contractor.conftest import Office, code
from qb_pipeline_tests.sandbox.kernel.running import Client

WRONG: dict[str, tuple[Any, str]] = {
    "text": (12, "wrong_type"),
    "boolean": ("true", "wrong_type"),
    "integer": ("30", "wrong_type"),
    "date": ("2026-02-30", "bad_date"),
    "money": (12.5, "bad_money"),
    "number": (2.5, "bad_number"),
    "enum": ("no such choice", "bad_choice"),
    "address": ("Main St 1", "wrong_type"),
    "list": ({"id": "1"}, "wrong_type"),
}
NAMES = list(COLLECTIONS)
FUZZ_KEYS = sorted(
    {field.name for one in COLLECTIONS.values() for field in one.fields}
    | {inner.name for one in COLLECTIONS.values() for field in one.fields for inner in field.fields}
)
FIELDS = [(one.name, field) for one in COLLECTIONS.values() for field in one.fields if not field.read_only]
LABELS = [f"{name}.{field.name}" for name, field in FIELDS]
LINE_FIELDS = [
    (name, outer.name, inner)
    for name, outer in FIELDS
    if outer.kind == "list"
    for inner in outer.fields
    if inner.name != "id"
]


def minimal(office: Office, collection: str) -> dict[str, Any]:
    """The smallest body that a collection accepts."""
    values = {
        "customer_id": office.customer,
        "vendor_id": office.vendor,
        "account_id": office.account,
        "name": "Something",
        "last_name": "Someone",
        "rate": "5",
        "date": "2026-01-31",
        "issue_date": "2026-01-31",
        "amount": "0.00",
    }
    body = {field.name: values[field.name] for field in COLLECTIONS[collection].fields if field.required}
    return body | ({"name": "Something"} if collection == "jobs" else {})


@pytest.mark.parametrize("collection", NAMES)
def test_a_minimal_record_is_created_with_every_declared_field(office: Office, collection: str) -> None:
    made = office.client.made(collection, minimal(office, collection))
    assert set(made) == {field.name for field in (*COMMON, *COLLECTIONS[collection].fields)}
    assert made["version"] == "1"
    assert made["deleted_at"] is None
    assert office.client.one(f"{collection}/{made['id']}") == made


@pytest.mark.parametrize("collection", NAMES)
def test_a_record_goes_through_its_whole_life(office: Office, collection: str) -> None:
    made = office.client.made(collection, minimal(office, collection))
    path = f"{collection}/{made['id']}"
    field = "memo" if "memo" in made else "name" if "name" in made else "role"
    changed = office.client.patch(path, {field: "Another"}, "1").json()
    assert (changed["version"], changed[field]) == ("2", "Another")
    gone = office.client.delete(path, headers={"If-Match": '"2"'}).json()
    assert gone["version"] == "3"
    assert gone["deleted_at"] == gone["updated_at"] > changed["updated_at"] > made["updated_at"]
    assert office.client.one(path) == gone
    assert office.client.delete(path).json() == gone


@pytest.mark.parametrize("collection", NAMES)
def test_an_unknown_field_is_named(office: Office, collection: str) -> None:
    answer = office.client.post(collection, minimal(office, collection) | {"colour": "red"})
    assert code(answer) == (422, "unknown_field", "colour")


@pytest.mark.parametrize("collection", NAMES)
def test_the_servers_own_fields_cannot_be_sent(office: Office, collection: str) -> None:
    answer = office.client.post(collection, minimal(office, collection) | {"id": "mine"})
    assert code(answer) == (422, "read_only", "id")


@pytest.mark.parametrize("collection", NAMES)
def test_a_missing_required_field_is_named(office: Office, collection: str) -> None:
    for name in minimal(office, collection):
        body = minimal(office, collection)
        del body[name]
        assert code(office.client.post(collection, body)) == (422, "required", name)


@pytest.mark.parametrize(("collection", "field"), FIELDS, ids=LABELS)
def test_a_value_of_the_wrong_type_is_named(office: Office, collection: str, field: Field) -> None:
    wrong, expected = WRONG["text" if field.kind == "ref" else field.kind]
    answer = office.client.post(collection, minimal(office, collection) | {field.name: wrong})
    assert code(answer) == (422, expected, field.name)


@pytest.mark.parametrize(
    ("collection", "field"),
    [pair for pair in FIELDS if pair[1].kind == "ref"],
    ids=[label for label, pair in zip(LABELS, FIELDS, strict=True) if pair[1].kind == "ref"],
)
def test_a_reference_to_nothing_is_named(office: Office, collection: str, field: Field) -> None:
    answer = office.client.post(collection, minimal(office, collection) | {field.name: "nobody"})
    assert code(answer) == (422, "dangling_reference", field.name)


@pytest.mark.parametrize(
    ("collection", "outer", "field"),
    LINE_FIELDS,
    ids=[f"{name}.{outer}.{field.name}" for name, outer, field in LINE_FIELDS],
)
def test_a_wrong_value_inside_a_list_is_named_with_its_position(
    office: Office, collection: str, outer: str, field: Field
) -> None:
    wrong, expected = WRONG["text" if field.kind == "ref" else field.kind]
    answer = office.client.post(collection, minimal(office, collection) | {outer: [{field.name: wrong}]})
    assert code(answer) == (422, expected, f"{outer}[0].{field.name}")


@pytest.mark.parametrize("text", ["12", "12.5", "12.345", "1,200.00", " 1.00", "1.00\n", "$1.00", "1e3", "", ".50"])
def test_money_is_a_string_with_two_decimals_and_nothing_else(office: Office, text: str) -> None:
    answer = office.client.post("payments", minimal(office, "payments") | {"amount": text})
    assert code(answer) == (422, "bad_money", "amount")


def test_an_address_has_exactly_its_six_parts(office: Office) -> None:
    body = {"name": "Somebody", "billing_address": {"line1": "1 Elm St", "city": None}}
    made = office.client.made("customers", body)
    parts = ("line1", "line2", "city", "state", "postal_code", "country")
    assert made["billing_address"] == {**dict.fromkeys(parts), "line1": "1 Elm St"}
    wrong = office.client.post("customers", {"name": "X", "billing_address": {"street": "1 Elm St"}})
    assert code(wrong) == (422, "unknown_field", "billing_address.street")


def test_a_required_text_cannot_be_blank_and_a_default_cannot_be_null(office: Office) -> None:
    assert code(office.client.post("customers", {"name": "  "})) == (422, "required", "name")
    assert code(office.client.post("customers", {"name": "X", "active": None})) == (422, "required", "active")


def test_a_job_needs_a_name_or_a_number(office: Office) -> None:
    assert code(office.client.post("jobs", {"customer_id": office.customer})) == (422, "required", "name")
    assert office.client.made("jobs", {"customer_id": office.customer, "number": "J-7"})["name"] is None


def test_a_reference_to_a_deleted_record_is_refused(office: Office) -> None:
    office.client.delete(f"vendors/{office.vendor}")
    answer = office.client.post("bills", {"vendor_id": office.vendor, "date": "2026-01-01"})
    assert code(answer) == (422, "dangling_reference", "vendor_id")


def test_a_phase_must_belong_to_the_job(office: Office) -> None:
    job = office.client.made("jobs", {"customer_id": office.customer, "name": "Bath", "phases": [{"name": "Rough"}]})
    phase = job["phases"][0]["id"]
    assert (
        office.invoice(job_id=job["id"], lines=[{"amount": "1.00", "phase_id": phase}])["lines"][0]["phase_id"] == phase
    )
    body = {
        "customer_id": office.customer,
        "issue_date": "2026-01-01",
        "lines": [{"amount": "1.00", "phase_id": phase}],
    }
    assert code(office.client.post("invoices", body)) == (422, "dangling_reference", "lines[0].phase_id")
    other = office.client.made("jobs", {"customer_id": office.customer, "name": "Roof"})
    answer = office.client.post("invoices", body | {"job_id": other["id"]})
    assert code(answer) == (422, "dangling_reference", "lines[0].phase_id")


def test_a_refused_create_leaves_nothing_and_its_key_stays_free(office: Office) -> None:
    before = office.client.control("state")["collections"]["divisions"]["count"]
    assert office.client.post("divisions", {"name": 1}, key="refused-1").status_code == 422
    assert office.client.post("divisions", {"name": "Right"}, key="refused-1").status_code == 201
    assert office.client.control("state")["collections"]["divisions"]["count"] == before + 1


def test_a_tax_rate_is_a_percentage(office: Office) -> None:
    for rate in ("-1", "100.01"):
        assert code(office.client.post("tax_rates", {"name": "x", "rate": rate})) == (422, "bad_number", "rate")


def test_half_a_surrogate_pair_is_refused(office: Office) -> None:
    assert code(office.client.post("customers", {"name": "\ud800"})) == (422, "bad_text", "name")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["1.00", "2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FUZZ_KEYS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(collection=st.sampled_from(NAMES), body=st.dictionaries(st.sampled_from(FUZZ_KEYS), JSON_VALUES, max_size=8))
def test_no_body_makes_the_server_fail(client: Client, collection: str, body: dict[str, Any]) -> None:
    answer = client.call(
        "POST",
        f"/api/v1/{collection}",
        data=json.dumps(body),
        headers={"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"},
    )
    assert answer.status_code in (201, 422)
    assert ("error" in answer.json()) == (answer.status_code == 422)


def test_every_answer_to_nonsense_is_the_error_envelope(client: Client) -> None:
    for path in ("/", "/api", "/api/v1/", "/api/v1/nothing", "/api/v1/customers/", "/api/v1/customers/x/y"):
        answer = client.call("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_path"), path
