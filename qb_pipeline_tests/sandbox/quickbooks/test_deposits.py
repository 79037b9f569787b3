"""Deposits of more than payments, and deposits that are a customer's credit."""

from __future__ import annotations

import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

UNDEPOSITED, CHECKING, RECEIVABLES, SAVINGS = "4", "25", "31", "26"


def entry(books: Books, *lines: tuple[str, str, object]) -> Body:
    """A journal entry of (account, Debit or Credit, amount)."""
    parts = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": amount,
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}},
        }
        for account, side, amount in lines
    ]
    return books.make("JournalEntry", {"Line": parts})


def take(kind: str, obj: Body, part: str | None = None) -> Body:
    link = {"TxnId": obj["Id"], "TxnType": kind}
    return {"LinkedTxn": [{**link, "TxnLineId": part} if part else link]}


def bank(books: Books, *lines: Body) -> Body:
    return books.make("Deposit", {"DepositToAccountRef": {"value": CHECKING}, "Line": list(lines)})


def balance(books: Books, account: str) -> object:
    return books.read("Account", account)["CurrentBalance"]


def test_each_line_of_a_journal_entry_in_undeposited_funds_is_deposited_by_itself(books: Books) -> None:
    made = entry(books, (UNDEPOSITED, "Debit", 30), (UNDEPOSITED, "Debit", 12), ("1", "Credit", 42))
    first, second = (part["Id"] for part in made["Line"][:2])
    deposit = bank(books, take("JournalEntry", made, second))
    assert deposit["Line"] == [
        {"Amount": 12, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "JournalEntry", "TxnLineId": second}]}
    ]
    assert (balance(books, UNDEPOSITED), balance(books, CHECKING)) == (30, 12)
    frozen = books.again("JournalEntry", made)
    base = {"Id": made["Id"], "SyncToken": frozen["SyncToken"], "sparse": True}
    assert books.refused("journalentry", {**base, "PrivateNote": "x"})[1] == "6540"
    both = books.change("Deposit", deposit, Line=[*deposit["Line"], take("JournalEntry", made, first)])
    assert (both["TotalAmt"], balance(books, UNDEPOSITED)) == (42, 0)


def test_a_line_deposited_once_is_not_deposited_again(books: Books) -> None:
    made = entry(books, (UNDEPOSITED, "Debit", 30), ("1", "Credit", 30))
    bank(books, take("JournalEntry", made))
    body = {"DepositToAccountRef": {"value": CHECKING}, "Line": [take("JournalEntry", made)]}
    assert books.refused("deposit", body)[:2] == (400, "6000")


def test_a_transfer_into_undeposited_funds_is_deposited_and_frozen(books: Books) -> None:
    made = books.make(
        "Transfer",
        {"FromAccountRef": {"value": SAVINGS}, "ToAccountRef": {"value": UNDEPOSITED}, "Amount": 15},
    )
    assert bank(books, take("Transfer", made))["TotalAmt"] == 15
    current = books.again("Transfer", made)
    assert books.refused("transfer", {"Id": made["Id"], "SyncToken": current["SyncToken"]}, operation="delete")[1] == (
        "6540"
    )


def test_what_does_not_lie_in_undeposited_funds_cannot_be_deposited(books: Books) -> None:
    made = entry(books, (SAVINGS, "Debit", 30), ("1", "Credit", 30))
    body = {"DepositToAccountRef": {"value": CHECKING}, "Line": [take("JournalEntry", made)]}
    assert "not in Undeposited Funds" in books.refused("deposit", body)[2]


def from_customer(customer: Body, amount: object) -> Body:
    party = {"value": customer["Id"], "type": "CUSTOMER"}
    detail = {"AccountRef": {"value": RECEIVABLES}, "Entity": party}
    return {"Amount": amount, "DetailType": "DepositLineDetail", "DepositLineDetail": detail}


def test_a_deposit_on_receivables_needs_a_customer_and_is_the_customers_credit(books: Books) -> None:
    customer = books.customer()
    nobody = {"Amount": 50, "DepositLineDetail": {"AccountRef": {"value": RECEIVABLES}}}
    body = {"DepositToAccountRef": {"value": CHECKING}, "Line": [nobody]}
    assert books.refused("deposit", body)[:2] == (400, "6000")
    bank(books, from_customer(customer, 50))
    assert books.again("Customer", customer)["Balance"] == -50
    assert balance(books, RECEIVABLES) == -50


def apply(kind: str, obj: Body, amount: object) -> Body:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": obj["Id"], "TxnType": kind}]}


