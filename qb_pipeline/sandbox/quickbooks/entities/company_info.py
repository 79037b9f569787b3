"""CompanyInfo: one object a company, read under the realm's id, updated in place.

Invariant: its Id is always "1"; what Intuit decides (country, languages, subscription) never comes from a client.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, ECHOED, EMAIL, HEAD, PHONE, RO, WEB
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Choice, Property, Text

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
ADDRESSES = ("CompanyAddr", "CustomerCommunicationAddr", "LegalAddr")
MADE_BY_INTUIT = ("CompanyStartDate", "Country", "SupportedLanguages", "DefaultTimeZone", "NameValue")
PROPERTIES: dict[str, Property] = {
    **ECHOED,
    "CompanyName": Text(1024),
    "LegalName": Text(1024),
    **dict.fromkeys(ADDRESSES, ADDRESS),
    "CustomerCommunicationEmailAddr": EMAIL,
    "PrimaryPhone": PHONE,
    "Email": EMAIL,
    "WebAddr": WEB,
    "CompanyURL": Text(1000),
    "EmployerId": Text(30),
    "FiscalYearStartMonth": Choice(MONTHS),
    **dict.fromkeys(MADE_BY_INTUIT, RO),
}
LAYOUT = (
    "CompanyName", "LegalName", "CompanyAddr", "CustomerCommunicationAddr", "LegalAddr",
    "CustomerCommunicationEmailAddr", "PrimaryPhone", "CompanyStartDate", "EmployerId", "FiscalYearStartMonth",
    "Country", "Email", "WebAddr", "SupportedLanguages", "DefaultTimeZone", "NameValue", *HEAD,
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """A company has a name and an address; an address keeps its Id. 2020 when one is missing."""
    obj, before = draft.obj, draft.before or {}
    for key in ("CompanyName", "CompanyAddr"):
        if not obj.get(key):
            raise missing(key)
    for key in ADDRESSES:
        if draft.given(key):
            known = (before.get(key) or {}).get("Id") or str(company.store.next_number("addresses"))
            obj[key] = {**obj[key], "Id": known}
    return obj


COMPANY_INFO = Entity(
    name="CompanyInfo",
    properties=PROPERTIES,
    layout=LAYOUT,
    sequence="CompanyInfo",
    verbs=frozenset({"update"}),
    complete=complete,
    kept=(*MADE_BY_INTUIT, "FiscalYearStartMonth"),
)
