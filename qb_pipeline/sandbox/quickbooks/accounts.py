"""Which account plays which part in postings.

Invariant: the part is told by AccountSubType, never by name or id, so it holds for any chart of accounts.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

TAX_PAYABLE = ("GlobalTaxPayable", "SalesTaxPayable")


def account_of_subtype(company: Company, subtype: str) -> str | None:
    """The id of the first active account of a subtype; None when there is none."""
    if not company.account_roles:
        rows = company.store.conn.execute(
            "SELECT json_extract(body, '$.AccountSubType'), id FROM objects"
            " WHERE c = ? AND entity = 'Account' AND active = 1 ORDER BY num DESC",
            (company.store.company,),
        )
        company.account_roles.update({str(kind): identifier for kind, identifier in rows})
    return company.account_roles.get(subtype)


def tax_account(company: Company, tax: JsonObject) -> str | None:
    """The liability account of the agency behind a TxnTaxDetail, else any account for sales tax."""
    for line in tax.get("TaxLine") or []:
        rate = company.store.get("TaxRate", str(line.get("TaxLineDetail", {}).get("TaxRateRef", {}).get("value")))
        agency = company.store.get("TaxAgency", str((rate or {}).get("AgencyRef", {}).get("value")))
        name = str((agency or {}).get("DisplayName", "")).casefold()
        holder = company.store.holder_of_name(f"Account//{name} payable")
        if holder is not None:
            return holder[1]
    found = [account_of_subtype(company, kind) for kind in TAX_PAYABLE]
    return next((identifier for identifier in found if identifier), None)
