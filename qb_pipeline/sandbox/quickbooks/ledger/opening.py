"""The books of a company that was loaded from recorded objects.

Invariant: after loading, every recorded balance equals the sum of its postings; what the recorded transactions do not
explain stands in one opening position, dated before them all and offset on retained earnings.

    open_books(company)    posts every loaded transaction without moving a recorded balance, then the opening position
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, loads, number
from qb_pipeline.sandbox.quickbooks.ledger.balances import SHOWN, shown
from qb_pipeline.sandbox.quickbooks.ledger.book import balance_of_account, balance_of_document, replace, total_of
from qb_pipeline.sandbox.quickbooks.ledger.foreign import control_account, in_home
from qb_pipeline.sandbox.quickbooks.ledger.post import is_foreign
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting, difference
from qb_pipeline.sandbox.quickbooks.ledger.rules import RULES
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import ADJUSTMENT
from qb_pipeline.sandbox.quickbooks.ledger.stock.record import open_stock, recorded_moves
from qb_pipeline.sandbox.quickbooks.ledger.stock.shelf import Entry
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE, ref_value

OPENING: Reference = ("Opening", "1")
# Documents that show what is open on them, and its sign in the ledger.
OPEN_ON = {"Invoice": 1, "CreditMemo": -1, "Bill": -1, "VendorCredit": 1}


def open_books(company: Company) -> None:
    """Post everything that was loaded, and the position it began with."""
    entries: list[Entry] = []
    # In the order of the rules: documents before what settles them.
    for entity in (*RULES, ADJUSTMENT):
        for obj in loaded(company, entity):
            postings = post_recorded(company, entity, obj) if entity in RULES else []
            entries += recorded_moves(company, entity, obj, postings)
    open_stock(company, entries)
    position = [*document_differences(company)]
    position += party_differences(company, position)
    position += account_differences(company, position)
    rest = difference(position)
    if rest:
        position.append(Posting(account_for(company, "RetainedEarnings"), -rest, memo="Earlier years"))
    if position:
        replace(company, OPENING, opening_day(company), position)
    for account in loaded(company, "Account"):
        if is_new(company, account):
            show_balance(company, account)


def is_new(company: Company, account: JsonObject) -> bool:
    """Whether the account was not recorded but made while loading, so that its balance is nobody's word."""
    return (account.get("MetaData") or {}).get("CreateTime") == company.stamp


def show_balance(company: Company, account: JsonObject) -> None:
    """Let an account show what is posted to it."""
    identifier = str(account["Id"])
    own = shown(account, balance_of_account(company, identifier, own=is_foreign(company, identifier)))
    balances = {key: number(own) for key in ("CurrentBalance", "CurrentBalanceWithSubAccounts")}
    company.store.put("Account", {**account, **balances}, account)


def loaded(company: Company, entity: str) -> Iterator[JsonObject]:
    """Every stored object of an entity."""
    statement = "SELECT body FROM objects WHERE c = ? AND entity = ? ORDER BY num"
    for (body,) in company.store.conn.execute(statement, (company.store.company, entity)).fetchall():
        yield loads(body)


def post_recorded(company: Company, entity: str, obj: JsonObject) -> list[Posting]:
    """A recorded transaction; what its recorded figures leave open gets a posting too."""
    postings = in_home(company, (entity, str(obj["Id"])), obj, RULES[entity](company, obj))
    rest = difference(postings)
    if rest:
        postings.append(unexplained(company, obj, -rest))
    replace(company, (entity, str(obj["Id"])), str(obj.get("TxnDate") or ""), postings)
    return postings


def unexplained(company: Company, obj: JsonObject, amount: Decimal) -> Posting:
    """What the lines leave open: income where the API does not show the charge behind it, else opening equity."""
    if any(link.get("TxnType") == "StatementCharge" for link in obj.get("LinkedTxn") or []):
        return Posting(account_for(company, "ServiceFeeIncome"), amount, memo="Statement charge")
    equity = account_for(company, "OpeningBalanceEquity")
    return Posting(equity, amount, memo="Not explained by the recorded lines")


