"""Where money that was received lies: undeposited funds, a bank, another current asset.

Invariant: money received never goes to an account that cannot hold it.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name

HOLDERS = ("Bank", "Other Current Asset")


def complete_money_account(company: Company, obj: JsonObject) -> None:
    """DepositToAccountRef: undeposited funds unless a bank or other current asset is named. 6430."""
    identifier = ref_value(obj, "DepositToAccountRef")
    if identifier is None:
        obj["DepositToAccountRef"] = named_account(company, account_for(company, "UndepositedFunds"))
    elif (kind := kind_of_account(company, identifier)) not in HOLDERS:
        raise refuse_kind("Money received", "go to", identifier, kind)


def named_account(company: Company, identifier: str) -> JsonObject:
    """A reference with the account's current name."""
    return {"value": identifier, "name": reference_name("Account", company.require("Account", identifier))}


def kind_of_account(company: Company, identifier: str) -> str:
    """Its AccountType. 2500 when there is no such account."""
    return str(company.require("Account", identifier).get("AccountType"))


def refuse_kind(what: str, verb: str, identifier: str, kind: str) -> Fault:
    """6430 that names the account and its type."""
    return Fault(6430, f"{what} cannot {verb} account {identifier} of type {kind}.", element="DepositToAccountRef")
