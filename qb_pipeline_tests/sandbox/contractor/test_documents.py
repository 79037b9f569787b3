"""Invoices, payments, credits, deposits, bills: the arithmetic and the rules between them."""

from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline_tests.sandbox.contractor.conftest import Office, code
from qb_pipeline_tests.sandbox.kernel.running import Client


def figures(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(record[name] for name in ("subtotal", "tax", "total", "balance", "status"))


def reread(office: Office, invoice: dict[str, Any]) -> dict[str, Any]:
    return office.client.one(f"invoices/{invoice['id']}")


def test_an_invoice_is_summed_and_taxed(office: Office) -> None:
    lines = [
        {"item_id": office.item, "quantity": "2.5", "unit_price": "33.33"},
        {"item_id": office.free_item, "amount": "20.00"},
        {"description": "Thank you"},
        {"description": "Discount", "amount": "-10.00", "taxable": True},
    ]
    made = office.invoice(lines=lines, tax_rate_id=office.rate)
    assert [line["amount"] for line in made["lines"]] == ["83.33", "20.00", None, "-10.00"]
    assert [line["taxable"] for line in made["lines"]] == [True, False, False, True]
    assert figures(made) == ("93.33", "6.05", "99.38", "99.38", "sent")


@pytest.mark.parametrize(
    ("quantity", "price", "amount"), [("3", "0.335", "1.01"), ("1", "0.005", "0.01"), ("-1", "0.005", "-0.01")]
)
def test_half_a_cent_is_rounded_away_from_zero(office: Office, quantity: str, price: str, amount: str) -> None:
    lines = [{"amount": "5.00"}, {"quantity": quantity, "unit_price": price, "amount": amount}]
    assert office.invoice(lines=lines)["lines"][1]["amount"] == amount


def test_a_line_amount_that_is_not_quantity_times_price_is_refused(office: Office) -> None:
    lines = [{"item_id": office.item, "quantity": "2", "unit_price": "10.00", "amount": "21.00"}]
    answer = office.client.post(
        "invoices", {"customer_id": office.customer, "issue_date": "2026-01-01", "lines": lines}
    )
    assert code(answer) == (422, "amount_mismatch", "lines[0].amount")


def test_a_line_that_sells_an_item_needs_an_amount(office: Office) -> None:
    body = {"customer_id": office.customer, "issue_date": "2026-01-01", "lines": [{"item_id": office.item}]}
    assert code(office.client.post("invoices", body)) == (422, "amount_missing", "lines[0].amount")


def test_what_no_money_field_holds_is_refused(office: Office) -> None:
    line = {"quantity": "999999999999", "unit_price": "999999999999.999999"}
    body = {"customer_id": office.customer, "issue_date": "2026-01-01", "lines": [line]}
    assert code(office.client.post("invoices", body))[:2] == (422, "too_large")
    huge = {"amount": "99999999999.99"}
    assert code(office.client.post("invoices", body | {"lines": [huge, huge]}))[:2] == (422, "too_large")


def test_an_invoice_cannot_be_negative(office: Office) -> None:
    body = {"customer_id": office.customer, "issue_date": "2026-01-01", "lines": [{"amount": "-1.00"}]}
    assert code(office.client.post("invoices", body)) == (422, "negative_total", "lines")


def test_a_total_that_is_sent_must_be_the_right_one(office: Office) -> None:
    body = {"customer_id": office.customer, "issue_date": "2026-01-01", "lines": [{"amount": "10.00"}]}
    assert office.client.post("invoices", body | {"total": "10.00"}).status_code == 201
    assert code(office.client.post("invoices", body | {"total": "11.00"})) == (422, "read_only", "total")


def test_explicit_tax_is_kept_until_lines_change_without_it(office: Office) -> None:
    made = office.invoice("100.00", tax_rate_id=office.rate, tax="8.24")
    path = f"invoices/{made['id']}"
    assert made["total"] == "108.24"
    assert office.client.patch(path, {"memo": "hello"}, "1").json()["tax"] == "8.24"
    line = made["lines"][0]
    assert office.client.patch(path, {"lines": [{**line, "amount": "200.00"}]}, "2").json()["tax"] == "16.50"
    sent = office.client.patch(path, {"lines": [{**line, "amount": "300.00"}], "tax": "20.00"}, "3").json()
    assert (sent["tax"], sent["total"]) == ("20.00", "320.00")
    assert office.client.patch(path, {"tax_rate_id": None}, "4").json()["tax"] == "0.00"


def test_lines_keep_their_ids_and_new_ones_get_new_ids(office: Office) -> None:
    made = office.invoice("10.00", "20.00", "30.00")
    first, second, third = made["lines"]
    path = f"invoices/{made['id']}"
    lines = [third, {"description": "new", "amount": "5.00"}, {**first, "amount": "11.00"}]
    changed = office.client.patch(path, {"lines": lines}, "1").json()
    ids = [line["id"] for line in changed["lines"]]
    assert (ids[0], ids[2]) == (third["id"], first["id"])
    assert ids[1] not in {line["id"] for line in made["lines"]}
    assert changed["total"] == "46.00"
    assert code(office.client.patch(path, {"lines": [second]}, "2")) == (422, "unknown_line", "lines[0].id")
    assert code(office.client.patch(path, {"lines": [first, first]}, "2")) == (422, "duplicate_line", "lines[1].id")


def test_a_payment_pays_and_its_void_reopens(office: Office) -> None:
    invoice = office.invoice("100.00")
    part = office.client.made("payments", office.payment_body("60.00", (invoice, "60.00")))
    assert figures(reread(office, invoice))[3:] == ("40.00", "sent")
    office.client.made("payments", office.payment_body("50.00", (invoice, "40.00")))
    paid = reread(office, invoice)
    assert (paid["balance"], paid["status"], paid["version"]) == ("0.00", "paid", "3")
    assert paid["updated_at"] > part["updated_at"]
    void = office.client.void(f"payments/{part['id']}").json()
    assert (void["status"], void["allocations"], void["amount"]) == ("void", [], "60.00")
    assert figures(reread(office, invoice))[3:] == ("60.00", "sent")
    assert office.client.void(f"payments/{part['id']}").json() == void


def test_a_deleted_payment_releases_its_allocations(office: Office) -> None:
    invoice = office.invoice("100.00")
    payment = office.client.made("payments", office.payment_body("100.00", (invoice, "100.00")))
    office.client.delete(f"payments/{payment['id']}")
    assert figures(reread(office, invoice))[3:] == ("100.00", "sent")


def test_moving_an_allocation_settles_both_invoices(office: Office) -> None:
    first, second, third = office.invoice("50.00"), office.invoice("50.00"), office.invoice("50.00")
    payment = office.client.made("payments", office.payment_body("50.00", (first, "20.00"), (third, "10.00")))
    allocations = [{"invoice_id": second["id"], "amount": "40.00"}, {"invoice_id": third["id"], "amount": "10.00"}]
    office.client.patch(f"payments/{payment['id']}", {"allocations": allocations}, "1")
    after = [reread(office, one) for one in (first, second, third)]
    assert [one["balance"] for one in after] == ["50.00", "10.00", "40.00"]
    assert [one["version"] for one in after] == ["3", "2", "2"]


def test_what_a_payment_cannot_allocate(office: Office) -> None:
    invoice, void = office.invoice("100.00"), office.invoice("100.00")
    office.client.void(f"invoices/{void['id']}")
    stranger = office.client.made("customers", {"name": "Stranger"})["id"]
    post, body = office.client.post, office.payment_body
    half = (invoice, "50.00")
    assert code(post("payments", body("99.00", (invoice, "99.01")))) == (422, "over_allocated", "allocations")
    too_much = code(post("payments", body("200.00", (invoice, "100.01"))))
    assert too_much == (422, "over_allocated", "allocations[0].amount")
    twice = code(post("payments", body("100.00", half, half)))
    assert twice == (422, "duplicate_allocation", "allocations[1].invoice_id")
    other = code(post("payments", body("100.00", half) | {"customer_id": stranger}))
    assert other == (422, "other_party", "allocations[0].invoice_id")
    assert code(post("payments", body("9.00", (void, "9.00")))) == (422, "void", "allocations[0].invoice_id")
    assert code(post("payments", body("9.00", (invoice, "0.00")))) == (422, "bad_allocation", "allocations[0].amount")
    assert code(post("payments", body("-9.00"))) == (422, "bad_money", "amount")
    assert reread(office, invoice) == invoice


def test_a_paid_invoice_cannot_shrink_below_its_payments_or_change_its_customer(office: Office) -> None:
    invoice = office.invoice("100.00")
    office.client.made("payments", office.payment_body("80.00", (invoice, "80.00")))
    path, line = f"invoices/{invoice['id']}", invoice["lines"][0]
    shrunk = office.client.patch(path, {"lines": [{**line, "amount": "79.99"}]}, "2")
    assert code(shrunk) == (422, "over_allocated", "lines")
    exact = office.client.patch(path, {"lines": [{**line, "amount": "80.00"}]}, "2").json()
    assert (exact["balance"], exact["status"]) == ("0.00", "paid")
    other = office.client.made("customers", {"name": "Other"})["id"]
    assert code(office.client.patch(path, {"customer_id": other}, "3")) == (409, "has_allocations", "customer_id")


def test_paid_and_void_cannot_be_set_by_hand(office: Office) -> None:
    invoice = office.invoice("100.00")
    path = f"invoices/{invoice['id']}"
    assert code(office.client.patch(path, {"status": "paid"}, "1")) == (422, "bad_status", "status")
    assert code(office.client.patch(path, {"status": "void"}, "1")) == (422, "bad_status", "status")
    assert office.client.patch(path, {"status": "draft"}, "1").json()["status"] == "draft"


@pytest.mark.parametrize(
    "collection", ["estimates", "invoices", "credit_memos", "refunds", "bills", "vendor_credits", "purchase_orders"]
)
def test_a_void_document_owes_nothing_and_stays_as_it_is(office: Office, collection: str) -> None:
    party = {"customer_id": office.customer, "issue_date": "2026-01-01"}
    if collection in ("bills", "vendor_credits", "purchase_orders"):
        party = {"vendor_id": office.vendor, "date": "2026-01-01"}
    made = office.client.made(collection, party | {"lines": [{"item_id": office.item, "amount": "10.00"}]})
    path = f"{collection}/{made['id']}"
    void = office.client.void(path).json()
    assert (void["status"], void["balance"], void["total"], void["version"]) == ("void", "0.00", "10.00", "2")
    assert office.client.void(path).json() == void
    assert code(office.client.patch(path, {"memo": "x"}, "2"))[:2] == (409, "void")


def test_a_paid_invoice_is_not_voided_but_names_its_payments(office: Office) -> None:
    invoice = office.invoice("100.00")
    payment = office.client.made("payments", office.payment_body("10.00", (invoice, "10.00")))
    answer = office.client.void(f"invoices/{invoice['id']}")
    assert code(answer)[:2] == (409, "has_allocations")
    assert payment["id"] in answer.json()["error"]["message"]


def test_a_credit_memo_lowers_the_invoice_it_is_applied_to(office: Office) -> None:
    invoice = office.invoice("100.00")
    body = {
        "customer_id": office.customer,
        "issue_date": "2026-03-02",
        "lines": [{"item_id": office.item, "amount": "30.00"}],
        "applied_to": [{"invoice_id": invoice["id"], "amount": "25.00"}],
    }
    credit = office.client.made("credit_memos", body)
    assert credit["balance"] == "5.00"
    assert reread(office, invoice)["balance"] == "75.00"
    full = [{"invoice_id": invoice["id"], "amount": "30.00"}]
    changed = office.client.patch(f"credit_memos/{credit['id']}", {"applied_to": full}, "1").json()
    assert (changed["balance"], changed["status"]) == ("0.00", "paid")
    office.client.void(f"credit_memos/{credit['id']}")
    assert reread(office, invoice)["balance"] == "100.00"


def test_two_live_invoices_cannot_share_a_number(office: Office) -> None:
    first = office.invoice("1.00", number="N-1")
    other = office.invoice("1.00")
    body = {"customer_id": office.customer, "issue_date": "2026-01-01", "number": "N-1"}
    answer = office.client.post("invoices", body)
    assert code(answer) == (409, "duplicate_number", "number")
    assert first["id"] in answer.json()["error"]["message"]
    assert code(office.client.patch(f"invoices/{other['id']}", {"number": "N-1"}, "1"))[0] == 409
    office.client.delete(f"invoices/{first['id']}")
    assert office.client.post("invoices", body).status_code == 201


def deposit_of(office: Office, payment: dict[str, Any]) -> dict[str, Any]:
    fee = {"account_id": office.account, "amount": "-2.50", "memo": "card fee"}
    lines = [{"payment_id": payment["id"], "amount": payment["amount"]}, fee]
    return {"date": "2026-03-06", "account_id": office.account, "lines": lines}


def test_a_deposit_banks_payments_and_freezes_their_amount(office: Office) -> None:
    payment = office.client.made("payments", office.payment_body("40.00"))
    path = f"payments/{payment['id']}"
    deposit = office.client.made("deposits", deposit_of(office, payment))
    assert deposit["total"] == "37.50"
    assert office.client.one(path)["deposit_id"] == deposit["id"]
    assert code(office.client.patch(path, {"amount": "41.00"}, "2")) == (409, "deposited", "amount")
    assert office.client.patch(path, {"memo": "fine"}, "2").status_code == 200
    assert code(office.client.void(path))[:2] == (409, "deposited")
    assert code(office.client.delete(path))[:2] == (409, "deposited")
    again = office.client.post("deposits", deposit_of(office, payment))
    assert code(again) == (409, "deposited", "lines[0].payment_id")
    office.client.delete(f"deposits/{deposit['id']}")
    assert office.client.one(path)["deposit_id"] is None
    assert office.client.patch(path, {"amount": "41.00"}, "4").status_code == 200


def test_a_deposit_line_banks_the_whole_payment(office: Office) -> None:
    payment = office.client.made("payments", office.payment_body("40.00"))
    body = deposit_of(office, {**payment, "amount": "39.00"})
    assert code(office.client.post("deposits", body)) == (422, "amount_mismatch", "lines[0].amount")
    both = {**deposit_of(office, payment), "lines": [{"amount": "1.00"}]}
    assert code(office.client.post("deposits", both)) == (422, "two_targets", "lines[0].payment_id")


def test_a_bill_is_paid_like_an_invoice(office: Office) -> None:
    lines = [
        {"account_id": office.account, "amount": "70.00"},
        {"item_id": office.item, "quantity": "2", "unit_cost": "15"},
    ]
    bill = office.client.made("bills", {"vendor_id": office.vendor, "date": "2026-01-01", "lines": lines})
    assert bill["total"] == "100.00"
    pay = {"vendor_id": office.vendor, "date": "2026-01-02", "amount": "100.00"}
    allocations = [{"bill_id": bill["id"], "amount": "100.00"}]
    office.client.made("bill_payments", {**pay, "allocations": allocations})
    assert (office.client.one(f"bills/{bill['id']}"))["status"] == "paid"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"amount": "1.00"}, "no_target"),
        ({"amount": "1.00", "item_id": "item", "account_id": "account"}, "two_targets"),
    ],
)
def test_a_bill_line_is_booked_to_one_item_or_account(office: Office, line: dict[str, Any], expected: str) -> None:
    known = {"item": office.item, "account": office.account}
    body = {"vendor_id": office.vendor, "date": "2026-01-01", "lines": [{k: known.get(v, v) for k, v in line.items()}]}
    assert code(office.client.post("bills", body))[:2] == (422, expected)