def document_differences(company: Company) -> Iterator[Posting]:
    """Open amounts that the recorded payments do not explain."""
    for entity, sign in OPEN_ON.items():
        receivable = entity in ("Invoice", "CreditMemo")
        for obj in loaded(company, entity):
            document: Reference = (entity, str(obj["Id"]))
            rate = decimal_of(obj.get("ExchangeRate", 1))
            own = sign * decimal_of(obj.get("Balance"))
            missing = cents(own * rate) - balance_of_document(company, document)
            if missing:
                own -= total_of(company, "doc = ? AND doc_id = ?", *document, own=True)
                role = "AccountsReceivable" if receivable else "AccountsPayable"
                key = "CustomerRef" if receivable else "VendorRef"
                party: Reference = (key.removesuffix("Ref"), ref_value(obj, key) or "")
                account, foreign = account_for(company, role), None if rate == 1 else own
                if "ExchangeRate" in obj:
                    account = control_account(company, account, str(ref_value(obj, "CurrencyRef")))
                yield Posting(account, missing, party, document, memo="Settled outside the record", foreign=foreign)


def party_differences(company: Company, before: list[Posting]) -> Iterator[Posting]:
    """Balances of customers and vendors that their documents do not explain."""
    posted = posted_by_party(company)
    for one in before:
        if one.party is not None:
            posted[one.party] += own_amount(one)
    for entity, role, sign in (("Customer", "AccountsReceivable", 1), ("Vendor", "AccountsPayable", -1)):
        for obj in loaded(company, entity):
            party: Reference = (entity, str(obj["Id"]))
            missing = sign * decimal_of(obj.get("Balance")) - posted[party]
            if missing:
                yield Posting(account_for(company, role), missing, party, OPENING, memo="Balance brought forward")


def posted_by_party(company: Company) -> defaultdict[Reference, Decimal]:
    """What is open with each party, in its own currency, as its documents are."""
    rows = company.store.conn.execute(
        "SELECT party, party_id, sum(coalesce(foreign_amount, amount)) FROM postings"
        " WHERE c = ? AND doc IS NOT NULL AND party IS NOT NULL GROUP BY 1, 2",
        (company.store.company,),
    )
    return defaultdict(Decimal, {(party, party_id): Decimal(total) / SCALE for party, party_id, total in rows})


def account_differences(company: Company, before: list[Posting]) -> Iterator[Posting]:
    """Balances of accounts that the recorded transactions do not explain; inactive accounts show none to explain."""
    for obj in loaded(company, "Account"):
        if (
            obj.get("Classification") not in SHOWN
            or obj.get("Active") is False
            or is_new(company, obj)
            or obj.get("AccountSubType") == "RetainedEarnings"
        ):
            continue
        own = is_foreign(company, str(obj["Id"]))
        posted = balance_of_account(company, str(obj["Id"]), own=own)
        mine = (one for one in before if one.account == obj["Id"])
        posted += sum((own_amount(one) if own else one.amount for one in mine), Decimal(0))
        missing = decimal_of(obj.get("CurrentBalance")) - posted
        if missing:
            yield Posting(str(obj["Id"]), missing, memo="Balance brought forward")


def own_amount(posting: Posting) -> Decimal:
    """The amount in the currency of the transaction."""
    return posting.amount if posting.foreign is None else posting.foreign


def opening_day(company: Company) -> str:
    """The day before the first transaction."""
    statement = "SELECT min(txn_date) FROM objects WHERE c = ? AND txn_date IS NOT NULL"
    (first,) = company.store.conn.execute(statement, (company.store.company,)).fetchone()
    day = date.fromisoformat(first) if first else company.now.date()
    return (day - timedelta(days=1)).isoformat()
