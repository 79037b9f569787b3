"""Sales tax of a new company: agencies, rates and the codes that bundle them.

Invariant: every rate names an agency and every code rates that exist; TAX, NON and CustomSalesTax are always there.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

# (Id, DisplayName)
ONE_AGENCY = ((1, "Board of Equalization"),)
# (Id, Name, Description, percent, Id of the agency)
ONE_RATE = ((3, "California", "Sales Tax", Decimal(8), 1),)
# (Id, Name, Ids of the rates)
ONE_CODE = ((2, "California", (3,)),)

# The sample company sells in two states; one of its codes adds a state's and a county's rate.
AGENCIES = ((1, "Nevada Department of Taxation"), (2, "Board of Equalization"))
RATES = (
    (1, "NV State tax", "Sales Tax", Decimal("4.6"), 1),
    (2, "Washoe County", "Sales Tax", Decimal("3.665"), 1),
    (3, "California", "Sales Tax", Decimal(8), 2),
)
CODES = ((2, "California", (3,)), (3, "Reno", (1, 2)))
PSEUDO_CODES = (("TAX", True, False), ("NON", False, False), ("CustomSalesTax", True, True))


def agency(number: int, name: str) -> JsonObject:
    """A TaxAgency."""
    tracked = {"TaxTrackedOnPurchases": False, "TaxTrackedOnSales": True}
    return {"Id": str(number), **tracked, "DisplayName": name}


def rate(number: int, name: str, description: str, percent: Decimal, agency_id: int) -> JsonObject:
    """A TaxRate."""
    return {
        "Id": str(number),
        "Name": name,
        "Description": description,
        "Active": True,
        "RateValue": percent,
        "AgencyRef": {"value": str(agency_id)},
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
    }


def code(number: int, name: str, listed: list[JsonObject]) -> JsonObject:
    """A TaxCode over the rates `listed`."""
    details = [
        {
            "TaxRateRef": {"value": entry["Id"], "name": entry["Name"]},
            "TaxTypeApplicable": "TaxOnAmount",
            "TaxOrder": 0,
        }
        for entry in listed
    ]
    return {
        "Id": str(number),
        "Name": name,
        "Description": name,
        "Active": True,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": details},
        "PurchaseTaxRateList": {"TaxRateDetail": []},
    }


def pseudo_code(name: str, taxable: bool, group: bool, stamp: str) -> JsonObject:
    """TAX, NON or CustomSalesTax, which have neither token nor Active."""
    meta = {"CreateTime": stamp, "LastUpdatedTime": stamp}
    return {"Name": name, "Description": name, "Taxable": taxable, "TaxGroup": group, "Id": name, "MetaData": meta}
