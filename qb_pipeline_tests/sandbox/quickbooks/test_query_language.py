"""The query language: every form, every refusal, default order, paging."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qb_pipeline.sandbox.quickbooks.query.parser import parse
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, open_books

REALM = "9130350000000000777"


@pytest.fixture(scope="module")
def filled(server: Body) -> Iterator[Books]:
    """Three customers, two items, three invoices."""
    books = open_books(server, REALM)
    names = ("Amy's Bird Sanctuary", "Ridge Farm", "under_score 100%")
    customers = [books.customer(name, CompanyName=name.upper()) for name in names]
    items = [books.item("Labor", Sku="L-1"), books.item("Lumber", Sku="M-1")]
    for customer, amount, day in ((0, 10, "2026-01-10"), (0, 20, "2026-02-10"), (1, "30.5", "2026-03-10")):
        body = {"CustomerRef": {"value": customers[customer]["Id"]}, "TxnDate": day}
        books.make("Invoice", {**body, "Line": [line(items[0], amount)]})
    yield books


def ids(answer: Body, entity: str) -> list[str]:
    return [str(one["Id"]) for one in answer.get(entity, [])]


@pytest.mark.parametrize(
    ("statement", "entity", "expected"),
    [
        ("select * from Customer", "Customer", ["1", "2", "3"]),
        ("SELECT * FROM customer", "Customer", ["1", "2", "3"]),
        ("select Id, DisplayName from CUSTOMER", "Customer", ["1", "2", "3"]),
        ("SELECT *, Sku FROM Item ORDER BY Name DESC", "Item", ["2", "1"]),
        ("select * from Item orderby Sku asc", "Item", ["1", "2"]),
        ("select * from Customer where DisplayName = 'ridge farm'", "Customer", ["2"]),
        (r"select * from Customer where DisplayName = 'Amy\'s Bird Sanctuary'", "Customer", ["1"]),
        ("select * from Customer where DisplayName != 'Ridge Farm'", "Customer", ["1", "3"]),
        ("select * from Customer where DisplayName like '%farm'", "Customer", ["2"]),
        ("select * from Customer where DisplayName like '%r_s%'", "Customer", ["3"]),
        ("select * from Customer where DisplayName LIKE 'R_dge%'", "Customer", []),
        ("select * from Customer where Id in ('1', '3', '99')", "Customer", ["1", "3"]),
        ("select * from Customer where Id = '2'", "Customer", ["2"]),
        ("select * from Customer where CompanyName = 'Ridge farm' and Active = True", "Customer", ["2"]),
        ("select * from Customer where Active = 'true'", "Customer", ["1", "2", "3"]),
        ("select * from Customer where Active = false", "Customer", []),
        ("select * from Customer where Balance > 0 orderby Balance desc", "Customer", ["2", "1"]),
        ("select * from Customer where Balance > '30'", "Customer", ["2"]),
        ("select * from Invoice where CustomerRef = '1' orderby TxnDate", "Invoice", ["1", "2"]),
        ("select * from Invoice where TxnDate >= '2026-02-10' order by TxnDate asc", "Invoice", ["2", "3"]),
        ("select * from Invoice where TxnDate > '2026-01-10' and TxnDate < '2026-03-10'", "Invoice", ["2"]),
        ("select * from Invoice where TxnDate <= CURRENT_DATE and TotalAmt = 30.5", "Invoice", ["3"]),
        ("select * from Invoice where TotalAmt in (10, 20) orderby TotalAmt desc, Id", "Invoice", ["2", "1"]),
        ("select * from Invoice where DocNumber = '1002'", "Invoice", ["2"]),
        ("select * from Invoice where Balance < 20", "Invoice", ["1"]),
        ("select * from Invoice orderby Id startposition 2 maxresults 1", "Invoice", ["2"]),
        ("select * from Invoice orderby Id maxresults 1 startposition 3", "Invoice", ["3"]),
        ("select * from Invoice startposition 4", "Invoice", []),
        (
            "select * from Invoice where MetaData.CreateTime > '2020-01-01T00:00:00-08:00' orderby Id",
            "Invoice",
            ["1", "2", "3"],
        ),
        ("select * from Invoice where MetaData.LastUpdatedTime < '2020-01-01T00:00:00Z'", "Invoice", []),
        ("select * from Item where Type = 'Service' and FullyQualifiedName = 'Labor'", "Item", ["1"]),
        ("select * from Preferences", "Preferences", ["1"]),
        ("select * from CompanyInfo startposition 1 maxresults 1", "CompanyInfo", ["1"]),
    ],
)
def test_a_statement_finds_exactly_these(filled: Books, statement: str, entity: str, expected: list[str]) -> None:
    found = filled.query(statement)
    assert ids(found, entity) == expected
    if expected:
        assert found["maxResults"] == len(expected)
    else:
        assert found == {}


@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("select * from Custmoer", "4001", "invalid context declaration: Custmoer"),
        ("select * from Customer where", "4000", "QueryParserError"),
        ("select * from Customer where DisplayName = 'a' or DisplayName = 'b'", "4000", '"or"'),
        ("select * from Customer where DisplayName = 'O''Neil'", "4000", "QueryParserError"),
        ("select * from Customer where DisplayName = Neil", "4000", "Neil"),
        ("select * from Customer where DisplayName = 'open", "4000", "QueryParserError"),
        ("select from Customer", "4000", "from"),
        ("update Customer", "4000", "update"),
        ("select * from Customer group by Id", "4000", "group"),
        ("select sum(Balance) from Customer", "4000", "("),
        ("select * from Customer; drop table x", "4000", ";"),
        ("select * from Invoice where PrivateNote = 'x'", "4001", "property 'PrivateNote' is not queryable"),
        ("select * from Invoice where Line.Amount = 1", "4001", "not queryable"),
        ("select * from Invoice where Shade = 'x'", "4001", "Property Shade not found for Entity Invoice"),
        ("select * from Vendor where PrimaryEmailAddr = 'a@b.test'", "4001", "not queryable"),
        ("select * from Invoice orderby CustomerMemo", "4001", "not queryable"),
        ("select * from Customer where Id > '1'", "4001", "Id"),
        ("select * from Invoice where TotalAmt like '1%'", "4001", "LIKE"),
        ("select * from Invoice where TotalAmt = 'many'", "4001", "many"),
        ("select * from Invoice where TxnDate > 'soon'", "4001", "soon"),
        ("select * from Customer where Active = 'perhaps'", "4001", "perhaps"),
        ("select * from Customer maxresults 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("select * from Customer startposition 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("select * from Customer maxresults 1.5", "4000", "1.5"),
    ],
)
def test_a_wrong_statement_is_refused_with_code_and_reason(
    filled: Books, statement: str, code: str, words: str
) -> None:
    status, answer = filled.get("query", query=statement)
    assert status == 400
    (error,) = answer["Fault"]["Error"]
    assert error["code"] == code
    assert words in error["Detail"]


def test_a_query_may_be_posted_as_text(filled: Books) -> None:
    response = filled.session.post(
        f"{filled.url}/query",
        data="select count(*) from Invoice where CustomerRef = '1'",
        headers={"Content-Type": "application/text"},
        timeout=10,
    )
    assert response.json()["QueryResponse"] == {"totalCount": 2}


def test_no_statement_is_a_system_fault_inside_a_success(filled: Books) -> None:
    status, answer = filled.get("query")
    assert status == 200
    assert answer["Fault"]["Error"][0]["code"] == "10000"


def test_transactions_come_newest_change_first_and_names_by_name(books: Books) -> None:
    item, customer = books.item(), books.customer("beta")
    books.customer("Alpha")
    first, second = books.invoice(customer, item), books.invoice(customer, item)
    assert [one["Id"] for one in books.query("select * from Invoice")["Invoice"]] == [second["Id"], first["Id"]]
    assert [one["DisplayName"] for one in books.query("select * from Customer")["Customer"]] == ["Alpha", "beta"]


def test_a_page_has_100_rows_unless_asked_and_never_more_than_1000(books: Books) -> None:
    for start in range(0, 120, 30):
        items = [
            {"bId": str(n), "operation": "create", "Customer": {"DisplayName": f"C{n:04}"}}
            for n in range(start, start + 30)
        ]
        assert books.post("batch", {"BatchItemRequest": items})[0] == 200
    assert books.query("select * from Customer")["maxResults"] == 100
    assert books.query("select * from Customer maxresults 5000")["maxResults"] == 120
    assert parse("select * from Customer maxresults 5000").limit == 1000
    assert books.query("select count(*) from Customer startposition 1 maxresults 10") == {"totalCount": 120}


def test_the_pseudo_tax_codes_come_on_top_of_the_first_page(filled: Books) -> None:
    found = filled.query("select * from TaxCode maxresults 1")
    assert ids(found, "TaxCode") == ["TAX", "NON", "CustomSalesTax", "2"]
    assert "SyncToken" not in found["TaxCode"][0]
    assert ids(filled.query("select * from TaxCode where Name = 'California'"), "TaxCode") == ["2"]
    assert filled.query("select * from TaxCode startposition 2") == {}


def test_a_companys_rows_are_not_seen_by_another(filled: Books, books: Books) -> None:
    assert books.query("select * from Customer") == {}
    assert filled.query("select count(*) from Customer") == {"totalCount": 3}