def settle(books: Books, customer: Body, total: object, *lines: Body) -> Body:
    body = {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": total, "Line": list(lines)}
    return books.make("Payment", body)


def test_a_payment_applies_a_deposit_on_receivables_to_an_invoice(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, books.item(), 80)
    deposit = bank(books, from_customer(customer, 50))
    made = settle(books, customer, 0, apply("Invoice", invoice, 50), apply("Deposit", deposit, 50))
    assert (made["UnappliedAmt"], books.again("Invoice", invoice)["Balance"]) == (0, 30)
    assert books.again("Customer", customer)["Balance"] == 30
    body = {"CustomerRef": {"value": customer["Id"]}, "TotalAmt": 0}
    more = [apply("Invoice", invoice, 1), apply("Deposit", deposit, 1)]
    assert books.refused("payment", {**body, "Line": more})[:2] == (400, "6000")
    current = books.again("Deposit", deposit)
    books.post("deposit", {"Id": deposit["Id"], "SyncToken": current["SyncToken"]}, operation="delete")
    assert (books.again("Invoice", invoice)["Balance"], books.again("Payment", made)["Line"]) == (80, [])
    assert books.again("Customer", customer)["Balance"] == 80


def of_customer(books: Books, customer: Body, side: str, amount: object) -> Body:
    """A journal entry on receivables against income."""
    entity = {"Type": "Customer", "EntityRef": {"value": customer["Id"]}}
    other = "Credit" if side == "Debit" else "Debit"
    parts = [(RECEIVABLES, side, {"Entity": entity}), ("1", other, {})]
    lines = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": amount,
            "JournalEntryLineDetail": {"PostingType": posting, "AccountRef": {"value": account}, **more},
        }
        for account, posting, more in parts
    ]
    return books.make("JournalEntry", {"Line": lines})


def test_a_payment_pays_a_debit_of_a_journal_entry_and_uses_up_a_credit(books: Books) -> None:
    customer, stranger = books.customer(), books.customer("Stranger")
    debit, credit = of_customer(books, customer, "Debit", 60), of_customer(books, customer, "Credit", 25)
    made = settle(books, customer, 35, apply("JournalEntry", debit, 60), apply("JournalEntry", credit, 25))
    assert made["UnappliedAmt"] == 0
    assert (books.again("Customer", customer)["Balance"], balance(books, RECEIVABLES)) == (0, 0)
    body = {"CustomerRef": {"value": stranger["Id"]}, "TotalAmt": 5, "Line": [apply("JournalEntry", debit, 5)]}
    assert books.refused("payment", body)[:2] == (400, "620")


def test_a_payment_pays_an_expense_made_out_on_receivables(books: Books) -> None:
    customer = books.customer()
    detail = {"AccountRef": {"value": RECEIVABLES}, "CustomerRef": {"value": customer["Id"]}}
    cost = {"Amount": 20, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": detail}
    party = {"value": customer["Id"], "type": "Customer"}
    bought = books.make(
        "Purchase",
        {"PaymentType": "Check", "AccountRef": {"value": CHECKING}, "EntityRef": party, "Line": [cost]},
    )
    assert books.again("Customer", customer)["Balance"] == 20
    made = settle(books, customer, 20, apply("Check", bought, 20))
    assert (made["UnappliedAmt"], books.again("Customer", customer)["Balance"]) == (0, 0)


def test_a_deposit_marks_what_it_takes_in_silently_or_with_a_token_as_the_switch_says(books: Books) -> None:
    customer = books.customer()
    first, second = books.payment(customer, 5), books.payment(customer, 6)
    deposit = bank(books, take("Payment", first))
    marked = books.again("Payment", first)
    assert marked == {**first, "LinkedTxn": [{"TxnId": deposit["Id"], "TxnType": "Deposit"}]}
    assert books.refused("payment", {"Id": first["Id"], "SyncToken": "0"}, operation="delete")[1] == "6540"
    url = f"{books.base}/_sandbox/switches"
    assert requests.post(url, json={"deposit_marks": "token"}, timeout=10).status_code == 200
    try:
        bank(books, take("Payment", second))
    finally:
        requests.post(url, json={"deposit_marks": "silent"}, timeout=10)
    assert books.again("Payment", second)["SyncToken"] == "1"


def test_a_payment_in_another_currency_is_deposited_in_the_currency_of_the_bank(books: Books) -> None:
    books.ui(act="edit", entity="Preferences", id="1", fields={"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    books.make("CompanyCurrency", {"Code": "EUR"})
    customer = books.customer("Hof Berg", CurrencyRef={"value": "EUR"})
    euros = books.make("Account", {"Name": "Euro bank", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}})
    rate = {"ExchangeRate": "1.1", "TxnDate": "2026-02-01"}
    at_home = bank(books, take("Payment", books.payment(customer, 100, **rate)))
    assert (at_home["TotalAmt"], balance(books, CHECKING)) == (110, 110)
    lines = [take("Payment", books.payment(customer, 50, **rate))]
    abroad = books.make("Deposit", {"DepositToAccountRef": {"value": euros["Id"]}, "Line": lines, **rate})
    assert (abroad["TotalAmt"], balance(books, euros["Id"]), balance(books, UNDEPOSITED)) == (50, 50, 0)
