"""Custom fields of sales forms.

Invariant: every field that is switched on appears on every form, with a value or without; further ones only where the
request asked for all of them (include=enhancedAllCustomFields) or the form has them already.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

CLASSIC = ("1", "2", "3")
ENHANCED = "enhancedallcustomfields"


def complete_custom_fields(company: Company, draft: Draft) -> None:
    """Lay what was sent over the definitions. 3000 for a field the form cannot have."""
    fields = {
        str(number): {"DefinitionId": str(number), "Name": name, "Type": "StringType"}
        for number, name in definitions(company).items()
    }
    known = {*CLASSIC, *(identifier(field) for field in (draft.before or {}).get("CustomField") or [])}
    for field in draft.obj.get("CustomField") or []:
        number = identifier(field)
        if number not in known and not (ENHANCED in company.include and number.isdecimal()):
            raise Fault(
                3000,
                f"There is no custom field {number}: sales forms have 1, 2 and 3, others with include={ENHANCED}.",
                element="CustomField",
            )
        fields[number] = {**fields.get(number, {}), **field, "Type": "StringType"}
    draft.obj["CustomField"] = [fields[number] for number in sorted(fields, key=int)]


def identifier(field: JsonObject) -> str:
    """Which field it is."""
    return str(field.get("DefinitionId"))


def definitions(company: Company) -> dict[int, str]:
    """The sales forms' custom fields that are switched on: number -> label."""
    groups = (company.preferences().get("SalesFormsPrefs") or {}).get("CustomField") or []
    entries = {entry["Name"]: entry for group in groups for entry in group.get("CustomField") or []}
    return {
        n: entries[f"SalesFormsPrefs.SalesCustomName{n}"].get("StringValue", "")
        for n in (1, 2, 3)
        if entries.get(f"SalesFormsPrefs.UseSalesCustom{n}", {}).get("BooleanValue")
        and f"SalesFormsPrefs.SalesCustomName{n}" in entries
    }
