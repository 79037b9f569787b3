"""Account: the chart of accounts.

Invariant: AccountType, AccountSubType and Classification always agree; balances are the ledger's.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.account_types import IMPLIED, TYPES, belongs
from qb_pipeline.sandbox.quickbooks.entities.common import CURRENCY, ECHOED, HEAD, NAME_VERBS, RO
from qb_pipeline.sandbox.quickbooks.entities.names import (
    Tree,
    apply_activity,
    children_of,
    place_in_tree,
    require_childless,
    require_unique,
    spread_name,
)
from qb_pipeline.sandbox.quickbooks.entities.opening_balance import open_account, opening_of_account
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_branch, shown
from qb_pipeline.sandbox.quickbooks.ledger.book import balance_of_account
from qb_pipeline.sandbox.quickbooks.ledger.post import is_foreign
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Property, Ref, Text

NUMBERED = (
    "SELECT id FROM objects WHERE c = ? AND entity = 'Account' AND json_extract(body, '$.AcctNum') = ? AND id <> ?"
)
TREE = Tree("Account", "Name", "SubAccount", level=False)
OWN: dict[str, Property] = {
    **ECHOED,
    "Name": Text(100, name=True),
    "AcctNum": Text(7),
    "Description": Text(4000),
    "Active": Flag(),
    "SubAccount": Flag(),
    "ParentRef": Ref("Account", named=False),
    "FullyQualifiedName": RO,
    "Classification": RO,
    "AccountType": Choice(tuple(TYPES)),
    "AccountSubType": Text(100),
    "CurrentBalance": RO,
    "CurrentBalanceWithSubAccounts": RO,
    "CurrencyRef": CURRENCY,
    "TaxCodeRef": Ref("TaxCode", named=False),
    "AccountAlias": Text(100),
    "OpeningBalance": MONEY,
    "OpeningBalanceDate": Day(),
}
LAYOUT = (
    "Name", "SubAccount", "ParentRef", "Description", "FullyQualifiedName", "Active", "Classification", "AccountType",
    "AccountSubType", "AcctNum", "CurrentBalance", "CurrentBalanceWithSubAccounts", "CurrencyRef", *HEAD,
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an account."""
    obj, before = draft.obj, draft.before
    if not obj.get("Name"):
        raise missing("Name")
    if '"' in obj["Name"]:
        raise Fault(2040, "Property Name must not hold a double quote.", element="Name")
    settle_type(obj, before)
    check_number(company, obj, before)
    require_childless(company, draft, "Account")
    apply_activity(draft, "Name")
    require_unique(company, "Account", obj, before)
    check_parent_type(company, obj)
    place_in_tree(company, draft, TREE)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    complete_balances(company, draft, opening_of_account(company, draft))
    return obj


def complete_balances(company: Company, draft: Draft, opening: Decimal) -> None:
    """An inactive account shows no balance although its postings remain; active again it shows what they come to."""
    obj, before = draft.obj, draft.before
    obj["CurrentBalance"] = obj["CurrentBalanceWithSubAccounts"] = 0
    if before is None:
        obj["CurrentBalance"] = obj["CurrentBalanceWithSubAccounts"] = number(opening)
    elif obj["Active"] is not False and before.get("Active") is not False:
        for key in ("CurrentBalance", "CurrentBalanceWithSubAccounts"):
            obj[key] = before.get(key, 0)
    elif obj["Active"] is not False:
        foreign = is_foreign(company, str(before["Id"]))
        own = shown(obj, balance_of_account(company, str(before["Id"]), own=foreign))
        below = children_of(company, "Account", before)
        subs = sum((decimal_of(child.get("CurrentBalanceWithSubAccounts")) for child in below), Decimal(0))
        obj["CurrentBalance"], obj["CurrentBalanceWithSubAccounts"] = number(own), number(own + subs)


def check_number(company: Company, obj: JsonObject, before: JsonObject | None) -> None:
    """6240 for an account number that another account has, where the company uses numbers."""
    given = obj.get("AcctNum")
    uses = (company.preferences().get("AccountingInfoPrefs") or {}).get("UseAccountNumbers")
    if not given or not uses or (before or {}).get("AcctNum") == given:
        return
    row = company.store.conn.execute(NUMBERED, (company.store.company, given, (before or {}).get("Id", ""))).fetchone()
    if row is not None:
        raise Fault(6240, f"The account number supplied already exists. : Id={row[0]}", element="AcctNum")


def settle_type(obj: JsonObject, before: JsonObject | None) -> None:
    """6010 without type and subtype; 2170 for a subtype that does not fit; the type of a used account stays."""
    for key in ("AccountType", "AccountSubType"):
        if before is not None and key not in obj and key in before:
            obj[key] = before[key]
    kind, subtype = obj.get("AccountType"), obj.get("AccountSubType")
    if kind is None and subtype is None:
        raise Fault(6010, "AccountType or AccountSubType is required.", element="AccountType")
    unchanged = before is not None and (before.get("AccountType"), before.get("AccountSubType")) == (kind, subtype)
    fits = subtype is None or (belongs(str(subtype), str(kind)) if kind else subtype in IMPLIED)
    if not unchanged and not fits:
        raise Fault(2170, f"AccountSubType {subtype} does not belong to AccountType {kind}.", element="AccountSubType")
    kind = kind or IMPLIED[str(subtype)]
    if before is not None and before.get("AccountType") != kind and decimal_of(before.get("CurrentBalance")) != 0:
        raise business(f"Account {before['Id']} has a balance; its AccountType cannot change.", element="AccountType")
    obj["AccountType"] = kind
    obj["Classification"], default = TYPES[str(kind)]
    obj["AccountSubType"] = subtype or default


def check_parent_type(company: Company, obj: JsonObject) -> None:
    """6000 when a sub-account is of another type than its parent."""
    parent = ref_value(obj, "ParentRef")
    if parent is not None and company.require("Account", parent).get("AccountType") != obj["AccountType"]:
        raise business(f"A sub-account must have the AccountType of its parent {parent}.", element="ParentRef")


SPREAD = spread_name("Account")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new name spreads; a new parent takes over the balance; an opening balance is posted."""
    SPREAD(company, before, after)
    if before is None and after is not None and after["CurrentBalance"]:
        open_account(company, after)
    if before is not None and after is not None:
        move_branch(company, "Account", "CurrentBalanceWithSubAccounts", before, after)


ACCOUNT = Entity(
    name="Account",
    properties=OWN,
    layout=LAYOUT,
    sequence="Account",
    verbs=NAME_VERBS,
    complete=complete,
    kept=("Active", "CurrencyRef"),
    effect=effect,
)
