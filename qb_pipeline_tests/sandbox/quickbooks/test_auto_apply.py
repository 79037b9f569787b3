"""Credits and payments that QBO applies by itself."""

from __future__ import annotations

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, line


def prefer(books: Books, **values: object) -> None:
    books.ui(act="edit", entity="Preferences", id="1", fields={"SalesFormsPrefs": values})


def credit(books: Books, customer: Body, item: Body, amount: object, **fields: object) -> Body:
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, amount)], **fields}
    return books.make("CreditMemo", body)


def payments(books: Books) -> list[Body]:
    found: list[Body] = books.query("select * from Payment orderby Id")["Payment"]
    return found


def test_a_new_invoice_uses_up_open_credits_oldest_first_through_a_payment_nobody_wrote(books: Books) -> None:
    customer, item = books.customer(), books.item()
    late = credit(books, customer, item, 40, TxnDate="2026-03-05")
    early = credit(books, customer, item, 30, TxnDate="2026-03-01")
    prefer(books, AutoApplyCredit=True)
    invoice = books.invoice(customer, item, 50)
    (made,) = payments(books)
    assert (made["TotalAmt"], made["UnappliedAmt"]) == (0, 0)
    assert [(part["Amount"], part["LinkedTxn"][0]["TxnId"]) for part in made["Line"]] == [
        (50, invoice["Id"]),
        (30, early["Id"]),
        (20, late["Id"]),
    ]
    # The answer to the create already shows it.
    assert (invoice["Balance"], invoice["LinkedTxn"]) == (0, [{"TxnId": made["Id"], "TxnType": "Payment"}])
    assert books.again("CreditMemo", late)["Balance"] == 20
    assert books.again("Customer", customer)["Balance"] == -20


def test_a_new_invoice_uses_up_payments_that_were_not_applied(books: Books) -> None:
    customer, item = books.customer(), books.item()
    payment = books.payment(customer, 70)
    prefer(books, AutoApplyCredit=True)
    invoice = books.invoice(customer, item, 50)
    used = books.again("Payment", payment)
    assert (invoice["Balance"], used["UnappliedAmt"], used["SyncToken"]) == (0, 20, "1")
    assert used["Line"][0]["LinkedTxn"] == [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    assert books.again("Customer", customer)["Balance"] == -20


def test_a_new_credit_memo_is_used_on_open_invoices_oldest_first(books: Books) -> None:
    customer, item = books.customer(), books.item()
    late = books.invoice(customer, item, 100, TxnDate="2026-03-05")
    early = books.invoice(customer, item, 60, TxnDate="2026-03-01")
    prefer(books, AutoApplyCredit=True)
    memo = credit(books, customer, item, 70)
    assert (memo["Balance"], memo["RemainingCredit"]) == (0, 0)
    assert (books.again("Invoice", early)["Balance"], books.again("Invoice", late)["Balance"]) == (0, 90)
    (made,) = payments(books)
    assert [part["Amount"] for part in made["Line"]] == [60, 10, 70]
    assert books.again("Customer", customer)["Balance"] == 90


def test_credits_of_others_and_credits_without_the_preference_stay_open(books: Books) -> None:
    item, customer, other = books.item(), books.customer(), books.customer("Other")
    books.payment(customer, 70)
    assert books.invoice(customer, item, 50)["Balance"] == 50
    prefer(books, AutoApplyCredit=True)
    assert books.invoice(other, item, 50)["Balance"] == 50


def test_a_payment_without_lines_pays_the_oldest_invoices_where_the_preference_says_so(books: Books) -> None:
    customer, item = books.customer(), books.item()
    late = books.invoice(customer, item, 100, TxnDate="2026-03-05")
    early = books.invoice(customer, item, 60, TxnDate="2026-03-01")
    assert books.payment(customer, 1)["UnappliedAmt"] == 1
    prefer(books, AutoApplyPayments=True)
    made = books.make("Payment", {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": 90})
    assert (made["UnappliedAmt"], [part["Amount"] for part in made["Line"]]) == (0, [60, 30])
    assert (books.again("Invoice", early)["Balance"], books.again("Invoice", late)["Balance"]) == (0, 70)
    # Somebody who sends an empty list wants nothing applied.
    assert books.payment(customer, 5)["UnappliedAmt"] == 5
