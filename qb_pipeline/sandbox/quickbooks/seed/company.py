"""What every company holds: chart of accounts, terms, payment methods, sales tax, Preferences, CompanyInfo.

Invariant: every company has Preferences, CompanyInfo and the pseudo tax codes, whatever it was made from.
"""

from collections.abc import Sequence
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.company_currency import HELD, KNOWN
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES, sequence_of
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed import tax
from qb_pipeline.sandbox.quickbooks.seed.chart import FRESH, Seeded, accounts
from qb_pipeline.sandbox.quickbooks.seed.currencies import currencies_found
from qb_pipeline.sandbox.quickbooks.seed.preferences import preferences
from qb_pipeline.sandbox.quickbooks.taxservice import CODE_LAYOUT, RATE_LAYOUT
from qb_pipeline.sandbox.quickbooks.times import today

COMPANY_NAME = "Sandbox Company"
TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 60", 60), ("Net 10", 10))
METHODS = (
    ("Cash", "NON_CREDIT_CARD"),
    ("Check", "NON_CREDIT_CARD"),
    ("Visa", "CREDIT_CARD"),
    ("MasterCard", "CREDIT_CARD"),
    ("Discover", "CREDIT_CARD"),
    ("ACH", "NON_CREDIT_CARD"),
)


def complete_company(company: Company, name: str = COMPANY_NAME, *, currencies: bool = False) -> None:
    """Add Preferences, CompanyInfo and the pseudo tax codes where they are missing."""
    if company.store.get("Preferences", "1") is None:
        found = currencies_found(company)
        chosen = preferences(company, name, currencies=currencies or found.several, home=found.home)
        put(company, "Preferences", {"Id": "1", **chosen}, ENTITIES["Preferences"].layout)
        put_currencies(company, found.others)
    if company.store.get("CompanyInfo", "1") is None:
        put(company, "CompanyInfo", {"Id": "1", **company_info(company, name)}, ())
    for pseudo, taxable, group in tax.PSEUDO_CODES:
        if company.store.get("TaxCode", pseudo) is None:
            company.store.put("TaxCode", tax.pseudo_code(pseudo, taxable, group, company.stamp))


def put_currencies(company: Company, codes: Sequence[str]) -> None:
    """The currencies beside the home one that were not loaded themselves."""
    for code in codes:
        if company.store.conn.execute(HELD, (company.store.company, code)).fetchone() is None:
            number = str(company.store.next_number("CompanyCurrency"))
            currency = {"Id": number, "Code": code, "Name": KNOWN.get(code, code), "Active": True}
            put(company, "CompanyCurrency", currency, ENTITIES["CompanyCurrency"].layout)


def put(company: Company, entity: str, obj: JsonObject, layout: tuple[str, ...]) -> JsonObject:
    """Store an object of version 0 with a given id, without an event."""
    meta = {"CreateTime": company.stamp, "LastUpdatedTime": company.stamp}
    head: JsonObject = {"domain": "QBO", "sparse": False, "SyncToken": "0", "MetaData": meta}
    stored = arranged({**obj, **head}, layout)
    company.store.put(entity, stored)
    if str(obj["Id"]).isdecimal():
        company.store.raise_sequence(sequence_of(entity), int(obj["Id"]))
    return stored


def fresh_company(company: Company) -> None:
    """Chart of accounts, terms, payment methods, one tax code; nothing else."""
    put_lists(company, FRESH)
    put_tax(company, tax.ONE_AGENCY, tax.ONE_RATE, tax.ONE_CODE)
    complete_company(company)


def put_lists(company: Company, chart: tuple[Seeded, ...]) -> None:
    """Accounts, terms and payment methods."""
    for obj in accounts(chart):
        put(company, "Account", obj, ENTITIES["Account"].layout)
    for number, (name, days) in enumerate(TERMS, 1):
        term = {"Id": str(number), "Name": name, "Active": True, "Type": "STANDARD", "DueDays": days, "DiscountDays": 0}
        put(company, "Term", term, ENTITIES["Term"].layout)
    for number, (name, kind) in enumerate(METHODS, 1):
        method = {"Id": str(number), "Name": name, "Active": True, "Type": kind}
        put(company, "PaymentMethod", method, ENTITIES["PaymentMethod"].layout)


def put_tax(
    company: Company,
    agencies: Sequence[tuple[int, str]],
    rates: Sequence[tuple[int, str, str, Decimal, int]],
    codes: Sequence[tuple[int, str, tuple[int, ...]]],
) -> None:
    """Agencies, their rates, and the codes that bundle rates; see seed/tax.py for the shapes."""
    for entry in agencies:
        put(company, "TaxAgency", tax.agency(*entry), ())
    listed = {entry[0]: put(company, "TaxRate", tax.rate(*entry), RATE_LAYOUT) for entry in rates}
    for number, name, bundled in codes:
        put(company, "TaxCode", tax.code(number, name, [listed[rate] for rate in bundled]), CODE_LAYOUT)


def company_info(company: Company, name: str) -> JsonObject:
    """Who the company is."""
    address = {
        "Id": "1",
        "Line1": "1 Quarry Road",
        "City": "Sacramento",
        "Country": "USA",
        "CountrySubDivisionCode": "CA",
        "PostalCode": "95814",
    }
    features = {
        "NeoEnabled": "true",
        "IndustryType": "Construction",
        "SubscriptionStatus": "PAID",
        "OfferingSku": "QuickBooks Online Plus",
        "PayrollFeature": "false",
        "AccountantFeature": "false",
        "ItemCategoriesFeature": "true",
    }
    return {
        "CompanyName": name,
        "LegalName": name,
        "CompanyAddr": address,
        "CustomerCommunicationAddr": address,
        "LegalAddr": address,
        "CompanyStartDate": today(company.now).isoformat(),
        "FiscalYearStartMonth": "January",
        "Country": "US",
        "SupportedLanguages": "en",
        "DefaultTimeZone": "America/Los_Angeles",
        "NameValue": [{"Name": key, "Value": value} for key, value in features.items()],
    }
