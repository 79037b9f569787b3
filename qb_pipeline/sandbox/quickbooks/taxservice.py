"""`POST /taxservice/taxcode`: a tax code with its rates in one call.

Invariant: the answer is bare (not wrapped), and the code's rates exist when it does.
"""

from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, number
from qb_pipeline.sandbox.quickbooks.schema import Choice, Group, Many, Number, Properties, ReadOnly, Text, clean

RATE = Group(
    {
        "TaxRateName": Text(100),
        "TaxRateId": Text(20),
        "RateValue": Number(),
        "TaxAgencyId": Text(20),
        "TaxApplicableOn": Choice(("Sales", "Purchase", "Other")),
    }
)
PROPERTIES: Properties = {"Id": ReadOnly(), "TaxCode": Text(100), "TaxCodeId": Text(20), "TaxRateDetails": Many(RATE)}
CODE_LAYOUT = (
    "Name", "Description", "Active", "Taxable", "TaxGroup", "SalesTaxRateList", "PurchaseTaxRateList", *HEAD,
)  # fmt: skip
RATE_LAYOUT = (
    "Name", "Description", "Active", "RateValue", "AgencyRef", "SpecialTaxType", "DisplayType", *HEAD,
)  # fmt: skip


def create_tax_code(company: Company, body: Any) -> JsonObject:
    """Create the rates that are new, then the code. 2020, 2500, 6240."""
    sent = clean(PROPERTIES, body, "TaxService").values
    if not sent.get("TaxCode"):
        raise missing("TaxCode")
    if not sent.get("TaxRateDetails"):
        raise missing("TaxRateDetails")
    refuse_taken(company, "TaxCode", sent["TaxCode"])
    details = [rate_detail(company, detail) for detail in sent["TaxRateDetails"]]
    lists = {
        kind: [
            {
                "TaxRateRef": {"value": detail["TaxRateId"], "name": detail["TaxRateName"]},
                "TaxTypeApplicable": "TaxOnAmount",
                "TaxOrder": 0,
            }
            for detail in details
            if detail.get("TaxApplicableOn", "Sales") == kind
        ]
        for kind in ("Sales", "Purchase")
    }
    code = {
        "Id": str(company.store.next_number("TaxCode")),
        "Name": sent["TaxCode"],
        "Description": sent["TaxCode"],
        "Active": True,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": lists["Sales"]},
        "PurchaseTaxRateList": {"TaxRateDetail": lists["Purchase"]},
    }
    stored = company.save("TaxCode", code, None, CODE_LAYOUT, "Create")
    return {"TaxCode": stored["Name"], "TaxCodeId": stored["Id"], "TaxRateDetails": details}


def rate_detail(company: Company, detail: JsonObject) -> JsonObject:
    """An existing rate by its id, or a new one. 2020, 2150, 2500, 6240."""
    if "TaxRateId" in detail:
        rate = company.require("TaxRate", detail["TaxRateId"])
        return {**detail, "TaxRateName": rate["Name"], "RateValue": rate.get("RateValue")}
    for key in ("TaxRateName", "RateValue", "TaxAgencyId"):
        if key not in detail:
            raise missing(f"TaxRateDetails.{key}")
    if not 0 <= Decimal(str(detail["RateValue"])) <= 100:
        raise Fault(2150, f"RateValue must lie between 0 and 100. Supplied value:{detail['RateValue']}")
    company.require("TaxAgency", detail["TaxAgencyId"])
    refuse_taken(company, "TaxRate", detail["TaxRateName"])
    rate = {
        "Id": str(company.store.next_number("TaxRate")),
        "Name": detail["TaxRateName"],
        "Description": detail["TaxRateName"],
        "Active": True,
        "RateValue": number(Decimal(str(detail["RateValue"]))),
        "AgencyRef": {"value": detail["TaxAgencyId"]},
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
    }
    company.save("TaxRate", rate, None, RATE_LAYOUT, "Create")
    return {**detail, "TaxApplicableOn": detail.get("TaxApplicableOn", "Sales"), "TaxRateId": rate["Id"]}


def refuse_taken(company: Company, entity: str, name: str) -> None:
    """6240 when the name is in use."""
    holder = company.store.holder_of_name(f"{entity}//{name.casefold()}")
    if holder is not None:
        kind = "tax rate" if entity == "TaxRate" else "tax code"
        raise Fault(
            6240,
            f"The name supplied already exists. : Id={holder[1]}. Another {kind} is already using this name. "
            "Please use a different name.",
        )
