"""Automated Sales Tax: which code a sale is taxed by follows from where it is delivered.

Invariant: the code depends on the document's addresses and the company's codes alone, never on what a client asks for.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, loads
from qb_pipeline.sandbox.quickbooks.rows import ref_value

EXEMPT = {"ResaleNum", "TaxExemptionReasonId"}
STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip


def code_by_address(company: Company, obj: JsonObject) -> str | None:
    """The tax code of the place: ship-to, else bill-to, else the company's own; None where no code fits.

    A code fits a place by its name: the city first, then the state in full or in two letters. A customer with a reason
    to be exempt has no code; Taxable tells nothing here, because customers made through the API have it false.
    """
    customer = company.store.get("Customer", ref_value(obj, "CustomerRef") or "") or {}
    if EXEMPT & set(customer):
        return None
    codes = codes_by_name(company)
    home = (company.store.get("CompanyInfo", "1") or {}).get("CompanyAddr") or {}
    places = [obj.get("ShipAddr"), obj.get("BillAddr"), home]
    place = next((place for place in places if place and (place.get("City") or state_of(place))), home)
    return next((codes[name] for name in names_of(place) if name in codes), None)


def state_of(place: JsonObject) -> str:
    """The state as the address writes it."""
    return str(place.get("CountrySubDivisionCode") or "")


def names_of(place: JsonObject) -> list[str]:
    """What a code for the place may be called, the narrowest first, in lower case."""
    state = state_of(place)
    names = [str(place.get("City") or ""), STATES.get(state.upper(), state), state]
    return [name.casefold() for name in names if name]


def codes_by_name(company: Company) -> dict[str, str]:
    """The active codes with sales rates: name in lower case -> id."""
    rows = company.store.conn.execute(
        "SELECT body FROM objects WHERE c = ? AND entity = 'TaxCode' AND active = 1", (company.store.company,)
    )
    found = [loads(body) for (body,) in rows]
    return {
        str(code["Name"]).casefold(): str(code["Id"])
        for code in found
        if (code.get("SalesTaxRateList") or {}).get("TaxRateDetail")
    }
