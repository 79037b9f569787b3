"""Invoices: lines, tax, discounts, numbers, dates, updates, void and removal."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line, money

CALIFORNIA = {"TxnTaxCodeRef": {"value": "2"}}


def discount(**detail: Any) -> Body:
    return {"DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}


def test_an_invoice_gets_number_due_date_subtotal_and_balance(books: Books) -> None:
    customer = books.customer(
        "Ridge Farm",
        SalesTermRef={"value": "2"},
        BillAddr={"Line1": "1 Mill Ln"},
        PrimaryEmailAddr={"Address": "a@b.test"},
    )
    made = books.invoice(customer, books.item(), 150, TxnDate="2026-03-01")
    assert (made["DocNumber"], made["DueDate"]) == ("1001", "2026-03-16")
    assert made["Line"][0]["Id"] == "1"
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "NON"}
    assert made["Line"][1] == {"Amount": 150, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    assert made["TotalAmt"] == made["Balance"] == 150
    assert made["TxnTaxDetail"] == {"TotalTax": 0}
    assert made["BillAddr"]["Line1"] == "1 Mill Ln"
    # As recorded: the customer's e-mail is not taken over.
    assert "BillEmail" not in made
    assert made["LinkedTxn"] == []
    assert books.again("Customer", customer)["Balance"] == 150


def test_the_customers_e_mail_is_taken_over_where_the_switch_says_so(books: Books) -> None:
    customer, item = books.customer(PrimaryEmailAddr={"Address": "a@b.test"}), books.item()
    switches = f"{books.base}/_sandbox/switches"
    assert requests.post(switches, json={"bill_email": "customer"}, timeout=10).status_code == 200
    try:
        assert books.invoice(customer, item)["BillEmail"] == {"Address": "a@b.test"}
    finally:
        requests.post(switches, json={"bill_email": "sent"}, timeout=10)


def test_an_echoed_address_keeps_its_coordinates(books: Books) -> None:
    place = {"Line1": "1 Mill Ln", "Lat": "37.44", "Long": "INVALID"}
    made = books.invoice(books.customer(), books.item(), BillAddr=place)
    assert made["BillAddr"] == {"Id": made["BillAddr"]["Id"], **place}
    assert books.change("Invoice", made, BillAddr=made["BillAddr"])["BillAddr"] == made["BillAddr"]


def test_tax_is_computed_from_the_codes_rates_on_taxable_lines_only(books: Books) -> None:
    item = books.item()
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "TxnTaxDetail": CALIFORNIA}
    made = books.make("Invoice", {**body, "Line": [line(item, "100.30", "TAX"), line(item, 50, "NON")]})
    tax = made["TxnTaxDetail"]
    assert money(tax["TotalTax"]) == money("8.02")
    detail = tax["TaxLine"][0]["TaxLineDetail"]
    assert (money(detail["NetAmountTaxable"]), detail["TaxPercent"]) == (money("100.30"), 8)
    assert money(made["TotalAmt"]) == money("158.32")


def test_a_given_total_tax_is_honoured_and_recomputed_only_when_the_switch_says_so(books: Books) -> None:
    item, customer = books.item(), books.customer()
    body: Body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, 100, "TAX")]}
    body["TxnTaxDetail"] = {**CALIFORNIA, "TotalTax": "7.77"}
    assert money(books.make("Invoice", body)["TotalAmt"]) == money("107.77")
    switches = f"{books.base}/_sandbox/switches"
    assert requests.post(switches, json={"ast": "recompute"}, timeout=10).status_code == 200
    try:
        assert books.make("Invoice", body)["TotalAmt"] == 108
    finally:
        requests.post(switches, json={"ast": "honour"}, timeout=10)


def test_a_percent_discount_follows_the_subtotal_and_tax_comes_after_it_when_asked(books: Books) -> None:
    item, customer = books.item(), books.customer()
    lines = [line(item, 100, "TAX"), line(item, 100, "NON"), discount(PercentBased=True, DiscountPercent=10)]
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": lines, "TxnTaxDetail": CALIFORNIA}
    before = books.make("Invoice", body)
    assert [part["DetailType"] for part in before["Line"][2:]] == ["SubTotalLineDetail", "DiscountLineDetail"]
    assert before["Line"][3]["Amount"] == 20
    assert before["Line"][3]["DiscountLineDetail"]["DiscountAccountRef"]["name"] == "Discounts given"
    assert before["TotalAmt"] == 188
    after = books.make("Invoice", {**body, "ApplyTaxAfterDiscount": True})
    assert money(after["TotalAmt"]) == money("187.2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CustomerRef": None}, "2020"),
        ({"CustomerRef": {"value": "999"}}, "2500"),
        ({"Line": []}, "2020"),
        ({"Line": [{"Amount": 1}]}, "2020"),
        ({"Line": [{"Amount": 1, "DetailType": "Nonsense"}]}, "2170"),
        ({"Line": [{"Amount": 1, "DetailType": "GroupLineDetail", "GroupLineDetail": {}}]}, "2020"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"TxnDate": "2026-02-30"}, "2070"),
        ({"TxnDate": "01/02/2026"}, "2060"),
        ({"EmailStatus": "NeedToSend"}, "6000"),
        ({"PrivateNote": "x" * 4001}, "2050"),
        ({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "77"}}}, "2500"),
        ({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "TAX"}}}, "6160"),
        ({"LinkedTxn": [{"TxnId": "5", "TxnType": "Estimate"}]}, "2500"),
        ({"Deposit": 5}, "5030"),
        ({"InvoiceEx": {}}, "2010"),
        ({"CustomField": [{"DefinitionId": "9", "StringValue": "x"}]}, "3000"),
        ({"PrintStatus": "Printed"}, "2170"),
    ],
)
def test_an_invoice_that_breaks_a_rule_is_refused_with_its_code(books: Books, change: Body, code: str) -> None:
    customer, item = books.customer(), books.item()
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)], **change}
    assert books.refused("invoice", body)[:2] == (400, code)
    assert books.query("select count(*) from Invoice") == {"totalCount": 0}


@pytest.mark.parametrize(
    ("detail", "amount", "code"),
    [
        ({"Qty": 3, "UnitPrice": 33.33}, 100, "6070"),
        ({"ItemRef": {"value": "999"}}, 100, "2500"),
        ({"TaxCodeRef": {"value": "3"}}, 100, "6100"),
        ({"TaxCodeRef": {"value": "CustomSalesTax"}}, 100, "6160"),
        ({"ItemRef": {"value": "SHIPPING_ITEM_ID"}}, 100, "2020"),
        ({}, None, "2020"),
        ({"Qty": "three"}, 100, "2090"),
        ({"Qty": "1e999999"}, 100, "2140"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_with_its_code(
    books: Books, detail: Body, amount: int | None, code: str
) -> None:
    customer, item = books.customer(), books.item()
    sent = line(item, amount, **detail)
    assert books.refused("invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [sent]})[1] == code


def test_an_amount_agrees_with_quantity_times_price_to_the_cent(books: Books) -> None:
    customer, item = books.customer(), books.item()
    sent = line(item, 100, Qty=3, UnitPrice="33.333333")
    made = books.make("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [sent]})
    assert made["Line"][0]["SalesItemLineDetail"]["UnitPrice"] == money("33.333333")


def test_amounts_are_rounded_to_the_cent_and_prices_keep_their_decimals(books: Books) -> None:
    sent = line(books.item(), "33.333", Qty=1, UnitPrice="33.333")
    made = books.make("Invoice", {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [sent]})
    assert made["TotalAmt"] == money("33.33")
    assert made["Line"][0]["SalesItemLineDetail"]["UnitPrice"] == money("33.333")


def test_an_inactive_item_or_customer_cannot_be_used_anew_but_stays_where_it_was(books: Books) -> None:
    customer, item = books.customer(), books.item()
    made = books.invoice(customer, item)
    books.change("Item", item, Active=False)
    assert books.refused("invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)]})[1] == "610"
    assert books.change("Invoice", made, Line=made["Line"], PrivateNote="kept")["PrivateNote"] == "kept"
    gone = books.change("Customer", books.customer("Gone"), Active=False)
    other = books.item("Other")
    assert books.refused("invoice", {"CustomerRef": {"value": gone["Id"]}, "Line": [line(other)]})[1] == "610"


def test_a_number_used_twice_is_refused_within_the_type_unless_allowed(books: Books) -> None:
    customer, item = books.customer(), books.item()
    books.invoice(customer, item, DocNumber="R-1")
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)], "DocNumber": "R-1"}
    assert books.refused("invoice", body)[1] == "6140"
    assert books.make("Invoice", body, include="allowduplicatedocnum")["DocNumber"] == "R-1"
    assert books.make("CreditMemo", body)["DocNumber"] == "R-1"


def test_numbers_are_left_out_with_custom_numbers_on_except_when_asked_for(books: Books) -> None:
    customer, item = books.customer(), books.item()
    preferences = books.read("Preferences", "1")
    books.change("Preferences", preferences, SalesFormsPrefs={"CustomTxnNumbers": True})
    assert "DocNumber" not in books.invoice(customer, item)
    assert books.invoice(customer, item, DocNumber="AUTO_GENERATE")["DocNumber"].isdecimal()


def test_sending_some_lines_removes_the_others_and_keeps_the_ids_that_were_sent(books: Books) -> None:
    customer, item = books.customer(), books.item()
    lines = [line(item, 10), line(item, 20), line(item, 30)]
    lines[1]["Description"] = "second"
    made = books.make("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": lines})
    kept = {key: value for key, value in made["Line"][1].items() if key != "Description"}
    changed = books.change("Invoice", made, Line=[kept, line(item, 5)])
    assert [part.get("Id") for part in changed["Line"]] == ["2", "4", None]
    assert "Description" not in changed["Line"][0]
    assert changed["TotalAmt"] == changed["Balance"] == 25


def test_a_sparse_update_without_lines_keeps_lines_tax_and_total(books: Books) -> None:
    item = books.item()
    made = books.invoice(books.customer(), item, Line=[line(item, 100, "TAX")], TxnTaxDetail=CALIFORNIA)
    changed = books.change("Invoice", made, PrivateNote="checked")
    unchanged = [key for key in made if key not in ("SyncToken", "MetaData")]
    assert {key: changed[key] for key in unchanged} == {key: made[key] for key in unchanged}
    assert changed["SyncToken"] == "1"


def test_changed_lines_without_a_tax_detail_are_taxed_anew_and_with_the_old_one_keep_the_old_tax(books: Books) -> None:
    item = books.item()
    made = books.invoice(books.customer(), item, Line=[line(item, 100, "TAX")], TxnTaxDetail=CALIFORNIA)
    anew = books.change("Invoice", made, Line=[line(item, 200, "TAX")])
    assert anew["TxnTaxDetail"]["TotalTax"] == 16
    stale = books.change("Invoice", anew, Line=[line(item, 300, "TAX")], TxnTaxDetail=anew["TxnTaxDetail"])
    assert stale["TxnTaxDetail"]["TotalTax"] == 16


def test_a_full_update_clears_what_is_left_out_and_needs_customer_and_lines(books: Books) -> None:
    made = books.invoice(books.customer(), books.item(), PrivateNote="x", SalesTermRef={"value": "2"}, DocNumber="77")
    base = {"Id": made["Id"], "SyncToken": made["SyncToken"]}
    assert books.refused("invoice", base)[1] == "2020"
    full = books.make("Invoice", {**base, "CustomerRef": made["CustomerRef"], "Line": made["Line"]})
    assert "PrivateNote" not in full
    assert "SalesTermRef" not in full
    assert (full["DocNumber"], full["Line"][0]["Id"]) == ("77", "1")


def test_a_voided_invoice_is_zero_keeps_its_id_and_frees_its_payment(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 100, PrivateNote="sync:1")
    payment = books.payment(customer, 60, (invoice, 60))
    current = books.again("Invoice", invoice)
    voided = books.make("Invoice", {"Id": current["Id"], "SyncToken": current["SyncToken"]}, operation="void")
    assert (voided["Id"], voided["TotalAmt"], voided["Balance"], voided["LinkedTxn"]) == (invoice["Id"], 0, 0, [])
    assert voided["PrivateNote"].startswith("Voided")
    assert [part["Amount"] for part in voided["Line"]] == [0, 0]
    freed = books.again("Payment", payment)
    assert (freed["UnappliedAmt"], freed["Line"], freed["SyncToken"]) == (60, [], "1")
    assert books.again("Customer", customer)["Balance"] == -60


def test_a_deleted_invoice_is_gone_and_leaves_its_payment_unapplied(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 100)
    payment = books.payment(customer, 60, (invoice, 60))
    current = books.again("Invoice", invoice)
    status, answer = books.post("invoice", {"Id": invoice["Id"], "SyncToken": current["SyncToken"]}, operation="delete")
    assert status == 200
    assert answer["Invoice"] == {"domain": "QBO", "status": "Deleted", "Id": invoice["Id"]}
    status, answer = books.get(f"invoice/{invoice['Id']}")
    assert (status, answer["Fault"]["Error"][0]["code"]) == (400, "610")
    assert books.again("Payment", payment)["UnappliedAmt"] == 60
    assert books.again("Customer", customer)["Balance"] == -60


def test_a_posting_moves_the_customers_time_but_not_its_token(books: Books) -> None:
    customer = books.customer()
    requests.post(f"{books.base}/_sandbox/clock", json={"advance_seconds": 5}, timeout=10)
    books.invoice(customer, books.item())
    seen = books.again("Customer", customer)
    assert seen["SyncToken"] == customer["SyncToken"]
    assert seen["MetaData"]["LastUpdatedTime"] > customer["MetaData"]["LastUpdatedTime"]


def test_receivables_income_and_tax_accounts_follow_the_documents(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item, Line=[line(item, 100, "TAX")], TxnTaxDetail=CALIFORNIA)
    books.payment(customer, 50, (invoice, 50))
    accounts = books.query("select * from Account maxresults 1000")["Account"]
    balances = {one["Name"]: one["CurrentBalance"] for one in accounts}
    assert balances["Accounts Receivable (A/R)"] == 58
    assert balances["Undeposited Funds"] == 50
    assert balances["Board of Equalization Payable"] == -8
    assert balances["Services"] == 0


def test_selling_an_inventory_item_lowers_its_quantity_and_a_removal_brings_it_back(books: Books) -> None:
    accounts = {"IncomeAccountRef": "28", "AssetAccountRef": "30", "ExpenseAccountRef": "29"}
    stock = {"Type": "Inventory", "TrackQtyOnHand": True, "QtyOnHand": 5, "InvStartDate": "2026-01-01"}
    pump = books.item("Pump", **stock, **{key: {"value": value} for key, value in accounts.items()})
    customer = books.customer()
    sent = line(pump, 50, Qty=2, UnitPrice=25)
    made = books.make("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [sent]})
    sold = books.again("Item", pump)
    assert (sold["QtyOnHand"], sold["SyncToken"]) == (3, pump["SyncToken"])
    changed = books.change("Invoice", made, Line=[line(pump, 25, Qty=1, UnitPrice=25)])
    assert books.again("Item", pump)["QtyOnHand"] == 4
    books.post("invoice", {"Id": made["Id"], "SyncToken": changed["SyncToken"]}, operation="delete")
    assert books.again("Item", pump)["QtyOnHand"] == 5


def test_a_total_below_what_was_applied_and_a_new_customer_of_a_paid_invoice_are_refused(books: Books) -> None:
    customer, item = books.customer(), books.item()
    invoice = books.invoice(customer, item, 100)
    books.payment(customer, 60, (invoice, 60))
    base = {"Id": invoice["Id"], "SyncToken": "1", "sparse": True}
    assert books.refused("invoice", {**base, "Line": [line(item, 50)]})[1] == "6000"
    other = books.customer("Other")
    assert books.refused("invoice", {**base, "CustomerRef": {"value": other["Id"]}})[1] == "620"


def test_nothing_is_written_into_closed_books(books: Books) -> None:
    customer, item = books.customer(), books.item()
    old = books.invoice(customer, item, TxnDate="2026-01-15")
    books.ui(act="close_books", date="2026-01-31")
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)]}
    assert books.refused("invoice", {**body, "TxnDate": "2026-01-31"})[1] == "6210"
    assert (
        books.refused("invoice", {"Id": old["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"})[1] == "6210"
    )
    assert books.refused("invoice", {"Id": old["Id"], "SyncToken": "0"}, operation="delete")[1] == "6210"
    newer = books.invoice(customer, item, TxnDate="2026-02-01")
    moved = {"Id": newer["Id"], "SyncToken": "0", "sparse": True, "TxnDate": "2026-01-10"}
    assert books.refused("invoice", moved)[1] == "6210"
    assert books.payment(customer, 100, (old, 100))["UnappliedAmt"] == 0
    assert books.read("Preferences", "1")["AccountingInfoPrefs"]["BookCloseDate"] == "2026-01-31"


def test_a_tax_code_of_two_rates_is_made_in_one_call_and_taxes_by_rate(books: Books) -> None:
    rates = [
        {"TaxRateName": name, "RateValue": value, "TaxAgencyId": "1", "TaxApplicableOn": "Sales"}
        for name, value in (("State", "7.1"), ("City", "2"))
    ]
    status, made = books.post("taxservice/taxcode", {"TaxCode": "Tucson", "TaxRateDetails": rates})
    assert status == 200
    assert made["TaxCode"] == "Tucson"
    item = books.item()
    taxed = {"TxnTaxCodeRef": {"value": made["TaxCodeId"]}}
    invoice = books.invoice(books.customer(), item, Line=[line(item, 422, "TAX")], TxnTaxDetail=taxed)
    assert [money(part["Amount"]) for part in invoice["TxnTaxDetail"]["TaxLine"]] == [money("29.96"), money("8.44")]
    assert books.refused("taxservice/taxcode", {"TaxCode": "tucson", "TaxRateDetails": rates})[1] == "6240"


def test_the_link_of_an_invoice_comes_to_who_asks_for_it_where_it_can_be_paid_online(books: Books) -> None:
    customer, item = books.customer(), books.item()
    online = {"AllowOnlineCreditCardPayment": True, "BillEmail": {"Address": "a@b.test"}}
    made = books.invoice(customer, item, **online)
    assert "InvoiceLink" not in made
    _, answer = books.get(f"invoice/{made['Id']}", include="invoiceLink")
    assert answer["Invoice"]["InvoiceLink"].startswith("https://")
    base = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    changed = books.make("Invoice", base, include="invoiceLink")
    assert changed["InvoiceLink"] == answer["Invoice"]["InvoiceLink"]
    assert "InvoiceLink" not in books.again("Invoice", made)
    plain = books.invoice(customer, item, BillEmail={"Address": "a@b.test"})
    assert "InvoiceLink" not in books.get(f"invoice/{plain['Id']}", include="invoiceLink")[1]["Invoice"]


def test_more_than_three_custom_fields_need_a_request_for_all_of_them(books: Books) -> None:
    customer, item = books.customer(), books.item()
    field = {"DefinitionId": "1000000001", "Name": "Plot", "StringValue": "7b"}
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item)], "CustomField": [field]}
    assert books.refused("invoice", body)[1] == "3000"
    made = books.make("Invoice", body, include="enhancedAllCustomFields")
    assert made["CustomField"] == [{**field, "Type": "StringType"}]
    assert books.change("Invoice", made, CustomField=made["CustomField"])["CustomField"] == made["CustomField"]
