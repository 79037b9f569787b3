"""Vendor.

Invariant: a tax identifier and a bank account are stored masked, as QBO shows them; Balance belongs to the ledger.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, HEAD, NAME_VERBS, PERSON, RO
from qb_pipeline.sandbox.quickbooks.entities.names import apply_activity, require_unique, spread_name
from qb_pipeline.sandbox.quickbooks.entities.opening_balance import open_vendor, opening_of
from qb_pipeline.sandbox.quickbooks.entities.people import number_addresses, settle_display_name
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Group, Number, Property, Ref, Text

OWN: dict[str, Property] = {
    # Writable when the vendor is made: its opening balance.
    "Balance": MONEY,
    "OpenBalanceDate": Day(),
    "CompanyName": Text(100),
    "Notes": Text(4000),
    "BillAddr": ADDRESS,
    "OtherAddr": ADDRESS,
    "AcctNum": Text(100),
    "Vendor1099": Flag(),
    "TaxIdentifier": Text(20),
    "TaxReportingBasis": Choice(("Cash", "Accrual")),
    "T4AEligible": Flag(),
    "T5018Eligible": Flag(),
    "HasTPAR": Flag(),
    "BusinessNumber": Text(10),
    "GSTIN": Text(15),
    "GSTRegistrationType": Text(15),
    "VendorPaymentBankDetail": Group(
        {
            "BankAccountName": Text(80),
            "BankBranchIdentifier": Text(6),
            "BankAccountNumber": Text(18),
            "StatementText": Text(18),
        }
    ),
    "Source": RO,
    "TermRef": Ref("Term", named=False),
    "APAccountRef": Ref("Account"),
    "BillRate": Number(),
    "CostRate": Number(),
}
LAYOUT = (
    "BillAddr", "OtherAddr", "TaxIdentifier", "TermRef", "APAccountRef", "Balance", "BillRate", "CostRate", "AcctNum",
    "Vendor1099", "CurrencyRef", *HEAD, "Title", "GivenName", "MiddleName", "FamilyName", "Suffix", "CompanyName",
    "DisplayName", "PrintOnCheckName", "Active", "PrimaryPhone", "AlternatePhone", "Mobile", "Fax",
    "PrimaryEmailAddr", "WebAddr", "VendorPaymentBankDetail", "T4AEligible", "T5018Eligible",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a vendor."""
    obj, before = draft.obj, draft.before
    settle_display_name(draft)
    check_settled(draft)
    check_payables(company, obj)
    apply_activity(draft, "DisplayName")
    require_unique(company, "Vendor", obj, before)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    number_addresses(company, obj, before)
    obj.setdefault("Vendor1099", False)
    obj.setdefault("PrintOnCheckName", str(obj.get("CompanyName") or obj["DisplayName"])[:110])
    obj["Balance"] = (before or {}).get("Balance", number(opening_of(draft)))
    if before is not None:
        obj.pop("OpenBalanceDate", None)
        obj.update({key: before[key] for key in ("OpenBalanceDate",) if key in before})
    if "TaxIdentifier" in obj:
        obj["TaxIdentifier"] = masked(str(obj["TaxIdentifier"]))
    bank = obj.get("VendorPaymentBankDetail") or {}
    if "BankAccountNumber" in bank:
        obj["VendorPaymentBankDetail"] = {**bank, "BankAccountNumber": masked(str(bank["BankAccountNumber"]))}
    return obj


def check_payables(company: Company, obj: JsonObject) -> None:
    """6430 unless the vendor's account of payables is one."""
    account = ref_value(obj, "APAccountRef")
    kind = "Accounts Payable" if account is None else company.require("Account", account).get("AccountType")
    if kind != "Accounts Payable":
        raise Fault(6430, f"APAccountRef {account} is of type {kind}, not Accounts Payable.", element="APAccountRef")


def masked(identifier: str) -> str:
    """All but the last four characters hidden."""
    return "X" * max(0, len(identifier) - 4) + identifier[-4:]


def check_settled(draft: Draft) -> None:
    """6220 when a vendor with a balance is to be made inactive."""
    before = draft.before
    if before is None or draft.obj.get("Active") is not False or before.get("Active") is False:
        return
    if decimal_of(before.get("Balance")) != 0:
        raise Fault(6220, f"Vendor {before['Id']} has a balance of {before['Balance']}; settle it first.")


SPREAD = spread_name("Vendor")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new name spreads; an opening balance becomes a bill."""
    SPREAD(company, before, after)
    if before is None and after is not None and after["Balance"]:
        open_vendor(company, after)


VENDOR = Entity(
    name="Vendor",
    properties={**PERSON, **OWN},
    layout=LAYOUT,
    sequence="people",
    verbs=NAME_VERBS,
    complete=complete,
    kept=("CurrencyRef", "Active", "TaxIdentifier", "V4IDPseudonym"),
    effect=effect,
)
