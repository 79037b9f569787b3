"""Estimates: what they say, what they must not say, how far they got."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line


def estimate(books: Books, customer: Body, amount: object = 100, **fields: Any) -> Body:
    lines = [line(books.item(), amount)]
    return books.make("Estimate", {"CustomerRef": {"value": customer["Id"]}, "Line": lines, **fields})


def test_an_estimate_is_pending_posts_nothing_and_takes_addresses_from_its_customer(books: Books) -> None:
    customer = books.customer(BillAddr={"Line1": "1 Mill Ln"}, ShipAddr={"Line1": "Yard"})
    made = estimate(books, customer, TxnDate="2026-03-01", ExpirationDate="2026-04-01")
    assert (made["TxnStatus"], made["TotalAmt"], made["DocNumber"]) == ("Pending", 100, "1001")
    assert (made["BillAddr"]["Line1"], made["ShipAddr"]["Line1"]) == ("1 Mill Ln", "Yard")
    assert made["ExpirationDate"] == "2026-04-01"
    assert not {"Balance", "LinkedTxn", "DueDate", "SalesTermRef"} & set(made)
    assert books.again("Customer", customer)["Balance"] == 0
    assert books.read("Account", "31")["CurrentBalance"] == 0


def test_an_accepted_estimate_says_by_whom_and_when_and_keeps_it_in_a_sparse_update(books: Books) -> None:
    made = estimate(books, books.customer())
    accepted = books.change("Estimate", made, TxnStatus="Accepted", AcceptedBy="Ana Ruiz", AcceptedDate="2026-03-05")
    assert (accepted["TxnStatus"], accepted["AcceptedBy"]) == ("Accepted", "Ana Ruiz")
    noted = books.change("Estimate", accepted, PrivateNote="x")
    assert (noted["TxnStatus"], noted["AcceptedDate"], noted["SyncToken"]) == ("Accepted", "2026-03-05", "2")


def test_a_full_update_keeps_the_status_and_clears_what_is_left_out(books: Books) -> None:
    made = estimate(books, books.customer(), TxnStatus="Accepted", PrivateNote="x", ExpirationDate="2099-01-01")
    body = {"Id": made["Id"], "SyncToken": "0", "CustomerRef": made["CustomerRef"], "Line": made["Line"]}
    full = books.make("Estimate", body)
    assert full["TxnStatus"] == "Accepted"
    assert not {"PrivateNote", "ExpirationDate"} & set(full)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CustomerRef": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"TxnStatus": "Won"}, "2170"),
        ({"ExpirationDate": "2026-02-30"}, "2070"),
        ({"TxnDate": "2026-03-02", "ExpirationDate": "2026-03-01"}, "6000"),
        ({"AcceptedDate": "soon"}, "2060"),
        ({"EmailStatus": "NeedToSend"}, "6000"),
        ({"LinkedTxn": [{"TxnId": "9", "TxnType": "Invoice"}]}, "620"),
        ({"DepositToAccountRef": {"value": "4"}}, "2010"),
    ],
)
def test_an_estimate_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [line(books.item())], **change}
    assert books.refused("estimate", body)[:2] == (400, code)
    assert books.query("select count(*) from Estimate") == {"totalCount": 0}


def test_an_estimate_is_found_by_number_and_customer_and_shows_in_cdc(books: Books) -> None:
    customer = books.customer()
    made = estimate(books, customer, DocNumber="E-1")
    found = books.query(f"select * from Estimate where CustomerRef = '{customer['Id']}' and DocNumber = 'E-1'")
    assert found["Estimate"] == [made]
    _, answer = books.get("cdc", entities="Estimate", changedSince=made["MetaData"]["CreateTime"])
    assert answer["CDCResponse"][0]["QueryResponse"][0]["Estimate"] == [made]


def test_an_estimate_can_be_deleted_and_not_voided(books: Books) -> None:
    made = estimate(books, books.customer())
    base = {"Id": made["Id"], "SyncToken": "0"}
    assert books.refused("estimate", base, operation="void")[1] == "500"
    assert books.post("estimate", base, operation="delete")[1]["Estimate"]["status"] == "Deleted"
    assert books.get(f"estimate/{made['Id']}")[1]["Fault"]["Error"][0]["code"] == "610"


def test_numbers_are_counted_over_all_sales_forms_and_checked_within_one(books: Books) -> None:
    customer = books.customer()
    made = estimate(books, customer)
    invoice = books.invoice(customer, books.item("Other"))
    assert (made["DocNumber"], invoice["DocNumber"]) == ("1001", "1002")
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": made["Line"], "DocNumber": "1001"}
    assert books.refused("estimate", body)[1] == "6140"
    assert books.make("SalesReceipt", body)["DocNumber"] == "1001"
