"""CompanyCurrency: the currencies a company keeps beside its own.

Invariant: a currency is a known one, there once, and keeps its code.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.currencies import home_code, is_multicurrency
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Flag, Text

# ISO 4217 code -> the name QBO gives it.
KNOWN = {
    "AED": "United Arab Emirates Dirham", "ANG": "Dutch Guilder", "ARS": "Argentine Peso", "AUD": "Australian Dollar",
    "BGN": "Bulgarian Lev", "BHD": "Bahraini Dinar", "BRL": "Brazilian Real", "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc", "CLP": "Chilean Peso", "CNY": "Chinese Yuan", "COP": "Colombian Peso",
    "CRC": "Costa Rican Colon", "CZK": "Czech Koruna", "DKK": "Danish Krone", "DOP": "Dominican Peso",
    "EGP": "Egyptian Pound", "EUR": "Euro", "GBP": "British Pound Sterling", "GHS": "Ghanaian Cedi",
    "GTQ": "Guatemalan Quetzal", "HKD": "Hong Kong Dollar", "HUF": "Hungarian Forint", "IDR": "Indonesian Rupiah",
    "ILS": "Israeli New Sheqel", "INR": "Indian Rupee", "ISK": "Icelandic Krona", "JMD": "Jamaican Dollar",
    "JOD": "Jordanian Dinar", "JPY": "Japanese Yen", "KES": "Kenyan Shilling", "KRW": "South Korean Won",
    "KWD": "Kuwaiti Dinar", "LKR": "Sri Lankan Rupee", "MAD": "Moroccan Dirham", "MUR": "Mauritian Rupee",
    "MXN": "Mexican Peso", "MYR": "Malaysian Ringgit", "NGN": "Nigerian Naira", "NOK": "Norwegian Krone",
    "NZD": "New Zealand Dollar", "OMR": "Omani Rial", "PAB": "Panamanian Balboa", "PEN": "Peruvian Nuevo Sol",
    "PHP": "Philippine Peso", "PKR": "Pakistani Rupee", "PLN": "Polish Zloty", "QAR": "Qatari Rial",
    "RON": "Romanian Leu", "RSD": "Serbian Dinar", "SAR": "Saudi Riyal", "SEK": "Swedish Krona",
    "SGD": "Singapore Dollar", "THB": "Thai Baht", "TRY": "Turkish Lira", "TTD": "Trinidad and Tobago Dollar",
    "TWD": "Taiwan New Dollar", "TZS": "Tanzanian Shilling", "UAH": "Ukrainian Hryvnia", "UGX": "Ugandan Shilling",
    "USD": "United States Dollar", "UYU": "Uruguayan Peso", "VND": "Vietnamese Dong", "XAF": "Central African Franc",
    "XOF": "West African Franc", "ZAR": "South African Rand", "ZMW": "Zambian Kwacha",
}  # fmt: skip
HELD = "SELECT id FROM objects WHERE c = ? AND entity = 'CompanyCurrency' AND json_extract(body, '$.Code') = ?"
IN_USE = (
    "SELECT entity || ' ' || id FROM objects WHERE c = ? AND entity IN ('Customer', 'Vendor', 'Account') AND active = 1"
    " AND json_extract(body, '$.CurrencyRef.value') = ? LIMIT 1"
)


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and name a currency. 2020, 2220, 5030, 6000, 6240."""
    obj, before = draft.obj, draft.before
    if not is_multicurrency(company):
        raise Fault(5030, "Multicurrency is off; a person has to switch it on first.")
    if before is not None:
        obj["Code"] = before["Code"]
    code = str(obj.get("Code") or "")
    if not code:
        raise missing("Code")
    if code not in KNOWN:
        raise Fault(2220, f"{code} is no currency QuickBooks knows.", element="Code")
    holder = company.store.conn.execute(HELD, (company.store.company, code)).fetchone()
    if before is None and (holder is not None or code == home_code(company)):
        raise Fault(6240, f"The name supplied already exists. : Id={holder[0] if holder else code}", element="Code")
    obj["Name"] = KNOWN[code]
    obj.setdefault("Active", True if before is None else before.get("Active", True))
    refuse_used(company, obj, before)
    return obj


def refuse_used(company: Company, obj: JsonObject, before: JsonObject | None) -> None:
    """6000 when somebody is still kept in a currency that is to be made inactive."""
    if before is None or obj["Active"] is not False or before.get("Active") is False:
        return
    user = company.store.conn.execute(IN_USE, (company.store.company, obj["Code"])).fetchone()
    if user is not None:
        raise business(f"{obj['Code']} is the currency of {user[0]} and cannot be made inactive.", element="Active")


COMPANY_CURRENCY = Entity(
    name="CompanyCurrency",
    properties={**ECHOED, "Code": Text(3), "Name": Text(100), "Active": Flag(), "CustomField": ECHOED["AttachableRef"]},
    layout=("Code", "Name", "Active", *HEAD),
    sequence="CompanyCurrency",
    verbs=frozenset({"create", "update"}),
    complete=complete,
    kept=("Active",),
)