def test_what_is_in_use_cannot_be_deleted(office: Office) -> None:
    invoice = office.invoice("10.00")
    for path in (f"customers/{office.customer}", f"items/{office.item}"):
        answer = office.client.delete(path)
        assert code(answer)[:2] == (409, "referenced")
        assert invoice["id"] in answer.json()["error"]["message"]
    office.client.void(f"invoices/{invoice['id']}")
    assert office.client.delete(f"customers/{office.customer}").status_code == 200


def test_merging_customers_moves_everything_and_deletes_the_loser(office: Office) -> None:
    invoice = office.invoice("10.00")
    job = office.client.made("jobs", {"customer_id": office.customer, "name": "Deck"})
    into = office.client.made("customers", {"name": "Survivor"})["id"]
    act = {"act": "merge_customers", "from": office.customer, "into": into}
    answer = office.client.control("ui", act)
    assert answer["merged_into"] == into
    assert answer["moved"] == {"invoices": [invoice["id"]], "jobs": [job["id"]]}
    assert office.client.one(f"customers/{office.customer}")["deleted_at"] is not None
    moved = reread(office, invoice)
    assert (moved["customer_id"], moved["version"]) == (into, "2")
    assert office.client.call("POST", "/_sandbox/ui", json=act).status_code == 409


def test_the_state_sums_what_is_live(client: Client, office: Office) -> None:
    before = client.control("state")["collections"]["invoices"]
    kept, void, gone = office.invoice("10.00"), office.invoice("20.00"), office.invoice("40.00")
    client.void(f"invoices/{void['id']}")
    client.delete(f"invoices/{gone['id']}")
    client.made("payments", office.payment_body("4.00", (kept, "4.00")))
    after = client.control("state")["collections"]["invoices"]
    assert (after["count"] - before["count"], after["deleted"] - before["deleted"]) == (2, 1)
    assert Decimal(after["sum_total"]) - Decimal(before["sum_total"]) == Decimal("10.00")
    assert Decimal(after["sum_balance"]) - Decimal(before["sum_balance"]) == Decimal("6.00")
