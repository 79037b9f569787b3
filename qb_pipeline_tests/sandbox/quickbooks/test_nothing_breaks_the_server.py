"""Any body, any batch, any statement: an answer or a refusal, never a failure of the server.

Invariant: a refused write leaves the company as it was.
"""

from __future__ import annotations

from typing import Any

import pytest
import simplejson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline.sandbox.quickbooks.query.fields import FIELDS
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Group, Many, Number, Property, Ref, Text
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books

RELAXED = settings(
    max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**14),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.text(max_size=8),
    st.sampled_from(["1", "2026-01-01", "USD", "", "true", "Invoice", "TAX"]),
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["value", "Id", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def fitting(prop: Property) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one return a kind of property
    """Mostly what the property wants, so that the checks behind the first one are reached too."""
    match prop:
        case Text():
            return st.text(st.characters(codec="utf-8"), max_size=12)
        case Number():
            return st.integers(0, 200)
        case Flag():
            return st.booleans()
        case Day():
            return st.dates().map(str)
        case Choice():
            return st.sampled_from(prop.words)
        case Ref():
            return st.fixed_dictionaries({"value": st.sampled_from(["1", "2", "3", "25", "TAX", "999"])})
        case Group():
            return bodies(prop.properties)
        case Many():
            return st.lists(bodies(prop.of.properties), max_size=2)
        case _:
            return ANYTHING


def bodies(properties: Any) -> st.SearchStrategy[Body]:
    """An object with some of the properties, most of them well-formed."""
    options = {name: st.one_of(fitting(prop), fitting(prop), ANYTHING) for name, prop in properties.items()}
    return st.fixed_dictionaries({}, optional=options)


@pytest.fixture(scope="module")
def shared(server: Body) -> Books:
    books = open_books(server, "9130350000000000888")
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item)
    books.payment(customer, 10, (invoice, 10))
    return books


@pytest.mark.parametrize("entity", sorted(ENTITIES))
@RELAXED
@given(data=st.data())
def test_any_body_is_answered_or_refused(shared: Books, entity: str, data: st.DataObject) -> None:
    body = data.draw(bodies(ENTITIES[entity].properties))
    if entity == "Preferences" or data.draw(st.booleans()):
        current = shared.get(f"{entity.lower()}/1")[1].get(entity, {})
        body |= {"Id": "1", "SyncToken": current.get("SyncToken", "0"), "sparse": data.draw(st.booleans())}
    elif data.draw(st.booleans()):
        # Enough to get past the required properties.
        body.setdefault("CustomerRef", {"value": "1"})
        sale = {"Amount": 5, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
        body.setdefault("Line", [sale])
    operation = data.draw(st.sampled_from([{}, {}, {}, {"operation": "void"}, {"operation": "odd"}]))
    before = shared.query(f"select count(*) from {entity}")
    status, answer = shared.post(entity.lower(), body, **operation)
    assert status in (200, 400), answer
    if status == 400:
        assert answer["Fault"]["Error"][0]["code"].isdecimal()
        assert shared.query(f"select count(*) from {entity}") == before


@RELAXED
@given(items=st.lists(ANYTHING | st.dictionaries(st.sampled_from(["bId", "operation", "Customer", "Query"]), ANYTHING)))
def test_any_batch_is_answered_or_refused(shared: Books, items: list[Any]) -> None:
    status, answer = shared.post("batch", {"BatchItemRequest": items})
    assert status in (200, 400), answer


WORDS = ["select", "*", "count(*)", "from", "where", "and", "in", "like", "orderby", "desc", "startposition", "(", ")"]
WORDS += ["maxresults", "=", ">", "'x'", "'1'", "1", "true", ",", "current_date", "'", "\\", *FIELDS, "Id", "Active"]
WORDS += ["TxnDate", "MetaData.LastUpdatedTime", "TotalAmt", "DisplayName"]


@RELAXED
@given(words=st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_statement_is_answered_or_refused(shared: Books, words: list[str]) -> None:
    for statement in (" ".join(words), "select * from " + " ".join(words)):
        status, answer = shared.get("query", query=statement)
        assert status in (200, 400), answer


@RELAXED
@given(entity=st.sampled_from(sorted(FIELDS)), data=st.data())
def test_any_comparison_of_a_filterable_field_is_answered_or_refused(
    shared: Books, entity: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["Id", "MetaData.CreateTime", *FIELDS[entity]]))
    operator = data.draw(st.sampled_from(["=", "!=", "<", ">", "<=", ">=", "like", "in"]))
    value = "'" + data.draw(st.text("a1%_-:T0 ", max_size=12)) + "'"
    listed = f"({value}, {value})" if operator == "in" else value
    status, answer = shared.get(
        "query", query=f"select * from {entity} where {name} {operator} {listed} orderby {name}"
    )
    assert status in (200, 400), answer


def test_a_body_of_another_kind_than_json_is_refused(shared: Books) -> None:
    for body in (b"\xff\xfe", b"", b"null", b'"text"', b"[1]", b"<Customer/>", b"1e999999"):
        response = shared.session.post(f"{shared.url}/customer", data=body, timeout=10)
        assert response.status_code == 400, body
        assert "Fault" in simplejson.loads(response.text)
