"""Transactions as lines of a list: one each, with the account where its money is.

Invariant: every transaction dated in the range is listed once, also those that post nothing: voided ones, estimates.

    transactions(company, asked) -> [Entry, ...] by day
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import dumps
from qb_pipeline.sandbox.quickbooks.ledger.rules import RULES
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked, a_date
from qb_pipeline.sandbox.quickbooks.reports.chart import chart
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import in_order
from qb_pipeline.sandbox.quickbooks.reports.entries import SPLIT, SPLITS, TRANSACTION, Entry, Names, transaction_part
from qb_pipeline.sandbox.quickbooks.reports.lines import amount, select

# Transactions that post nothing, with the account reports show for them.
NOT_POSTING = {"Estimate": "AccountsReceivable", "PurchaseOrder": "AccountsPayable"}
LISTED = [*RULES, "InventoryAdjustment", *NOT_POSTING]
CHOSEN = """WITH p AS (
  SELECT c, entity, id FROM objects
  WHERE c = :c AND entity IN (SELECT value FROM json_each(:entities)) AND txn_date BETWEEN :since AND :until
)"""
COLUMNS = (
    *TRANSACTION,
    "o.txn_date",
    "CASE WHEN json_extract(o.body, '$.CustomerRef.value') IS NOT NULL THEN 'Customer'"
    " WHEN json_extract(o.body, '$.VendorRef.value') IS NOT NULL THEN 'Vendor'"
    " ELSE json_extract(o.body, '$.EntityRef.type') END",
    "coalesce(json_extract(o.body, '$.CustomerRef.value'), json_extract(o.body, '$.VendorRef.value'),"
    " json_extract(o.body, '$.EntityRef.value'))",
    "json_extract(o.body, '$.DepartmentRef.value')",
    "(SELECT h.amount FROM postings h WHERE h.c = :c AND h.entity = p.entity AND h.id = p.id AND h.part = 'own'"
    " ORDER BY h.n LIMIT 1)",
    *SPLITS,
)
# Names of the filter transaction_type that are not the entity's own.
TYPES = {
    "ReceivePayment": "Payment",
    "CreditRefund": "RefundReceipt",
    "BillPaymentCheck": "BillPayment",
    "BillPaymentCreditCard": "BillPayment",
    "Check": "Purchase",
    "CashPurchase": "Purchase",
    "CreditCardCharge": "Purchase",
    "CreditCardCredit": "Purchase",
    "InventoryQuantityAdjustment": "InventoryAdjustment",
}


def transactions(company: Company, asked: Asked) -> list[Entry]:
    """The list, filtered and in order."""
    statement = " ".join(
        (
            CHOSEN, "SELECT", ", ".join(COLUMNS), "FROM p JOIN objects o ON o.c = p.c AND o.entity = p.entity",
            "AND o.id = p.id ORDER BY o.txn_date, o.num, o.entity",
        )
    )  # fmt: skip
    parameters = {
        "c": company.store.company,
        "entities": dumps(LISTED),
        "since": asked.start.isoformat(),
        "until": asked.end.isoformat(),
    }
    known = Names(company, chart(company))
    found = [listed(company, row, known) for row in company.store.conn.execute(statement, parameters)]
    touched = matching(company, asked)
    kept = (one for one in found if touched is None or (one.entity, one.id) in touched or by_party(asked, one))
    return in_order(asked, [one for one in kept if wanted(asked, one)])


def listed(company: Company, row: tuple[Any, ...], known: Names) -> Entry:
    """One transaction."""
    made = transaction_part(row)
    date, party, party_id, department, head, first, second, count = row[14:]
    party = str(party).capitalize() if party else ""
    posting = made.entity not in NOT_POSTING
    account = first if posting else account_of_subtype(company, NOT_POSTING[made.entity])
    return replace(
        made,
        date=date,
        name=known.of(party or None, party_id),
        party=party,
        account=known.account(account),
        split=(SPLIT, "") if count > 2 else known.account(second),
        amount=shown(made, head, account, known),
        debit=amount(head or 0),
        posting=posting,
        department=known.of("Department", department),
    )


def shown(made: Entry, head: int | None, account: str | None, known: Names) -> Decimal:
    """What the transaction moved on its first account; a payment that only applies credits moved nothing."""
    if head is None or (made.entity in ("Payment", "BillPayment") and not made.amount):
        return made.amount
    found = known.accounts.get(account or "")
    return amount(head) * (1 if found is None else found.sign)


def matching(company: Company, asked: Asked) -> set[tuple[str, str]] | None:
    """The transactions with a posting that passes the filters; None without filters."""
    if not asked.filters:
        return None
    bounds = {"since": asked.start.isoformat(), "until": asked.end.isoformat()}
    rows = select(company, replace(asked, cash=False), ("DISTINCT p.entity", "p.id"), bounds)
    return {(entity, identifier) for entity, identifier in rows}


def by_party(asked: Asked, one: Entry) -> bool:
    """Whether a transaction without postings is of a party asked for, and nothing else was asked."""
    if set(asked.filters) - {"customer", "vendor", "employee"}:
        return False
    return one.name[1] in asked.filters.get(one.party.lower(), ())


def wanted(asked: Asked, one: Entry) -> bool:
    """The filters that go by the transaction alone."""
    kinds = {TYPES.get(kind, kind) for kind in asked.listed("transaction_type")}
    number, since, until = asked.values.get("docnum"), day(asked, "start_duedate"), day(asked, "end_duedate")
    return (
        (not kinds or one.entity in kinds)
        and (number is None or one.number == number)
        and (since is None or one.due >= since)
        and (until is None or "" < one.due <= until)
        and paid(asked.choices["arpaid"], one, ("Invoice", "CreditMemo"))
        and paid(asked.choices["appaid"], one, ("Bill", "VendorCredit"))
        and cleared(asked.choices["cleared"])
    )


def day(asked: Asked, name: str) -> str | None:
    """A date parameter as text."""
    found = a_date(asked.values, name)
    return None if found is None else found.isoformat()


def paid(state: str, one: Entry, kinds: tuple[str, ...]) -> bool:
    """Paid and Unpaid keep documents of their side alone."""
    return state == "All" or (one.entity in kinds and bool(one.open) == (state == "Unpaid"))


def cleared(state: str) -> bool:
    """Nothing is ever reconciled with a bank statement here, so nothing has cleared."""
    return state in ("All", "Uncleared")
