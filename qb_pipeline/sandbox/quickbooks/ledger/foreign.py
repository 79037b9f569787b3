"""Postings of a transaction in another currency, in home currency.

Invariant: debits equal credits at home too; an open item always stands in the books at its own document's rate, so that
nothing is left of it when it is settled, and what a payment at another rate is worth more or less is a realised gain.
"""

from dataclasses import replace
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting, difference
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import CONTROL
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE, ref_value

OPEN = (
    "SELECT coalesce(sum(coalesce(foreign_amount, amount)), 0), coalesce(sum(amount), 0) FROM postings"
    " WHERE c = ? AND doc = ? AND doc_id = ? AND NOT (entity = ? AND id = ?)"
)
OF_CURRENCY = (
    "SELECT id FROM objects WHERE c = ? AND entity = 'Account' AND active = 1"
    " AND json_extract(body, '$.AccountType') = ? AND json_extract(body, '$.CurrencyRef.value') = ? ORDER BY num"
)


def in_home(company: Company, transaction: Reference, obj: JsonObject, postings: list[Posting]) -> list[Posting]:
    """The postings as they are for a transaction in the home currency, else with home amounts and the foreign ones."""
    code = ref_value(obj, "CurrencyRef")
    if "ExchangeRate" not in obj or code is None or code == ref_value({"home": company.currency_of(None)}, "home"):
        return postings
    rate = decimal_of(obj["ExchangeRate"])
    result, changed, deposited = [], Changed(), taken_in(company, transaction, obj)
    for position, one in enumerate(postings):
        account = control_account(company, one.account, code)
        if settles(one, transaction):
            amount = settled(company, transaction, one, changed)
        else:
            amount = deposited.get(position, cents(one.amount * rate))
        result.append(replace(one, account=account, amount=amount, foreign=one.amount))
    realises = bool(deposited) or any(settles(one, transaction) for one in result)
    return balanced(company, result, realises=realises)


class Changed(dict[Reference, tuple[Decimal, Decimal]]):
    """What the transaction itself has moved on each document so far: (foreign, home)."""


def taken_in(company: Company, transaction: Reference, obj: JsonObject) -> dict[int, Decimal]:
    """Home amounts of what a deposit takes in, at the rates it was received at, by position among its postings."""
    if transaction[0] != "Deposit":
        return {}
    found: dict[int, Decimal] = {}
    # The rule posts the bank first, then one line after the other.
    for position, line in enumerate(obj.get("Line") or [], 1):
        for link in (line.get("LinkedTxn") or [])[:1]:
            source = company.store.get(str(link.get("TxnType")), str(link.get("TxnId"))) or {}
            found[position] = -cents(decimal_of(line.get("Amount")) * decimal_of(source.get("ExchangeRate", 1)))
    return found


def settles(posting: Posting, transaction: Reference) -> bool:
    """Whether it moves another transaction's open item."""
    return posting.document is not None and posting.document != transaction


def settled(company: Company, transaction: Reference, posting: Posting, changed: Changed) -> Decimal:
    """The home amount that leaves the document with its open amount at its own rate."""
    document = posting.document or transaction
    row = company.store.conn.execute(OPEN, (company.store.company, *document, *transaction)).fetchone()
    own_foreign, own_home = changed.get(document, (Decimal(0), Decimal(0)))
    foreign, home = Decimal(row[0]) / SCALE + own_foreign, Decimal(row[1]) / SCALE + own_home
    rate = decimal_of((company.store.get(*document) or {}).get("ExchangeRate", 1))
    amount = cents((foreign + posting.amount) * rate) - home
    changed[document] = (own_foreign + posting.amount, own_home + amount)
    return amount


def control_account(company: Company, account: str, code: str) -> str:
    """Receivables and payables are kept in an account for each currency, made on first use."""
    found = company.store.get("Account", account) or {}
    kind = found.get("AccountType")
    if kind not in CONTROL or ref_value(found, "CurrencyRef") == code:
        return account
    row = company.store.conn.execute(OF_CURRENCY, (company.store.company, kind, code)).fetchone()
    if row is not None:
        return str(row[0])
    name = f"{found['Name']} - {code}"
    made = {
        **{key: value for key, value in found.items() if key not in ("Id", "SyncToken", "MetaData")},
        "Name": name,
        "FullyQualifiedName": name,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
        "CurrencyRef": company.currency_of({"value": code}),
        "Id": str(company.store.next_number("Account")),
    }
    return str(company.save("Account", made, None, tuple(made), "Create")["Id"])


def balanced(company: Company, postings: list[Posting], *, realises: bool) -> list[Posting]:
    """Cents lost in rounding go to the largest line; what money got at another rate leaves is gain or loss."""
    rest = difference(postings)
    if not rest:
        return postings
    if realises:
        account = account_for(company, "ExchangeGainOrLoss")
        return [*postings, Posting(account, -rest, memo="Realised exchange gain or loss")]
    free = [n for n, one in enumerate(postings) if one.document is None]
    if not free:
        return postings
    largest = max(free, key=lambda n: abs(postings[n].amount))
    return [replace(one, amount=one.amount - rest) if n == largest else one for n, one in enumerate(postings)]
