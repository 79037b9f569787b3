"""What an answer looks like from outside: JSON or XML, headers, verbs, addresses that lead nowhere."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import requests

from qb_pipeline.sandbox.quickbooks.xmltext import intuit_response
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books, running

SCHEMA = "{http://schema.intuit.com/finance/v3}"
XML = "application/xml;charset=UTF-8"


def ask(books: Books, path: str, accept: str | None, method: str = "GET", **params: str) -> requests.Response:
    # A None header leaves it out of the request altogether.
    headers = {"Accept": accept}
    return books.session.request(method, f"{books.url}/{path}", params=params, headers=headers, timeout=20)


def xml(answer: requests.Response) -> ElementTree.Element:
    assert answer.headers["content-type"] == XML
    root = ElementTree.fromstring(answer.content)
    assert root.tag == f"{SCHEMA}IntuitResponse"
    return root


def found(root: ElementTree.Element, path: str) -> ElementTree.Element:
    element = root.find("/".join(f"{SCHEMA}{step}" for step in path.split("/")))
    assert element is not None, path
    return element


@pytest.mark.parametrize(
    ("accept", "params", "is_xml"),
    [
        (None, {}, True),
        ("application/xml", {}, True),
        ("text/html", {}, True),
        ("application/pdf", {}, True),
        ("application/json", {}, False),
        ("application/json, text/plain, */*", {}, False),
        ("application/pdf, application/json", {}, False),
        ("application/pdf", {"format": "json"}, False),
        ("*/*", {}, False),
    ],
)
def test_json_is_for_those_who_ask_for_it(books: Books, accept: str | None, params: Body, is_xml: bool) -> None:
    answer = ask(books, "preferences", accept, **params)
    assert (answer.status_code, "xml" in answer.headers["content-type"]) == (200, is_xml)


def test_a_switch_gives_xml_to_those_who_take_anything() -> None:
    with running() as own:
        books = open_books(own)
        url = f"{own['base_url']}/_sandbox/switches"
        requests.post(url, json={"any_accept": "xml"}, timeout=10).raise_for_status()
        assert "xml" in ask(books, "preferences", "*/*").headers["content-type"]
        assert requests.post(url, json={"any_accept": "csv"}, timeout=10).status_code == 400


def test_an_object_in_xml_holds_what_its_json_holds(books: Books) -> None:
    customer, item = books.customer("Ridge & <Farm>"), books.item()
    invoice = books.invoice(customer, item, Line=[line(item, 12.5, Qty=2), line(item, 3)])
    root = xml(ask(books, f"invoice/{invoice['Id']}", "application/xml"))
    element = found(root, "Invoice")
    assert root.attrib["time"].startswith("20")
    assert element.attrib == {"domain": "QBO", "sparse": "false"}
    assert [child.tag.removeprefix(SCHEMA) for child in element][:3] == ["Id", "SyncToken", "MetaData"]
    party = found(element, "CustomerRef")
    assert (party.text, party.attrib) == (customer["Id"], {"name": "Ridge & <Farm>"})
    assert found(element, "MetaData/CreateTime").text == invoice["MetaData"]["CreateTime"]
    amounts = [entry.text for entry in element.iterfind(f"{SCHEMA}Line/{SCHEMA}Amount")]
    assert amounts == [str(entry["Amount"]) for entry in invoice["Line"]]
    assert (
        found(element, "FreeFormAddress" if "FreeFormAddress" in invoice else "ApplyTaxAfterDiscount").text == "false"
    )


def test_a_query_and_changes_come_in_xml_with_their_counts_as_attributes(books: Books) -> None:
    names = ["Ash", "Birch"]
    made = [books.customer(name) for name in names]
    page = found(xml(ask(books, "query", None, query="select * from Customer")), "QueryResponse")
    assert page.attrib == {"startPosition": "1", "maxResults": "2"}
    assert [found(entry, "DisplayName").text for entry in page] == names
    since = made[0]["MetaData"]["CreateTime"]
    root = xml(ask(books, "cdc", None, entities="Customer", changedSince=since))
    assert found(root, "CDCResponse/QueryResponse").attrib["totalCount"] == "2"


def test_faults_come_in_xml_with_code_and_element_as_attributes(books: Books) -> None:
    answer = ask(books, "customer/999", "application/xml")
    error = found(xml(answer), "Fault/Error")
    assert (answer.status_code, error.attrib["code"]) == (400, "610")
    assert found(xml(answer), "Fault").attrib == {"type": "ValidationFault"}
    assert found(error, "Message").text == "Object Not Found"
    books.session.headers["Authorization"] = "Bearer nonsense"
    refused = ask(books, "customer/1", "application/xml")
    assert refused.status_code == 401
    assert found(xml(refused), "Fault/Error").attrib["code"] == "3200"


def test_characters_xml_cannot_carry_do_not_break_the_document() -> None:
    body = {"Attachable": {"Note": "a\x00b\x0bc\ud800d", "not a name": 1, "Tag": None}, "time": "now"}
    element = found(ElementTree.fromstring(intuit_response(body).encode()), "Attachable")
    assert found(element, "Note").text == "a\ufffdb\ufffdc\ufffdd"
    assert [child.tag.removeprefix(SCHEMA) for child in element] == ["Note", "Property"]


def test_a_write_answers_in_xml_too(books: Books) -> None:
    headers = {"Accept": "application/xml", "Content-Type": "application/json"}
    answer = books.session.post(f"{books.url}/customer", json={"DisplayName": "Ash"}, headers=headers, timeout=10)
    assert found(xml(answer), "Customer/DisplayName").text == "Ash"


def test_a_body_in_xml_is_refused_with_1050(books: Books) -> None:
    headers = {"Content-Type": "application/xml"}
    answer = books.session.post(f"{books.url}/customer", data="<Customer/>", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, "1050")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["customer", "customer/1", "preferences", "upload"])
def test_there_are_no_verbs_but_get_and_post(books: Books, method: str, path: str) -> None:
    customer = books.customer()
    answer = ask(books, path, "application/json", method)
    (error,) = answer.json()["Fault"]["Error"]
    assert (answer.status_code, error["code"]) == (400, "500")
    assert f"No resource method found for {method}" in error["Detail"]
    assert books.again("Customer", customer) == customer


@pytest.mark.parametrize("path", ["", "customer/1/5", "customer/1/5/6", "companyinfo/1/2", "invoice", "upload"])
def test_an_address_that_leads_nowhere_is_refused_by_its_name(books: Books, path: str) -> None:
    status, answer = books.get(path)
    (error,) = answer["Fault"]["Error"]
    assert (status, error["code"]) == (400, "500")
    assert f"/v3/company/{books.realm}/{path}" in error["Detail"]


def test_entities_are_found_in_any_case_and_odd_headers_do_no_harm(books: Books) -> None:
    customer = books.customer()
    headers = {"Content-Type": "application/json", "Request-Id": "1", "Accept": "application/json"}
    for name in ("customer", "Customer", "CUSTOMER"):
        answer = books.session.get(f"{books.url}/{name}/{customer['Id']}", headers=headers, timeout=10)
        assert answer.json()["Customer"] == customer


@pytest.mark.parametrize("version", ["4", "65", "75", "99", "", "many"])
def test_the_minor_version_changes_nothing(books: Books, version: str) -> None:
    customer = books.customer()
    status, answer = books.get(f"customer/{customer['Id']}", minorversion=version)
    assert (status, answer["Customer"]) == (200, customer)


def test_every_answer_carries_a_trace_id_of_its_own_and_the_version(books: Books) -> None:
    answers = [ask(books, path, "application/json") for path in ("preferences", "preferences", "customer/999")]
    assert len({answer.headers["intuit_tid"] for answer in answers}) == 3
    assert all(answer.headers["qbo-version"] for answer in answers)
    assert all(answer.headers["content-type"] == "application/json;charset=UTF-8" for answer in answers)


def test_a_null_realm_and_a_null_token_are_refused_and_break_nothing(books: Books) -> None:
    base = f"{books.base}/v3/company/null/customer/1"
    answer = requests.get(base, headers={"Authorization": "Bearer null", "Accept": "application/json"}, timeout=10)
    assert (answer.status_code, answer.json()["fault"]["error"][0]["code"]) == (401, "3200")
    assert books.session.get(base, timeout=10).status_code == 403


def test_an_envelope_has_milliseconds_and_an_offset_and_metadata_has_neither_more_nor_less(books: Books) -> None:
    status, answer = books.post("customer", {"DisplayName": "Ash"})
    assert status == 200
    assert len(answer["time"]) == len("2026-03-04T17:05:12.004-08:00")
    assert len(answer["Customer"]["MetaData"]["CreateTime"]) == len("2026-03-04T17:05:12-08:00")
    assert answer["Customer"]["sparse"] is False


def test_a_wrapped_body_is_refused_with_2010(books: Books) -> None:
    assert books.refused("customer", {"Customer": {"DisplayName": "Ash"}})[:2] == (400, "2010")


@pytest.mark.parametrize("path", ["customer", "attachable", "batch", "companyinfo"])
def test_half_a_surrogate_pair_is_refused_with_2010(books: Books, path: str) -> None:
    assert books.refused(path, b'{"DisplayName": "\\uD800", "Note": "x"}')[:2] == (400, "2010")
    made = books.make("Customer", {"DisplayName": "Anvil \U0001f528"})
    assert books.again("Customer", made)["DisplayName"] == "Anvil \U0001f528"
