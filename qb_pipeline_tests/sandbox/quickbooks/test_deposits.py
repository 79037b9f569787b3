"""Deposits of more than payments, and deposits that are a customer's credit."""

from __future__ import annotations

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
